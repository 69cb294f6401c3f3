import assert from "node:assert/strict";
import { SubscriptionClosed } from "../../lib/errors.ts";
import { Queue } from "../../lib/subscriptions/mod.ts";
import { isPending } from "./helpers.ts";

Deno.test("Queue.get() gives values in the order in which they were put", async () => {
  const queue = new Queue<number>();
  for (let i = 0; i < 100; i++) queue.put_nowait(i);
  assert.equal(queue.size, 100);
  for (let i = 0; i < 100; i++) assert.equal(await queue.get(), i);
  assert.equal(queue.size, 0);
});

Deno.test("Queue.get() waits when the queue is empty", async () => {
  const queue = new Queue<string>();
  const waiting = queue.get();
  assert.equal(await isPending(waiting), true);
  queue.put_nowait("now");
  assert.equal(await waiting, "now");
});

Deno.test("Queue.get() serves many waiting getters in the order in which they came", async () => {
  const queue = new Queue<number>();
  const waiting = Array.from({ length: 20 }, () => queue.get());
  for (let i = 0; i < 20; i++) queue.put_nowait(i);
  assert.deepEqual(await Promise.all(waiting), Array.from({ length: 20 }, (_, i) => i));
});

Deno.test("Queue.get() gives undefined and null like any value", async () => {
  const queue = new Queue<undefined | null>();
  queue.put_nowait(undefined);
  queue.put_nowait(null);
  assert.equal(await queue.get(), undefined);
  assert.equal(await queue.get(), null);
});

Deno.test("Queue.get() loses no value when the signal aborts it", async () => {
  const queue = new Queue<number>();
  const abort = new AbortController();
  const impatient = queue.get({ signal: abort.signal });
  const patient = queue.get();
  abort.abort(new Error("no time"));
  await assert.rejects(impatient, { message: "no time" });
  queue.put_nowait(1);
  assert.equal(await patient, 1);
});

Deno.test("Queue.get() takes nothing when the signal was aborted before", async () => {
  const queue = new Queue<number>();
  queue.put_nowait(1);
  await assert.rejects(queue.get({ signal: AbortSignal.abort() }), { name: "AbortError" });
  assert.equal(await queue.get(), 1);
});

Deno.test("Queue.get() keeps its value when the signal aborts after it was served", async () => {
  const queue = new Queue<number>();
  const abort = new AbortController();
  const waiting = queue.get({ signal: abort.signal });
  queue.put_nowait(1);
  abort.abort();
  assert.equal(await waiting, 1);
});

Deno.test("Queue drops and counts the oldest when maxSize is reached", async () => {
  const forgotten: number[] = [];
  const queue = new Queue<number>({ maxSize: 3, onDrop: (value) => forgotten.push(value) });
  for (let i = 1; i <= 5; i++) queue.put_nowait(i);
  assert.equal(queue.size, 3);
  assert.equal(queue.dropped, 2);
  assert.deepEqual(forgotten, [1, 2]);
  assert.deepEqual([await queue.get(), await queue.get(), await queue.get()], [3, 4, 5]);
});

Deno.test("Queue is refused when maxSize is no whole number of at least 1", () => {
  for (const maxSize of [0, -1, 1.5, NaN, -Infinity]) {
    assert.throws(() => new Queue({ maxSize }), {
      name: "RangeError",
      message: `Cannot make a queue: maxSize is ${maxSize}; give a whole number of at least 1`,
    });
  }
});

Deno.test("Queue.close() lets what is queued be read, then get() rejects naming the class", async () => {
  const queue = new Queue<number>();
  queue.put_nowait(1);
  queue.close();
  assert.equal(queue.closed, true);
  assert.equal(await queue.get(), 1);
  await assert.rejects(queue.get(), {
    name: "SubscriptionClosed",
    message: "Cannot get from Queue: it is closed; make a new one",
  });
});

Deno.test("Queue.close() wakes every getter with the reason when one is given", async () => {
  const queue = new Queue<number>();
  const waiting = [queue.get(), queue.get()];
  queue.close(new Error("cable pulled"));
  queue.close(new Error("too late to matter"));
  for (const getter of waiting) await assert.rejects(getter, { message: "cable pulled" });
  await assert.rejects(queue.get(), { message: "cable pulled" });
});

Deno.test("Queue.put_nowait() throws SubscriptionClosed when the queue is closed", () => {
  const queue = new Queue<number>();
  queue.close();
  assert.throws(() => queue.put_nowait(1), SubscriptionClosed);
});

Deno.test("Queue is iterated to its end when it is closed", async () => {
  const queue = new Queue<number>();
  for (const value of [1, 2, 3]) queue.put_nowait(value);
  queue.close();
  const seen: number[] = [];
  for await (const value of queue) seen.push(value);
  assert.deepEqual(seen, [1, 2, 3]);
});

Deno.test("Queue keeps the values after a break when it is iterated", async () => {
  const queue = new Queue<number>();
  for (const value of [1, 2, 3]) queue.put_nowait(value);
  for await (const value of queue) if (value === 2) break;
  assert.equal(await queue.get(), 3);
});

Deno.test("Queue throws from its iteration when it was closed with an error", async () => {
  const queue = new Queue<number>();
  queue.close(new Error("cable pulled"));
  await assert.rejects(async () => {
    for await (const _ of queue);
  }, { message: "cable pulled" });
});

Deno.test("Queue stays quick when a hundred thousand values wait", async () => {
  const queue = new Queue<number>();
  for (let i = 0; i < 100_000; i++) queue.put_nowait(i);
  let sum = 0;
  for (let i = 0; i < 100_000; i++) sum += await queue.get();
  assert.equal(sum, 100_000 * 99_999 / 2);
});
