import { Deque } from "./deque.ts";
import { closedError, iterate, type Subscription } from "./subscription.ts";
import type { GetOptions } from "./types.ts";
import { Waiters } from "./waiters.ts";

/** Options of {@linkcode Queue}. */
export interface QueueOptions<T> {
  /**
   * How many values may wait; one more, and the oldest is dropped.
   * @default Infinity
   */
  maxSize?: number;
  /** Called with each value that is dropped, for example to free what it holds. */
  onDrop?: (value: T) => void;
}

/**
 * Keeps every value, in order, until it is taken; each value is given to one `get` only.
 *
 * Without a bound it grows for as long as nobody reads. With one it forgets the *oldest* value,
 * because in a robot the newest is the one that matters, and counts what it forgot in `dropped`.
 *
 * ```ts
 * import { Queue } from "rtcbot";
 * import assert from "node:assert/strict";
 *
 * const queue = new Queue<string>({ maxSize: 2 });
 * for (const command of ["left", "right", "stop"]) queue.put_nowait(command);
 *
 * assert.equal(queue.dropped, 1);
 * assert.equal(await queue.get(), "right");
 * assert.equal(await queue.get(), "stop");
 * ```
 *
 * Python: `asyncio.Queue`.
 */
export class Queue<T> implements Subscription<T> {
  /** How many values may wait. */
  readonly maxSize: number;
  readonly #onDrop: ((value: T) => void) | undefined;
  readonly #values = new Deque<T>();
  readonly #getters = new Waiters<T>();
  #closed: Error | null = null;
  #dropped = 0;

  /**
   * Makes an empty queue.
   * @throws {RangeError} when `maxSize` is not a whole number of at least 1, or `Infinity`
   */
  constructor(options: QueueOptions<T> = {}) {
    const { maxSize = Infinity, onDrop } = options;
    if (!(maxSize >= 1 && (Number.isInteger(maxSize) || maxSize === Infinity))) {
      throw new RangeError(
        `Cannot make a queue: maxSize is ${maxSize}; give a whole number of at least 1`,
      );
    }
    this.maxSize = maxSize;
    this.#onDrop = onDrop;
  }

  /** How many values wait to be taken. */
  get size(): number {
    return this.#values.length;
  }

  /** How many values were forgotten because the queue was full. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Whether {@linkcode Queue.close} was called. */
  get closed(): boolean {
    return this.#closed !== null;
  }

  /**
   * Gives the value to the `get` that has waited longest, or else keeps it.
   * @throws {SubscriptionClosed} when the queue is closed
   */
  put_nowait(value: T): void {
    if (this.#closed !== null) throw closedError("put into", this.constructor.name);
    if (this.#getters.give(value)) return;
    this.#values.push(value);
    if (this.#values.length <= this.maxSize) return;
    this.#dropped++;
    const oldest = this.#values.shift() as T;
    this.#onDrop?.(oldest);
  }

  /**
   * The oldest value that nobody has taken, as soon as there is one. Many may wait at a time and
   * are served in order.
   * @throws {SubscriptionClosed} when the queue is closed and empty (or the error it was closed with)
   */
  get(options?: GetOptions): Promise<T> {
    const signal = options?.signal;
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#values.length > 0) return Promise.resolve(this.#values.shift() as T);
    if (this.#closed !== null) return Promise.reject(this.#closed);
    return this.#getters.wait(signal);
  }

  /** No value will follow; see {@linkcode Subscription.close}. */
  close(reason?: Error): void {
    if (this.#closed !== null) return;
    this.#closed = reason ?? closedError("get from", this.constructor.name);
    this.#getters.fail(this.#closed);
  }

  /** Takes values until the queue is closed and empty. Two loops share the values between them. */
  [Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    return iterate(this);
  }
}
