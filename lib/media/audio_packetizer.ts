/**
 * Makes frames of 20 ms at 48 kHz, each with its RTP time, of blocks of any length and rate:
 *
 *     blocks    |   1024    |   1024    |   1024    |   1024    |        a microphone
 *     frames    |   960   |   960   |   960   |   960   |   960   |      what Opus takes
 *
 * RTP time counts samples as long as the source goes on, whatever its clock says about each block; when
 * the source left out sound, RTP time leaves out as much. Time that has no sound in it has no frames.
 */

import { Deque } from "../subscriptions/deque.ts";
import type { AudioFrame } from "./audio_frame.ts";
import { Resampler } from "./resample.ts";

/** A frame to be encoded. */
export interface PacketizedFrame {
  /** 960 samples of each channel, interleaved, in memory of their own. */
  readonly samples: Float32Array<ArrayBuffer>;
  /** RTP time of the first sample, in 32 bits. */
  readonly timestamp48kHz: number;
  /** It does not join the one before: the first of all, or behind a gap (RFC 3551, section 4.1). */
  readonly marker: boolean;
}

/** How frames are made. */
export interface AudioPacketizerOptions {
  /** Channels of the frames. */
  readonly channels: 1 | 2;
  /**
   * Frames that may wait because the source gives more than can be heard; the oldest are dropped.
   * @default {50} a second
   */
  readonly maxFrames?: number;
}

interface Waiting {
  readonly samples: Float32Array<ArrayBuffer>;
  /** Counted on beyond 32 bits. */
  readonly timestamp: number;
  readonly marker: boolean;
}

const FRAME = 960;
const RATE_HZ = 48_000;
/** A block that does not begin within so long of where the one before ended begins behind a gap. */
const GAP_MS = 100;
/** A gap longer than this is no gap: the source's clock was set, and ours says how long it was. */
const MAX_GAP_MS = 10_000;
/** So much may be ahead of the clock, or as much as one block, for that comes in one piece. */
const AHEAD_MS = 100;
/** So much that was held up is handed on at once. */
const BEHIND_MS = 1000;
/** Clocks of sound cards differ by less than this, so a source that is as fast is not held back. */
const TOLERANCE = 500e-6;

/** See the head of this file. Pure: the present is an argument. */
export class AudioPacketizer {
  readonly #channels: 1 | 2;
  readonly #maxFrames: number;
  readonly #frames = new Deque<Waiting>();
  #resampler: { resampler: Resampler; rateHz: number } | null = null;
  #filling: Float32Array<ArrayBuffer>;
  #filled = 0;
  /** RTP time of the next frame to be filled, counted on beyond 32 bits. */
  #timestamp: number | null = null;
  #marker = true;
  /** Where the source's clock will be when the last block has ended, if it goes at all. */
  #endUs = 0;
  /** When that will be, on ours. */
  #endMs = 0;
  #dropped = 0;
  /** Frames were dropped since the last one was taken. */
  #hole = false;
  /** How far the source's time is ahead of ours, since what it gave too fast was dropped. */
  #ahead = 0;
  #taken: { timestamp: number; atMs: number } | null = null;
  /** The time that may still be sent, and when that was so. */
  #allowedMs = AHEAD_MS;
  #longestMs = AHEAD_MS;
  #allowedAtMs: number | null = null;

  /** @throws {RangeError} when an option is out of its range */
  constructor(options: AudioPacketizerOptions) {
    const { channels, maxFrames = 50 } = options;
    if (!(Number.isInteger(maxFrames) && maxFrames > 0)) {
      throw new RangeError(
        `Cannot packetize sound: maxFrames is ${maxFrames}; give a whole number above 0`,
      );
    }
    this.#channels = channels;
    this.#maxFrames = maxFrames;
    this.#filling = new Float32Array(FRAME * channels);
  }

  /** Frames that wait to be taken. */
  get size(): number {
    return this.#frames.length;
  }

  /** Frames that were dropped because too many waited. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Takes a block as it came; it is copied. @param nowMs on any clock that goes evenly */
  put(block: AudioFrame, nowMs: number): void {
    const durationMs = block.durationUs / 1000;
    // RTP time begins on our clock, as that of video does.
    this.#timestamp ??= Math.max(0, Math.round((nowMs - durationMs) * RATE_HZ / 1000));
    if (durationMs > this.#longestMs) {
      this.#allowedMs += durationMs - this.#longestMs;
      this.#longestMs = durationMs;
    }
    const gapMs = this.#gap(block, nowMs, durationMs);
    if (gapMs > 0) this.#leaveOut(gapMs);
    this.#endUs = block.timestampUs + block.durationUs;
    this.#endMs = Math.max(nowMs, this.#endMs + durationMs + gapMs);
    this.#fill(this.#resample(block));
  }

