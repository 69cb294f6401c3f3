/** What every video encoder and decoder can do, whichever codec and library is behind it. */

import { RemoteProtocolError } from "../errors.ts";
import type { EncodedVideo, VideoCodecName } from "../media/encoded.ts";
import type { VideoFrame } from "../media/video_frame.ts";

/** What an encoder is made with. */
export interface VideoEncoderOptions {
  /**
   * The codec.
   * @default {"VP8"}
   */
  readonly codec?: VideoCodecName;
  /** Width of the first frames; a frame of another size makes the encoder start anew by itself. */
  readonly width: number;
  /** Height of the first frames. */
  readonly height: number;
  /** Frames a second that are meant to come; real times are taken from the frames. */
  readonly fps: number;
  /**
   * Bits a second that the stream shall take.
   * @default {by size and rate: 1 Mbit/s for 640x480 at 30, see {@linkcode defaultBitrate}}
   */
  readonly bitrate?: number;
  /**
   * A key frame at the latest after so many milliseconds of frame time, besides those asked for;
   * 0 for none. Viewers that join or lose something ask for theirs, so it can be long.
   * @default {60000}
   */
  readonly keyFrameIntervalMs?: number;
}

/** Turns frames into compressed frames, off the event loop. */
export interface VideoEncoder extends Disposable {
  /** What it encodes to. */
  readonly codec: VideoCodecName;
  /** Bits a second that it aims at; see {@linkcode VideoEncoder.setBitrate}. */
  readonly bitrate: number;
  /**
   * Encodes one frame. Calls made before the last one has settled wait in line. The frame's memory is
   * read when its turn comes, at once if the encoder is idle: leave it alone until the promise settles.
   *
   * @param frame in any format; `I420` costs least
   * @param options.keyFrame make exactly this frame a key frame
   * @returns the compressed frame in memory of its own, or null if the encoder dropped it to keep the rate
   * @throws {SubscriptionClosed} when the encoder was closed
   */
  encode(frame: VideoFrame, options?: { keyFrame?: boolean }): Promise<EncodedVideo | null>;
  /**
   * Changes the rate from the next frame on, without a key frame.
   *
   * @throws {RangeError} unless it is a number of bits a second above 0
   */
  setBitrate(bitsPerSecond: number): void;
  /** Ends it, as often as you like: a frame in work is finished first, frames in line are refused. */
  close(): void;
}

/** Turns compressed frames into frames, off the event loop. */
export interface VideoDecoder extends Disposable {
  /** What it decodes. */
  readonly codec: VideoCodecName;
  /**
   * Decodes one frame; calls wait in line. After an error it can be used on; it then needs a key frame
   * to show whole pictures.
   *
   * @returns an `I420` frame in memory of its own, or null if there is nothing to show
   * @throws {RemoteProtocolError} when the bytes are not what they should be
   * @throws {SubscriptionClosed} when the decoder was closed
   */
  decode(chunk: EncodedVideo): Promise<VideoFrame | null>;
  /** Ends it, as often as you like: a frame in work is finished first, frames in line are refused. */
  close(): void;
}

/** What a decoder may be made with. */
export interface VideoDecoderOptions {
  /**
   * The largest picture that is decoded, in pixels: a key frame of a few bytes can ask for 400 MB.
   * @default {4096 * 2304}
   */
  readonly maxPixels?: number;
}

/** {@linkcode VideoDecoderOptions.maxPixels} unless told otherwise. */
export const MAX_PIXELS: number = 4096 * 2304;

/**
 * Refuses a picture that is too large.
 *
 * @param frameName what errors call it, such as `a VP8 frame`
 * @throws {RemoteProtocolError} when it has more than `maxPixels` pixels
 */
export function checkPixels(
  frameName: string,
  width: number,
  height: number,
  maxPixels: number,
): void {
  if (width * height <= maxPixels) return;
  throw new RemoteProtocolError(
    `Cannot decode ${frameName}: ${width}x${height} is more than ${maxPixels} pixels; ` +
      "ask the sender for a smaller picture or raise maxPixels",
  );
}

/** 0.11 bits for each pixel of each frame, but no less than 100 kbit/s: 1 Mbit/s for 640x480 at 30. */
export function defaultBitrate(width: number, height: number, fps: number): number {
  return Math.max(100_000, Math.round(0.11 * width * height * fps / 1000) * 1000);
}
