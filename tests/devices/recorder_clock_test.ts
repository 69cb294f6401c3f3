import assert from "node:assert/strict";
import { RecorderClock } from "../../lib/devices/recorder_clock.ts";

Deno.test("RecorderClock keeps the times of tracks that share a clock", () => {
  const clock = new RecorderClock();
  assert.equal(clock.stamp("video", 5_000_000, 5_020_000), 0);
  assert.equal(clock.stamp("audio", 5_010_000, 5_120_000), 10_000); // it came late and belongs there
  assert.equal(clock.stamp("video", 5_033_000, 5_090_000), 33_000);
});

Deno.test("RecorderClock puts together what arrived together when the clocks differ", () => {
  const clock = new RecorderClock();
  clock.stamp("video", 5_000_000, 5_000_000);
  assert.equal(clock.stamp("audio", 0, 5_040_000), 40_000);
  assert.equal(clock.stamp("audio", 20_000, 5_060_000), 60_000);
});

Deno.test("RecorderClock never runs back, and bridges a source that was replaced", () => {
  const clock = new RecorderClock();
  clock.stamp("video", 9_000_000, 0);
  assert.equal(clock.stamp("video", 9_100_000, 100_000), 100_000);
  assert.equal(clock.stamp("video", 9_099_000, 101_000), 101_000); // two in disorder
  assert.equal(clock.stamp("video", 40, 301_000), 301_000); // another clock
  assert.equal(clock.stamp("video", 33_040, 334_000), 334_000);
  assert.equal(clock.stamp("video", 7e12, 367_000), 367_000);
});

Deno.test("RecorderClock leaves out sound from before the first picture", () => {
  const clock = new RecorderClock();
  clock.stamp("video", 1_000_000, 1_000_000);
  assert.equal(clock.stamp("audio", 980_000, 1_000_000), null);
  assert.equal(clock.stamp("audio", 1_000_000, 1_020_000), 0);
});
