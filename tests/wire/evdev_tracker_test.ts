import assert from "node:assert/strict";
import { randomFrom } from "../../lib/testing/random.ts";
import { EV_ABS, EV_KEY, EV_SYN, SYN_DROPPED, SYN_REPORT } from "../../lib/wire/evdev.ts";
import { InputTracker } from "../../lib/wire/evdev_tracker.ts";

const NOTHING = { keys: new Uint8Array(0), axes: new Map<number, number>() };
const record = (type: number, code: number, value: number) => ({ timestamp: 1, type, code, value });
const brief = (records: { type: number; code: number; value: number }[]) =>
  records.map(({ type, code, value }) => [type, code, value]);

Deno.test("InputTracker.push() passes news on and drops what is known already", () => {
  const tracker = new InputTracker({ keys: Uint8Array.of(0b100), axes: new Map([[0, 5]]) });
  assert.deepEqual([...tracker.down], [2]);
  assert.equal(tracker.push(record(EV_KEY, 2, 1)), "stale");
  assert.equal(tracker.push(record(EV_KEY, 2, 2)), "news", "a key that repeats");
  assert.equal(tracker.push(record(EV_KEY, 2, 0)), "news");
  assert.equal(tracker.push(record(EV_ABS, 0, 5)), "stale");
  assert.equal(tracker.push(record(EV_ABS, 0, 6)), "news");
  assert.equal(tracker.push(record(2, 0, 1)), "news", "the same movement again is another one");
  assert.equal(tracker.push(record(2, 0, 1)), "news");
  assert.equal(tracker.push(record(EV_ABS, 0x35, 6)), "news", "one finger's place");
  assert.equal(tracker.push(record(EV_ABS, 0x35, 6)), "news", "another finger's");
});

Deno.test("InputTracker asks for a snapshot after SYN_DROPPED and tells the differences", () => {
  const tracker = new InputTracker({ keys: Uint8Array.of(0b11), axes: new Map([[0, 5], [1, 5]]) });
  assert.equal(tracker.push(record(EV_SYN, SYN_DROPPED, 0)), "news");
  assert.equal(tracker.push(record(EV_KEY, 7, 1)), "stale", "a remnant");
  assert.equal(tracker.push(record(EV_ABS, 0, 99)), "stale");
  assert.equal(tracker.push(record(EV_SYN, SYN_REPORT, 0)), "resync");
  const changes = tracker.resync({
    keys: Uint8Array.of(0b110),
    axes: new Map([[0, 5], [1, -5]]),
  }, 9);
  assert.deepEqual(brief(changes), [[EV_KEY, 0, 0], [EV_KEY, 2, 1], [EV_ABS, 1, -5], [0, 0, 0]]);
  assert.ok(changes.every(({ timestamp }) => timestamp === 9));
  assert.deepEqual([...tracker.down], [1, 2]);
  assert.equal(tracker.axes.get(1), -5);
});

Deno.test("InputTracker.resync() brings any history to the snapshot", () => {
  const next = randomFrom(3);
  const tracker = new InputTracker(NOTHING);
  for (let round = 0; round < 300; round++) {
    for (let i = 0; i < 20; i++) {
      const [type, code] = [Math.floor(next() * 5), Math.floor(next() * 64)];
      tracker.push(record(type, code, Math.floor(next() * 4) - 1));
    }
    const keys = Uint8Array.from({ length: 8 }, () => next() * 256);
    const axes = new Map([[0, Math.floor(next() * 100)], [1, Math.floor(next() * 100)]]);
    tracker.resync({ keys, axes }, 0);
    assert.deepEqual(new Set(tracker.down), new Set(new InputTracker({ keys, axes }).down));
    assert.deepEqual([tracker.axes.get(0), tracker.axes.get(1)], [...axes.values()]);
    assert.equal(tracker.resync({ keys, axes }, 0).length, 1, "nothing but SYN_REPORT");
  }
});
