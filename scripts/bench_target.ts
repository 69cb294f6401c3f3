/**
 * A robot to be measured: its contract is the README of the benchmark that drives it with Chromium.
 *
 *     BENCH_PORT=18100 BENCH_VIDEO=1 deno run -A scripts/bench_target.ts
 */
import { Hono } from "@hono/hono";
import { RTCConnection, SubscriptionProducer, VideoFrame } from "../mod.ts";

const env = (name: string, otherwise: string) => Deno.env.get(name) ?? otherwise;
const width = Number(env("BENCH_WIDTH", "640"));
const height = Number(env("BENCH_HEIGHT", "480"));
const fps = Number(env("BENCH_FPS", "30"));

const say = (event: string, id: number, more: object = {}) =>
  console.log("BENCH " + JSON.stringify({ event, id, t: Date.now(), ...more }));

const triangle = (v: number) => v & 256 ? 255 - (v & 255) : v & 255;

/** Paints frames whose number and time can be read back from the picture. */
class BenchCamera extends SubscriptionProducer<VideoFrame> {
  #n = 0;
  #due = performance.now();
  #timer = setTimeout(() => this.#tick());
  #rows = pattern();

  #tick(): void {
    this.#due = Math.max(this.#due + 1000 / fps, performance.now() - 1000 / fps);
    this.#timer = setTimeout(() => this.#tick(), Math.max(0, this.#due - performance.now()));
    // Painted whether or not somebody watches, so that the cost of painting can be told apart.
    this._put_nowait(this.#paint(++this.#n));
  }

  #paint(n: number): VideoFrame {
    const data = new Uint8Array(width * height * 3);
    const dx = (2 * n) % 512, dy = n % 512;
    for (let y = 0; y < height; y++) {
      const row = this.#rows[(y + dy) & 511]!;
      const from = (dx & 511) * 3;
      data.set(row.subarray(from, from + width * 3), y * width * 3);
    }
    stampCode(data, n);
    return VideoFrame.fromBGR({ data, width, height }, performance.now() * 1000);
  }

  protected override _close(): void {
    clearTimeout(this.#timer);
  }
}

/** The whole pattern: 512 rows, each wide enough for every shift. */
function pattern(): Uint8Array[] {
  return Array.from({ length: 512 }, (_, Y) => {
    const row = new Uint8Array((512 + width) * 3);
    for (let x = 0; x < 512 + width; x++) {
      const X = x & 1023;
      const invert = ((X >> 5) + (Y >> 5)) & 1;
      [triangle(X), triangle(Y), triangle(X + Y)].forEach((v, c) =>
        row[x * 3 + c] = invert ? 255 - v : v
      );
    }
    return row;
  });
}

function stampCode(bgr: Uint8Array, n: number): void {
  const stamp = Math.round((performance.timeOrigin + performance.now()) * 10) % 2 ** 32;
  const code = new Uint8Array(10);
  const view = new DataView(code.buffer);
  code.set([0xa5, 0xc3, n >> 16, n >> 8, n]);
  view.setUint32(5, stamp);
  code[9] = code.subarray(2, 9).reduce((a, b) => a ^ b, 0x5a);
  for (let block = 0; block < 80; block++) {
    const value = code[block >> 3]! & (0x80 >> (block & 7)) ? 255 : 0;
    const x = (block % 20) * 16, y = Math.floor(block / 20) * 16;
    for (let row = y; row < y + 16; row++) {
      bgr.fill(value, (row * width + x) * 3, (row * width + x + 16) * 3);
    }
  }
}

const camera = env("BENCH_VIDEO", "0") === "1" ? new BenchCamera() : null;
let count = 0;

async function connect(offer: unknown): Promise<unknown> {
  const id = ++count;
  const conn = new RTCConnection({ rtcConfiguration: { iceServers: [] } });
  say("connect", id);
  conn.onReady(() => say("ready", id));
  conn.onError((error) => say("error", id, { error: error.message }));
  conn.onClose(() => say("close", id));
  let sink: { bytes: number; messages: number } | null = null;
  conn.subscribe(async (message: unknown) => {
    if (sink && typeof message === "string") {
      sink.bytes += message.length;
      sink.messages++;
      return;
    }
    const command = message as { cmd?: string; size?: number; count?: number };
    switch (command?.cmd) {
      case "blast": {
        const text = "x".repeat(command.size! - 2);
        for (let i = 0; i < command.count!; i++) {
          conn.put_nowait(text);
          if (i % 16 === 15) await conn.drained();
        }
        return;
      }
      case "sink":
        sink = { bytes: 0, messages: 0 };
        return;
      case "sinkend":
        conn.put_nowait({ cmd: "sinkdone", ...sink });
        sink = null;
        return;
      default:
        conn.put_nowait(message);
    }
  });
  if (camera) conn.video.putSubscription(camera);
  return await conn.getLocalDescription(offer);
}

const app = new Hono();
app.post("/connect", async (c) => c.json(await connect(JSON.parse(await c.req.text()))));
Deno.serve({
  hostname: env("BENCH_HOST", "127.0.0.1"),
  port: Number(env("BENCH_PORT", "18100")),
  onListen: () => {},
}, app.fetch);
