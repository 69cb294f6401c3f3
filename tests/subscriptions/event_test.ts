import assert from "node:assert/strict";
import { EventSubscription } from "../../lib/subscriptions/mod.ts";
import { Camera, isPending } from "./helpers.ts";

Deno.test("EventSubscription.get() gives the first value to all, before and after it fired", async () => {
  const event = new EventSubscription<string>();
  const early = [event.get(), event.get()];
  assert.equal(await isPending(early[0]!), true);
  assert.equal(event.size, 0);
  event.put_nowait("first");
  event.put_nowait("second");
  assert.equal(event.size, 1);
  assert.deepEqual(await Promise.all([...early, event.get()]), ["first", "first", "first"]);
});

Deno.test("EventSubscription fires with undefined when that is the first value", async () => {
  const event = new EventSubscription<undefined | number>();
  event.put_nowait(undefined);
  event.put_nowait(1);
  assert.equal(await event.get(), undefined);
});

Deno.test("EventSubscription.get() rejects when the signal aborts it, and still fires for others", async () => {
  const event = new EventSubscription<number>();
  const abort = new AbortController();
  const impatient = event.get({ signal: abort.signal });
  const patient = event.get();
  abort.abort();
  await assert.rejects(impatient, { name: "AbortError" });
  await assert.rejects(event.get({ signal: abort.signal }), { name: "AbortError" });
  event.put_nowait(1);
  assert.equal(await patient, 1);
});

Deno.test("EventSubscription.close() wakes getters when it has not fired, and changes nothing when it has", async () => {
  const event = new EventSubscription<number>();
  const waiting = event.get();
  event.close();
  event.close();
  await assert.rejects(waiting, { name: "SubscriptionClosed" });
  await assert.rejects(event.get(), { name: "SubscriptionClosed" });
  assert.throws(() => event.put_nowait(1), { name: "SubscriptionClosed" });

  const fired = new EventSubscription<number>();
  fired.put_nowait(1);
  fired.close();
  assert.equal(await fired.get(), 1);
});

Deno.test("EventSubscription is iterated once when it fired, not at all when it closed before", async () => {
  const seen: number[] = [];
  const fired = new EventSubscription<number>();
  fired.put_nowait(1);
  for await (const value of fired) seen.push(value);
  const closed = new EventSubscription<number>();
  const waiting = closed[Symbol.asyncIterator]().next();
  closed.close();
  assert.deepEqual(await waiting, { done: true, value: undefined });
  for await (const value of closed) seen.push(value);
  assert.deepEqual(seen, [1]);
});

Deno.test("EventSubscription keeps the first value when it is subscribed to a producer", async () => {
  const camera = new Camera();
  const first = camera.subscribe(new EventSubscription<number>());
  camera.emit(1, 2, 3);
  assert.equal(await first.get(), 1);
});
