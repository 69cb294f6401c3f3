/** What may be put where video goes: frames, pixels as image processing has them, or compressed frames. */
import type { EncodedVideo } from "./encoded.ts";
import { type PixelArray, VideoFrame } from "./video_frame.ts";

/**
 * A frame, or pixels of shape `(height, width, channels)`: one channel is grey, three are BGR, four are
 * BGRA. Or a compressed frame, which is sent as it is: H.264 in Annex B, in the order of decoding and
 * without pictures that refer to later ones; what must be decoded first waits for the next key frame.
 */
export type VideoLike = VideoFrame | PixelArray | EncodedVideo;

/** Whether it is compressed, and to be passed on as it is. */
export function isEncodedVideo(value: VideoLike): value is EncodedVideo {
  const { codec, data, keyFrame } = (value ?? {}) as Partial<EncodedVideo>;
  return typeof codec === "string" && typeof keyFrame === "boolean" && data instanceof Uint8Array;
}

/**
 * The value as a frame.
 *
 * @param nowUs the time of what does not tell its own
 * @param action what is done with it, for the error
 * @throws {TypeError} when it is neither a frame nor an array of pixels
 */
export function asVideoFrame(
  value: Exclude<VideoLike, EncodedVideo>,
  nowUs: number,
  action: "send" | "record" | "show" = "send",
): VideoFrame {
  if (value instanceof VideoFrame) return value;
  const { shape } = (value ?? {}) as Partial<PixelArray>;
  switch (Array.isArray(shape) ? shape[2] : undefined) {
    case 1:
      return VideoFrame.fromGray(value, nowUs);
    case 3:
      return VideoFrame.fromBGR(value, nowUs);
    case 4:
      return VideoFrame.fromBGRA(value, nowUs);
  }
  const state = isEncodedVideo(value)
    ? "it is compressed; decode it before"
    : "it is neither a VideoFrame nor pixels of shape (height, width, 1, 3 or 4)";
  throw new TypeError(`Cannot ${action} the video frame: ${state}`);
}
