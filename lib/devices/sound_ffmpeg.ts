/**
 * Sound through ffmpeg and ffplay, where neither PulseAudio nor ALSA is usual: AVFoundation on macOS,
 * DirectShow on Windows. Not tried there; tested with ffmpeg's own sources on Linux.
 */

import { SystemCallError } from "../errors.ts";
import { FFmpegProcess } from "./ffmpeg_process.ts";
import type {
  SoundDevice,
  SoundDirection,
  SoundInput,
  SoundOutput,
  SoundPort,
  SoundPortOptions,
} from "./sound_port.ts";
import { named } from "./sound_port.ts";

/** Raw floats, as all processors that Deno runs on have them. */
const RAW = ["-f", "f32le"];

/** What ffmpeg reads, by the name of the system that it has. */
function inputArgs(device: string): string[] {
  switch (Deno.build.os) {
    case "darwin":
      return ["-f", "avfoundation", "-i", `:${device}`];
    case "windows":
      return ["-f", "dshow", "-audio_buffer_size", "20", "-i", `audio=${device}`];
    default:
      return ["-f", "pulse", "-i", device];
  }
}

abstract class FFmpegPort implements SoundPort {
  readonly device: SoundDevice;
  readonly channels: number;
  readonly suspended = false;
  protected readonly process: FFmpegProcess;
  protected readonly rate: number;
  #error: unknown = null;

  constructor(direction: SoundDirection, options: SoundPortOptions, args: (d: string) => string[]) {
    const { device, channels, sampleRateHz } = options;
    this.channels = channels ?? (direction === "record" ? 1 : 2);
    this.rate = sampleRateHz;
    const name = String(device ?? "default");
    this.device = { ...usual(), name, description: name };
    this.process = new FFmpegProcess({
      ffmpeg: direction === "record" ? "ffmpeg" : "ffplay",
      args: args(name),
      pipe: direction === "record" ? "stdout" : "stdin",
      action: `Cannot open ${named(direction, device)}`,
      mask: (text) => text,
    });
    this.process.ended.then((status) => this.#error ??= this.process.failure(status));
  }

  poll(): boolean {
    if (this.#error !== null) throw this.#error;
    return this.begun;
  }

  close(): Promise<void> {
    return this.process.stop();
  }

  /** Whether sound goes through. */
  protected abstract get begun(): boolean;

  protected fail(error: unknown): void {
    this.#error ??= error;
  }
}

/** A recording of ffmpeg's. */
export class FFmpegInput extends FFmpegPort implements SoundInput {
  #parts: Uint8Array<ArrayBuffer>[] = [];
  #bytes = 0;
  #begun = false;

  /** Starts ffmpeg. @param source ffmpeg's arguments for what to read, for tests */
  constructor(options: SoundPortOptions, source: (device: string) => string[] = inputArgs) {
    const rate = String(options.sampleRateHz);
    const channels = String(options.channels ?? 1);
    super("record", options, (device) => [
      ...["-hide_banner", "-nostdin", "-loglevel", "error", "-probesize", "32"],
      ...["-analyzeduration", "0", ...source(device), ...RAW, "-ar", rate, "-ac", channels],
      ...["-flush_packets", "1", "pipe:1"],
    ]);
    this.process.read((bytes) => {
      this.#begun = true;
      this.#parts.push(bytes.slice());
      this.#bytes += bytes.length;
    }).catch((error) => this.fail(error));
  }

  protected override get begun(): boolean {
    return this.#begun;
  }

  read(): { samples: Float32Array<ArrayBuffer>; lost: boolean } {
    const all = new Uint8Array(this.#bytes);
    let at = 0;
    for (const part of this.#parts) {
      all.set(part, at);
      at += part.length;
    }
    const whole = all.length - all.length % (4 * this.channels);
    this.#parts = [all.slice(whole)];
    this.#bytes = all.length - whole;
    return { samples: new Float32Array(all.buffer.slice(0, whole)), lost: false };
  }

  /** What has come and was not read; ffmpeg does not tell what lies before. */
  get latencyMs(): number {
    return this.#bytes / (4 * this.channels) * 1000 / this.rate;
  }
}

/** A playback of ffplay's. */
export class FFmpegOutput extends FFmpegPort implements SoundOutput {
  readonly #buffer: number;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBufferLike>>;
  /** When what was written will have sounded, if it plays at once. */
  #endsMs = 0;

  /** Starts ffplay. @param args its arguments, for tests */
  constructor(options: SoundPortOptions, args?: string[]) {
    const rate = String(options.sampleRateHz);
    super("playback", options, () =>
      args ?? [
        ...["-hide_banner", "-loglevel", "error", "-nodisp", "-fflags", "nobuffer"],
        ...["-probesize", "32", "-analyzeduration", "0"],
        ...[...RAW, "-ar", rate, "-ch_layout", layoutOf(options.channels ?? 2)],
        "pipe:0",
      ]);
    this.#buffer = options.bufferSamples;
    this.#writer = this.process.stdin.getWriter();
  }

  protected override get begun(): boolean {
    return true;
  }

  get latencyMs(): number {
    return Math.max(0, this.#endsMs - performance.now());
  }

  get room(): number {
    return Math.max(0, this.#buffer - Math.ceil(this.latencyMs * this.rate / 1000));
  }

  write(samples: Float32Array<ArrayBuffer>): void {
    const lastsMs = samples.length / this.channels * 1000 / this.rate;
    this.#endsMs = Math.max(performance.now(), this.#endsMs) + lastsMs;
    this.#writer.write(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength))
      .catch((cause) =>
        this.fail(
          new SystemCallError(
            `Cannot play to "${this.device.name}": ffplay has ended; start it again`,
            "EPIPE",
            { cause },
          ),
        )
      );
  }

  start(): void {}

  /** ffplay does not tell. */
  ranDry(): boolean {
    return false;
  }
}

/** Of more than two channels nobody has said where they are. */
function layoutOf(channels: number): string {
  return ["mono", "stereo"][channels - 1] ?? `${channels}c`;
}

/** ffmpeg has no list that could be read; names are AVFoundation's or DirectShow's. */
export function ffmpegList(): SoundDevice[] {
  return [usual()];
}

function usual(): SoundDevice {
  return {
    ...{ index: 0, name: "default", description: "default", channels: null },
    ...{ default: true, monitor: false, system: "ffmpeg" },
  };
}
