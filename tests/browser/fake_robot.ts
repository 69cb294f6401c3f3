/// <reference lib="dom" />
/**
 * A robot that is another page: it answers `/connect` with the page library, shows a painted picture
 * and notes what it is told. So the driver's page can be tested without the robot's side.
 */

import type { Page } from "playwright-core";
import { robotPage } from "../../lib/browser/robot_page.ts";
import type { Description, RTCConnection } from "../../lib/browser/index.ts";
import type { Kit, Site } from "./harness.ts";
import { type LoopbackHelpers, loopbackRoutes } from "./loopback_page.ts";

declare const makeConnection: LoopbackHelpers["makeConnection"];

/** What the robot's page holds. */
export interface FakeRobotState {
  conn: RTCConnection | null;
  commands: unknown[];
  stream: MediaStream | null;
}

/** The driver's site, at `/`, and the robot's own page. */
export interface FakeRobot {
  readonly site: Site;
  readonly page: Page;
}

/** Starts the robot; `paint` is called in its page to make the picture. */
export async function startFakeRobot(kit: Kit, paint: () => MediaStream): Promise<FakeRobot> {
  const robotSite = kit.serve(loopbackRoutes());
  const page = await kit.open(robotSite.origin);
  await page.evaluate((paint) => {
    const stream = new Function(`return (${paint})()`)() as MediaStream;
    Object.assign(globalThis, { fake: { conn: null, commands: [], stream } });
  }, String(paint));
  const site = kit.serve({
    "/": robotPage({ title: "Test robot", rtcConfiguration: { iceServers: [] } }),
    "/rtcbot.js": robotSite.routes["/rtcbot.js"] ?? "",
    "/connect": async (request) => Response.json(await answer(page, await request.json())),
  });
  return { site, page };
}

function answer(page: Page, offer: Description): Promise<Description> {
  return page.evaluate(async (offer) => {
    const { fake } = globalThis as unknown as { fake: FakeRobotState };
    const conn = makeConnection();
    fake.conn = conn;
    conn.control.subscribe((command) => fake.commands.push(command));
    await conn.video.putSubscription(fake.stream);
    conn.onReady(() => conn.put_nowait({ pose: { x: 1.234, y: -0.5, headingDeg: 90 }, other: 1 }));
    return await conn.getLocalDescription(offer);
  }, offer);
}
