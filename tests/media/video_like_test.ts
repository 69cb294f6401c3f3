import assert from "node:assert/strict";
import { VideoFrame } from "../../lib/media/video_frame.ts";
import { asVideoFrame, isEncodedVideo } from "../../lib/media/video_like.ts";

const pixels = (channels: number) => ({
  data: Uint8Array.from({ length: 4 * channels }, (_, i) => 10 * (i % channels)),
  shape: [2, 2, channels] as const,
});
const CHUNK = { codec: "H264", data: new Uint8Array(9), keyFrame: true, timestampUs: 0 };

Deno.test("asVideoFrame() reads grey, BGR and BGRA by their channels", () => {
  for (const [channels, format] of [[1, "GRAY"], [3, "BGR"], [4, "BGRA"]] as const) {
    const frame = asVideoFrame(pixels(channels), 42);
    assert.deepEqual([frame.format, frame.width, frame.timestampUs], [format, 2, 42]);
  }
  const frame = VideoFrame.fromGray(pixels(1), 7);
  assert.equal(asVideoFrame(frame, 42), frame);
});

Deno.test("asVideoFrame() refuses what is no picture, and says so of what is compressed", () => {
  for (const value of [null, 3, {}, pixels(2), { shape: "123" }]) {
    assert.throws(() => asVideoFrame(value as never, 0, "record"), {
      name: "TypeError",
      message: "Cannot record the video frame: it is neither a VideoFrame nor pixels of shape " +
        "(height, width, 1, 3 or 4)",
    });
  }
  assert.ok(isEncodedVideo(CHUNK as never));
  assert.throws(() => asVideoFrame(CHUNK as never, 0, "show"), {
    message: "Cannot show the video frame: it is compressed; decode it before",
  });
});
