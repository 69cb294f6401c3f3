/**
 * What Chromium shows of a robot's video while the network changes: a table, a line a second. The robot's
 * datagrams pass through the simulated link of the tests (`tests/connection/link_model.ts`), in real time.
 *
 *     deno run -A scripts/bench_network.ts                  3, 0.5, 3 Mbit/s
 *     deno run -A scripts/bench_network.ts --loss 0.05
 *     deno run -A scripts/bench_network.ts --plain          the machine's own network, which something
 *                                                           else may change as `--rates` only tells
 *     deno run -A scripts/bench_network.ts --viewers 2      the second one has a good network
 */
import { parseArgs } from "node:util";
import { UdpShortcut } from "../ffi/udp.ts";
import { RTCConnection, SubscriptionProducer, VideoFrame } from "../mod.ts";
import { findChromium, launch } from "../tests/browser/harness.ts";
import { LinkModel } from "../tests/connection/link_model.ts";
import { quantile } from "../tests/connection/simulated_viewer.ts";

const { values: options } = parseArgs({
  options: {
    loss: { type: "string", default: "0" },
    delay: { type: "string", default: "25" },
    queue: { type: "string", default: "50000" },
    rates: { type: "string", default: "3,0.5,3" },
    secs: { type: "string", default: "12" },
    max: { type: "string", default: "3" },
    start: { type: "string", default: "1" },
    viewers: { type: "string", default: "1" },
    plain: { type: "boolean", default: false },
    host: { type: "string", default: "127.0.0.1" },
  },
});
const WIDTH = 640, HEIGHT = 480, BLOCK = 16, COLUMNS = 20, BITS = 60;
const rates = options.rates.split(",").map((rate) => Number(rate) * 1e6);
const secs = Number(options.secs), viewers = Number(options.viewers);

/** A pattern that moves, and over it the time of painting as blocks, black and white. */
class Camera extends SubscriptionProducer<VideoFrame> {
  #n = 0;
  #timer = setInterval(() => this._put_nowait(this.#paint(this.#n++)), 1_000 / 30);

  #paint(n: number): VideoFrame {
    const data = new Uint8Array(WIDTH * HEIGHT);
    for (let y = 0; y < HEIGHT; y++) {
      for (let x = 0; x < WIDTH; x++) {
        const u = x + 2 * n, v = y + n;
        data[y * WIDTH + x] = ((u >> 5) + (v >> 5)) & 1 ? u & 255 : 255 - (v & 255);
      }
    }
    let bits = BigInt(Math.round(performance.timeOrigin + performance.now()));
    bits = (bits << 8n) | (bits & 255n);
    for (let i = 0; i < BITS; i++) {
      const left = (i % COLUMNS) * BLOCK, top = Math.floor(i / COLUMNS) * BLOCK;
      const value = (bits >> BigInt(i)) & 1n ? 255 : 0;
      for (let y = top; y < top + BLOCK; y++) {
        data.fill(value, y * WIDTH + left, y * WIDTH + left + BLOCK);
      }
    }
    return new VideoFrame({
      width: WIDTH,
      height: HEIGHT,
      format: "GRAY",
      planes: [{ data, stride: WIDTH }],
      timestampUs: performance.now() * 1_000,
    });
  }

  protected override _close(): void {
    clearInterval(this.#timer);
  }
}

/** Sends the datagrams to one address through a link. */
const links = new Map<string, LinkModel<() => void>>();
const conditions = {
  bitrate: rates[0]!,
  queueBytes: Number(options.queue),
  delayMs: Number(options.delay),
  jitterMs: 0,
  loss: Number(options.loss),
};
if (!options.plain) {
  const prototype = UdpShortcut.prototype, send = prototype.send;
  let media = 0;
  prototype.send = function (data, address, port): boolean {
    const key = `${address}:${port}`, isMedia = (data[0]! & 0xc0) === 0x80;
    // The first to be sent media has the changing link, the others the machine's.
    if (isMedia && !links.has(key) && media++ === 0) links.set(key, new LinkModel(conditions, 1));
    const link = links.get(key), copy = data.slice();
    if (!link) return send.call(this, data, address, port);
    link.send(() => send.call(this, copy, address, port), data.length + 28, performance.now());
    return true;
  };
}
const ticking = setInterval(() => {
  for (const link of links.values()) {
    for (const { packet } of link.arrived(performance.now())) packet();
  }
}, 1);

