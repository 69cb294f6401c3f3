/** What was sent to one viewer, for statistics: counts, and when the newest pictures were taken. Pure. */
import type { VideoCodecName } from "../media/encoded.ts";
import type { SharedFrame } from "./viewers_feed.ts";

/** What is known of an encoded frame besides its packets. */
export interface FrameFacts {
  readonly codec: VideoCodecName;
  readonly width: number;
  readonly height: number;
  /** When the picture was taken, on the clock of `performance.now()`. */
  readonly capturedMs: number;
  /** How long its encoding took; `null` when it came encoded. */
  readonly encodeMs: number | null;
  /** Bits a second that the encoder is to make; `null` when it is not ours. */
  readonly targetBitrate: number | null;
  /** Frames of the source that were left out since the one before it. */
  readonly leftOut: number;
}

/** A source whose time is off by more has a clock of its own. */
const SAME_CLOCK_MS = 1_000;

/** When a picture was taken, in ms: as its source says, if that can be, and else when it came to us. */
export function takenMs(timestampUs: number, nowUs: number): number {
  const agoMs = (nowUs - timestampUs) / 1_000;
  return nowUs / 1_000 - (agoMs >= 0 && agoMs < SAME_CLOCK_MS ? agoMs : 0);
}

/** Two seconds at 60 frames a second; what is shown later than that has no age. */
const PICTURES = 128;

/** Counts since the connection began; nothing here costs more than a few additions a frame. */
export class SentVideo {
  /** The newest frame's; `null` before the first. */
  newest: FrameFacts | null = null;
  frames = 0;
  keyFrames = 0;
  /** Of the frames, without the headers of packets. */
  bytes = 0;
  leftOut = 0;
  encodeMs = 0;
  /** Frames that we encoded. */
  encoded = 0;
  readonly #times = new Float64Array(PICTURES).fill(NaN);
  readonly #timestamps = new Uint32Array(PICTURES);

  /** A frame is sent. */
  add({ facts, payloads, timestamp90kHz, keyFrame }: SharedFrame): void {
    const at = this.frames++ % PICTURES;
    this.#times[at] = facts.capturedMs;
    this.#timestamps[at] = timestamp90kHz;
    this.newest = facts;
    if (keyFrame) this.keyFrames++;
    for (const { length } of payloads) this.bytes += length;
    this.leftOut += facts.leftOut;
    if (facts.encodeMs === null) return;
    this.encoded++;
    this.encodeMs += facts.encodeMs;
  }

  /** When the picture with this RTP time was taken; `null` when it is none of the newest. */
  capturedMs(timestamp90kHz: number): number | null {
    const at = this.#timestamps.indexOf(timestamp90kHz);
    const ms = at < 0 ? NaN : this.#times[at]!;
    return Number.isNaN(ms) ? null : ms;
  }
}
