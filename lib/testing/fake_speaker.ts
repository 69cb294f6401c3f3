import type { SoundDevice, SoundOutput, SoundPortOptions } from "../devices/sound_port.ts";
import { Speaker, type SpeakerOptions } from "../devices/speaker.ts";
import { DeviceMissing } from "../errors.ts";
import { AudioFrame } from "../media/audio_frame.ts";
import { type Clock, systemClock } from "./clock.ts";

/** Options of {@linkcode FakeSpeaker}. */
export interface FakeSpeakerOptions extends Omit<SpeakerOptions, "system" | "server" | "device"> {
  /** Whether it is plugged in from the beginning. @default {true} */
  plugged?: boolean;
  /** The time that it lives in. @default the system's */
  clock?: Clock;
}

/** So much of what sounded is kept. */
const KEPT_S = 10;

/**
 * A speaker that nobody hears: the real one's code, with a sound card behind it that is only simulated. It
 * plays in time, runs dry, and keeps what sounded.
 *
 * ```ts
 * import { FakeSpeaker, ManualClock } from "rtcbot/testing";
 * import { tone } from "rtcbot";
 * import assert from "node:assert/strict";
 *
 * const clock = new ManualClock();
 * await using speaker = new FakeSpeaker({ clock });
 * await speaker.onReady();
 * speaker.put_nowait(tone(0, { channels: 2, samples: 4800 })); // 100 ms
 * await Promise.resolve().then(() => clock.advance(200));
 * assert.equal(speaker.heard.reduce((sum, { samples }) => sum + samples, 0), 4800);
 * ```
 */
export class FakeSpeaker extends Speaker {
  readonly #card: FakeSoundCard;

  /** @param options see {@linkcode FakeSpeakerOptions} */
  constructor(options: FakeSpeakerOptions = {}) {
    const { clock = systemClock, plugged = true } = options;
    const card = new FakeSoundCard(clock, plugged);
    super(options, { time: clock, openers: () => [(port) => card.open(port)] });
    this.#card = card;
  }

  /** What has sounded, up to the last ten seconds; a piece for each time that it played without a gap. */
  get heard(): readonly AudioFrame[] {
    return this.#card.heard();
  }

  /** Pulls the plug: it fails with `DeviceMissing`, or waits for {@linkcode plug} with `reopen`. */
  unplug(): void {
    this.#card.plugged = false;
  }

  /** Puts the plug back. */
  plug(): void {
    this.#card.plugged = true;
  }
}

/** Plays in its clock's time: begins when its buffer is full, stops when it runs dry. */
class FakeSoundCard implements SoundOutput {
  readonly device: SoundDevice = {
    ...{ index: 0, name: "fake", description: "Fake speaker", channels: 2 },
    ...{ default: true, monitor: false, system: "pulse" },
  };
  readonly suspended = false;
  plugged: boolean;
  channels = 2;
  readonly #clock: Clock;
  #rate = 48_000;
  #size = 0;
  /** What was written and has not sounded. */
  #waiting: Float32Array[] = [];
  #level = 0;
  /** When the first waiting sample sounds; `null` while it is silent. */
  #playsAtMs: number | null = null;
  #ranDry = false;
  /** Samples of all channels in the pieces. */
  #kept = 0;
  #pieces: { atMs: number; parts: Float32Array[]; channels: number; rate: number }[] = [];

  constructor(clock: Clock, plugged: boolean) {
    this.#clock = clock;
    this.plugged = plugged;
  }

  open(options: SoundPortOptions): this {
    if (!this.plugged) {
      throw new DeviceMissing("Cannot open a speaker: there is no speaker; plug one in");
    }
    this.channels = options.channels ?? 2;
    this.#rate = options.sampleRateHz;
    this.#size = options.bufferSamples;
    return this;
  }

  poll(): boolean {
    if (this.plugged) return true;
    throw new DeviceMissing(
      `Cannot play to "${this.device.description}": it was unplugged; plug it in again, ` +
        "or set reopen: true to go on when it is back",
    );
  }

  get room(): number {
    this.#advance();
    return this.#size - this.#level;
  }

  write(samples: Float32Array): void {
    this.#waiting.push(samples);
    this.#level += samples.length / this.channels;
    if (this.#level >= this.#size) this.start();
  }

  start(): void {
    if (this.#playsAtMs !== null || this.#level === 0) return;
    this.#playsAtMs = this.#clock.now();
    const { channels } = this;
    this.#pieces.push({ atMs: this.#playsAtMs, parts: [], channels, rate: this.#rate });
  }

  ranDry(): boolean {
    this.#advance();
    const ran = this.#ranDry;
    this.#ranDry = false;
    return ran;
  }

  get latencyMs(): number {
    this.#advance();
    return this.#level * 1000 / this.#rate;
  }

  close(): void {
    this.#advance();
    this.#waiting = [];
    this.#level = 0;
    this.#playsAtMs = null;
  }

  heard(): AudioFrame[] {
    this.#advance();
    return this.#pieces.filter(({ parts }) => parts.length > 0).map((piece) => {
      const data = new Float32Array(piece.parts.reduce((sum, { length }) => sum + length, 0));
      let at = 0;
      for (const part of piece.parts) {
        data.set(part, at);
        at += part.length;
      }
      const { channels, rate, atMs } = piece;
      return new AudioFrame({ data, channels, sampleRateHz: rate, timestampUs: atMs * 1000 });
    });
  }

  /** Lets sound what has sounded by now. */
  #advance(): void {
    if (this.#playsAtMs === null) return;
    const passed = Math.floor((this.#clock.now() - this.#playsAtMs) * this.#rate / 1000 + 1e-6);
    const count = Math.min(passed, this.#level);
    this.#playsAtMs += count * 1000 / this.#rate;
    this.#level -= count;
    this.#sound(count * this.channels);
    if (passed < count || this.#level > 0) return;
    this.#playsAtMs = null;
    this.#ranDry = true;
  }

  #sound(count: number): void {
    const piece = this.#pieces.at(-1)!;
    this.#kept += count;
    for (let left = count; left > 0;) {
      const [first] = this.#waiting as [Float32Array];
      piece.parts.push(first.subarray(0, left));
      if (first.length > left) this.#waiting[0] = first.subarray(left);
      else this.#waiting.shift();
      left -= Math.min(left, first.length);
    }
    this.#forget();
  }

  /** Keeps the last seconds only. */
  #forget(): void {
    while (this.#kept > KEPT_S * this.#rate * this.channels) {
      const piece = this.#pieces[0]!;
      const part = piece.parts.shift();
      if (part === undefined) {
        this.#pieces.shift();
        continue;
      }
      this.#kept -= part.length;
      piece.atMs += part.length / piece.channels * 1000 / piece.rate;
    }
  }
}
