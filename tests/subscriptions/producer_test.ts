import assert from "node:assert/strict";
import {
  MostRecentSubscription,
  Queue,
  type Sink,
  SubscriptionProducer,
} from "../../lib/subscriptions/mod.ts";
import { Camera, complaints, Display, isPending, settle } from "./helpers.ts";

Deno.test("SubscriptionProducer.subscribe() gives independent subscriptions that each see every value", async () => {
  const camera = new Camera();
  const [first, second] = [camera.subscribe(), camera.subscribe()];
  assert.notEqual(first, second);
  assert.ok(first instanceof Queue);
  camera.emit(1, 2);
  const late = camera.subscribe();
  camera.emit(3);
  for (const value of [1, 2, 3]) {
    assert.equal(await first.get(), value);
    assert.equal(await second.get(), value);
  }
  assert.equal(await late.get(), 3);
});

Deno.test("SubscriptionProducer.subscribe() feeds sinks, callbacks and async callbacks, and returns them", async () => {
  const camera = new Camera();
  const seen: string[] = [];
  const sink: Sink<number> = { put_nowait: (value) => void seen.push(`sink ${value}`) };
  const callback = (value: number) => void seen.push(`callback ${value}`);
  const asyncCallback = async (value: number) => {
    await null;
    seen.push(`async ${value}`);
  };
  assert.equal(camera.subscribe(sink), sink);
  assert.equal(camera.subscribe(callback), callback);
  assert.equal(camera.subscribe(asyncCallback), asyncCallback);
  camera.emit(1);
  await settle();
  assert.deepEqual(seen, ["sink 1", "callback 1", "async 1"]);
});

Deno.test("SubscriptionProducer.subscribe() counts the same subscriber once when given twice", () => {
  const camera = new Camera();
  const queue = new Queue<number>();
  camera.subscribe(queue);
  camera.subscribe(queue);
  camera.emit(1);
  assert.equal(queue.size, 1);
});

Deno.test("SubscriptionProducer.subscribe() refuses what cannot take values", () => {
  assert.throws(() => new Camera().subscribe(42 as never), {
    name: "TypeError",
    message: "Cannot subscribe 42 to Camera: it cannot take values; " +
      "give a function or something with put_nowait",
  });
  assert.throws(() => new Camera().subscribe(null as never), TypeError);
});

Deno.test("SubscriptionProducer.subscribe() makes the class's own kind when it names one", async () => {
  const camera = new Camera({ defaultSubscription: () => new MostRecentSubscription<number>() });
  const newest = camera.subscribe();
  camera.emit(1, 2, 3);
  assert.equal(await newest.get(), 3);
});

Deno.test("SubscriptionProducer.get() keeps one subscription from the first call to unsubscribe()", async () => {
  const camera = new Camera();
  camera.emit(0); // nobody asked yet
  const first = camera.get();
  camera.emit(1, 2);
  assert.equal(await first, 1);
  assert.equal(await camera.get(), 2);
  camera.emit(3);
  camera.unsubscribe();
  assert.equal(camera.watched, false);
  const anew = camera.get();
  camera.emit(4);
  assert.equal(await anew, 4);
});

Deno.test("SubscriptionProducer.get() loses no value when the signal aborts it", async () => {
  const camera = new Camera();
  const abort = new AbortController();
  const impatient = camera.get({ signal: abort.signal });
  abort.abort();
  await assert.rejects(impatient, { name: "AbortError" });
  camera.emit(1);
  assert.equal(await camera.get(), 1);
});

Deno.test("SubscriptionProducer.get() misses nothing since construction when autosubscribe is set", async () => {
  const camera = new Camera({ autosubscribe: true });
  camera.emit(1);
  assert.equal(await camera.get(), 1);
  camera.emit(2);
  camera.unsubscribe();
  assert.equal(await isPending(camera.get()), true);
});

Deno.test("SubscriptionProducer.unsubscribe() wakes a pending get() of the default subscription", async () => {
  const camera = new Camera();
  const waiting = camera.get();
  camera.unsubscribe();
  camera.unsubscribe();
  await assert.rejects(waiting, {
    name: "SubscriptionClosed",
    message: "Cannot get from a subscription of Camera: it was unsubscribed; subscribe again",
  });
});

