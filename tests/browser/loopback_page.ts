/** A page with the library and with helpers that join two of its connections to each other. */

import { getRTCBotJS } from "../../lib/signaling/rtcbot_js.ts";
import { type Route, script } from "./harness.ts";
import type { RTCConnection } from "../../lib/browser/index.ts";

/** What the page offers the functions that tests run in it. */
export interface LoopbackHelpers {
  /** A connection that asks no server. */
  makeConnection(): RTCConnection;
  /** Exchanges the descriptions: `a` offers, `b` answers. */
  join(a: RTCConnection, b: RTCConnection): Promise<void>;
  /** Two joined connections, both open. */
  pair(): Promise<[RTCConnection, RTCConnection]>;
  /** Gathers what a producer gives; `until` resolves with the first `count` values. */
  collect(producer: { subscribe(callback: (value: unknown) => void): unknown }): {
    readonly values: unknown[];
    until(count: number): Promise<unknown[]>;
  };
  /** A stream from a canvas that changes all the time. */
  paintedStream(): MediaStream;
}

const HELPERS = `
const makeConnection = () => new rtcbot.RTCConnection(true, { iceServers: [] });
async function join(a, b) {
  await a.setRemoteDescription(await b.getLocalDescription(await a.getLocalDescription()));
}
async function pair() {
  const a = makeConnection(), b = makeConnection();
  await join(a, b);
  await Promise.all([a.onReady(), b.onReady()]);
  return [a, b];
}
function collect(producer) {
  const values = [], waiting = [];
  const look = () => waiting.forEach((w) => values.length >= w.count && w.resolve(values));
  producer.subscribe((value) => { values.push(value); look(); });
  return { values, until: (count) => new Promise((resolve) => { waiting.push({ count, resolve }); look(); }) };
}
function paintedStream() {
  const canvas = document.createElement("canvas");
  canvas.width = 320; canvas.height = 240;
  const ctx = canvas.getContext("2d");
  let n = 0;
  const paint = () => { ctx.fillStyle = "hsl(" + (n++ * 7) % 360 + " 80% 50%)"; ctx.fillRect(0, 0, 320, 240); };
  paint();
  setInterval(paint, 33);
  return canvas.captureStream(30);
}
`;

/** The routes of a site that serves the page at `/`. */
export function loopbackRoutes(body = ""): Record<string, Route> {
  return {
    "/": `<!doctype html><title>loopback</title><link rel="icon" href="data:,">
<script src="/rtcbot.js"></script><script>${HELPERS}</script><body>${body}</body>`,
    "/rtcbot.js": script(getRTCBotJS()),
    "/rtcbot.mjs": script(getRTCBotJS({ module: true })),
  };
}