  /** The next frame, unless there is none or the source is so fast that it has to wait. */
  take(nowMs: number): PacketizedFrame | null {
    if (this.waitMs(nowMs) > 0) return null;
    this.#allowedMs -= FRAME * 1000 / RATE_HZ;
    const { samples, timestamp, marker } = this.#frames.shift()!;
    const taken = this.#taken;
    if (this.#hole && taken !== null) {
      // What was dropped had its time only if the clock went on meanwhile.
      const passed = Math.max(FRAME, Math.round((nowMs - taken.atMs) * RATE_HZ / 1000));
      const latest = taken.timestamp + passed;
      this.#ahead = Math.max(this.#ahead, timestamp - latest);
    }
    const sent = timestamp - this.#ahead;
    this.#taken = { timestamp: sent, atMs: nowMs };
    const result = { samples, timestamp48kHz: sent % 2 ** 32, marker: marker || this.#hole };
    this.#hole = false;
    return result;
  }

  /** How long until `take` gives a frame: 0 when at once, Infinity when a block is wanted first. */
  waitMs(nowMs: number): number {
    if (this.#frames.length === 0) return Infinity;
    this.#allowedAtMs ??= nowMs;
    const passedMs = Math.max(0, nowMs - this.#allowedAtMs) * (1 + TOLERANCE);
    this.#allowedMs = Math.min(Math.max(BEHIND_MS, this.#longestMs), this.#allowedMs + passedMs);
    this.#allowedAtMs = Math.max(nowMs, this.#allowedAtMs);
    return Math.max(0, FRAME * 1000 / RATE_HZ - this.#allowedMs);
  }

  /** How much sound is missing before a block. */
  #gap(block: AudioFrame, nowMs: number, durationMs: number): number {
    if (this.#marker && this.#filled === 0 && this.#resampler === null) return 0; // the first
    const jumpMs = (block.timestampUs - this.#endUs) / 1000;
    if (Math.abs(jumpMs) <= GAP_MS) return 0;
    if (jumpMs > 0 && jumpMs <= MAX_GAP_MS) return jumpMs;
    const passedMs = nowMs - durationMs - this.#endMs;
    return passedMs > GAP_MS ? passedMs : 0;
  }

  /** What is not a whole frame is ended with silence, less than 20 ms of it, and time goes on behind. */
  #leaveOut(gapMs: number): void {
    if (this.#resampler !== null) this.#fill(this.#resampler.resampler.flush());
    const left = Math.round(gapMs * RATE_HZ / 1000);
    if (this.#filled === 0) this.#timestamp! += left;
    else {
      const unfilled = FRAME - this.#filled;
      this.#filling.fill(0, this.#filled * this.#channels);
      this.#finish();
      this.#timestamp! += Math.max(0, left - unfilled);
    }
    this.#marker = true;
  }

  #resample(block: AudioFrame): Float32Array {
    const last = this.#resampler;
    const same = last?.rateHz === block.sampleRateHz &&
      last.resampler.fromChannels === block.channels;
    if (same) return last.resampler.process(block.data);
    if (last !== null) this.#fill(last.resampler.flush());
    const resampler = new Resampler({
      fromRateHz: block.sampleRateHz,
      toRateHz: RATE_HZ,
      fromChannels: block.channels,
      toChannels: this.#channels,
    });
    this.#resampler = { resampler, rateHz: block.sampleRateHz };
    return resampler.process(block.data);
  }

  #fill(samples: Float32Array): void {
    const channels = this.#channels;
    for (let from = 0; from < samples.length;) {
      const count = Math.min(samples.length - from, (FRAME - this.#filled) * channels);
      this.#filling.set(samples.subarray(from, from + count), this.#filled * channels);
      this.#filled += count / channels;
      from += count;
      if (this.#filled === FRAME) this.#finish();
    }
  }

  #finish(): void {
    const timestamp = this.#timestamp!;
    this.#frames.push({ samples: this.#filling, timestamp, marker: this.#marker });
    this.#filling = new Float32Array(FRAME * this.#channels);
    this.#filled = 0;
    this.#timestamp = timestamp + FRAME;
    this.#marker = false;
    if (this.#frames.length <= this.#maxFrames) return;
    this.#frames.shift();
    this.#dropped++;
    this.#hole = true;
  }
}
