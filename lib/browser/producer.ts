/// <reference lib="dom" />
/** Whatever makes values in the page: subscribe to it, or ask it with `get()`. */

import { type Callback, callSafely, Life } from "./life.ts";
import { type GetOptions, Queue } from "./queue.ts";

/** Anything with `put_nowait`: a queue, a connection, a websocket. */
export interface Sink<T> {
  /** Takes the value at once. */
  put_nowait(value: T): void;
}

/** What can be subscribed: a function, an async function, or a sink. */
export type Subscriber<T> = Callback<T> | Sink<T>;

/** Gives each value to every subscriber; a slow or broken one does not disturb the others. */
export class Producer<T> extends Life {
  readonly #subscribers = new Set<Subscriber<T>>();
  #default: Queue<T> | null = null;

  /** Gives every value from now on to `subscriber`, which is returned. */
  subscribe<S extends Subscriber<T>>(subscriber: S): S {
    this.#subscribers.add(subscriber);
    return subscriber;
  }

  /** Stops a subscription; without an argument, the one that `get()` made. */
  unsubscribe(subscriber: Subscriber<T> | null = this.#default): void {
    if (subscriber) this.#subscribers.delete(subscriber);
    if (subscriber === this.#default) {
      this.#default?.close();
      this.#default = null;
    }
  }

  /** Stops all subscriptions. */
  unsubscribeAll(): void {
    this.unsubscribe();
    this.#subscribers.clear();
  }

  /** The next value. The first call makes a queue that keeps what comes between the calls. */
  get(options: GetOptions = {}): Promise<T> {
    if (!this.#default) {
      this.#default = this.subscribe(new Queue<T>());
      if (this.closed) this.#default.close();
    }
    return this.#default.get(options);
  }

  /** For subclasses: gives a value to everybody. */
  protected _emit(value: T): void {
    for (const subscriber of [...this.#subscribers]) {
      callSafely(
        typeof subscriber === "function" ? subscriber : (v) => subscriber.put_nowait(v),
        value,
      );
    }
  }

  /** For subclasses: it has ended; who waits in `get()` is woken. */
  protected override _end(error: Error | null): void {
    this.#default?.close();
    super._end(error);
  }
}
