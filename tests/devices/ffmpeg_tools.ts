/** What the tests of ffmpeg share: whether it is here, files made by it, and reading files back. */

import assert from "node:assert/strict";
import type { VideoFrame } from "../../lib/media/video_frame.ts";

async function works(program: string): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args: ["-version"], stdout: "null", stderr: "null" })
      .output()).success;
  } catch {
    return false;
  }
}

export const HAS_FFMPEG: boolean = await works("ffmpeg") && await works("ffprobe");

/** A test that needs ffmpeg; without it, it is ignored under a title that says so. */
export function ffmpegTest(name: string, fn: () => Promise<void>): void {
  const title = HAS_FFMPEG ? name : `${name} (install ffmpeg: sudo apt install ffmpeg)`;
  Deno.test({ name: title, ignore: !HAS_FFMPEG, fn });
}

/** Runs ffmpeg and says what went wrong. */
export async function ffmpeg(...args: string[]): Promise<Uint8Array> {
  const { success, stdout, stderr } = await new Deno.Command("ffmpeg", {
    args: ["-hide_banner", "-nostdin", "-loglevel", "error", "-y", ...args],
    ...{ stdin: "null", stdout: "piped", stderr: "piped" },
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return stdout;
}

interface ProbedStream {
  readonly codec_name: string;
  readonly codec_type: string;
  readonly width: number;
  readonly height: number;
  readonly duration?: string;
}

/** What ffprobe says of a file: its streams and the times of its packets, in seconds. */
export async function probe(path: string): Promise<
  { streams: ProbedStream[]; duration: number; times: (type: string) => number[] }
> {
  const { stdout } = await new Deno.Command("ffprobe", {
    args: ["-v", "error", "-of", "json", "-show_streams", "-show_format", "-show_packets", path],
  }).output();
  const { streams, format, packets } = JSON.parse(new TextDecoder().decode(stdout));
  const times = (type: string) =>
    (packets as { codec_type: string; pts_time: string }[])
      .filter((packet) => packet.codec_type === type).map((packet) => Number(packet.pts_time))
      .sort((a, b) => a - b);
  return { streams, duration: Number(format.duration), times };
}

/** All pictures of a file as packed I420. */
export async function pictures(path: string, bytes: number): Promise<Uint8Array[]> {
  const raw = await ffmpeg(
    ...["-i", path, "-map", "0:v", "-vsync", "passthrough", "-f", "rawvideo"],
    ...["-pix_fmt", "yuv420p", "pipe:1"],
  );
  return Array.from(
    { length: raw.length / bytes },
    (_, i) => raw.subarray(i * bytes, (i + 1) * bytes),
  );
}

/** All sound of a file, mono at 48 kHz. */
export async function sound(path: string): Promise<Float32Array> {
  const raw = await ffmpeg(
    "-i",
    path,
    "-map",
    "0:a",
    "-f",
    "f32le",
    "-ac",
    "1",
    "-ar",
    "48000",
    "-",
  );
  return new Float32Array(raw.slice().buffer);
}

/** Peak signal to noise, in dB. */
export function psnr(a: Uint8Array, b: Uint8Array): number {
  assert.equal(a.length, b.length);
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return 10 * Math.log10(255 ** 2 / (sum / a.length));
}

/** The strength of a tone, 1 for a full sine (Goertzel). */
export function tonality(samples: Float32Array, frequencyHz: number, rateHz = 48_000): number {
  const turn = 2 * Math.PI * frequencyHz / rateHz;
  let [re, im] = [0, 0];
  samples.forEach((sample, i) => {
    re += sample * Math.cos(turn * i);
    im += sample * Math.sin(turn * i);
  });
  return 2 * Math.hypot(re, im) / samples.length;
}

/** The picture's bytes, packed. */
export function packed(frame: VideoFrame): Uint8Array {
  const { planes, width, height } = frame.toI420().clone();
  const half = ((width + 1) >> 1) * ((height + 1) >> 1);
  const bytes = new Uint8Array(width * height + 2 * half);
  bytes.set(planes[0]!.data.subarray(0, width * height));
  bytes.set(planes[1]!.data.subarray(0, half), width * height);
  bytes.set(planes[2]!.data.subarray(0, half), width * height + half);
  return bytes;
}

/** Whether a process is there, and no zombie. */
export async function alive(pid: number): Promise<boolean> {
  const { success, stdout } = await new Deno.Command("ps", {
    args: ["-o", "stat=", "-p", String(pid)],
    stderr: "null",
  }).output();
  return success && new TextDecoder().decode(stdout).trim() !== "";
}

/** Waits until something is so; for what happens in other processes. */
export async function until(what: string, test: () => boolean, deadlineMs = 10_000): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!test()) {
    assert.ok(performance.now() < end, `${what} did not happen within ${deadlineMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
