import assert from "node:assert/strict";
import { Pacer } from "../../lib/connection/pacer.ts";

const packet = (name: string, bytes = 1_000) => ({ name, bytes });
type P = ReturnType<typeof packet>;
const frame = (name: string, count: number): P[] =>
  Array.from({ length: count }, (_, i) => packet(`${name}${i}`));

function drain(pacer: Pacer<P>, nowMs: number): string[] {
  const names: string[] = [];
  for (let next; (next = pacer.take(nowMs));) names.push(next.name);
  return names;
}

Deno.test("Pacer lets a burst go and then keeps to the rate", () => {
  const pacer = new Pacer<P>(1_600_000); // a packet in 5 ms
  assert.equal(pacer.waitMs(0), null);
  assert.equal(pacer.frame(frame("a", 6), true, 0), true);
  assert.equal(pacer.queuedBytes, 6_000);
  assert.deepEqual(drain(pacer, 0), ["a0", "a1"]);
  assert.equal(pacer.waitMs(0), 5);
  assert.deepEqual(drain(pacer, 4), []);
  assert.deepEqual(drain(pacer, 5), ["a2"]);
  assert.deepEqual(drain(pacer, 15), ["a3", "a4"]);
  assert.deepEqual(drain(pacer, 30), ["a5"]);
  assert.equal(pacer.waitMs(30), null);
});

Deno.test("Pacer sends again first, and no more than its share", () => {
  const pacer = new Pacer<P>(1_600_000);
  pacer.frame(frame("a", 4), true, 0);
  // 0.3 of the rate, saved up for 250 ms: 15 packets.
  const taken = Array.from({ length: 20 }, (_, i) => pacer.repair(packet(`r${i}`), 0));
  assert.equal(taken.filter(Boolean).length, 15);
  assert.deepEqual(drain(pacer, 0), ["r0", "r1"]);
  assert.equal(pacer.repair(packet("late"), 20), true);
});

Deno.test("Pacer drops what would wait too long, whole frames, until the next key frame", () => {
  const pacer = new Pacer<P>(800_000); // a packet in 10 ms
  assert.equal(pacer.frame(frame("a", 20), false, 0), true);
  assert.deepEqual(drain(pacer, 0), ["a0"]);
  assert.equal(pacer.frame(frame("b", 20), false, 1), true);
  assert.equal(pacer.frame(frame("c", 20), false, 2), false);
  assert.equal(pacer.needsKeyFrame, true);
  assert.equal(pacer.queuedBytes, 19_000, "what was begun is finished");
  assert.equal(pacer.frame(frame("d", 1), false, 3), false);
  assert.equal(pacer.frame(frame("k", 2), true, 4), true);
  assert.equal(pacer.needsKeyFrame, false);
  const all = [];
  for (let now = 5; pacer.waitMs(now) !== null; now += 5) all.push(...drain(pacer, now));
  assert.deepEqual(all.slice(-3), ["a19", "k0", "k1"]);
});

Deno.test("Pacer.frame() puts a key frame in the place of what waits", () => {
  const pacer = new Pacer<P>(800_000);
  pacer.frame(frame("a", 5), false, 0);
  pacer.frame(frame("k", 2), true, 1);
  assert.deepEqual(drain(pacer, 1_000), ["k0"]);
  assert.deepEqual(drain(pacer, 2_000), ["k1"]);
});

Deno.test("Pacer takes a single frame however large, since the next would be no smaller", () => {
  const pacer = new Pacer<P>(80_000);
  assert.equal(pacer.frame(frame("a", 50), false, 0), true);
});

Deno.test("Pacer.setBitrate() counts from now on", () => {
  const pacer = new Pacer<P>(800_000);
  pacer.frame(frame("a", 10), true, 0);
  assert.deepEqual(drain(pacer, 0), ["a0"]);
  pacer.setBitrate(200_000_000, 0);
  assert.equal(drain(pacer, 0).length, 9);
});
