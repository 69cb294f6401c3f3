/// <reference lib="dom" />
/** A browser as people have it: its addresses are hidden behind names that the robot does not ask for. */
import assert from "node:assert/strict";
import { Hono } from "@hono/hono";
import { connectRoute, RTCConnection } from "../../mod.ts";
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
