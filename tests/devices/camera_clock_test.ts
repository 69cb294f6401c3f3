import assert from "node:assert/strict";
import { CameraClock } from "../../lib/devices/camera_clock.ts";

Deno.test("CameraClock.stamp() brings the driver's time on our clock", () => {
  const clock = new CameraClock();
  assert.equal(clock.stamp(7_000_000, -2_000_000, 5_020_000), 5_000_000);
  assert.equal(clock.stamp(7_033_000, -2_000_000, 5_100_000), 5_033_000);
});

Deno.test("CameraClock.stamp() takes the present when the driver's time cannot be right", () => {
  const clock = new CameraClock();
  assert.equal(clock.stamp(null, 0, 10_000_000), 10_000_000); // it does not tell
  assert.equal(clock.stamp(99_000_000, 0, 11_000_000), 11_000_000); // in the future
  assert.equal(clock.stamp(5_000_000, 0, 12_000_000), 12_000_000); // long ago
  assert.equal(clock.stamp(11_500_000, 0, 13_000_000), 12_000_001); // before the last one
});
