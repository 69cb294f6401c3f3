/// <reference lib="dom" />
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { robotPage } from "../../lib/browser/robot_page.ts";
import type { Drive, RTCConnection } from "../../lib/browser/index.ts";
import { type FakeRobotState, startFakeRobot } from "./fake_robot.ts";
import { chromium } from "./harness.ts";

declare const fake: FakeRobotState;
declare const robot: {
  readonly conn: RTCConnection | null;
  readonly drive: Drive;
  readonly state: string;
  readonly frames: number;
  readonly fps: number;
};

const browser = chromium();

/** Serialised into the robot's page. */
function paint(): MediaStream {
  const canvas = document.createElement("canvas");
  canvas.width = 320;
  canvas.height = 240;
  const context = canvas.getContext("2d");
  let n = 0;
  const draw = () => {
    if (!context) return;
    context.fillStyle = `hsl(${(n++ * 7) % 360} 80% 50%)`;
    context.fillRect(0, 0, 320, 240);
  };
  draw();
  setInterval(draw, 33);
  return canvas.captureStream(30);
}

const shown = (page: Page, id: string) => page.locator(`#${id}`).innerText();

browser.test("the robot's page shows the picture, the state and the pose", async (kit) => {
  const { site } = await startFakeRobot(kit, paint);
  const page = await kit.open(site.origin);
  await page.waitForFunction(() => robot.state === "open" && robot.frames > 5);
  await page.waitForFunction(() => document.querySelector("#status")?.textContent === "Connected");
  await page.waitForFunction(() => /^\d/.test(document.querySelector("#rtt")?.textContent ?? ""));
  await page.waitForFunction(() => Number(document.querySelector("#fps")?.textContent) > 0);
  await page.waitForSelector("#pose:not([hidden])");
  assert.equal(await shown(page, "pose-x"), "1.23 m");
  assert.equal(await shown(page, "pose-y"), "−0.50 m");
  assert.equal(await shown(page, "pose-heading"), "90°");
  assert.equal(await page.locator("#card-title").isVisible(), false);
  assert.equal(await page.title(), "Test robot");
});

browser.test("the robot's page drives while W is held, and stops when it is let go", async (kit) => {
  const { site, page: robotSide } = await startFakeRobot(kit, paint);
  const page = await kit.open(site.origin);
  await page.waitForFunction(() => robot.state === "open" && robot.conn?.control.ready);
  await page.keyboard.down("w");
  await robotSide.waitForFunction(() => fake.commands.length >= 5);
  assert.ok(
    await page.locator('[data-keys^="KeyW"]').evaluate((cap) => cap.hasAttribute("data-held")),
  );
  await page.keyboard.up("w");
  await robotSide.waitForFunction(() =>
    JSON.stringify(fake.commands.at(-1)) === '{"forward":0,"leftright":0}'
  );
  const commands = await robotSide.evaluate(() => fake.commands);
  assert.deepEqual(commands[0], { forward: 1, leftright: 0 });
});

browser.test("the robot's page says why it is refused, and connects when it may", async (kit) => {
  kit.expectError(/status of (409|500|200)/);
  const { site } = await startFakeRobot(kit, paint);
  const { ["/connect"]: connect = "" } = site.routes;
  const sentence = "Cannot connect: somebody else is driving <this> robot; try again later";
  site.routes["/connect"] = new Response(sentence, { status: 409 });
  const page = await kit.open(site.origin);
  await page.waitForFunction(() => document.querySelector("#card-text")?.textContent !== "");
  assert.equal(await shown(page, "card-text"), sentence);
  assert.equal(await shown(page, "status"), "Not connected");

  const html = { "content-type": "text/html" };
  site.routes["/connect"] = new Response("<h1>Oops", { status: 500, headers: html });
  await page.waitForFunction(() =>
    document.querySelector("#card-text")?.textContent?.includes("500")
  );
  assert.equal(await shown(page, "card-text"), "The robot refused the connection (HTTP 500).");

  site.routes["/connect"] = new Response("surprise");
  await page.waitForFunction(() =>
    document.querySelector("#card-text")?.textContent?.includes("answer")
  );
  assert.equal(
    await shown(page, "card-text"),
    "The robot's answer is not a description of a connection.",
  );

  site.routes["/connect"] = connect;
  await page.locator("#retry").click();
  await page.waitForFunction(() => robot.state === "open" && robot.frames > 5);
});

