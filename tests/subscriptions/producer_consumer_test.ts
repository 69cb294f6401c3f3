import assert from "node:assert/strict";
import {
  MostRecentSubscription,
  Queue,
  SubscriptionProducer,
} from "../../lib/subscriptions/mod.ts";
import { Camera, Link } from "./helpers.ts";

Deno.test("SubscriptionProducerConsumer keeps its two directions apart", async () => {
  const link = new Link<number, string>();
  const received = link.subscribe();
  link.put_nowait(1);
  link.emit("one");
  assert.equal(await link.take(), 1);
  assert.equal(await received.get(), "one");
  assert.equal(received.size, 0);
});

Deno.test("SubscriptionProducerConsumer is a SubscriptionProducer", () => {
  assert.ok(new Link() instanceof SubscriptionProducer);
});

Deno.test("SubscriptionProducerConsumer reads, replaces and stops sources as a consumer does", async () => {
  const link = new Link();
  const camera = new Camera();
  const frames = camera.subscribe();
  link.putSubscription(frames);
  assert.equal(link.subscription, frames);
  camera.emit(1);
  assert.equal(await link.take(), 1);
  link.put_nowait(2);
  assert.equal(link.subscription, null);
  assert.equal(await link.take(), 2);
  link.putSubscription(frames);
  link.stopSubscription();
  assert.equal(link.subscription, null);
});

Deno.test("SubscriptionProducerConsumer passes values on when two are joined both ways", async () => {
  const [left, right] = [new Link(), new Link()];
  left.subscribe(right);
  right.subscribe(left);
  left.emit(1);
  right.emit(2);
  assert.equal(await right.take(), 1);
  assert.equal(await left.take(), 2);
});

Deno.test("SubscriptionProducerConsumer takes the options of both sides", async () => {
  const link = new Link<number, string>({
    ready: false,
    autosubscribe: true,
    directPutSubscription: () => new MostRecentSubscription<number>(),
    defaultSubscription: () => new Queue<string>({ maxSize: 1 }),
  });
  assert.equal(link.ready, false);
  link.put_nowait(1);
  link.put_nowait(2);
  link.emit("old");
  link.emit("new");
  assert.equal(await link.take(), 2);
  assert.equal(await link.get(), "new");
});

Deno.test("SubscriptionProducerConsumer.close() wakes both sides, and everything is refused after", async () => {
  const link = new Link();
  const waiting = [link.get(), link.take()];
  await link.close();
  for (const promise of waiting) {
    await assert.rejects(promise, {
      name: "SubscriptionClosed",
      message: "Cannot get from Link: it is closed; make a new one",
    });
  }
  const closed = { name: "SubscriptionClosed" };
  assert.throws(() => link.put_nowait(1), closed);
  assert.throws(() => link.putSubscription(new Queue<number>()), closed);
  assert.throws(() => link.subscribe(), closed);
  assert.throws(() => link.readable, closed);
  assert.throws(() => link.writable, closed);
  await assert.rejects(link.get(), closed);
});

Deno.test("SubscriptionProducerConsumer pipes what is written and read when used as web streams", async () => {
  const link = new Link<number, string>();
  const writer = link.writable.getWriter();
  const reader = link.readable.getReader();
  const written = writer.write(1);
  link.emit(`got ${await link.take()}`);
  await written;
  assert.deepEqual(await reader.read(), { done: false, value: "got 1" });
});
