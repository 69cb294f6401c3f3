/// <reference lib="dom" />
/** A robot behind the signaling service, and the page at `/<id>` that drives it. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { RTCConnection } from "../../lib/connection/rtc_connection.ts";
import { SignalingClient } from "../../lib/signaling/signaling_client.ts";
import { Websocket } from "../../lib/signaling/websocket.ts";
import { SimulatedRobot } from "../../lib/testing/simulated_robot.ts";
import { SECRET, serve, until } from "../signaling/kit.ts";
import { chromium } from "./harness.ts";

declare const robot: { readonly state: string; readonly frames: number };

const browser = chromium();
const SERVICE = { iceServers: () => [], limits: { requestBurst: 1000 } };

/** The page goes on trying when the service is closed, which may be before the page is. */
const AT_THE_END = /ERR_CONNECTION|status of 503/;

/** A robot that drives and is seen. */
function rover() {
  const simulated = new SimulatedRobot({ width: 320, height: 240, fps: 15 });
  const conns: RTCConnection[] = [];
  function welcome(offer: unknown, iceServers: readonly unknown[] | null) {
    const conn = new RTCConnection({ rtcConfiguration: { iceServers: (iceServers ?? []) as [] } });
    conns.push(conn);
    conn.video.putSubscription(simulated.camera);
    conn.control.subscribe(simulated.drive);
    conn.onReady(() => void conn.put_nowait({ pose: simulated.pose }));
    return conn.getLocalDescription(offer);
  }
  return {
    simulated,
    conns,
    welcome,
    async close() {
      await Promise.all(conns.map((conn) => conn.close()));
      await simulated.close();
    },
  };
}

const title = (page: Page) => page.locator("#card-title").innerText();

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

browser.test("the page at /<id> waits for the robot, shows its video, drives it, and waits again", async (kit) => {
  kit.expectError(/status of 404/);
  kit.expectError(AT_THE_END);
  const served = await serve(SERVICE);
  const made = rover();
  try {
    const page = await kit.open(`${served.url}/rover`, PHONE);
    await page.waitForFunction(() =>
      document.querySelector("#card-title")?.textContent === "No robot here yet"
    );
    assert.equal(await page.locator("#card-text").innerText(), "This page connects when it comes.");
    assert.equal(await page.title(), "rover");
    await snapshot(page, "waiting");

    const client = new SignalingClient(`${served.url}/rover`, {
      secret: SECRET,
      onOffer: (offer, { iceServers }) => made.welcome(offer, iceServers),
    });
    await client.onReady();
    await page.waitForFunction(() => robot.state === "open" && robot.frames > 5);
    await snapshot(page, "driving");
    const { x } = made.simulated.pose;
    await page.keyboard.down("w");
    await until(() => made.simulated.pose.x > x + 0.05);
    await page.keyboard.up("w");

    // A second viewer of the same robot, while the first stays.
    const other = await kit.open(`${served.url}/rover`, PHONE);
    await other.waitForFunction(() => robot.state === "open" && robot.frames > 5);
    assert.equal(await page.evaluate(() => robot.state), "open");

    await client.close();
    await Promise.all(made.conns.map((conn) => conn.close()));
    await page.waitForFunction(() =>
      document.querySelector("#card-title")?.textContent === "No robot here yet"
    );
  } finally {
    await made.close();
    await served.close();
  }
});

browser.test("the page at /<id> opens the video of RTCBot's robot", async (kit) => {
  kit.expectError(AT_THE_END);
  const served = await serve(SERVICE);
  const made = rover();
  try {
    // Word for word what the tutorial's robot does in Python.
    const ws = new Websocket(`${served.url}/python`);
    const answered = (async () => {
      const remoteDescription = await ws.get();
      const robotDescription = await made.welcome(remoteDescription, []);
      ws.put_nowait(robotDescription);
      await ws.close();
    })();
    await ws.onReady();
    const page = await kit.open(`${served.url}/python`, PHONE);
    await page.waitForFunction(() => robot.state === "open" && robot.frames > 5);
    await answered;
  } finally {
    await made.close();
    await served.close();
  }
});

browser.test("the page at /<id> asks for the token, or finds it behind the # of its address", async (kit) => {
  kit.expectError(/status of 401/);
  kit.expectError(AT_THE_END);
  const served = await serve(SERVICE);
  const made = rover();
  const client = new SignalingClient(`${served.url}/rover`, {
    secret: SECRET,
    viewerToken: "sesame open",
    onOffer: (offer, { iceServers }) => made.welcome(offer, iceServers),
  });
  try {
    await client.onReady();
    const page = await kit.open(`${served.url}/rover`, PHONE);
    await page.waitForSelector("#token-form:not([hidden])");
    assert.equal(await title(page), "This robot is locked");
    await snapshot(page, "locked");
    await page.locator("#token").fill("sesame open");
    await page.locator("#token-form button").click();
    await page.waitForFunction(() => robot.state === "open" && robot.frames > 0);

    const link = await kit.open(`${served.url}/rover#token=sesame%20open`, PHONE);
    await link.waitForFunction(() => robot.state === "open" && robot.frames > 0);
  } finally {
    await client.close();
    await made.close();
    await served.close();
  }
});

/** For a look at it: SNAPSHOTS names a folder. */
async function snapshot(page: Page, name: string): Promise<void> {
  const folder = Deno.env.get("SNAPSHOTS");
  if (!folder) return;
  await page.waitForTimeout(800); // it fades in
  await page.screenshot({ path: `${folder}/${name}.png` });
}
