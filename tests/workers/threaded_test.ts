import assert from "node:assert/strict";
import { SubscriptionClosed } from "../../lib/errors.ts";
import { MostRecentSubscription } from "../../lib/subscriptions/most_recent.ts";
import {
  ThreadedSubscriptionConsumer,
  ThreadedSubscriptionProducer,
  ThreadedSubscriptionProducerConsumer,
} from "../../lib/workers/threaded.ts";
import { runScript } from "./script.ts";

Deno.test("ThreadedSubscriptionProducer gives every value that its code puts, then closes", async () => {
  const producer = new ThreadedSubscriptionProducer<number, { upTo: number }>(
    (thread, { upTo }) => {
      for (let n = 1; n <= upTo; n++) thread.put(n);
    },
    { data: { upTo: 3000 } },
  );
  const seen: number[] = [];
  for await (const n of producer) seen.push(n);
  assert.deepEqual(seen, Array.from({ length: 3000 }, (_, i) => i + 1));
  assert.equal(producer.error, null);
  assert.equal(producer.closed, true);
});

Deno.test("ThreadedSubscriptionProducer delivers while its code blocks for ever", async () => {
  await using producer = new ThreadedSubscriptionProducer<string>((thread) => {
    thread.put("before");
    while (!thread.shouldClose); // a busy loop
  });
  assert.equal(await producer.get(), "before");
});

Deno.test("ThreadedSubscriptionProducer is ready when its code says so", async () => {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  await using producer = new ThreadedSubscriptionProducer<string, Int32Array>((thread, flag) => {
    Atomics.wait(flag, 0, 0);
    thread.setReady();
    thread.sleep(Infinity);
  }, { data: flag });
  assert.equal(producer.ready, false);
  Atomics.store(flag, 0, 1);
  Atomics.notify(flag, 0);
  await producer.onReady();
  assert.equal(producer.ready, true);
});

Deno.test("ThreadedSubscriptionProducer fails with what its code throws", async () => {
  const producer = new ThreadedSubscriptionProducer<number>((thread) => {
    thread.put(1);
    throw new RangeError("the sensor is on fire");
  });
  const queue = producer.subscribe();
  const error = await producer.onError();
  assert.ok(error instanceof RangeError);
  assert.equal(error.message, "the sensor is on fire");
  assert.match(error.stack!, /at worker:\d+:\d+/);
  assert.equal(await queue.get(), 1, "what came before can still be read");
  await assert.rejects(queue.get(), error);
  await assert.rejects(producer.get(), error);
});

Deno.test("ThreadedSubscriptionProducer says why when its code uses an outer variable", async () => {
  const pin = Date.now();
  const producer = new ThreadedSubscriptionProducer<number>((thread) => thread.put(pin));
  assert.match((await producer.onError())!.message, /it uses "pin", which is outside of it; /);
});

Deno.test("ThreadedSubscriptionProducer.close() ends a sleep, and waits for the code to clean up", async () => {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const producer = new ThreadedSubscriptionProducer<string, Int32Array>((thread, flag) => {
    thread.setReady();
    while (!thread.shouldClose) thread.sleep(1e9);
    Atomics.store(flag, 0, 1);
  }, { data: flag, joinTimeoutMs: 60_000 });
  await producer.onReady();
  await producer.close();
  assert.equal(flag[0], 1);
  await assert.rejects(producer.get(), SubscriptionClosed);
});

Deno.test("ThreadedSubscriptionProducer.close() gives up code that does not return", async () => {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const producer = new ThreadedSubscriptionProducer<string, Int32Array>((thread, flag) => {
    thread.setReady();
    while (Atomics.load(flag, 0) === 0);
  }, { data: flag, joinTimeoutMs: 10 });
  await producer.onReady();
  await producer.close();
  Atomics.store(flag, 0, 1); // lets the thread end, too
  assert.equal(producer.error, null);
});

Deno.test("ThreadedSubscriptionProducer.close() works before the thread has begun", async () => {
  const producer = new ThreadedSubscriptionProducer<number>((thread) => thread.put(1));
  await producer.close();
  await assert.rejects(producer.onReady(), SubscriptionClosed);
});

