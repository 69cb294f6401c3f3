/** Compressed video, as it comes from an encoder and goes to a decoder. */
import type { Source } from "../subscriptions/types.ts";

/** The video codecs that the library has a name for, spelt as in SDP (RFC 7741, 9628, 6184). */
export type VideoCodecName = "VP8" | "VP9" | "H264";

/** One compressed frame. The bytes belong to whoever holds it and are never written again. */
export interface EncodedVideo {
  /** What it was compressed with. */
  readonly codec: VideoCodecName;
  /** The compressed frame. */
  readonly data: Uint8Array;
  /** True if it can be decoded without those before it. */
  readonly keyFrame: boolean;
  /** The time of the frame that it was made from, in microseconds. */
  readonly timestampUs: number;
  /** Width of the picture in pixels. */
  readonly width: number;
  /** Height of the picture in pixels. */
  readonly height: number;
}

/** What a source of compressed video may have besides its chunks, so that they can be passed on. */
export interface EncodedVideoSource {
  /**
   * What its chunks are compressed with. Connections agree with the other end on it; unless it is said,
   * the first chunk tells, and a viewer that was agreed on something else with gets none.
   */
  readonly codec?: VideoCodecName | undefined;
  /** Makes the next chunk, or one soon after, a key frame. Called at most every 300 ms. */
  requestKeyFrame?(): void;
}

/**
 * A source of frames whose device may compress by itself. A connection that is given the source passes
 * the device's own compression on to viewers who take it; the others get frames that are encoded for them.
 */
export interface CompressingSource {
  /**
   * The pictures of the frames, compressed; `null` where there are none, or none that show the same. Known
   * when the source is ready.
   */
  readonly passThrough: (Source<EncodedVideo> & EncodedVideoSource) | null;
}
