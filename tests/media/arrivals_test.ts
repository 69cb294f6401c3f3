import assert from "node:assert/strict";
import { Arrivals } from "../../lib/media/arrivals.ts";
import { seeded } from "./sounds.ts";

/** Packets 20 ms apart whose lateness is given by their number. */
function feed(arrivals: Arrivals, from: number, to: number, lateMs: (n: number) => number): void {
  const packets = Array.from({ length: to - from }, (_, i) => {
    const madeMs = (from + i) * 20;
    return { madeMs, arrivalMs: 5000 + madeMs + lateMs(from + i) };
  });
  packets.sort((a, b) => a.arrivalMs - b.arrivalMs);
  for (const { madeMs, arrivalMs } of packets) arrivals.add(madeMs, arrivalMs);
}

Deno.test("Arrivals.spreadMs is what 99 of 100 packets keep to", () => {
  const random = seeded(5);
  const arrivals = new Arrivals();
  feed(arrivals, 0, 500, (n) => n % 200 === 100 ? 150 : 15 * random());
  assert(Math.abs(arrivals.baseMs - 5000) < 0.5);
  assert(arrivals.spreadMs > 13 && arrivals.spreadMs < 15, `${arrivals.spreadMs}`);
});

Deno.test("Arrivals.spreadMs rises at once and falls after ten seconds", () => {
  const arrivals = new Arrivals();
  feed(arrivals, 0, 500, () => 0);
  assert.equal(arrivals.spreadMs, 0);
  feed(arrivals, 500, 520, (n) => n % 2 * 40);
  assert.equal(arrivals.spreadMs, 40);
  feed(arrivals, 520, 900, () => 0);
  assert.equal(arrivals.spreadMs, 40);
  feed(arrivals, 900, 1100, () => 0);
  assert.equal(arrivals.spreadMs, 0);
});

Deno.test("Arrivals counts packets that come at once after a stop as one late one", () => {
  const arrivals = new Arrivals();
  feed(arrivals, 0, 500, () => 0);
  feed(arrivals, 500, 515, (n) => 300 - (n - 500) * 20);
  feed(arrivals, 515, 600, () => 0);
  assert.equal(arrivals.spreadMs, 0);
});

Deno.test("Arrivals knows a longer and a shorter path after a second", () => {
  const arrivals = new Arrivals();
  feed(arrivals, 0, 500, (n) => n % 2 * 10);
  feed(arrivals, 500, 565, (n) => 300 + n % 2 * 10);
  assert.deepEqual([arrivals.baseMs, arrivals.spreadMs], [5300, 10]);
  feed(arrivals, 600, 665, (n) => n % 2 * 10);
  assert.deepEqual([arrivals.baseMs, arrivals.spreadMs], [5000, 10]);
});

Deno.test("Arrivals follows a clock that goes 200 ppm wrong", () => {
  for (const ppm of [200, -200]) {
    const arrivals = new Arrivals();
    feed(arrivals, 0, 50_000, (n) => n * 20 * ppm / 1e6);
    assert(Math.abs(arrivals.baseMs - 5000 - 50_000 * 20 * ppm / 1e6) < 3);
    assert(arrivals.spreadMs < 3, `${arrivals.spreadMs}`);
  }
});