Deno.test("ThreadedSubscriptionProducer keeps a fast thread within bounds while the event loop is busy", async () => {
  const count = new Int32Array(new SharedArrayBuffer(4));
  await using producer = new ThreadedSubscriptionProducer<number, Int32Array>((thread, count) => {
    for (let n = 0; !thread.shouldClose; n++) {
      thread.put(n);
      Atomics.add(count, 0, 1);
    }
  }, { data: count });
  await producer.get();
  const before = Atomics.load(count, 0);
  const until = performance.now() + 300; // time for far more than 1024
  while (performance.now() < until);
  const ahead = Atomics.load(count, 0) - before;
  assert.ok(ahead <= 1024 + 1, `the thread ran ${ahead} values ahead`);
});

Deno.test("ThreadedSubscriptionConsumer gets what is put, in a loop that close() ends", async () => {
  const sum = new Int32Array(new SharedArrayBuffer(8));
  const consumer = new ThreadedSubscriptionConsumer<number, Int32Array>((thread, sum) => {
    for (const n of thread) Atomics.add(sum, 0, n);
    Atomics.store(sum, 1, 1); // cleaned up
  }, { data: sum, joinTimeoutMs: 60_000 });
  const writer = consumer.writable.getWriter();
  for (const n of [1, 2, 3]) await writer.write(n);
  await consumer.onReady();
  await consumer.close();
  assert.deepEqual([...sum], [6, 1]);
  assert.throws(() => consumer.put_nowait(1), SubscriptionClosed);
});

Deno.test("ThreadedSubscriptionConsumer that is slow gets the newest of a source", async () => {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const worker = new ThreadedSubscriptionProducerConsumer<number, number, Int32Array>(
    (thread, gate) => {
      for (const n of thread) {
        thread.put(n);
        Atomics.wait(gate, 0, 0); // slow at the first value
      }
    },
    { data: gate },
  );
  const results = worker.subscribe();
  const newest = new MostRecentSubscription<number>();
  worker.putSubscription(newest);
  newest.put_nowait(1);
  assert.equal(await results.get(), 1);
  for (const n of [2, 3, 4]) newest.put_nowait(n);
  Atomics.store(gate, 0, 1);
  Atomics.notify(gate, 0);
  assert.equal(await results.get(), 4);
  await worker.close();
});

Deno.test("ThreadedSubscriptionConsumer fails when a value cannot be copied", async () => {
  const consumer = new ThreadedSubscriptionConsumer<unknown>((thread) => void thread.get());
  consumer.put_nowait(() => {});
  assert.equal((await consumer.onError())?.name, "DataCloneError");
});

Deno.test("ThreadedSubscriptionConsumer.get() that is caught does not keep close() waiting", async () => {
  const consumer = new ThreadedSubscriptionConsumer<number>((thread) => {
    thread.get(); // throws at close, which is no failure
  }, { joinTimeoutMs: 60_000 });
  await consumer.onReady();
  await consumer.close();
  assert.equal(consumer.error, null);
});

Deno.test("ThreadedSubscriptionProducerConsumer runs a module's default export, sync or async", async () => {
  const module = new URL("./doubling_module.ts", import.meta.url);
  await using doubler = new ThreadedSubscriptionProducerConsumer<number>(module);
  const results = doubler.subscribe();
  for (const n of [1, 2]) doubler.put_nowait(n);
  assert.deepEqual([await results.get(), await results.get()], [2, 4]);
});

Deno.test("ThreadedSubscriptionProducer needs no permission, and lets the program end when closed", async () => {
  const outcome = await runScript(
    `import { ThreadedSubscriptionProducer } from "<lib>/workers/threaded.ts";
     const sensor = new ThreadedSubscriptionProducer((thread) => {
       for (let n = 0;; n++) thread.put(n);
     }, { joinTimeoutMs: 10 });
     console.log(await sensor.get());
     await sensor.close();`,
    [],
  );
  assert.deepEqual(outcome, { code: 0, stdout: "0\n", stderr: "" });
});
