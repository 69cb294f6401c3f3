import assert from "node:assert/strict";
import { DelayedSubscription, MostRecentSubscription } from "../../lib/subscriptions/mod.ts";
import { Camera } from "./helpers.ts";

Deno.test("DelayedSubscription subscribes when get() is called first, not before", async () => {
  const camera = new Camera();
  const delayed = new DelayedSubscription(camera);
  camera.emit(1);
  assert.equal(camera.watched, false);
  const next = delayed.get();
  assert.equal(camera.watched, true);
  camera.emit(2, 3);
  assert.equal(await next, 2);
  assert.equal(await delayed.get(), 3);
});

Deno.test("DelayedSubscription.unsubscribe() wakes a pending get(), and the next one subscribes anew", async () => {
  const camera = new Camera();
  const delayed = new DelayedSubscription(camera);
  delayed.unsubscribe();
  const waiting = delayed.get();
  delayed.unsubscribe();
  assert.equal(camera.watched, false);
  await assert.rejects(waiting, { name: "SubscriptionClosed" });
  camera.emit(1);
  const again = delayed.get();
  camera.emit(2);
  assert.equal(await again, 2);
});

Deno.test("DelayedSubscription uses the subscription when one is given", async () => {
  const camera = new Camera();
  const newest = new MostRecentSubscription<number>();
  const delayed = new DelayedSubscription(camera, newest);
  const first = delayed.get();
  camera.emit(1, 2, 3);
  assert.equal(await first, 1);
  assert.equal(await delayed.get(), 3);
  delayed.unsubscribe();
  assert.equal(camera.watched, false);
  assert.equal(newest.closed, false);
});

Deno.test("DelayedSubscription.get() rejects when the producer is closed, and iteration ends", async () => {
  const camera = new Camera();
  await camera.close();
  const delayed = new DelayedSubscription(camera);
  await assert.rejects(delayed.get(), { name: "SubscriptionClosed" });
  for await (const _ of delayed) assert.fail("nothing to see");
});

Deno.test("DelayedSubscription.get() loses no value when the signal aborts it", async () => {
  const camera = new Camera();
  const delayed = new DelayedSubscription(camera);
  const abort = new AbortController();
  const impatient = delayed.get({ signal: abort.signal });
  abort.abort();
  await assert.rejects(impatient, { name: "AbortError" });
  camera.emit(1);
  assert.equal(await delayed.get(), 1);
});
