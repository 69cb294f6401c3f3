import assert from "node:assert/strict";
import { SourceClock } from "../../lib/connection/source_clock.ts";

Deno.test("SourceClock.stamp() gives a frame the same time in each encoding", () => {
  const clock = new SourceClock(), a = {}, b = {};
  const first = clock.stamp(a, 0, 1_000_000);
  assert.equal(clock.stamp(a, 0, 1_005_000), first);
  assert.equal(clock.stamp(b, 33_000, 1_040_000), first + 33_000);
});

Deno.test("SourceClock.stamp() goes on when a camera uses its memory again", () => {
  const clock = new SourceClock(), a = {}, b = {};
  const times = [a, b, a, b].map((frame, i) => clock.stamp(frame, i * 33_000, i * 33_000));
  assert.deepEqual(times, [0, 33_000, 66_000, 99_000]);
  assert.equal(clock.stamp(b, 132_000, 132_000), 132_000);
});

Deno.test("SourceClock.pictureId() rises for who moves between encodings at a key frame", () => {
  const clock = new SourceClock();
  let high = -1, low = -1;
  for (let i = 0; i < 10; i++) high = clock.pictureId(high, i === 0);
  low = clock.pictureId(low, true);
  assert.deepEqual([high, low], [9, 10]);
  for (let i = 0; i < 5; i++) low = clock.pictureId(low, false);
  high = clock.pictureId(high, false);
  assert.deepEqual([high, low], [10, 15], "without a gap");
  assert.equal(clock.pictureId(high, true), 16);
});
