/// <reference lib="dom" />
/** Two cameras at once, which the page tells apart by their names. */
import assert from "node:assert/strict";
import { Hono } from "@hono/hono";
import { connectRoute, getRTCBotJS, RTCConnection } from "../../mod.ts";
import { FakeCamera } from "../../lib/testing.ts";
import { chromium } from "./harness.ts";

declare const rtcbot: typeof import("../../lib/browser/index.ts");

const browser = chromium();

browser.test("a page tells two cameras apart by their names", async (kit) => {
  await using front = new FakeCamera({ width: 320, height: 240 });
  await using rear = new FakeCamera({ width: 160, height: 120 });
  const connections: RTCConnection[] = [];
  const app = new Hono();
  app.post(
    "/connect",
    connectRoute(() => {
      const conn = new RTCConnection({ rtcConfiguration: { iceServers: [] } });
      conn.video.addTrack(front, { name: "front" });
      conn.video.addTrack(rear, { name: "rear" });
      connections.push(conn);
      return conn;
    }),
  );
  const site = kit.serve({
    "/": `<!doctype html><link rel="icon" href="data:,"><script src="/rtcbot.js"></script>`,
    "/rtcbot.js": () =>
      new Response(getRTCBotJS(), { headers: { "content-type": "text/javascript" } }),
    "/connect": (request) => app.fetch(request),
  });
  const page = await kit.open(site.origin);
  const widths = await page.evaluate(async () => {
    const conn = new rtcbot.RTCConnection(true, { iceServers: [] });
    const seen: Record<string, Promise<number>> = {};
    conn.video.offerToReceive(2);
    conn.video.onTrack((track, name) => {
      const video = document.createElement("video");
      video.muted = true;
      video.srcObject = new MediaStream([track]);
      seen[String(name)] = new Promise((resolve) =>
        video.addEventListener("resize", () => resolve(video.videoWidth), { once: true })
      );
      void video.play();
    });
    const offer = await conn.getLocalDescription();
    const response = await fetch("/connect", { method: "POST", body: JSON.stringify(offer) });
    await conn.setRemoteDescription(await response.json());
    await conn.onReady();
    const widths: Record<string, number> = {};
    for (const [name, width] of Object.entries(seen)) widths[name] = await width;
    conn.close();
    return widths;
  });
  assert.deepEqual(widths, { front: 320, rear: 160 });
  await Promise.all(connections.map((conn) => conn.close()));
});

Deno.test("MediaHandler.addTrack() says what a name may be", async () => {
  await using camera = new FakeCamera();
  await using conn = new RTCConnection();
  for (const name of ["", "two words", "a\r\na=evil", "x".repeat(65)]) {
    assert.throws(() => conn.video.addTrack(camera, { name }), /^RangeError: Cannot call a track/);
  }
});
