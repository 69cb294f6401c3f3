/// <reference lib="dom" />
/** A page whose connection was lost comes back by itself, and shows it meanwhile. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import type { RTCConnection, StayConnected } from "../../lib/browser/index.ts";
import { type FakeRobotState, startFakeRobot } from "./fake_robot.ts";
import { chromium, type Route } from "./harness.ts";

declare const fake: FakeRobotState;
declare const robot: {
  readonly conn: RTCConnection;
  readonly state: string;
  readonly frames: number;
};
declare const rtcbot: typeof import("../../lib/browser/index.ts");
declare let link: StayConnected;
declare let before: RTCConnection;

const browser = chromium();

/** Serialised into the robot's page. */
function paint(): MediaStream {
  const canvas = document.createElement("canvas");
  canvas.width = 640;
  canvas.height = 480;
  const context = canvas.getContext("2d")!;
  let n = 0;
  setInterval(() => {
    const sky = context.createLinearGradient(0, 0, 640, 480);
    sky.addColorStop(0, `hsl(${n++ % 360} 80% 60%)`);
    sky.addColorStop(1, "#124");
    context.fillStyle = sky;
    context.fillRect(0, 0, 640, 480);
  }, 33);
  return canvas.captureStream(30);
}

/** The route, and what was posted to it. */
function noted(route: Route | undefined): { route: Route; offers: { viewer?: string }[] } {
  const offers: { viewer?: string }[] = [];
  const handler = route as (request: Request) => Promise<Response>;
  return {
    offers,
    route: async (request) => {
      offers.push(await request.clone().json());
      return await handler(request);
    },
  };
}

const text = (page: Page, id: string) => page.locator(`#${id}`).innerText();

browser.test("a page that has lost its robot dims the last picture, drives nothing and comes back", async (kit) => {
  kit.expectError(/ERR_ABORTED/);
  const { site, page: robotSide } = await startFakeRobot(kit, paint);
  const { route, offers } = noted(site.routes["/connect"]);
  site.routes["/connect"] = route;
  const page = await kit.open(site.origin);
  await page.waitForFunction(() => robot.state === "open" && robot.frames > 5);
  await page.keyboard.down("w");
  await robotSide.waitForFunction(() => fake.commands.length > 3);

  // The robot is cut off: whoever asks it waits for ever.
  let hanging = 0;
  site.routes["/connect"] = () => {
    hanging++;
    return new Promise<Response>((resolve) => setTimeout(resolve, 12_000, new Response()));
  };
  await robotSide.evaluate(() => {
    fake.conn!.close();
    fake.commands = [];
  });
  await page.waitForFunction(() =>
    document.querySelector("#card-title")?.textContent === "Reconnecting…"
  );
  assert.equal(await text(page, "status"), "Reconnecting…");
  const last = await page.evaluate(() => {
    const canvas = document.querySelector<HTMLCanvasElement>("#last")!;
    const { visibility, filter } = getComputedStyle(canvas);
    const { data } = canvas.getContext("2d")!.getImageData(20, 20, 1, 1);
    return {
      visibility,
      filter,
      size: [canvas.width, canvas.height],
      brightest: Math.max(...data.slice(0, 3)),
    };
  });
  assert.deepEqual([last.visibility, last.size], ["visible", [640, 480]]);
  assert.match(last.filter, /grayscale\(1\) brightness\(0\.38\)/);
  assert.ok(last.brightest > 128, "the last picture is there, not a black one");
  await snapshot(page, "reconnecting");

  // It gives the first attempt up and makes another one, which the robot answers.
  while (hanging < 1) await page.waitForTimeout(50);
  site.routes["/connect"] = route;
  await page.waitForFunction(
    (frames) => robot.state === "open" && robot.frames > frames + 5,
    await page
      .evaluate(() => robot.frames),
  );
  await page.waitForFunction(() => document.querySelector("#status")?.textContent === "Connected");
  assert.equal(await page.locator("#last").isVisible(), false);
  await robotSide.waitForFunction(() => fake.commands.length > 3); // the key was held all the time
  await page.keyboard.up("w");
  assert.match(offers[0]!.viewer!, /^[0-9a-f]{32}$/);
  assert.deepEqual(offers.map(({ viewer }) => viewer), offers.map(() => offers[0]!.viewer));
});

browser.test("a page that comes back again and again leaves nothing behind", async (kit) => {
  const { site, page: robotSide } = await startFakeRobot(kit, paint);
  const page = await kit.open(site.origin);
  for (let round = 0; round < 3; round++) {
    await page.waitForFunction(() => robot.state === "open" && robot.frames > 3);
    await page.evaluate(() => Object.assign(globalThis, { before: robot.conn }));
    await robotSide.evaluate(() => fake.conn!.close());
    await page.waitForFunction(() => robot.conn !== before && robot.state === "open");
    const left = await page.evaluate(() => ({
      state: before._rtc.connectionState,
      live: before._rtc.getReceivers().filter(({ track }) => track.readyState === "live").length,
    }));
    assert.deepEqual(left, { state: "closed", live: 0 });
  }
});

browser.test("stayConnected() tells each state, tries at once when the network is back, and ends", async (kit) => {
  kit.expectError(/status of 503/);
  const { site, page: robotSide } = await startFakeRobot(kit, paint);
  const { route, offers } = noted(site.routes["/connect"]);
  site.routes["/own"] = `<link rel="icon" href="data:,"><script src="/rtcbot.js"></script>`;
  let refusals = 0;
  site.routes["/connect"] = () => {
    refusals++;
    return new Response("The robot sleeps.", { status: 503 });
  };
  const page = await kit.open(`${site.origin}/own`);
  await page.evaluate(() => {
    const states: string[] = [];
    link = rtcbot.stayConnected({
      rtcConfiguration: { iceServers: [] },
      onConnection: () => {},
      onState: (state) => states.push(state),
    });
    Object.assign(globalThis, { states });
  });
  while (refusals < 4) await page.waitForTimeout(50);
  await page.waitForFunction(() => link.state === "waiting");
  const problem = await page.evaluate(() => [link.problem?.message, link.conn === null]);
  assert.deepEqual(problem, ["The robot sleeps.", true]);

  site.routes["/connect"] = route;
  await page.evaluate(() => dispatchEvent(new Event("online")));
  assert.equal(await page.evaluate(() => link.state), "connecting");
  await page.waitForFunction(() => link.conn?.state === "open" && link.problem === null);

  await page.evaluate(() => {
    link.close();
    link.close();
    dispatchEvent(new Event("online"));
  });
  await robotSide.waitForFunction(() => fake.conn!.closed);
  assert.deepEqual(await page.evaluate(() => [link.state, link.conn]), ["closed", null]);
  assert.equal(offers.length, 1);
  const states = await page.evaluate(() => (globalThis as unknown as { states: string[] }).states);
  assert.deepEqual(states.slice(-3), ["connecting", "open", "closed"]);
  assert.deepEqual(new Set(states.slice(0, -3)), new Set(["connecting", "waiting"]));
});

/** For a look at it: SNAPSHOTS names a folder. */
async function snapshot(page: Page, name: string): Promise<void> {
  const folder = Deno.env.get("SNAPSHOTS");
  if (!folder) return;
  await page.waitForTimeout(800);
  for (const [width, height] of [[1280, 800], [390, 844], [844, 390]] as const) {
    await page.setViewportSize({ width, height });
    await page.waitForTimeout(300);
    await page.screenshot({ path: `${folder}/${name}_${width}.png` });
  }
}
