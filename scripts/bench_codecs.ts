/**
 * What pixels and codecs cost on this machine, in ms a frame. The processor time is that of the whole
 * process. Run: deno run --allow-ffi scripts/bench_codecs.ts
 */

import { cpuUsage } from "node:process";
import { createVideoDecoder, createVideoEncoder } from "../lib/codecs/choose.ts";
import { libyuvConverter } from "../lib/codecs/libyuv.ts";
import { convertPixels } from "../lib/media/convert.ts";
import { allocatePixels, type PixelFormat } from "../lib/media/pixel_format.ts";
import { scalePixels } from "../lib/media/scale.ts";
import { testCard } from "../lib/media/test_card.ts";
import type { VideoFrame } from "../lib/media/video_frame.ts";

const cpuMs = () => {
  const { user, system } = cpuUsage();
  return (user + system) / 1000;
};

function quantile(times: number[], q: number): string {
  return times.toSorted((a, b) => a - b)[Math.floor(q * (times.length - 1))]!.toFixed(2);
}

/** Median of `count` runs, after as many to warm up. */
function time(run: () => void, count = 60): string {
  const times: number[] = [];
  for (let i = 0; i < 2 * count; i++) {
    const start = performance.now();
    run();
    if (i >= count) times.push(performance.now() - start);
  }
  return quantile(times, 0.5);
}

/** The test card with sensor noise, which keeps an encoder at its rate. */
function grainy(n: number, width: number, height: number): VideoFrame {
  const card = testCard(n, { width, height });
  const luma = card.planes[0]!.data;
  let state = n + 1;
  for (let i = 0; i < luma.length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) | 0;
    luma[i] = Math.min(255, luma[i]! + ((state >>> 16) & 7));
  }
  return card;
}

function psnr(a: VideoFrame, b: VideoFrame): number {
  const [one, other] = [a.planes[0]!.data, b.planes[0]!.data];
  let sum = 0;
  for (let i = 0; i < one.length; i++) sum += (one[i]! - other[i]!) ** 2;
  return 10 * Math.log10(65025 / (sum / one.length));
}

function pixels(): void {
  console.log("\nPixels at 640x480, p50 ms    libyuv  TypeScript");
  const pairs: [PixelFormat, PixelFormat][] = [
    ["YUYV", "I420"],
    ["NV12", "I420"],
    ["BGR", "I420"],
    ["RGBA", "I420"],
    ["I420", "BGR"],
    ["I420", "RGBA"],
    ["I420", "GRAY"],
    ["BGR", "RGB"],
  ];
  for (const [from, to] of pairs) {
    const source = testCard(0).convert(from);
    const target = allocatePixels(to, 640, 480);
    const known = libyuvConverter.convert(source, target);
    const fast = known ? time(() => libyuvConverter.convert(source, target)) : "-";
    const slow = time(() => convertPixels(source, target));
    console.log(`${`${from} to ${to}`.padEnd(28)} ${fast.padStart(6)} ${slow.padStart(11)}`);
  }
  for (const [width, height] of [[320, 240], [1280, 720], [200, 150]] as const) {
    const target = allocatePixels("I420", width, height);
    const fast = time(() => libyuvConverter.scale(testCardOnce, target));
    const slow = time(() => scalePixels(testCardOnce, target));
    const name = `scaled to ${width}x${height}`;
    console.log(`${name.padEnd(28)} ${fast.padStart(6)} ${slow.padStart(11)}`);
  }
  let n = 0;
  console.log(`test card ${time(() => testCard(n++))}`);
}

const testCardOnce = testCard(0);

