/// <reference lib="dom" />
/** How old a picture is on the screen: what `conn.stats` says, against a time that is painted in the picture. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import {
  type ConnectionStats,
  getRTCBotJS,
  robotPage,
  RTCConnection,
  SubscriptionProducer,
  VideoFrame,
} from "../../mod.ts";
import type { RTCConnection as PageConnection } from "../../lib/browser/index.ts";
import { within } from "../connection/pair.ts";
import { chromium, type Kit, script } from "./harness.ts";

declare const robot: { readonly conn: PageConnection | null };
/** Of the pictures that the page tells of: the age that it was answered, and that in the picture, in ms. */
declare const pairs: { said: number; painted: number }[];

const LOCAL = { rtcConfiguration: { iceServers: [] } };
const WIDTH = 640, HEIGHT = 480, FPS = 29.7;
/** The painted time: two rows of 20 cells of 16 pixels, 40 bits, tenths of a millisecond since 1970. */
const CELL = 16, COLUMNS = 20, BITS = 40;
/** What the two may differ by: the clocks are known to half of a round trip, the display beats at 60 Hz. */
const TOLERANCE_MS = 20;

/** A camera whose pictures have the time in them, and take a while to come. */
class TimedCamera extends SubscriptionProducer<VideoFrame> {
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  readonly #delayMs: number;
  #n = 0;

  constructor(delayMs: number) {
    super();
    this.#delayMs = delayMs;
    const dueMs = performance.now();
    const tick = () => {
      const frame = this.#paint();
      this.#after(this.#delayMs, () => this._put_nowait(frame));
      this.#after(dueMs + ++this.#n * 1000 / FPS - performance.now(), tick);
    };
    tick();
  }

  #paint(): VideoFrame {
    const nowMs = performance.now();
    const data = new Uint8Array(WIDTH * HEIGHT).map((_, i) => (i % WIDTH + 3 * this.#n) & 127);
    const tenths = Math.round((performance.timeOrigin + nowMs) * 10);
    for (let bit = 0; bit < BITS; bit++) {
      const white = Math.floor(tenths / 2 ** (BITS - 1 - bit)) % 2 === 1;
      const x = bit % COLUMNS * CELL, top = Math.floor(bit / COLUMNS) * CELL;
      for (let y = top; y < top + CELL; y++) {
        data.fill(white ? 255 : 0, y * WIDTH + x, y * WIDTH + x + CELL);
      }
    }
    const planes = [{ data, stride: WIDTH }];
    const size = { width: WIDTH, height: HEIGHT };
    return new VideoFrame({ ...size, format: "GRAY", planes, timestampUs: nowMs * 1000 });
  }

  #after(ms: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, Math.max(0, ms));
    this.#timers.add(timer);
  }

  protected override _close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }
}

/** Serialised into the page: listens to the library's channel, and reads the times in the pictures. */
function compareAges(): void {
  let epochMs = -Infinity; // Date.now() is finer on the axis of performance.now()
  for (const sinceMs = performance.now(); performance.now() - sinceMs < 30;) {
    epochMs = Math.max(epochMs, Date.now() - performance.now());
  }
  const pairs: { said: number; painted: number }[] = [];
  Object.assign(globalThis, { pairs });
  const painted = new Map<number, number>();
  let asked: number | null = null;
  const { send } = RTCDataChannel.prototype;
  const listening = new WeakSet<RTCDataChannel>();
  RTCDataChannel.prototype.send = function (this: RTCDataChannel, data: unknown) {
    if (this.label === "rtcbot") {
      const [kind, timestamp] = JSON.parse(String(data));
      if (kind === "shown") asked = timestamp;
      if (!listening.has(this)) this.addEventListener("message", ({ data }) => note(data));
      listening.add(this);
    }
    (send as (data: unknown) => void).call(this, data);
  };
  // The next question comes a quarter of a second later.
  const note = (text: string) => {
    const [kind, said] = JSON.parse(text);
    if (kind !== "age" || asked === null) return;
    const age = painted.get(asked);
    if (age !== undefined) pairs.push({ said, painted: age });
    asked = null;
  };

  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [320, 32];
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  addEventListener("DOMContentLoaded", () => {
    const video = document.querySelector("#view") as HTMLVideoElement;
    const read = (_: number, metadata: VideoFrameCallbackMetadata) => {
      video.requestVideoFrameCallback(read);
      const { videoWidth: w, videoHeight: h } = video;
      context.drawImage(video, 0, 0, w / 2, h / 15, 0, 0, 320, 32);
      const { data } = context.getImageData(0, 0, 320, 32);
      let tenths = 0;
      for (let bit = 0; bit < 40; bit++) {
        const x = bit % 20 * 16 + 8, y = Math.floor(bit / 20) * 16 + 8;
        tenths = 2 * tenths + (data[(y * 320 + x) * 4]! > 127 ? 1 : 0);
      }
      const shownTenths = Math.round((metadata.expectedDisplayTime + epochMs) * 10) % 2 ** 40;
      const age = (shownTenths - tenths) / 10;
      // What was not read well is far off.
      if (Math.abs(age) < 5_000) painted.set(metadata.rtpTimestamp!, age);
    };
    video.requestVideoFrameCallback(read);
  });
}

