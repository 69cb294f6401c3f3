/** What the tests of this room share. Nothing here knows time: to wait is to let microtasks run. */

import {
  SubscriptionConsumer,
  SubscriptionProducer,
  SubscriptionProducerConsumer,
} from "../../lib/subscriptions/mod.ts";

/** A producer whose values the test emits. */
export class Camera<T = number> extends SubscriptionProducer<T> {
  emit(...values: T[]): void {
    for (const value of values) this._put_nowait(value);
  }
  fail(error: unknown): void {
    this._setError(error);
  }
  get watched(): boolean {
    return this._hasSubscribers;
  }
}

/** A consumer whose values the test takes. */
export class Display<T = number> extends SubscriptionConsumer<T> {
  take(): Promise<T> {
    return this._get();
  }
  fail(error: unknown): void {
    this._setError(error);
  }
}

/** Both. */
export class Link<In = number, Out = In> extends SubscriptionProducerConsumer<In, Out> {
  emit(value: Out): void {
    this._put_nowait(value);
  }
  take(): Promise<In> {
    return this._get();
  }
}

/** Lets everything happen that only waits for promises. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 50; i++) await null;
}

/** Whether a promise still waits after everything that can happen has happened. */
export async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let waiting = true;
  const done = () => void (waiting = false);
  promise.then(done, done);
  await settle();
  return waiting;
}

/** What is said on `console.error` while the test runs: each call as the text of its first argument. */
export async function complaints(test: () => void | Promise<void>): Promise<string[]> {
  const said: string[] = [];
  const original = console.error;
  console.error = (what: unknown) => said.push(String(what));
  try {
    await test();
    await settle();
  } finally {
    console.error = original;
  }
  return said;
}
