import assert from "node:assert/strict";
import { SubscriptionClosed } from "../../lib/errors.ts";
import { NoClosedSubscription, Queue } from "../../lib/subscriptions/mod.ts";
import { complaints, Display, settle } from "./helpers.ts";

Deno.test("NoClosedSubscription.get() passes values on", async () => {
  const queue = new Queue<number>();
  queue.put_nowait(1);
  queue.put_nowait(2);
  assert.equal(await new NoClosedSubscription(queue).get(), 1);
  assert.equal(await new NoClosedSubscription(() => queue.get()).get(), 2);
});

Deno.test("NoClosedSubscription.get() rejects with an AbortError when the source closes", async () => {
  const queue = new Queue<number>();
  const waiting = new NoClosedSubscription(queue).get();
  queue.close();
  await assert.rejects(waiting, (error: DOMException) => {
    assert.equal(error.name, "AbortError");
    assert.ok(error.cause instanceof SubscriptionClosed);
    return true;
  });
});

Deno.test("NoClosedSubscription.get() rejects with the same error when the source failed", async () => {
  const queue = new Queue<number>();
  const failure = new Error("cable pulled");
  queue.close(failure);
  await assert.rejects(new NoClosedSubscription(queue).get(), (error) => error === failure);
});

Deno.test("NoClosedSubscription is iterated to its end when the source closes", async () => {
  const queue = new Queue<number>();
  queue.put_nowait(1);
  queue.close();
  const seen: number[] = [];
  for await (const value of new NoClosedSubscription(queue)) seen.push(value);
  assert.deepEqual(seen, [1]);
});

Deno.test("NoClosedSubscription ends a consumer's reading quietly when the source closes", async () => {
  const said = await complaints(async () => {
    const display = new Display();
    const queue = new Queue<number>();
    display.putSubscription(new NoClosedSubscription(queue));
    const frame = display.take();
    queue.close();
    await settle();
    assert.equal(display.subscription, null);
    display.put_nowait(1);
    assert.equal(await frame, 1);
  });
  assert.deepEqual(said, []);
});