const camera = new Camera();
const connections: RTCConnection[] = [];
const page = `<video muted autoplay playsinline></video><script>
const video = document.querySelector("video"), canvas = new OffscreenCanvas(${WIDTH}, 64);
const context = canvas.getContext("2d", { willReadFrequently: true });
window.shown = []; window.sizes = new Set();
function frame(now, meta) {
  video.requestVideoFrameCallback(frame);
  context.drawImage(video, 0, 0, ${WIDTH}, ${HEIGHT}, 0, 0, ${WIDTH}, ${HEIGHT});
  const pixels = context.getImageData(0, 0, ${WIDTH}, 64).data;
  let bits = 0n;
  for (let i = 0; i < ${BITS}; i++) {
    const x = (i % ${COLUMNS}) * ${BLOCK} + 8, y = Math.floor(i / ${COLUMNS}) * ${BLOCK} + 8;
    if (pixels[(y * ${WIDTH} + x) * 4] > 127) bits |= 1n << BigInt(i);
  }
  const at = performance.timeOrigin + performance.now(), good = (bits & 255n) === (bits >> 8n & 255n);
  window.shown.push({ at, age: good ? at - Number(bits >> 8n) : NaN, width: meta.width });
}
async function connect() {
  const pc = new RTCPeerConnection();
  pc.addTransceiver("video", { direction: "recvonly" });
  pc.createDataChannel("default");
  pc.ontrack = ({ track, receiver }) => {
    receiver.jitterBufferTarget = 0;
    video.srcObject = new MediaStream([track]);
    video.requestVideoFrameCallback(frame);
  };
  await pc.setLocalDescription(await pc.createOffer());
  while (pc.iceGatheringState !== "complete") await new Promise((done) => setTimeout(done, 10));
  const reply = await fetch("/connect", { method: "POST", body: JSON.stringify(pc.localDescription) });
  await pc.setRemoteDescription(await reply.json());
}
</script>`;
const server = Deno.serve(
  { hostname: options.host, port: 0, onListen: () => {} },
  async (request) => {
    if (request.method !== "POST") {
      return new Response(page, { headers: { "content-type": "text/html" } });
    }
    const conn = new RTCConnection({ rtcConfiguration: { iceServers: [] } });
    connections.push(conn);
    const bitrate = Number(options.start) * 1e6, maxBitrate = Number(options.max) * 1e6;
    tracks.push(conn.video.addTrack(camera, { bitrate, maxBitrate }));
    return Response.json(await conn.getLocalDescription(await request.json()));
  },
);
const tracks: ReturnType<RTCConnection["video"]["addTrack"]>[] = [];

interface Shown {
  at: number;
  age: number;
  width: number;
}

const browser = await launch(findChromium() ?? "chromium");
const pages = await Promise.all(Array.from({ length: viewers }, async (_, i) => {
  const page = await (await browser.newContext()).newPage();
  await page.goto(`http://${options.host}:${server.addr.port}/`);
  await new Promise((done) => setTimeout(done, i * 500));
  await page.evaluate("connect()");
  return page;
}));
console.log(
  "Mbit/s viewer | estimate target passage queue loss | fps width  p50  p95  longest gap, ms",
);
const last = new Array<number>(viewers).fill(performance.timeOrigin + performance.now());
for (const rate of rates) {
  conditions.bitrate = rate;
  for (let second = 0; second < secs; second++) {
    await new Promise((done) => setTimeout(done, 1_000));
    for (const [i, page] of pages.entries()) {
      const shown = await page.evaluate("window.shown.splice(0)") as Shown[];
      const ages = shown.map(({ age }) => age).filter((age) => age >= 0 && age < 60_000);
      const times = [last[i]!, ...shown.map(({ at }) => at)];
      const gap = Math.max(0, ...times.slice(1).map((t, j) => t - times[j]!));
      last[i] = times.at(-1)!;
      const sender = tracks[i]?._rate, link = sender?.link;
      const mbit = (bits: number | null | undefined) => ((bits ?? 0) / 1e6).toFixed(2).padStart(7);
      console.log(
        `${mbit(rate)} ${i} | ${mbit(link?.bitrate)} ${mbit(sender?.mediaBitrate)}` +
          ` ${mbit(link?.passage)} ${Math.round(link?.queueMs ?? 0)} ms ${
            ((link?.loss ?? 0) * 100).toFixed(1)
          } %` +
          ` | ${String(shown.length).padStart(3)} ${shown.at(-1)?.width ?? "-"}` +
          ` ${Math.round(quantile(ages, 0.5))} ${Math.round(quantile(ages, 0.95))} ${
            Math.round(gap)
          }`,
      );
    }
  }
}
await browser.close();
for (const conn of connections) await conn.close();
await camera.close();
clearInterval(ticking);
await server.shutdown();