Deno.test("SubscriptionProducer.unsubscribe() stops only the subscriber that is named", async () => {
  const camera = new Camera();
  const seen: number[] = [];
  const callback = (value: number) => seen.push(value);
  const mine = camera.subscribe();
  const queue = camera.subscribe(new Queue<number>());
  camera.subscribe(callback);
  camera.emit(1);
  camera.unsubscribe(mine);
  camera.unsubscribe(queue);
  camera.unsubscribe(() => "never subscribed");
  camera.emit(2);
  assert.deepEqual(seen, [1, 2]);
  assert.equal(await mine.get(), 1);
  await assert.rejects(mine.get(), { name: "SubscriptionClosed" });
  assert.equal(queue.size, 1);
  assert.equal(queue.closed, false);
  camera.unsubscribe(callback);
  camera.emit(3);
  assert.deepEqual(seen, [1, 2]);
});

Deno.test("SubscriptionProducer.unsubscribeAll() removes every subscriber, and the next get() subscribes anew", async () => {
  const camera = new Camera({ autosubscribe: true });
  const queue = new Queue<number>();
  camera.subscribe(queue);
  camera.unsubscribeAll();
  camera.emit(1);
  assert.equal(queue.size, 0);
  const next = camera.get();
  camera.emit(2);
  assert.equal(await next, 2);
});

Deno.test("SubscriptionProducer serves the others, and reports once, when a subscriber throws", async () => {
  const camera = new Camera();
  const said = await complaints(() => {
    camera.subscribe(() => {
      throw new Error("bug");
    });
    camera.subscribe({
      put_nowait() {
        throw new Error("bug");
      },
    });
    camera.subscribe(() => Promise.reject(new Error("bug")));
    camera.subscribe({ put_nowait: () => Promise.reject(new Error("bug")) } as Sink<number>);
    const queue = camera.subscribe();
    camera.emit(1, 2, 3);
    assert.equal(queue.size, 3);
  });
  assert.deepEqual(said, Array(4).fill("[rtcbot] a subscriber of Camera failed (said once):"));
});

Deno.test("SubscriptionProducer tells onSubscriberError each failure and who failed when it is given", async () => {
  const failures: [unknown, unknown][] = [];
  const camera = new Camera({
    onSubscriberError: (error, subscriber) => failures.push([error, subscriber]),
  });
  const bug = new Error("bug");
  const throwing = camera.subscribe(() => {
    throw bug;
  });
  const rejecting = camera.subscribe(() => Promise.reject(bug));
  camera.emit(1, 2);
  await settle();
  assert.deepEqual(failures, [
    [bug, throwing],
    [bug, throwing],
    [bug, rejecting],
    [bug, rejecting],
  ]);
});

Deno.test("SubscriptionProducer survives when onSubscriberError itself throws", async () => {
  const said = await complaints(() => {
    const camera = new Camera({
      onSubscriberError() {
        throw new Error("a bug in the handler of bugs");
      },
    });
    camera.subscribe(() => {
      throw new Error("bug");
    });
    const queue = camera.subscribe();
    camera.emit(1, 2);
    assert.equal(queue.size, 2);
  });
  assert.equal(said.length, 1);
});

Deno.test("SubscriptionProducer starts an async callback for each value, and bounds how many hang", async () => {
  const errors: unknown[] = [];
  const camera = new Camera({ onSubscriberError: (error) => errors.push(error) });
  let started = 0;
  camera.subscribe(() => {
    started++;
    return new Promise(() => {});
  });
  const queue = camera.subscribe();
  for (let i = 0; i < 1000; i++) camera.emit(i);
  await settle();
  assert.equal(started, 256);
  assert.equal(queue.size, 1000);
  assert.equal(errors.length, 1);
  assert.match(String(errors[0]), /256 of its calls are unfinished/);
});

Deno.test("SubscriptionProducer lets subscribers come and go while a value is handed out", () => {
  const camera = new Camera();
  const seen: string[] = [];
  const late = (value: number) => seen.push(`late ${value}`);
  const leaving = (value: number) => seen.push(`leaving ${value}`);
  camera.subscribe((value) => {
    seen.push(`first ${value}`);
    camera.unsubscribe(leaving);
    camera.subscribe(late);
  });
  camera.subscribe(leaving);
  camera.emit(1);
  assert.deepEqual(seen, ["first 1"]);
  camera.emit(2);
  assert.deepEqual(seen, ["first 1", "first 2", "late 2"]);
});

Deno.test("SubscriptionProducer unsubscribes a sink without a word when it is closed", async () => {
  const camera = new Camera();
  const said = await complaints(async () => {
    const queue = camera.subscribe(new Queue<number>());
    const display = camera.subscribe(new Display());
    queue.close();
    await display.close();
    camera.emit(1);
    assert.equal(camera.watched, false);
  });
  assert.deepEqual(said, []);
});

