import assert from "node:assert/strict";
import { CaptureClock } from "../../lib/devices/sound_clock.ts";
import { seeded } from "../media/sounds.ts";

Deno.test("CaptureClock.next() goes on by the samples when measurements waver", () => {
  const clock = new CaptureClock(48_000);
  const random = seeded(7);
  let last = 0;
  for (let n = 0; n < 2000; n++) {
    const trueMs = 1000 + n * 10;
    const { atMs, gap } = clock.next(480, trueMs + 10 * random());
    assert.equal(gap, false);
    assert.ok(Math.abs(atMs - trueMs - 5) < 6, `${atMs} for ${trueMs}`);
    if (n > 0) assert.ok(Math.abs(atMs - last - 10) <= 0.2);
    last = atMs;
  }
});

Deno.test("CaptureClock.next() follows a sound card that is faster than our clock", () => {
  const clock = new CaptureClock(48_000);
  let atMs = 0;
  const rate = 1 - 200e-6; // 200 parts in a million
  for (let n = 0; n < 10_000; n++) ({ atMs } = clock.next(480, n * 10 * rate));
  assert.ok(Math.abs(atMs - 99_990 * rate) < 1);
});

Deno.test("CaptureClock.next() jumps when samples are known to be missing", () => {
  const clock = new CaptureClock(48_000);
  clock.next(480, 1000);
  assert.deepEqual(clock.next(480, 1030, true), { atMs: 1030, gap: true });
  assert.deepEqual(clock.next(480, 1035, true), { atMs: 1040, gap: true }); // never back
});

Deno.test("CaptureClock.next() finds a gap by time, but not in one disturbed measurement", () => {
  const clock = new CaptureClock(48_000);
  let nextMs = 0;
  const piece = (measuredMs: number) => {
    const { atMs, gap } = clock.next(480, measuredMs);
    nextMs = atMs + 10;
    return gap;
  };
  for (let n = 0; n < 10; n++) assert.equal(piece(n * 10), false);
  assert.equal(piece(100 + 400), false);
  assert.ok(Math.abs(nextMs - 110) < 1);
  const gaps = Array.from({ length: 20 }, (_, n) => piece(1000 + n * 10));
  assert.equal(gaps.filter(Boolean).length, 1);
  assert.ok(Math.abs(nextMs - 1200) < 1, `${nextMs}`);
});
