import assert from "node:assert/strict";
import { ManualClock, systemClock } from "../../lib/testing.ts";

Deno.test("ManualClock.advance() makes all calls at their own times, in order", () => {
  const clock = new ManualClock(1000), calls: [string, number][] = [];
  clock.every(30, () => calls.push(["a", clock.now()]));
  const stop = clock.every(50, () => calls.push(["b", clock.now()]));
  clock.advance(100);
  assert.deepEqual(calls, [["a", 1030], ["b", 1050], ["a", 1060], ["a", 1090], ["b", 1100]]);
  stop();
  assert.equal(clock.pending, 1);
  clock.advance(50);
  assert.equal(calls.length, 7);
});

Deno.test("ManualClock.advance() does not drift over ten thousand thirtieths of a second", () => {
  const clock = new ManualClock();
  let calls = 0;
  clock.every(1000 / 30, () => calls++);
  for (let i = 0; i < 10_000; i++) clock.advance(100);
  assert.ok(Math.abs(calls - 30_000) <= 1, `${calls} calls`);
});

Deno.test("ManualClock.skip() calls once for all that was missed", () => {
  const clock = new ManualClock();
  let calls = 0;
  clock.every(10, () => calls++);
  clock.skip(95);
  assert.equal(calls, 1);
  clock.advance(5);
  assert.equal(calls, 2, "the next call is on the grid again");
});

Deno.test("Clock.every() refuses a period that makes no sense", () => {
  for (const clock of [new ManualClock(), systemClock]) {
    for (const ms of [0, -1, NaN, Infinity]) {
      assert.throws(() => clock.every(ms, () => {}), /^RangeError: Cannot call back every /);
    }
  }
});

Deno.test("systemClock.every() calls until it is stopped", async () => {
  let stop = () => {};
  let calls = 0;
  await new Promise<void>((done) => {
    stop = systemClock.every(1, () => {
      if (++calls < 3) return;
      stop(); // from within the call: no timer may be left behind
      done();
    });
  });
  assert.equal(calls, 3);
});
