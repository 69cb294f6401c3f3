import assert from "node:assert/strict";
import { Attempts } from "../../lib/browser/attempts.ts";

const SOON = 1;

Deno.test("Attempts.ended() doubles the pause from 0.3 to 5 s, and cuts up to half of it by chance", () => {
  const pauses = (random: number) => {
    const attempts = new Attempts();
    return Array.from({ length: 7 }, () => attempts.ended(0, random));
  };
  assert.deepEqual(pauses(1), [300, 600, 1200, 2400, 4800, 5000, 5000]);
  assert.deepEqual(pauses(0), [150, 300, 600, 1200, 2400, 2500, 2500]);
});

Deno.test("Attempts.ended() begins anew after a connection that lasted, and only after such a one", () => {
  const attempts = new Attempts();
  for (let i = 0; i < 4; i++) attempts.ended(0, 1);
  attempts.opened(10_000);
  assert.equal(attempts.ended(10_000 + SOON, 1), 4800);
  attempts.opened(20_000);
  assert.equal(attempts.ended(25_000, 1), 300);
  assert.equal(attempts.ended(60_000, 1), 600, "the good one counts once");
});

Deno.test("Attempts.deadlineMs grows with each failure, for a robot that is slow", () => {
  const attempts = new Attempts();
  const deadlines = Array.from({ length: 5 }, () => {
    const { deadlineMs } = attempts;
    attempts.ended(0, 1);
    return deadlineMs;
  });
  assert.deepEqual(deadlines, [5_000, 7_500, 11_250, 15_000, 15_000]);
});
