/// <reference lib="dom" />
/** Turns callbacks into promises: values wait in it until somebody asks. */

import { SubscriptionClosed } from "../errors.ts";

/** Options of `get`. */
export interface GetOptions {
  /** Gives up waiting; no value is lost by it. */
  signal?: AbortSignal;
}

interface Waiter<T> {
  resolve(value: T): void;
  reject(reason: unknown): void;
}

/**
 * An asynchronous queue after Python's `asyncio.Queue`, as RTCBot has it in the page.
 *
 * ```js
 * const q = new rtcbot.Queue();
 * new rtcbot.Keyboard().subscribe(q); // anything with put_nowait can be subscribed
 * const firstKey = await q.get();
 * ```
 */
export class Queue<T = unknown> {
  readonly #values: T[] = [];
  readonly #waiters = new Set<Waiter<T>>();
  #closed = false;

  /** Adds a value; bound, so that it can be handed on as a callback. Ignored after `close()`. */
  readonly put_nowait: (value: T) => void = (value) => {
    if (this.#closed) return;
    for (const waiter of this.#waiters) {
      this.#waiters.delete(waiter);
      return waiter.resolve(value);
    }
    this.#values.push(value);
  };

  /** The oldest value, as soon as there is one. */
  get(options: GetOptions = {}): Promise<T> {
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#values.length > 0) return Promise.resolve(this.#values.shift() as T);
    if (this.#closed) return Promise.reject(closedQueue());
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.#waiters.delete(waiter);
        reject(signal?.reason);
      };
      const waiter: Waiter<T> = {
        resolve(value) {
          signal?.removeEventListener("abort", abort);
          resolve(value);
        },
        reject(reason) {
          signal?.removeEventListener("abort", abort);
          reject(reason);
        },
      };
      signal?.addEventListener("abort", abort, { once: true });
      this.#waiters.add(waiter);
    });
  }

  /** How many values wait. */
  qsize(): number {
    return this.#values.length;
  }

  /** Whether no value waits. */
  empty(): boolean {
    return this.#values.length === 0;
  }

  /** Wakes everybody who waits, with an error. What is already inside can still be taken out. */
  close(): void {
    this.#closed = true;
    for (const waiter of this.#waiters) waiter.reject(closedQueue());
    this.#waiters.clear();
  }

  /** `for await (const value of queue)`: ends when the queue is closed and empty. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    while (!this.#closed || this.#values.length > 0) {
      try {
        yield await this.get();
      } catch (error) {
        if (error instanceof SubscriptionClosed) return;
        throw error;
      }
    }
  }
}

function closedQueue(): SubscriptionClosed {
  return new SubscriptionClosed("Cannot get from the Queue: it is closed; make a new one");
}
