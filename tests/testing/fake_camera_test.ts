import assert from "node:assert/strict";
import { readTestCard } from "../../lib/media/test_card.ts";
import type { VideoFrame } from "../../lib/media/video_frame.ts";
import { FakeCamera, ManualClock } from "../../lib/testing.ts";

Deno.test("FakeCamera numbers its pictures, and leaves out what came too late", async () => {
  const clock = new ManualClock(5000);
  await using camera = new FakeCamera({ width: 320, height: 240, fps: 20, clock });
  clock.advance(100); // nobody looks
  const seen: [number | null, number][] = [];
  camera.subscribe((frame: VideoFrame) => {
    seen.push([readTestCard(frame), frame.timestampUs]);
  });
  clock.advance(100);
  clock.skip(200);
  assert.deepEqual(seen, [[3, 5_150_000], [4, 5_200_000], [8, 5_400_000]]);
});

Deno.test("FakeCamera.close() frees its clock", async () => {
  const clock = new ManualClock();
  const camera = new FakeCamera({ clock });
  await camera.close();
  assert.equal(clock.pending, 0);
});

Deno.test("FakeCamera refuses a size that makes no sense at once", () => {
  const clock = new ManualClock();
  assert.throws(() => new FakeCamera({ width: 0, clock }), RangeError);
  assert.equal(clock.pending, 0);
});
