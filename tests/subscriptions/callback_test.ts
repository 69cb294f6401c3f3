import assert from "node:assert/strict";
import { CallbackSubscription } from "../../lib/subscriptions/mod.ts";
import { complaints, settle } from "./helpers.ts";

Deno.test("CallbackSubscription.put_nowait() calls the callback at once", () => {
  const seen: number[] = [];
  const subscription = new CallbackSubscription((value: number) => seen.push(value));
  subscription.put_nowait(1);
  subscription.put_nowait(2);
  assert.deepEqual(seen, [1, 2]);
  assert.equal(subscription.pending, 0);
});

Deno.test("CallbackSubscription.put_nowait() does not wait when the callback is async", async () => {
  const started: number[] = [];
  const finish = Promise.withResolvers<void>();
  const subscription = new CallbackSubscription(async (value: number) => {
    started.push(value);
    await finish.promise;
  });
  subscription.put_nowait(1);
  subscription.put_nowait(2);
  assert.deepEqual(started, [1, 2]);
  assert.equal(subscription.pending, 2);
  finish.resolve();
  await settle();
  assert.equal(subscription.pending, 0);
});

Deno.test("CallbackSubscription drops values when maxPending calls are unfinished", async () => {
  const errors: unknown[] = [];
  const started: number[] = [];
  let finish = Promise.withResolvers<void>();
  async function slow(value: number): Promise<void> {
    started.push(value);
    await finish.promise;
  }
  const subscription = new CallbackSubscription(slow, {
    maxPending: 2,
    onError: (error) => errors.push(error),
  });
  for (const value of [1, 2, 3, 4]) subscription.put_nowait(value);
  assert.deepEqual(started, [1, 2]);
  assert.equal(subscription.dropped, 2);
  assert.equal(errors.length, 1);
  assert.match(
    String(errors[0]),
    /Cannot call slow: 2 of its calls are unfinished; make it quicker/,
  );

  finish.resolve();
  finish = Promise.withResolvers();
  await settle();
  subscription.put_nowait(5);
  assert.deepEqual(started, [1, 2, 5]);
});

Deno.test("CallbackSubscription tells onError when the callback throws or rejects", async () => {
  const errors: unknown[] = [];
  const options = { onError: (error: unknown) => errors.push(error) };
  new CallbackSubscription(() => {
    throw new Error("thrown");
  }, options).put_nowait(1);
  new CallbackSubscription(() => Promise.reject(new Error("rejected")), options).put_nowait(1);
  await settle();
  assert.deepEqual(errors.map(String), ["Error: thrown", "Error: rejected"]);
});

Deno.test("CallbackSubscription reports the first failure only when nobody gave onError", async () => {
  const said = await complaints(() => {
    const subscription = new CallbackSubscription(function steer() {
      throw new Error("stuck");
    });
    for (let i = 0; i < 5; i++) subscription.put_nowait(i);
  });
  assert.deepEqual(said, ["[rtcbot] the callback steer failed (said once):"]);
});
