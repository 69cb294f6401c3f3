import { SubscriptionClosed } from "../errors.ts";
import { CallbackSubscription, reportOnce } from "./callback.ts";
import { clearOrigin, setOrigin } from "./origin.ts";
import { isSink, type Subscriber, type Subscription } from "./subscription.ts";
import type { Sink } from "./types.ts";

/** Told when a subscriber throws, or the promise that it returned rejects. */
export type SubscriberErrorHandler<T> = (error: unknown, subscriber: Subscriber<T>) => void;

interface Outlet<T> {
  readonly subscriber: Subscriber<T>;
  readonly sink: Sink<T>;
  /** The subscription to close at the end: only one that the producer made. */
  readonly owned: Subscription<T> | null;
  readonly fail: (error: unknown) => void;
  active: boolean;
}

/** The sending side of a producer: every subscriber gets every value, whatever the others do. */
export class Fanout<T> {
  readonly #producer: object;
  readonly #onError: SubscriberErrorHandler<T> | undefined;
  /** Replaced, never changed, so that a subscriber may come or go while a value is handed out. */
  #outlets: readonly Outlet<T>[] = [];

  /** @param producer whose sending side it is */
  constructor(producer: object, onError?: SubscriberErrorHandler<T>) {
    this.#producer = producer;
    this.#onError = onError;
  }

  /** How many subscribers there are. */
  get size(): number {
    return this.#outlets.length;
  }

  /** Adds a subscription that is this producer's own, to be closed when it ends. */
  addOwned(subscription: Subscription<T>): void {
    setOrigin(subscription, this.#producer);
    this.#add(subscription, subscription, subscription, this.#failOf(subscription));
  }

  /** Adds what a user gave. The same one twice counts once. */
  add(subscriber: Subscriber<T>): void {
    if (this.#outlets.some((outlet) => outlet.subscriber === subscriber)) return;
    if (!isSink(subscriber) && typeof subscriber !== "function") {
      throw new TypeError(
        `Cannot subscribe ${String(subscriber)} to ${this.#producer.constructor.name}: ` +
          `it cannot take values; give a function or something with put_nowait`,
      );
    }
    const fail = this.#failOf(subscriber);
    const sink = isSink(subscriber)
      ? subscriber
      : new CallbackSubscription(subscriber, { onError: fail });
    this.#add(subscriber, sink, null, fail);
  }

  /** Takes one out; its subscription is closed if the producer made it. Unknown ones are ignored. */
  remove(subscriber: Subscriber<T>, reason: Error): void {
    const leaving = this.#outlets.find((outlet) => outlet.subscriber === subscriber);
    if (leaving === undefined) return;
    this.#outlets = this.#outlets.filter((outlet) => outlet !== leaving);
    end(leaving, reason);
  }

  /** Takes all out. */
  removeAll(reason: Error): void {
    const leaving = this.#outlets;
    this.#outlets = [];
    for (const outlet of leaving) end(outlet, reason);
  }

  /** Hands a value to all who were subscribed when it came. Never throws. */
  emit(value: T): void {
    for (const outlet of this.#outlets) {
      if (!outlet.active) continue;
      try {
        const result: unknown = outlet.sink.put_nowait(value);
        if (result instanceof Promise) result.catch(outlet.fail);
      } catch (error) {
        // A sink that was closed wants no more: it leaves without a word.
        if (error instanceof SubscriptionClosed) this.remove(outlet.subscriber, error);
        else outlet.fail(error);
      }
    }
  }

  #add(
    subscriber: Subscriber<T>,
    sink: Sink<T>,
    owned: Subscription<T> | null,
    fail: (error: unknown) => void,
  ): void {
    this.#outlets = [...this.#outlets, { subscriber, sink, owned, fail, active: true }];
  }

  #failOf(subscriber: Subscriber<T>): (error: unknown) => void {
    const report = reportOnce(`a subscriber of ${this.#producer.constructor.name} failed`);
    return (error) => {
      try {
        if (this.#onError === undefined) report(error);
        else this.#onError(error, subscriber);
      } catch (failure) {
        report(failure);
      }
    };
  }
}

function end<T>(outlet: Outlet<T>, reason: Error): void {
  outlet.active = false;
  if (outlet.owned === null) return;
  clearOrigin(outlet.owned);
  outlet.owned.close(reason);
}