async function codec(width: number, height: number, bitrate: number): Promise<void> {
  const fps = 30;
  const frames = Array.from({ length: 90 }, (_, n) => grainy(n, width, height));
  using encoder = createVideoEncoder({ width, height, fps, bitrate });
  using decoder = createVideoDecoder();
  const chunks = [];
  const encoding: number[] = [];
  const quality: number[] = [];
  let dropped = 0;
  const cpuBefore = cpuMs();
  for (const frame of frames) {
    const start = performance.now();
    const chunk = await encoder.encode(frame);
    encoding.push(performance.now() - start);
    if (chunk) chunks.push({ chunk, frame });
    else dropped++;
  }
  const cpuEncoding = (cpuMs() - cpuBefore) / frames.length;
  const decoding: number[] = [];
  const decoderBefore = cpuMs();
  let cpuQuality = 0;
  for (const { chunk, frame } of chunks) {
    const start = performance.now();
    const picture = await decoder.decode(chunk);
    decoding.push(performance.now() - start);
    const measuring = cpuMs();
    quality.push(psnr(frame, picture!));
    cpuQuality += cpuMs() - measuring;
  }
  const cpuDecoding = (cpuMs() - decoderBefore - cpuQuality) / chunks.length;
  const bits = chunks.reduce((sum, { chunk }) => sum + chunk.data.length * 8, 0);
  console.log(
    `${width}x${height}: encode p50 ${quantile(encoding, 0.5)} p95 ${quantile(encoding, 0.95)} ` +
      `CPU ${cpuEncoding.toFixed(2)}, decode p50 ${quantile(decoding, 0.5)} ` +
      `CPU ${cpuDecoding.toFixed(2)}; ${Math.round(bits * fps / frames.length / 1000)} kbit/s of ` +
      `${bitrate / 1000}, ${quality.reduce((a, b) => a + b) / quality.length | 0} dB, ` +
      `key frame ${chunks[0]!.chunk.data.length} bytes, ${dropped} dropped`,
  );
}

/** kbit/s of each second while the rate is changed from 1000 to 250 and back. */
async function rates(): Promise<void> {
  const [width, height, fps] = [640, 480, 30];
  using encoder = createVideoEncoder({ width, height, fps, bitrate: 1_000_000 });
  const found: number[] = [];
  let n = 0;
  for (const bitrate of [1_000_000, 250_000, 1_000_000]) {
    encoder.setBitrate(bitrate);
    for (let second = 0; second < 3; second++) {
      let bytes = 0;
      for (let frame = 0; frame < fps; frame++) {
        bytes += (await encoder.encode(grainy(n++, width, height)))?.data.length ?? 0;
      }
      found.push(Math.round(bytes * 8 / 1000));
    }
  }
  console.log(`rates, kbit/s in each second of 3 at 1000, 250, 1000: ${found.join(" ")}`);
}

/** How late a timer of 1 ms comes while frames are encoded 30 times a second. */
async function delays(): Promise<void> {
  const [width, height, fps] = [640, 480, 30];
  using encoder = createVideoEncoder({ width, height, fps });
  const frames = Array.from({ length: 60 }, (_, n) => grainy(n, width, height));
  const late: number[] = [];
  let done = false;
  const watch = async () => {
    while (!done) {
      const start = performance.now();
      await new Promise((resolve) => setTimeout(resolve, 1));
      late.push(performance.now() - start - 1);
    }
  };
  const watching = watch();
  for (const frame of frames) {
    const next = new Promise((resolve) => setTimeout(resolve, 1000 / fps));
    await encoder.encode(frame);
    await next;
  }
  done = true;
  await watching;
  console.log(
    `event loop late while encoding, ms: p50 ${quantile(late, 0.5)} p95 ${quantile(late, 0.95)} ` +
      `max ${quantile(late, 1)}`,
  );
}

/** Resident memory over 2000 frames through one encoder and decoder. */
async function memory(): Promise<void> {
  using encoder = createVideoEncoder({ width: 640, height: 480, fps: 30 });
  using decoder = createVideoDecoder();
  const frames = Array.from({ length: 32 }, (_, n) => testCard(n));
  const found: number[] = [];
  for (let n = 0; n <= 2000; n++) {
    const chunk = await encoder.encode(frames[n % 32]!);
    if (chunk) await decoder.decode(chunk);
    if (n % 400 === 0) found.push(Math.round(Deno.memoryUsage().rss / 2 ** 20));
  }
  console.log(`memory after each 400 of 2000 frames, MiB: ${found.join(" ")}`);
}

if (import.meta.main) {
  console.log("VP8, ms a frame");
  await codec(640, 480, 1_000_000);
  await codec(1280, 720, 2_500_000);
  await rates();
  await delays();
  await memory();
  pixels();
}
