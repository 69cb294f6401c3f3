import assert from "node:assert/strict";
import { PresentationClock } from "../../lib/codecs/presentation_clock.ts";

function times(...timestamps: number[]): number[] {
  const clock = new PresentationClock(33_333);
  return timestamps.map((timestampUs) => clock.next(timestampUs).pts);
}

Deno.test("PresentationClock.next() begins at 0 and follows the frames", () => {
  assert.deepEqual(times(5_000_000, 5_033_333, 5_100_000), [0, 33_333, 100_000]);
});

Deno.test("PresentationClock.next() goes on by the usual step when time stands or goes back", () => {
  assert.deepEqual(times(1000, 1000, 0, 40_000), [0, 33_333, 66_666, 106_666]);
});

Deno.test("PresentationClock.next() takes a pause for a second at most, a burst for a quarter step", () => {
  assert.deepEqual(times(0, 60_000_000, 60_000_001), [0, 1_000_000, 1_008_333]);
});

Deno.test("PresentationClock.next() gives whole numbers for fractions of a microsecond", () => {
  const all = times(0, 33_333.33, 66_666.67);
  assert(all.every(Number.isInteger), String(all));
});
