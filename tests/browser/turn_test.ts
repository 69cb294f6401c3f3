/// <reference lib="dom" />
/** A robot and a page that have only a relay between them, and what both tell of their way. */
import assert from "node:assert/strict";
import { Hono } from "@hono/hono";
import { connectRoute, RTCConnection } from "../../mod.ts";
import type { RTCConnection as PageConnection } from "../../lib/browser/index.ts";
import { robotPage } from "../../lib/browser/robot_page.ts";
import { type Coturn, NO_COTURN, startCoturn, WHO } from "../connection/coturn.ts";
import { LOCAL } from "../connection/pair.ts";
import { chromium, type Kit } from "./harness.ts";
import { type LoopbackHelpers, loopbackRoutes } from "./loopback_page.ts";

declare const rtcbot: { RTCConnection: typeof PageConnection };
declare const collect: LoopbackHelpers["collect"];

const browser = chromium();

function test(name: string, run: (kit: Kit, coturn: Coturn) => Promise<void>): void {
  if (NO_COTURN) {
    return Deno.test({ name: name + NO_COTURN, ignore: true, fn: () => {} });
  }
  browser.test(name, async (kit) => {
    await using coturn = await startCoturn();
    await run(kit, coturn);
  });
}

function serveEcho(kit: Kit, robots: RTCConnection[], options = LOCAL): string {
  const app = new Hono();
  app.post(
    "/connect",
    connectRoute(() => {
      const conn = new RTCConnection(options);
      conn.subscribe((message) => conn.put_nowait(message));
      robots.push(conn);
      return conn;
    }),
  );
  const connect = async (request: Request) => await app.fetch(request);
  return kit.serve({
    ...loopbackRoutes(),
    "/connect": connect,
    "/robot": robotPage(),
  }).origin;
}

/** In the page. */
async function visit(configuration: RTCConfiguration) {
  const conn = new rtcbot.RTCConnection(true, configuration);
  const heard = collect(conn);
  const body = JSON.stringify(await conn.getLocalDescription());
  const reply = await fetch("/connect", { method: "POST", body });
  await conn.setRemoteDescription(await reply.json());
  await conn.onReady();
  conn.put_nowait("x".repeat(100_000));
  const [echo] = await heard.until(1);
  const route = await conn.describeRoute();
  conn.close();
  return { echoed: String(echo).length, route, atEnd: await conn.describeRoute() };
}

for (const transport of ["udp", "tcp"] as const) {
  test(
    `a page and a robot meet over relays alone, reached over ${transport}`,
    async (kit, coturn) => {
      const server = { urls: `turn:127.0.0.1:${coturn.port}?transport=${transport}`, ...WHO };
      const rtcConfiguration = { iceServers: [server], iceTransportPolicy: "relay" as const };
      const robots: RTCConnection[] = [];
      const page = await kit.open(serveEcho(kit, robots, { rtcConfiguration }));
      const { echoed, route, atEnd } = await page.evaluate(visit, rtcConfiguration);
      assert.equal(echoed, 100_000);
      assert.equal(route.kind, "relayed");
      assert.equal(route.path!.local.type, "relay");
      assert.equal(route.path!.local.relayProtocol, transport);
      assert.ok(["relay", "prflx"].includes(route.path!.remote.type));
      assert.equal(route.servers[0]!.outcome, "answered");
      assert.match(route.sentences[0]!, /^Connected through our relay/);
      assert.equal(atEnd.kind, "relayed");
      const [robot] = robots;
      const ours = await robot!.describeRoute();
      assert.equal(ours.kind, "relayed");
      assert.equal(ours.path!.local.type, "relay");
      await robot!.close();
      // Both ends' relays are given back, ours at once.
      await coturn.said(/username=<robot>, lifetime=0/);
    },
  );
}

test(
  "the page tells of servers that are of no use, and is connected without them",
  async (kit, coturn) => {
    kit.expectError(/./); // Chromium may log the servers' refusals
    const robots: RTCConnection[] = [];
    const page = await kit.open(serveEcho(kit, robots));
    const { route } = await page.evaluate(visit, {
      iceServers: [
        { urls: `turn:127.0.0.1:${coturn.port}`, username: "robot", credential: "wrong" },
        { urls: "turn:127.0.0.1:1?transport=tcp", ...WHO },
      ],
    });
    assert.equal(route.kind, "direct");
    assert.match(
      route.servers[0]!.problem!,
      /^it does not accept the user name and credential \(401/,
    );
    assert.notEqual(route.servers[1]!.outcome, "answered");
    for (const robot of robots) await robot.close();
  },
);

browser.test("the robot's page tells which way it is connected, and more when asked", async (kit) => {
  const robots: RTCConnection[] = [];
  const page = await kit.open(serveEcho(kit, robots) + "/robot");
  await page.waitForFunction(() => {
    const line = document.querySelector<HTMLElement>("#route");
    return line?.textContent === "direct" && line.offsetParent !== null;
  });
  await page.click("#route");
  await page.waitForSelector("#route-why:popover-open");
  assert.match(await page.locator("#route-why").innerText(), /^Connected directly: from /);
  for (const robot of robots) await robot.close();
});
