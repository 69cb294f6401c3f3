/**
 * What pixels and codecs cost on this machine, in ms a frame. The processor time is that of the whole
 * process. Run: deno run --allow-ffi --allow-run=ffmpeg scripts/bench_codecs.ts [codecs|pixels]
 */

import { cpuUsage } from "node:process";
import { createVideoDecoder, createVideoEncoder, videoCodecs } from "../lib/codecs/choose.ts";
import { libyuvConverter } from "../lib/codecs/libyuv.ts";
import { convertPixels } from "../lib/media/convert.ts";
import type { EncodedVideo, VideoCodecName } from "../lib/media/encoded.ts";
import { allocatePixels, type PixelFormat } from "../lib/media/pixel_format.ts";
import { scalePixels } from "../lib/media/scale.ts";
import { testCard } from "../lib/media/test_card.ts";
import type { VideoFrame } from "../lib/media/video_frame.ts";
import { type Clip, clips, grainy } from "./codec_clips.ts";

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

/** One clip through encoder and decoder; the first second is left out of the quality. */
async function codec(name: VideoCodecName, clip: Clip, bitrate: number): Promise<void> {
  const { width, height } = clip.frames[0]!;
  const fps = 30;
  using encoder = createVideoEncoder({ codec: name, width, height, fps, bitrate });
  using decoder = createVideoDecoder({ codec: name });
  const chunks: (EncodedVideo | null)[] = [];
  const [encoding, decoding, quality]: number[][] = [[], [], []];
  const cpuBefore = cpuMs();
  for (const frame of clip.frames) {
    const start = performance.now();
    chunks.push(await encoder.encode(frame));
    encoding!.push(performance.now() - start);
  }
  const cpu = (cpuMs() - cpuBefore) / chunks.length;
  let shown: VideoFrame | null = null;
  for (const [n, frame] of clip.frames.entries()) {
    const start = performance.now();
    if (chunks[n]) shown = await decoder.decode(chunks[n]!) ?? shown;
    decoding!.push(performance.now() - start);
    // A dropped frame is seen as the one before it.
    if (n >= fps) quality!.push(Math.min(99, psnr(frame, shown!)));
  }
  const sizes = chunks.map((chunk) => chunk?.data.length ?? 0);
  const rate = sizes.reduce((a, b) => a + b) * 8 * fps / sizes.length / 1000;
  const cells = [
    `${clip.name} ${width}x${height}`.padEnd(20),
    `${bitrate / 1000}`.padStart(5),
    name.padEnd(5),
    quantile(encoding!, 0.5).padStart(6),
    quantile(encoding!, 0.95).padStart(6),
    cpu.toFixed(2).padStart(6),
    quantile(decoding!, 0.5).padStart(7),
    rate.toFixed(0).padStart(7),
    (quality!.reduce((a, b) => a + b) / quality!.length).toFixed(2).padStart(6),
    `${sizes[0]}`.padStart(7),
    `${Math.max(...sizes.slice(1))}`.padStart(7),
    `${sizes.filter((size) => size === 0).length}`.padStart(4),
  ];
  console.log(cells.join(" "));
}

async function codecs(): Promise<void> {
  console.log(
    "\nclip                  rate codec    p50    p95    CPU  decode  kbit/s   dB     key  largest drop",
  );
  const small = await clips(150, 640, 480);
  for (const clip of small) {
    for (const bitrate of [500_000, 1_000_000]) {
      for (const name of videoCodecs("encode")) await codec(name, clip, bitrate);
    }
  }
  const [large] = await clips(90, 1280, 720);
  for (const name of videoCodecs("encode")) await codec(name, large!, 2_500_000);
}

/** kbit/s of each second while the rate is changed from 1000 to 250 and back. */
async function rates(name: VideoCodecName): Promise<void> {
  const [width, height, fps] = [640, 480, 30];
  using encoder = createVideoEncoder({ codec: name, width, height, fps, bitrate: 1_000_000 });
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
  console.log(`${name}: kbit/s in each second of 3 at 1000, 250, 1000: ${found.join(" ")}`);
}

/** How late a timer of 1 ms comes while frames are encoded 30 times a second. */
async function delays(name: VideoCodecName): Promise<void> {
  const [width, height, fps] = [640, 480, 30];
  using encoder = createVideoEncoder({ codec: name, width, height, fps });
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
    `${name}: event loop late while encoding, ms: p50 ${quantile(late, 0.5)} p95 ${
      quantile(late, 0.95)
    } ` +
      `max ${quantile(late, 1)}`,
  );
}

/** Resident memory over 2000 frames through one encoder and decoder. */
async function memory(name: VideoCodecName): Promise<void> {
  using encoder = createVideoEncoder({ codec: name, width: 640, height: 480, fps: 30 });
  using decoder = createVideoDecoder({ codec: name });
  const frames = Array.from({ length: 32 }, (_, n) => testCard(n));
  const found: number[] = [];
  for (let n = 0; n <= 2000; n++) {
    const chunk = await encoder.encode(frames[n % 32]!);
    if (chunk) await decoder.decode(chunk);
    if (n % 400 === 0) found.push(Math.round(Deno.memoryUsage().rss / 2 ** 20));
  }
  console.log(`${name}: memory after each 400 of 2000 frames, MiB: ${found.join(" ")}`);
}

if (import.meta.main) {
  const [only] = Deno.args;
  if (only !== "pixels") {
    await codecs();
    for (const name of videoCodecs("encode")) {
      await rates(name);
      await delays(name);
      await memory(name);
    }
  }
  if (only !== "codecs") pixels();
}
