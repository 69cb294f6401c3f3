import { SubscriptionClosed } from "../errors.ts";
import { Fanout, type SubscriberErrorHandler } from "./fanout.ts";
import { Lifecycle, type LifecycleOptions } from "./lifecycle.ts";
import { setOrigin } from "./origin.ts";
import { Queue } from "./queue.ts";
import { readableFrom } from "./streams.ts";
import { closedError, iterate, type Subscriber, type Subscription } from "./subscription.ts";
import type { GetOptions, Source } from "./types.ts";

/** How many values a slow reader of `readable` may be behind, when the class sets no bound itself. */
const READABLE_MAX_SIZE = 64;

/** Options of {@linkcode SubscriptionProducer}. */
export interface ProducerOptions<T> extends LifecycleOptions {
  /**
   * Makes what `subscribe()` gives.
   * @default an unbounded {@linkcode Queue}
   */
  defaultSubscription?: () => Subscription<T>;
  /**
   * Whether the subscription that `get()` reads exists from construction, so that nothing is missed.
   * If it is a queue and nobody reads it, it grows.
   * @default false
   */
  autosubscribe?: boolean;
  /**
   * Told when a subscriber throws or its promise rejects; the others do not notice.
   * @default the first failure of each subscriber is reported by `console.error`
   */
  onSubscriberError?: SubscriberErrorHandler<T>;
}

/**
 * Something that makes data: a camera, a gamepad, the receiving end of a connection.
 *
 * A subclass calls `_put_nowait(value)`, and every subscriber sees every value. `get()` is the short
 * way for one reader, `for await` and `readable` give each reader a subscription of its own.
 *
 * ```ts
 * import { SubscriptionProducer } from "rtcbot";
 * import assert from "node:assert/strict";
 *
 * class Counter extends SubscriptionProducer<number> {
 *   #count = 0;
 *   tick(): void {
 *     this._put_nowait(++this.#count);
 *   }
 * }
 *
 * await using counter = new Counter();
 * const queue = counter.subscribe();
 * counter.subscribe((count) => console.log("callback saw", count));
 * counter.tick();
 * assert.equal(await queue.get(), 1);
 * ```
 *
 * When it closes, the subscriptions that it made can be read to their end and then reject with
 * `SubscriptionClosed` (with its error, if it failed). Sinks that were handed in are left alone. A
 * sink whose `put_nowait` throws `SubscriptionClosed` is unsubscribed.
 *
 * RTCBot: `BaseSubscriptionProducer`, `SubscriptionProducer`.
 */
export class SubscriptionProducer<T> extends Lifecycle implements Source<T>, AsyncIterable<T> {
  readonly #fanout: Fanout<T>;
  readonly #makeSubscription: () => Subscription<T>;
  /** What `get()` reads. */
  #default: Subscription<T> | null = null;

  /** Makes a producer without subscribers. */
  constructor(options: ProducerOptions<T> = {}) {
    super(options);
    this.#fanout = new Fanout(this, options.onSubscriberError);
    this.#makeSubscription = options.defaultSubscription ?? (() => new Queue<T>());
    setOrigin(this, this);
    if (options.autosubscribe) this.#default = this.#makeOwn();
  }

  /** Gives a new subscription that sees everything from now on, independent of all others. */
  subscribe(): Subscription<T>;
  /**
   * Hands everything from now on to a subscriber: anything with `put_nowait`, a callback, or an
   * async callback. Returns what was passed.
   */
  subscribe<S extends Subscriber<T>>(subscriber: S): S;
  subscribe(subscriber?: Subscriber<T>): Subscriber<T> {
    this._refuseIfClosed("subscribe to");
    if (subscriber === undefined) return this.#makeOwn();
    this.#fanout.add(subscriber);
    return subscriber;
  }

  /**
   * Stops handing values to what `subscribe` returned; without an argument, to the subscription
   * behind `get()`. A subscription that the producer made is closed by it. Does nothing when there
   * is no such subscriber.
   */
  unsubscribe(subscriber?: Subscriber<T>): void {
    const leaving = subscriber ?? this.#default;
    if (leaving === null) return;
    if (leaving === this.#default) this.#default = null;
    this.#fanout.remove(leaving, this.#unsubscribed());
  }

  /** Removes all subscribers, the one behind `get()` too. */
  unsubscribeAll(): void {
    this.#default = null;
    this.#fanout.removeAll(this.#unsubscribed());
  }

  /**
   * The next value. The first call makes a subscription that all calls share; it is kept until
   * `unsubscribe()`, and the next `get()` then makes a new one.
   * @throws {SubscriptionClosed} when it is closed and all is read (or its error, when it failed)
   */
  get(options?: GetOptions): Promise<T> {
    if (this.#default === null) {
      if (this.closed) {
        return Promise.reject(this.error ?? closedError("get from", this.constructor.name));
      }
      this.#default = this.#makeOwn();
    }
    return this.#default.get(options);
  }

  /** Iterates over a subscription of its own, from the first `next` to the `break`. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    if (this.error !== null) throw this.error;
    if (this.closed) return;
    const subscription = this.subscribe();
    try {
      yield* iterate(subscription);
    } finally {
      this.unsubscribe(subscription);
    }
  }

  /**
   * A new stream of everything from now on, with a subscription of its own. A reader that is slow
   * misses the oldest values: it can be 64 behind, or less if the class's own subscriptions are
   * bounded more tightly (a camera keeps just the newest frame).
   */
  get readable(): ReadableStream<T> {
    this._refuseIfClosed("read a stream from");
    const usual = this.#makeSubscription();
    const bounded = usual instanceof Queue && usual.maxSize <= READABLE_MAX_SIZE
      ? usual
      : new Queue<T>({ maxSize: READABLE_MAX_SIZE });
    this.#fanout.addOwned(bounded);
    return readableFrom(bounded, () => this.unsubscribe(bounded));
  }

  /** For subclasses: whether anybody would get a value; work for nobody can be saved. */
  protected get _hasSubscribers(): boolean {
    return this.#fanout.size > 0;
  }

  /** For subclasses: gives a value to every subscriber. Does nothing once closed. */
  protected _put_nowait(value: T): void {
    this.#fanout.emit(value);
  }

  /** For the base classes: closes the subscriptions it made, and forgets all. */
  protected override _wake(reason: Error): void {
    this.#fanout.removeAll(reason);
  }

  #makeOwn(): Subscription<T> {
    const subscription = this.#makeSubscription();
    this.#fanout.addOwned(subscription);
    return subscription;
  }

  #unsubscribed(): SubscriptionClosed {
    return new SubscriptionClosed(
      `Cannot get from a subscription of ${this.constructor.name}: it was unsubscribed; ` +
        `subscribe again`,
    );
  }
}
