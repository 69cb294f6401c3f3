import assert from "node:assert/strict";
import { MediaClock, toRtpTimestamp } from "../../lib/connection/media_clock.ts";

const STEP_US = 33_333;

Deno.test("MediaClock.stamp() puts any source's first frame at the present", () => {
  for (const first of [0, -5e12, 1.7e15]) {
    assert.equal(new MediaClock().stamp(first, 1_000_000), 1_000_000);
  }
});

Deno.test("MediaClock.stamp() keeps the source's rhythm, however unevenly frames arrive", () => {
  const clock = new MediaClock();
  const lateness = [0, 20_000, 5_000, 90_000, 0, 300_000, 1_000];
  const stamps = lateness.map((late, i) =>
    clock.stamp(7e9 + i * STEP_US, 1e9 + i * STEP_US + late)
  );
  assert.deepEqual(stamps, lateness.map((_, i) => 1e9 + i * STEP_US));
});

Deno.test("MediaClock.stamp() never runs back, and no two frames have the same time", () => {
  const clock = new MediaClock();
  let last = -Infinity;
  for (const timestampUs of [100_000, 100_000, 99_000, 50_000, 100_500, 0, 101_000, 500_000]) {
    const stamp = clock.stamp(timestampUs, 2_000_000 + timestampUs);
    assert.ok(stamp >= last + 1_000, `${stamp} after ${last}`);
    last = stamp;
  }
});

Deno.test("MediaClock.stamp() begins anew when a source was paused, replaced or restarted", () => {
  const clock = new MediaClock();
  clock.stamp(0, 0);
  assert.equal(clock.stamp(STEP_US, STEP_US), STEP_US);
  const afterPauseUs = 60_000_000; // the source's own clock stood still meanwhile
  assert.equal(clock.stamp(2 * STEP_US, afterPauseUs), afterPauseUs);
  assert.equal(clock.stamp(3 * STEP_US, afterPauseUs + STEP_US), afterPauseUs + STEP_US);
  const replaced = clock.stamp(9e14, afterPauseUs + 2 * STEP_US);
  assert.equal(replaced, afterPauseUs + 2 * STEP_US);
  assert.equal(clock.stamp(0, afterPauseUs + 3 * STEP_US), afterPauseUs + 3 * STEP_US);
});

Deno.test("toRtpTimestamp() counts 90 kHz in 32 bits", () => {
  assert.equal(toRtpTimestamp(0), 0);
  assert.equal(toRtpTimestamp(1_000_000), 90_000);
  assert.equal(toRtpTimestamp(33_333), 2_999);
  const wrapUs = 2 ** 32 / 0.09;
  assert.ok(toRtpTimestamp(wrapUs + 1_000_000) < 91_000);
  assert.ok(toRtpTimestamp(wrapUs - 1_000) >= 2 ** 32 - 91);
  assert.ok(toRtpTimestamp(1e15) < 2 ** 32 && Number.isInteger(toRtpTimestamp(1e15)));
});
