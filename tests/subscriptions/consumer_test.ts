import assert from "node:assert/strict";
import {
  DelayedSubscription,
  GetterSubscription,
  MostRecentSubscription,
  NoClosedSubscription,
  Queue,
  type Source,
} from "../../lib/subscriptions/mod.ts";
import { Camera, complaints, Display, isPending, settle } from "./helpers.ts";

function filled(...values: number[]): Queue<number> {
  const queue = new Queue<number>();
  for (const value of values) queue.put_nowait(value);
  return queue;
}

Deno.test("SubscriptionConsumer._get() gives what was put, in order", async () => {
  const display = new Display();
  const early = [display.take(), display.take()];
  for (const value of [1, 2, 3]) display.put_nowait(value);
  assert.deepEqual(await Promise.all(early), [1, 2]);
  assert.equal(await display.take(), 3);
  assert.equal(await isPending(display.take()), true);
});

Deno.test("SubscriptionConsumer keeps what was put in the class's own kind when it names one", async () => {
  const display = new Display({
    directPutSubscription: () => new MostRecentSubscription<number>(),
  });
  for (const value of [1, 2, 3]) display.put_nowait(value);
  assert.equal(await display.take(), 3);
});

Deno.test("SubscriptionConsumer.putSubscription() reads the source for ever", async () => {
  const display = new Display();
  const queue = filled(1, 2);
  display.putSubscription(queue);
  assert.equal(display.subscription, queue);
  assert.equal(await display.take(), 1);
  assert.equal(await display.take(), 2);
  const next = display.take();
  assert.equal(await isPending(next), true);
  queue.put_nowait(3);
  assert.equal(await next, 3);
  assert.equal(display.subscription, queue);
});

Deno.test("SubscriptionConsumer.putSubscription() reads only when the consumer takes", async () => {
  const display = new Display();
  const newest = new MostRecentSubscription<number>();
  display.putSubscription(newest);
  newest.put_nowait(1);
  await settle();
  newest.put_nowait(2);
  assert.equal(await display.take(), 2);
});

Deno.test("SubscriptionConsumer.putSubscription() reads a producer, and a source that gives plain values", async () => {
  const display = new Display();
  const camera = new Camera();
  display.putSubscription(camera);
  const frame = display.take();
  camera.emit(1);
  assert.equal(await frame, 1);
  const plain = { get: () => 2 } as unknown as Source<number>;
  display.putSubscription(plain);
  assert.equal(await display.take(), 2);
});

Deno.test("SubscriptionConsumer.putSubscription() switches at once when a read is under way", async () => {
  const display = new Display();
  const [first, second] = [new Queue<number>(), filled(2)];
  display.putSubscription(first);
  const frame = display.take();
  display.putSubscription(second);
  assert.equal(display.subscription, second);
  assert.equal(await frame, 2);
});

Deno.test("SubscriptionConsumer.putSubscription() loses no value of the source that it replaces", async () => {
  const display = new Display();
  const first = new Queue<number>();
  display.putSubscription(first);
  const frame = display.take();
  display.putSubscription(filled(10));
  first.put_nowait(1);
  assert.equal(await frame, 10);
  assert.equal(await first.get(), 1);
});

Deno.test("SubscriptionConsumer.putSubscription() delivers what the old source had given just before", async () => {
  const wrappers: ((queue: Queue<number>) => Source<number>)[] = [
    (queue) => queue,
    (queue) => new NoClosedSubscription(queue),
    (queue) => ({ get: async (options) => await queue.get(options) }),
    (queue) => ({ get: (options) => Promise.resolve().then(() => queue.get(options)) }),
  ];
  for (const wrap of wrappers) {
    const display = new Display();
    const first = new Queue<number>();
    display.putSubscription(wrap(first));
    const frames = [display.take(), display.take()];
    await settle();
    first.put_nowait(1);
    display.putSubscription(filled(10));
    assert.deepEqual(await Promise.all(frames), [1, 10]);
  }
});

Deno.test("SubscriptionConsumer drops what comes late from a replaced source that ignores signals", async () => {
  const display = new Display();
  const answer = Promise.withResolvers<number>();
  display.putSubscription({ get: () => answer.promise });
  const frame = display.take();
  const queue = new Queue<number>();
  display.putSubscription(queue);
  await settle();
  answer.resolve(1);
  assert.equal(await isPending(frame), true);
  queue.put_nowait(2);
  assert.equal(await frame, 2);
});

Deno.test("SubscriptionConsumer serves several takers in order when sources are switched quickly", async () => {
  const display = new Display();
  const frames = [display.take(), display.take(), display.take()];
  const passing = new Queue<number>();
  display.putSubscription(passing);
  display.stopSubscription();
  display.putSubscription(filled(1));
  await settle();
  display.put_nowait(2);
  display.putSubscription(filled(3));
  assert.deepEqual(await Promise.all(frames), [1, 2, 3]);
  passing.put_nowait(0);
  assert.equal(passing.size, 1);
});

