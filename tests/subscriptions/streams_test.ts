import assert from "node:assert/strict";
import { MostRecentSubscription, Queue, readableFrom } from "../../lib/subscriptions/mod.ts";
import { Camera, Display, isPending, settle } from "./helpers.ts";

async function rest<T>(stream: ReadableStream<T>): Promise<T[]> {
  const values: T[] = [];
  for await (const value of stream) values.push(value);
  return values;
}

Deno.test("SubscriptionProducer.readable gives each reader every value from now on", async () => {
  const camera = new Camera();
  camera.emit(0);
  const [first, second] = [camera.readable, camera.readable];
  camera.emit(1, 2);
  await camera.close();
  assert.deepEqual(await rest(first), [1, 2]);
  assert.deepEqual(await rest(second), [1, 2]);
});

Deno.test("SubscriptionProducer.readable keeps the newest 64 when the reader is slow", async () => {
  const camera = new Camera();
  const stream = camera.readable;
  for (let i = 0; i < 1000; i++) camera.emit(i);
  await settle();
  await camera.close();
  assert.deepEqual(await rest(stream), Array.from({ length: 64 }, (_, i) => 936 + i));
});

Deno.test("SubscriptionProducer.readable keeps the newest only when the class's subscriptions do", async () => {
  const camera = new Camera({ defaultSubscription: () => new MostRecentSubscription<number>() });
  const stream = camera.readable;
  camera.emit(1, 2, 3);
  await camera.close();
  assert.deepEqual(await rest(stream), [3]);
});

Deno.test("SubscriptionProducer.readable unsubscribes when it is cancelled, also during a read", async () => {
  const camera = new Camera();
  const idle = camera.readable;
  assert.equal(camera.watched, true);
  await idle.cancel();
  assert.equal(camera.watched, false);

  const reader = camera.readable.getReader();
  const reading = reader.read();
  await settle();
  await reader.cancel();
  assert.deepEqual(await reading, { done: true, value: undefined });
  assert.equal(camera.watched, false);
});

Deno.test("SubscriptionProducer.readable errors when the producer fails", async () => {
  const camera = new Camera();
  const reader = camera.readable.getReader();
  const reading = reader.read();
  camera.fail(new Error("cable pulled"));
  await assert.rejects(reading, { message: "cable pulled" });
});

Deno.test("readableFrom() makes a stream of any source that takes only what is read", async () => {
  const queue = new Queue<number>();
  for (const value of [1, 2, 3]) queue.put_nowait(value);
  const stream = readableFrom(queue);
  await settle();
  assert.equal(queue.size, 3);
  const reader = stream.getReader();
  assert.equal((await reader.read()).value, 1);
  assert.equal(queue.size, 2);
});

Deno.test("SubscriptionConsumer.writable puts what is written, and waits until it is taken", async () => {
  const display = new Display();
  const writer = display.writable.getWriter();
  const written = [writer.write(1), writer.write(2)];
  assert.equal(await isPending(written[0]!), true);
  assert.equal(await display.take(), 1);
  await written[0];
  assert.equal(await isPending(written[1]!), true);
  assert.equal(await display.take(), 2);
  await written[1];
});

Deno.test("SubscriptionConsumer.writable does not wait when the consumer is waiting", async () => {
  const display = new Display();
  const frame = display.take();
  await display.writable.getWriter().write(1);
  assert.equal(await frame, 1);
});

Deno.test("SubscriptionConsumer.writable leaves the consumer open when the stream ends", async () => {
  const display = new Display();
  await display.writable.close();
  await display.writable.abort();
  display.put_nowait(1);
  assert.equal(await display.take(), 1);
});

Deno.test("SubscriptionConsumer.writable errors when the consumer closes, also during a write", async () => {
  const display = new Display();
  const [waiting, late] = [display.writable.getWriter(), display.writable.getWriter()];
  const written = waiting.write(1);
  const refused = assert.rejects(written, { name: "SubscriptionClosed" });
  const ended = assert.rejects(waiting.closed, { name: "SubscriptionClosed" });
  await settle();
  await display.close();
  await Promise.all([refused, ended]);
  late.closed.catch(() => {});
  await assert.rejects(late.write(2), {
    message: "Cannot put into Display: it is closed; make a new one",
  });
});

Deno.test("readable and writable carry everything in order when they are piped together", async () => {
  const [camera, display] = [new Camera(), new Display()];
  const piped = camera.readable.pipeTo(display.writable);
  const seen: number[] = [];
  for (let i = 0; i < 50; i++) camera.emit(i);
  for (let i = 0; i < 50; i++) seen.push(await display.take());
  await camera.close();
  await piped;
  assert.deepEqual(seen, Array.from({ length: 50 }, (_, i) => i));
});
