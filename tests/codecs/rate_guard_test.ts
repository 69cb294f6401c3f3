import assert from "node:assert/strict";
import { RateGuard } from "../../lib/codecs/rate_guard.ts";

Deno.test("RateGuard.isFull() is true until no more than 700 ms are left to send", () => {
  const guard = new RateGuard();
  assert.equal(guard.isFull(0, 8000), false);
  guard.add(1000); // a second at 8000 bit/s
  assert.equal(guard.isFull(200_000, 8000), true);
  assert.equal(guard.isFull(299_000, 8000), true);
  assert.equal(guard.isFull(301_000, 8000), false);
});

Deno.test("RateGuard.isFull() measures what is left by the present rate", () => {
  const guard = new RateGuard();
  guard.isFull(0, 8000);
  guard.add(600);
  assert.equal(guard.isFull(0, 8000), false);
  assert.equal(guard.isFull(0, 800), true);
});

Deno.test("RateGuard saves nothing up in pauses", () => {
  const guard = new RateGuard();
  guard.isFull(0, 8000);
  guard.isFull(60e6, 8000);
  guard.add(800);
  assert.equal(guard.isFull(60e6, 8000), true);
});
