/** What waits to be played: in the shape that the device takes, and never more than a bound. */

import type { AudioFrame } from "../media/audio_frame.ts";
import { Resampler } from "../media/resample.ts";
import { Deque } from "../subscriptions/deque.ts";

/** How a {@linkcode SoundStore} is made. */
export interface SoundStoreOptions {
  /** Channels of what is taken. */
  readonly channels: number;
  /** Samples of each channel in a second of what is taken. */
  readonly sampleRateHz: number;
  /** When more samples of each channel wait, the oldest blocks are dropped … */
  readonly maxSamples: number;
  /** … until so many are left; the newest block stays, however long it is. */
  readonly keptSamples: number;
}

/** Blocks of any rate, channels and length go in, samples come out. Pure. */
export class SoundStore {
  readonly #options: SoundStoreOptions;
  readonly #blocks = new Deque<Float32Array<ArrayBuffer>>();
  /** What is left of the oldest block. */
  #oldest: Float32Array<ArrayBuffer> = new Float32Array(0);
  #waiting = 0;
  #dropped = 0;
  #resampler: { resampler: Resampler; rateHz: number } | null = null;
  #speed = 1;

  /** Makes an empty one. */
  constructor(options: SoundStoreOptions) {
    this.#options = options;
  }

  /** Samples of each channel that wait. */
  get samples(): number {
    return this.#waiting / this.#options.channels;
  }

  /** Samples of each channel that were dropped. */
  get dropped(): number {
    return this.#dropped / this.#options.channels;
  }

  /** How much faster than it came it is given, from the next block on; see `Resampler`. */
  set speed(speed: number) {
    this.#speed = speed;
    if (this.#resampler !== null) this.#resampler.resampler.speed = speed;
  }

  /** Takes a block; it is copied. */
  put(block: AudioFrame): void {
    this.#add(this.#resample(block));
    const { channels, maxSamples, keptSamples } = this.#options;
    if (this.#waiting <= maxSamples * channels) return;
    while (this.#blocks.length > 0 && this.#waiting > keptSamples * channels) {
      if (this.#oldest.length === 0 && this.#blocks.length === 1) return;
      const { length } = this.#oldest.length > 0 ? this.#oldest : this.#blocks.shift()!;
      this.#oldest = new Float32Array(0);
      this.#waiting -= length;
      this.#dropped += length;
    }
  }

  /** So many samples of each channel, or as many as there are, interleaved. */
  take(samples: number): Float32Array<ArrayBuffer> {
    const wanted = Math.min(samples * this.#options.channels, this.#waiting);
    const out = new Float32Array(wanted);
    for (let at = 0; at < wanted;) {
      if (this.#oldest.length === 0) this.#oldest = this.#blocks.shift()!;
      const part = this.#oldest.subarray(0, wanted - at);
      out.set(part, at);
      at += part.length;
      this.#oldest = this.#oldest.subarray(part.length);
    }
    this.#waiting -= wanted;
    return out;
  }

  #add(samples: Float32Array<ArrayBuffer>): void {
    if (samples.length === 0) return;
    this.#blocks.push(samples);
    this.#waiting += samples.length;
  }

  #resample(block: AudioFrame): Float32Array<ArrayBuffer> {
    const last = this.#resampler;
    const same = last?.rateHz === block.sampleRateHz &&
      last.resampler.fromChannels === block.channels;
    if (same) return last.resampler.process(block.data);
    if (last !== null) this.#add(last.resampler.flush());
    const resampler = new Resampler({
      fromRateHz: block.sampleRateHz,
      toRateHz: this.#options.sampleRateHz,
      fromChannels: block.channels,
      toChannels: this.#options.channels,
    });
    resampler.speed = this.#speed;
    this.#resampler = { resampler, rateHz: block.sampleRateHz };
    return resampler.process(block.data);
  }
}
