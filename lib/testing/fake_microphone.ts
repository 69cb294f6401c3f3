import { checkBlocks } from "../devices/microphone.ts";
import { LagQueue } from "../devices/sound_lag.ts";
import type { SoundDevice } from "../devices/sound_port.ts";
import { DeviceMissing } from "../errors.ts";
import { AudioFrame } from "../media/audio_frame.ts";
import { tone } from "../media/tone.ts";
import { SubscriptionProducer } from "../subscriptions/producer.ts";
import type { Subscription } from "../subscriptions/subscription.ts";
import { type Clock, systemClock } from "./clock.ts";

/** Options of {@linkcode FakeMicrophone}. */
export interface FakeMicrophoneOptions {
  /** Pitch of the tone; several give each channel its own. @default {440} */
  frequencyHz?: number | readonly number[];
  /** Peak of the tone, from 0 to 1. @default {0.25} */
  amplitude?: number;
  /** How many, or which of those that have a pitch, as `Microphone` has it. @default {as many as there are pitches} */
  channels?: number | readonly number[];
  /** Samples of each channel in a second. @default {48000} */
  sampleRate?: number;
  /** Samples of each channel in a block. @default {1024} */
  samples?: number;
  /** Makes what `subscribe()` gives. @default {a queue that drops nothing, as `Microphone` has it} */
  defaultSubscription?: () => Subscription<AudioFrame>;
  /** Whether it goes on when it is plugged in again, instead of failing. @default {false} */
  reopen?: boolean;
  /** Whether it is plugged in from the beginning. @default {true} */
  plugged?: boolean;
  /** The time that it lives in. @default the system's */
  clock?: Clock;
}

/** A program that was held up is given so much of what it missed, as sound cards do. */
const KEPT_MS = 1000;
const DEVICE: SoundDevice = {
  ...{ index: 0, name: "fake", description: "Fake microphone", channels: null },
  ...{ default: true, monitor: false, system: "pulse" },
};

/**
 * A microphone that hears a tone, in blocks of shape `(1024, channels)` of floats from -1 to 1 at 48 kHz.
 * A block comes when its last sample has sounded. Nothing is made while nobody is subscribed; the tone
 * sounds on meanwhile.
 *
 * ```ts
 * import { FakeMicrophone, ManualClock } from "rtcbot/testing";
 * import assert from "node:assert/strict";
 *
 * const clock = new ManualClock();
 * await using microphone = new FakeMicrophone({ clock, frequencyHz: [440, 880] });
 * const block = microphone.get();
 * clock.advance(22);
 * assert.deepEqual((await block).shape, [1024, 2]);
 * ```
 *
 * RTCBot: `Microphone`.
 */
export class FakeMicrophone extends SubscriptionProducer<AudioFrame> {
  readonly #stop: () => void;
  readonly #reopen: boolean;
  #plugged: boolean;
  #overruns = 0;

  /**
   * The tone begins at once.
   *
   * @param options see {@linkcode FakeMicrophoneOptions}
   * @throws {RangeError} when there is not one pitch for each channel
   */
  constructor(options: FakeMicrophoneOptions = {}) {
    const { sampleRate = 48_000, samples = 1024, clock = systemClock } = options;
    const pitches = pitchesOf(options);
    super({
      ready: false,
      defaultSubscription: options.defaultSubscription ??
        (() => new LagQueue<AudioFrame>("FakeMicrophone", sampleRate / samples)),
    });
    const { amplitude = 0.25, plugged = true, reopen = false } = options;
    this.#plugged = plugged;
    this.#reopen = reopen;
    const blockMs = samples * 1000 / sampleRate;
    const start = clock.now();
    let next = 0;
    this.#stop = clock.every(blockMs, () => {
      // Timers are not exact: what ends within a tenth of a block has ended.
      const ended = Math.floor((clock.now() - start) / blockMs + 0.1);
      const first = ended - Math.ceil(KEPT_MS / blockMs);
      if (first > next) this.#overruns++;
      next = Math.max(next, first);
      for (; next < ended; next++) {
        if (!this._hasSubscribers || !this.#plugged) continue;
        const tones = pitches.map((frequencyHz) =>
          tone(next, { frequencyHz, amplitude, sampleRateHz: sampleRate, samples })
        );
        this._put_nowait(mix(tones, Math.round((start + next * blockMs) * 1000)));
      }
    });
    if (plugged) this._setReady();
    else {queueMicrotask(() =>
        this.#lose("Cannot open a microphone: there is no microphone; plug one in")
      );}
  }

  /** What it listens to, or `null` while it is unplugged. */
  get device(): SoundDevice | null {
    return this.#plugged && !this.closed ? DEVICE : null;
  }

  /** How old the newest block's end was when the block was given: nothing lies between. */
  get latencyMs(): number {
    return 0;
  }

  /** How many times sound was lost because the program was held up for more than a second. */
  get overruns(): number {
    return this.#overruns;
  }

  /** Pulls the plug: it fails with `DeviceMissing`, or waits for {@linkcode plug} with `reopen`. */
  unplug(): void {
    this.#plugged = false;
    this.#lose(
      `Cannot record from "${DEVICE.description}": it was unplugged; plug it in again, ` +
        "or set reopen: true to go on when it is back",
    );
  }

  /** Puts the plug back. */
  plug(): void {
    this.#plugged = true;
    if (!this.closed) this._setReady();
  }

  /** Frees the clock. */
  protected override _close(): void {
    this.#stop();
  }

  #lose(sentence: string): void {
    if (!this.#reopen) this._setError(new DeviceMissing(sentence));
  }
}

/** The pitch of each channel that is given. */
function pitchesOf(options: FakeMicrophoneOptions): readonly number[] {
  checkBlocks(options);
  const { frequencyHz = 440, channels } = options;
  const pitches = typeof frequencyHz === "number" ? [frequencyHz] : [...frequencyHz];
  const count = typeof channels === "number" ? channels : pitches.length;
  if (pitches.length === 1) { while (pitches.length < count) pitches.push(pitches[0]!); }
  if (pitches.length !== count || count === 0) {
    throw new RangeError(
      `Cannot make a microphone: it has ${count} channels and ${pitches.length} pitches; ` +
        "give one pitch, or one for each channel",
    );
  }
  if (typeof channels !== "object") return pitches;
  return channels.map((index) => {
    const pitch = pitches[index];
    if (pitch !== undefined) return pitch;
    throw new RangeError(
      `Cannot open a microphone: it has no channel ${index}; give 0 to ${pitches.length - 1}`,
    );
  });
}

/** One frame of mono frames, a channel each. */
function mix(tones: readonly AudioFrame[], timestampUs: number): AudioFrame {
  const { samples, sampleRateHz } = tones[0]!;
  const channels = tones.length;
  const data = new Float32Array(samples * channels);
  tones.forEach((one, c) => one.data.forEach((level, i) => data[i * channels + c] = level));
  return new AudioFrame({ data, channels, sampleRateHz, timestampUs });
}
