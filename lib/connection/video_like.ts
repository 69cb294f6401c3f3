/** What may be put where video goes: frames, or plain arrays of pixels as image processing has them. */
import { type PixelArray, VideoFrame } from "../media/video_frame.ts";

/**
 * A frame, or pixels of shape `(height, width, channels)`: one channel is grey, three are BGR, four are
 * BGRA.
 */
export type VideoLike = VideoFrame | PixelArray;

/** The value as a frame. @throws {TypeError} when it is none of what may be put */
export function asVideoFrame(value: VideoLike, nowUs: number): VideoFrame {
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
  throw new TypeError(
    "Cannot send the video frame: it is neither a VideoFrame nor pixels of shape " +
      "(height, width, 1, 3 or 4)",
  );
}
