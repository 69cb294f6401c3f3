import { AudioFrame } from "../media/audio_frame.ts";
import { tone } from "../media/tone.ts";
import { SubscriptionProducer } from "../subscriptions/producer.ts";
import { Queue } from "../subscriptions/queue.ts";
import { type Clock, systemClock } from "./clock.ts";

/** Options of {@linkcode FakeMicrophone}. */
export interface FakeMicrophoneOptions {
  /** Pitch of the tone; several give each channel its own. @default {440} */
  frequencyHz?: number | readonly number[];
  /** Peak of the tone, from 0 to 1. @default {0.25} */
  amplitude?: number;
  /** 1 for mono, 2 for stereo. @default {as many as there are pitches} */
  channels?: number;
  /** Samples of each channel in a second. @default {48000} */
  sampleRate?: number;
  /** Samples of each channel in a block. @default {1024} */
  samples?: number;
  /** The time that it lives in. @default the system's */
  clock?: Clock;
}

/** A program that was held up is given so much of what it missed, as sound cards do. */
const KEPT_MS = 1000;
/** Blocks that wait for a reader, by default. */
const MAX_UNREAD = 100;

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

  /**
   * The tone begins at once.
   *
   * @param options see {@linkcode FakeMicrophoneOptions}
   * @throws {RangeError} when there is not one pitch for each channel
   */
  constructor(options: FakeMicrophoneOptions = {}) {
    super({ defaultSubscription: () => new Queue<AudioFrame>({ maxSize: MAX_UNREAD }) });
    const { frequencyHz = 440, sampleRate = 48_000, samples = 1024, clock = systemClock } = options;
    const pitches = typeof frequencyHz === "number" ? [frequencyHz] : [...frequencyHz];
    const channels = options.channels ?? pitches.length;
    if (pitches.length === 1) { while (pitches.length < channels) pitches.push(pitches[0]!); }
    if (pitches.length !== channels || channels === 0) {
      throw new RangeError(
        `Cannot make a microphone: it has ${channels} channels and ${pitches.length} pitches; ` +
          "give one pitch, or one for each channel",
      );
    }
    const { amplitude = 0.25 } = options;
    const blockMs = samples * 1000 / sampleRate;
    const start = clock.now();
    let next = 0;
    this.#stop = clock.every(blockMs, () => {
      // Timers are not exact: what ends within a tenth of a block has ended.
      const ended = Math.floor((clock.now() - start) / blockMs + 0.1);
      next = Math.max(next, ended - Math.ceil(KEPT_MS / blockMs));
      for (; next < ended; next++) {
        if (!this._hasSubscribers) continue;
        const tones = pitches.map((frequencyHz) =>
          tone(next, { frequencyHz, amplitude, sampleRateHz: sampleRate, samples })
        );
        this._put_nowait(mix(tones, Math.round((start + next * blockMs) * 1000)));
      }
    });
  }

  /** Frees the clock. */
  protected override _close(): void {
    this.#stop();
  }
}

/** One frame of mono frames, a channel each. */
function mix(tones: readonly AudioFrame[], timestampUs: number): AudioFrame {
  const { samples, sampleRateHz } = tones[0]!;
  const channels = tones.length;
  const data = new Float32Array(samples * channels);
  tones.forEach((one, c) => one.data.forEach((level, i) => data[i * channels + c] = level));
  return new AudioFrame({ data, channels, sampleRateHz, timestampUs });
}