browser.test("the robot's page connects anew when the robot has closed the connection", async (kit) => {
  const { site, page: robotSide } = await startFakeRobot(kit, paint);
  const page = await kit.open(site.origin);
  await page.waitForFunction(() => robot.state === "open");
  for (let round = 0; round < 2; round++) {
    await page.evaluate(() => Object.assign(globalThis, { before: robot.conn }));
    await robotSide.evaluate(() => fake.conn?.close());
    await page.waitForFunction(() =>
      robot.state === "open" && robot.conn !== (globalThis as unknown as { before: unknown }).before
    );
  }
  const frames = await page.evaluate(() => robot.frames);
  await page.waitForFunction((frames) => robot.frames > frames + 5, frames);
});

browser.test("the robot's page closes when it is left, and connects anew when it is gone back to", async (kit) => {
  const { site, page: robotSide } = await startFakeRobot(kit, paint);
  const page = await kit.open(site.origin);
  await page.waitForFunction(() => robot.state === "open");
  const state = await page.evaluate(() => {
    dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true }));
    return robot.state;
  });
  assert.equal(state, "closed");
  await robotSide.waitForFunction(() => fake.conn?.closed);
  await page.evaluate(() =>
    dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }))
  );
  await page.waitForFunction(() => robot.state === "open");
});

browser.test("the robot's page loads itself again when its library was not there", async (kit) => {
  kit.expectError(/status of 404/);
  const { site } = await startFakeRobot(kit, paint);
  const { ["/rtcbot.js"]: library = "" } = site.routes;
  delete site.routes["/rtcbot.js"];
  const page = await kit.open(site.origin);
  assert.equal(await shown(page, "card-title"), "The page is incomplete");
  site.routes["/rtcbot.js"] = library;
  await page.waitForFunction(() => "robot" in globalThis && robot.state === "open");
});

browser.test("the robot's page fits a phone held upright and across, and a desktop", async (kit) => {
  const { site } = await startFakeRobot(kit, paint);
  const page = await kit.open(site.origin);
  await page.waitForFunction(() => robot.state === "open" && robot.frames > 0);
  for (const [width, height] of [[390, 844], [844, 390], [1280, 800], [320, 568]] as const) {
    await page.setViewportSize({ width, height });
    const boxes = await page.evaluate(() => {
      const box = (selector: string) => document.querySelector(selector)?.getBoundingClientRect();
      return {
        stick: box("#stick"),
        header: box("header"),
        view: box("#view"),
        scrolls: document.documentElement.scrollWidth > innerWidth,
      };
    });
    const { stick, header, view } = boxes;
    assert.ok(stick && header && view);
    assert.ok(stick.left >= 0 && stick.right <= width, `stick across at ${width}x${height}`);
    assert.ok(stick.top > header.bottom && stick.bottom <= height, `stick at ${width}x${height}`);
    assert.ok(stick.width >= 130, `stick is ${stick.width} wide at ${width}x${height}`);
    assert.ok(view.width * view.height > 0.25 * width * height);
    assert.equal(boxes.scrolls, false);
  }
});

Deno.test("robotPage() lets no title or path break out of its place", () => {
  const html = robotPage({
    title: `<b>"Rover" & 'co'</b>`,
    connectPath: "</script><script>alert(1)",
    libraryPath: '"><img>',
  });
  assert.ok(
    html.includes("<title>&#60;b&#62;&#34;Rover&#34; &#38; &#39;co&#39;&#60;/b&#62;</title>"),
  );
  assert.ok(!html.includes("</script><script>alert(1)"));
  assert.ok(!html.includes("<img>"));
});

Deno.test("robotPage() loads nothing from elsewhere", () => {
  const html = robotPage();
  // The name space of SVG is no address that is fetched.
  const addresses = html.replaceAll("http%3A%2F%2Fwww.w3.org%2F2000%2Fsvg", "").match(
    /https?:\/\/[^\s"']+/g,
  );
  assert.deepEqual((addresses ?? []).filter((url) => !url.includes("www.w3.org")), []);
});