Deno.test("SubscriptionConsumer.put_nowait() stops the subscription that is read", async () => {
  const display = new Display();
  const queue = new Queue<number>();
  display.putSubscription(queue);
  const frame = display.take();
  display.put_nowait(1);
  queue.put_nowait(2);
  assert.equal(display.subscription, null);
  assert.equal(await frame, 1);
  assert.equal(await isPending(display.take()), true);
  assert.equal(queue.size, 1);
});

Deno.test("SubscriptionConsumer.putSubscription() comes after what had been put", async () => {
  const display = new Display();
  display.put_nowait(1);
  display.put_nowait(2);
  display.putSubscription(filled(3));
  assert.deepEqual([await display.take(), await display.take(), await display.take()], [1, 2, 3]);
});

Deno.test("SubscriptionConsumer.stopSubscription() listens to put_nowait only, and may be undone", async () => {
  const display = new Display();
  const queue = filled(1);
  display.stopSubscription();
  display.putSubscription(queue);
  display.stopSubscription();
  assert.equal(display.subscription, null);
  const frame = display.take();
  assert.equal(await isPending(frame), true);
  display.putSubscription(queue);
  display.putSubscription(queue);
  assert.equal(await frame, 1);
});

Deno.test("SubscriptionConsumer lives on, without a word, when its source closes", async () => {
  const said = await complaints(async () => {
    const display = new Display();
    const camera = new Camera();
    display.putSubscription(camera.subscribe());
    const frames = [display.take(), display.take(), display.take()];
    camera.emit(1);
    await camera.close();
    await settle();
    assert.equal(display.subscription, null);
    assert.equal(display.closed, false);
    display.put_nowait(2);
    display.put_nowait(3);
    assert.deepEqual(await Promise.all(frames), [1, 2, 3]);
  });
  assert.deepEqual(said, []);
});

Deno.test("SubscriptionConsumer lives on, and says so, when its source fails", async () => {
  const said = await complaints(async () => {
    for (
      const source of [
        new GetterSubscription<number>(() => Promise.reject(new Error("no sensor"))),
        {
          get() {
            throw new Error("no sensor");
          },
        },
      ]
    ) {
      const display = new Display();
      display.putSubscription(source);
      const frame = display.take();
      await settle();
      assert.equal(display.subscription, null);
      assert.equal(display.closed, false);
      display.put_nowait(1);
      assert.equal(await frame, 1);
    }
  });
  assert.deepEqual(said, Array(2).fill("[rtcbot] the subscription read by Display failed:"));
});

Deno.test("SubscriptionConsumer says nothing when a source fails after it was replaced", async () => {
  const said = await complaints(async () => {
    const display = new Display();
    const answer = Promise.withResolvers<number>();
    display.putSubscription({ get: () => answer.promise });
    const frame = display.take();
    display.put_nowait(1);
    assert.equal(await frame, 1);
    answer.reject(new Error("too late to matter"));
  });
  assert.deepEqual(said, []);
});

Deno.test("SubscriptionConsumer.putSubscription() refuses what has no get()", () => {
  for (const wrong of [42, undefined, "frames"]) {
    assert.throws(() => new Display().putSubscription(wrong as never), {
      name: "TypeError",
      message: `Cannot put a subscription into Display: ${wrong} has no get(); ` +
        "give a subscription, a producer, or new GetterSubscription(function)",
    });
  }
});

Deno.test("SubscriptionConsumer.close() wakes _get() and lets go of the source without taking from it", async () => {
  const display = new Display();
  const queue = new Queue<number>();
  display.putSubscription(queue);
  const frames = [display.take(), display.take()];
  await display.close();
  const closed = {
    name: "SubscriptionClosed",
    message: "Cannot get from Display: it is closed; make a new one",
  };
  for (const frame of frames) await assert.rejects(frame, closed);
  await assert.rejects(display.take(), closed);
  queue.put_nowait(1);
  assert.equal(await queue.get(), 1);
  assert.equal(display.subscription, null);
});

Deno.test("SubscriptionConsumer refuses calls with SubscriptionClosed naming the class when closed", async () => {
  const display = new Display();
  await display.close();
  assert.throws(() => display.put_nowait(1), {
    name: "SubscriptionClosed",
    message: "Cannot put into Display: it is closed; make a new one",
  });
  assert.throws(() => display.putSubscription(new Queue<number>()), {
    name: "SubscriptionClosed",
    message: "Cannot put a subscription into Display: it is closed; make a new one",
  });
  assert.throws(() => display.writable, { name: "SubscriptionClosed" });
  display.stopSubscription();
});

Deno.test("SubscriptionConsumer._get() rejects with the error when the consumer fails", async () => {
  const display = new Display();
  const frame = display.take();
  display.fail(new Error("window lost"));
  await assert.rejects(frame, { message: "window lost" });
  assert.throws(() => display.put_nowait(1), {
    name: "SubscriptionClosed",
    message: "Cannot put into Display: it failed (window lost); make a new one",
  });
});

Deno.test("SubscriptionConsumer subscribes nothing before it takes when given a DelayedSubscription", async () => {
  const [display, camera] = [new Display(), new Camera()];
  display.putSubscription(new DelayedSubscription(camera));
  await settle();
  assert.equal(camera.watched, false);
  const frame = display.take();
  camera.emit(1);
  assert.equal(await frame, 1);
});