async function open(kit: Kit, conn: RTCConnection): Promise<Page> {
  const site = kit.serve({
    "/": robotPage({ title: "Test robot", rtcConfiguration: { iceServers: [] } })
      .replace("<body>", `<body><script>(${compareAges})()</script>`),
    "/rtcbot.js": script(getRTCBotJS()),
    "/connect": async (request: Request) =>
      Response.json(await conn.getLocalDescription(await request.json())),
  });
  return await kit.open(site.origin);
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;

const browser = chromium();

for (const delayMs of [0, 80]) {
  browser.test(
    `RTCConnection.stats knows how old the picture on the screen is, of a camera ${delayMs} ms slow`,
    async (kit) => {
      await using camera = new TimedCamera(delayMs);
      await using conn = new RTCConnection(LOCAL);
      conn.video.putSubscription(camera);
      const stats = conn.stats.subscribe();
      const page = await open(kit, conn);
      await page.waitForFunction(() => pairs.length >= 16);
      const read = await page.evaluate(() => pairs);
      const errors = read.map(({ said, painted }) => Math.abs(said - painted));
      const [said, painted] = [read.map(({ said }) => said), read.map(({ painted }) => painted)];
      const newest = await within(5_000, stats.get(), "statistics");
      console.log(
        `camera ${delayMs} ms slow: painted ${median(painted).toFixed(1)} ms, said ` +
          `${median(said).toFixed(1)}, wrong by ${median(errors).toFixed(1)} (at most ` +
          `${Math.max(...errors).toFixed(1)}), round trip ${newest.rttMs?.toFixed(1)} ms`,
      );
      assert.ok(median(errors) < TOLERANCE_MS, `wrong by ${errors}`);
      assert.ok(median(painted) >= delayMs && median(said) > delayMs - TOLERANCE_MS, `${said}`);
      const { pictureAgeMs, video, estimatedBandwidth } = newest;
      assert.ok(pictureAgeMs! > Math.min(...said) / 2, `${pictureAgeMs}, told ${said}`);
      assert.ok(pictureAgeMs! < 2 * Math.max(...said), `${pictureAgeMs}, told ${said}`);
      assert.ok(video.outgoing[0]!.fps > 0 && estimatedBandwidth! > 0, JSON.stringify(newest));
      await page.waitForFunction(() => {
        const shown = Number(document.querySelector("#age")?.textContent || "NaN");
        return Math.abs(shown - (robot.conn?.pictureAgeMs ?? NaN)) < 10;
      });
    },
  );
}

browser.test("RTCConnection.stats has no age of a picture that stands still", async (kit) => {
  await using camera = new TimedCamera(0);
  await using conn = new RTCConnection(LOCAL);
  conn.video.putSubscription(camera);
  const stats = conn.stats.subscribe();
  const page = await open(kit, conn);
  const until = async (wanted: (stats: ConnectionStats) => boolean) => {
    while (!wanted(await within(5_000, stats.get(), "statistics")));
  };
  await until(({ pictureAgeMs }) => pictureAgeMs !== null);
  await page.waitForFunction(() => !(document.querySelector("#age-chip") as HTMLElement).hidden);
  conn.video.stopSubscription();
  await until(({ pictureAgeMs }) => pictureAgeMs === null);
  await page.waitForFunction(() => (document.querySelector("#age-chip") as HTMLElement).hidden);
});
