import assert from "node:assert/strict";
import { SubscriptionClosed } from "../../lib/errors.ts";
import { GetterSubscription } from "../../lib/subscriptions/mod.ts";

Deno.test("GetterSubscription.get() calls the function each time", async () => {
  let calls = 0;
  const getter = new GetterSubscription(() => Promise.resolve(++calls));
  assert.equal(await getter.get(), 1);
  assert.equal(await getter.get(), 2);
});

Deno.test("GetterSubscription.get() takes a plain value when the function is not async", async () => {
  assert.equal(await new GetterSubscription(() => "hello!").get(), "hello!");
});

Deno.test("GetterSubscription.get() rejects when the function throws or rejects", async () => {
  const throwing = new GetterSubscription(() => {
    throw new Error("no sensor");
  });
  await assert.rejects(throwing.get(), { message: "no sensor" });
  const rejecting = new GetterSubscription(() => Promise.reject(new Error("no sensor")));
  await assert.rejects(rejecting.get({ signal: new AbortController().signal }), {
    message: "no sensor",
  });
});

Deno.test("GetterSubscription.get() hands an aborted call's value to the next when it comes", async () => {
  const answers = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
  let calls = 0;
  const getter = new GetterSubscription(() => answers[calls++]!.promise);
  const abort = new AbortController();
  const impatient = getter.get({ signal: abort.signal });
  abort.abort();
  await assert.rejects(impatient, { name: "AbortError" });
  await assert.rejects(getter.get({ signal: abort.signal }), { name: "AbortError" });

  const next = getter.get();
  assert.equal(calls, 1);
  answers[0]!.resolve("of the first call");
  assert.equal(await next, "of the first call");
  const after = getter.get();
  answers[1]!.resolve("of the second");
  assert.equal(await after, "of the second");
});

Deno.test("GetterSubscription leaves no rejection unhandled when an aborted call fails", async () => {
  const answer = Promise.withResolvers<string>();
  const getter = new GetterSubscription(() => answer.promise);
  const abort = new AbortController();
  const impatient = getter.get({ signal: abort.signal });
  abort.abort();
  await assert.rejects(impatient, { name: "AbortError" });
  answer.reject(new Error("no sensor"));
  await assert.rejects(getter.get(), { message: "no sensor" });
});

Deno.test("GetterSubscription is iterated until the function throws SubscriptionClosed", async () => {
  let left = 3;
  const getter = new GetterSubscription(() => {
    if (left === 0) throw new SubscriptionClosed("done");
    return left--;
  });
  const seen: number[] = [];
  for await (const value of getter) seen.push(value);
  assert.deepEqual(seen, [3, 2, 1]);
});