Deno.test("SubscriptionProducer closes the subscriptions it made when it closes, and leaves others alone", async () => {
  const camera = new Camera();
  const mine = camera.subscribe();
  const yours = camera.subscribe(new Queue<number>());
  camera.emit(1);
  const pending = camera.get();
  await camera.close();
  camera.emit(2);
  assert.equal(await mine.get(), 1);
  const closed = {
    name: "SubscriptionClosed",
    message: "Cannot get from Camera: it is closed; make a new one",
  };
  await assert.rejects(mine.get(), closed);
  await assert.rejects(pending, closed);
  assert.equal(await yours.get(), 1);
  assert.equal(await isPending(yours.get()), true);
});

Deno.test("SubscriptionProducer ends a user's queue too when onClose is asked to", async () => {
  const camera = new Camera();
  const queue = camera.subscribe(new Queue<number>());
  camera.onClose(() => queue.close());
  camera.emit(1);
  await camera.close();
  const seen: number[] = [];
  for await (const value of queue) seen.push(value);
  assert.deepEqual(seen, [1]);
});

Deno.test("SubscriptionProducer.get() gives what its subscription still holds when it is closed, then rejects", async () => {
  const camera = new Camera({ autosubscribe: true });
  camera.emit(1);
  await camera.close();
  assert.equal(await camera.get(), 1);
  await assert.rejects(camera.get(), { name: "SubscriptionClosed" });
});

Deno.test("SubscriptionProducer refuses calls with SubscriptionClosed naming the class when closed", async () => {
  const camera = new Camera();
  await camera.close();
  assert.throws(() => camera.subscribe(), {
    name: "SubscriptionClosed",
    message: "Cannot subscribe to Camera: it is closed; make a new one",
  });
  assert.throws(() => camera.subscribe(() => {}), { name: "SubscriptionClosed" });
  assert.throws(() => camera.readable, { name: "SubscriptionClosed" });
  await assert.rejects(camera.get(), {
    name: "SubscriptionClosed",
    message: "Cannot get from Camera: it is closed; make a new one",
  });
  camera.unsubscribe();
  camera.unsubscribe(() => {});
  camera.unsubscribeAll();
});

Deno.test("SubscriptionProducer rejects its waiters with the error when it fails", async () => {
  const camera = new Camera();
  const mine = camera.subscribe();
  const pending = camera.get();
  camera.emit(1);
  assert.equal(await pending, 1);
  const waiting = camera.get();
  camera.fail(new Error("cable pulled"));
  await assert.rejects(waiting, { message: "cable pulled" });
  assert.equal(await mine.get(), 1);
  await assert.rejects(mine.get(), { message: "cable pulled" });
  camera.unsubscribe();
  await assert.rejects(camera.get(), { message: "cable pulled" });
});

Deno.test("SubscriptionProducer is iterated with a subscription of its own until the break", async () => {
  const camera = new Camera();
  const seen: number[] = [];
  const loop = (async () => {
    for await (const value of camera) {
      seen.push(value);
      if (value === 3) break;
    }
  })();
  const other = camera[Symbol.asyncIterator]();
  const first = other.next();
  await settle();
  camera.emit(1, 2, 3, 4);
  await loop;
  assert.deepEqual(seen, [1, 2, 3]);
  assert.equal((await first).value, 1);
  assert.equal((await other.next()).value, 2);
  await other.return();
  assert.equal(camera.watched, false);
});

Deno.test("SubscriptionProducer ends its iterations when it closes, after what was emitted", async () => {
  const camera = new Camera();
  const seen: number[] = [];
  const loop = (async () => {
    for await (const value of camera) seen.push(value);
  })();
  camera.emit(1, 2);
  await camera.close();
  await loop;
  assert.deepEqual(seen, [1, 2]);
  for await (const _ of camera) assert.fail("it is closed");
});

Deno.test("SubscriptionProducer throws from its iterations when it fails", async () => {
  const camera = new Camera();
  const loop = async () => {
    for await (const _ of camera);
  };
  const running = loop();
  camera.fail(new Error("cable pulled"));
  await assert.rejects(running, { message: "cable pulled" });
  await assert.rejects(loop(), { message: "cable pulled" });
});

Deno.test("SubscriptionProducer can be made as it is when nothing is to be added", async () => {
  await using producer = new SubscriptionProducer<number>();
  assert.equal(producer.ready, true);
});
