/// <reference lib="dom" />
/** A browser as people have it: its addresses are hidden behind names, which the robot looks up. */
import assert from "node:assert/strict";
import { Hono } from "@hono/hono";
import { connectRoute, RTCConnection } from "../../mod.ts";
import { lookUpNames } from "../../lib/connection/mdns_lookup.ts";
import { hostAddresses } from "../../lib/connection/werift_addresses.ts";
import { startResponder } from "../connection/mdns_responder.ts";
import { LOCAL } from "../connection/pair.ts";
import { chromium } from "./harness.ts";
import { type LoopbackHelpers, loopbackRoutes } from "./loopback_page.ts";

declare const makeConnection: LoopbackHelpers["makeConnection"];
declare const collect: LoopbackHelpers["collect"];

const browser = chromium({ mdns: true });

browser.test("RTCConnection opens quickly to a Chromium that hides its addresses", async (kit) => {
  const app = new Hono();
  let offered = "";
  app.post(
    "/connect",
    connectRoute(() => {
      const conn = new RTCConnection(LOCAL);
      conn.subscribe((message) => conn.put_nowait(message));
      return conn;
    }),
  );
  const site = kit.serve({
    ...loopbackRoutes(),
    "/connect": async (request) => {
      offered = await request.clone().text();
      return await app.fetch(request);
    },
  });
  const page = await kit.open(site.origin);
  const visit = () =>
    page.evaluate(async () => {
      const conn = makeConnection();
      const heard = collect(conn);
      const body = JSON.stringify(await conn.getLocalDescription());
      const beganMs = performance.now();
      const reply = await fetch("/connect", { method: "POST", body });
      await conn.setRemoteDescription(await reply.json());
      await conn.onReady();
      const openedMs = performance.now() - beganMs;
      conn.put_nowait("echo");
      const [echo] = await heard.until(1);
      await conn.close();
      return { echo, openedMs };
    });
  await visit(); // loads the engine
  const visits = [await visit(), await visit(), await visit()];
  assert.deepEqual(visits.map(({ echo }) => echo), ["echo", "echo", "echo"]);
  assert.match(offered, /a=candidate:\S+ 1 udp \d+ [-0-9a-f]+\.local /);
  // A name that is asked for and not answered would cost seconds.
  const openedMs = Math.min(...visits.map(({ openedMs }) => openedMs));
  assert.ok(openedMs < 1_000, `it took ${openedMs} ms`);
});

/** Whether what is sent to all in a network comes back to this machine, as from one to another. */
async function hasMulticast(): Promise<boolean> {
  const name = "00000000-8d1a-4a5c-9a67-2f6f6b1d3c55.local";
  const [address] = hostAddresses().filter((each) => /^(?!127)\d+\./.test(each));
  if (address === undefined) return false;
  const responder = await startResponder({ [name]: address }, { network: address })
    .catch(() => null);
  if (responder === null) return false;
  let found = false;
  const { signal } = new AbortController();
  const query = { names: [name], addresses: [address], port: responder.port, signal };
  await lookUpNames({ ...query, found: () => found = true });
  await responder.close();
  return found;
}

if (await hasMulticast()) {
  browser.test("RTCConnection finds a Chromium behind its names, although it cannot find us", async (kit) => {
    const robots: RTCConnection[] = [];
    const site = kit.serve({
      ...loopbackRoutes(),
      "/connect": async (request) => {
        const conn = new RTCConnection(LOCAL);
        robots.push(conn);
        conn.subscribe((message) => conn.put_nowait(message));
        const { type, sdp } = await conn.getLocalDescription(await request.json());
        return Response.json({ type, sdp: sdp.replaceAll(/a=(candidate|end-of-cand).*\r\n/g, "") });
      },
    });
    const page = await kit.open(site.origin);
    const echo = await page.evaluate(async () => {
      const conn = makeConnection();
      const heard = collect(conn);
      const body = JSON.stringify(await conn.getLocalDescription());
      const reply = await fetch("/connect", { method: "POST", body });
      await conn.setRemoteDescription(await reply.json());
      await conn.onReady();
      conn.put_nowait("echo");
      const [echo] = await heard.until(1);
      return echo;
    });
    assert.equal(echo, "echo");
    const { path, names } = await robots[0]!.describeRoute();
    assert.ok(names.some(({ addresses }) => addresses.includes(path!.remote.address!)));
    await robots[0]!.close();
  });
} else {
  Deno.test({
    name: "RTCConnection finds a Chromium behind its names (connect a network with multicast)",
    ignore: true,
    fn: () => {},
  });
}
