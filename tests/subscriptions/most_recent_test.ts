import assert from "node:assert/strict";
import { MostRecentSubscription } from "../../lib/subscriptions/mod.ts";
import { isPending } from "./helpers.ts";

Deno.test("MostRecentSubscription.get() gives only the newest when several were put", async () => {
  const newest = new MostRecentSubscription<number>();
  for (const value of [1, 2, 3]) newest.put_nowait(value);
  assert.equal(await newest.get(), 3);
  assert.equal(newest.dropped, 2);
});

Deno.test("MostRecentSubscription.get() waits for a new value when the newest was given", async () => {
  const newest = new MostRecentSubscription<number>();
  newest.put_nowait(1);
  assert.equal(await newest.get(), 1);
  const next = newest.get();
  assert.equal(await isPending(next), true);
  newest.put_nowait(2);
  assert.equal(await next, 2);
});

Deno.test("MostRecentSubscription calls onDrop when a newer value replaces one", () => {
  const replaced: number[] = [];
  const newest = new MostRecentSubscription<number>({ onDrop: (value) => replaced.push(value) });
  newest.put_nowait(1);
  newest.put_nowait(2);
  assert.deepEqual(replaced, [1]);
});

Deno.test("MostRecentSubscription.get() rejects naming the class when closed", async () => {
  const newest = new MostRecentSubscription<number>();
  newest.close();
  await assert.rejects(newest.get(), {
    message: "Cannot get from MostRecentSubscription: it is closed; make a new one",
  });
});
