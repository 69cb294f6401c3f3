/** What all encoders check and lay out alike. */

import { checkSize, type Pixels } from "../media/pixel_format.ts";
import { defaultBitrate, type VideoEncoderOptions } from "./codec.ts";

/** {@linkcode VideoEncoderOptions}, checked and complete. */
export interface EncoderSettings {
  /** Frames a second that are meant to come. */
  readonly fps: number;
  /** Bits a second. */
  readonly bitrate: number;
  /** The longest time between two key frames in microseconds, `Infinity` for no such limit. */
  readonly keyFrameIntervalUs: number;
}

/**
 * Checks what an encoder is made with, and fills in what was left out.
 *
 * @param owner the class that errors name
 * @throws {RangeError} when size, rate or interval make no sense
 */
export function readEncoderOptions(owner: string, options: VideoEncoderOptions): EncoderSettings {
  const { width, height, fps, keyFrameIntervalMs = 60_000 } = options;
  checkSize(width, height);
  if (!Number.isFinite(fps) || fps <= 0) {
    throw new RangeError(`Cannot make a ${owner}: ${fps} frames a second; give a number above 0`);
  }
  if (!(keyFrameIntervalMs >= 0)) {
    throw new RangeError(
      `Cannot make a ${owner}: keyFrameIntervalMs is ${keyFrameIntervalMs}; ` +
        "give milliseconds, or 0 for none",
    );
  }
  return {
    fps,
    bitrate: checkBitrate(options.bitrate ?? defaultBitrate(width, height, fps)),
    keyFrameIntervalUs: keyFrameIntervalMs === 0 ? Infinity : keyFrameIntervalMs * 1000,
  };
}

/** @throws {RangeError} unless it is a number of bits a second above 0 */
export function checkBitrate(bitsPerSecond: number): number {
  if (!Number.isFinite(bitsPerSecond) || bitsPerSecond <= 0) {
    throw new RangeError(
      `Cannot encode with ${bitsPerSecond} bits a second: no such rate; give a number above 0`,
    );
  }
  return bitsPerSecond;
}

/** `I420` planes without padding, one after the other in `bytes`. */
export function planesIn(bytes: Uint8Array, width: number, height: number): Pixels {
  const half = (width + 1) >> 1;
  const luma = width * height;
  const chroma = half * ((height + 1) >> 1);
  const plane = (offset: number, length: number, stride: number) => ({
    data: bytes.subarray(offset, offset + length),
    stride,
  });
  return {
    width,
    height,
    format: "I420",
    planes: [
      plane(0, luma, width),
      plane(luma, chroma, half),
      plane(luma + chroma, chroma, half),
    ],
  };
}
