import { closedError, iterate, type Subscription } from "./subscription.ts";
import type { GetOptions } from "./types.ts";
import { Waiters } from "./waiters.ts";

/**
 * Fires once, with the first value that is put; later ones are ignored. Every `get`, before or
 * after, gives that same value, so it is for waiting, not for `putSubscription`, which would read
 * it for ever. Iterating gives the value once.
 *
 * ```ts
 * import { EventSubscription } from "rtcbot";
 * import assert from "node:assert/strict";
 *
 * const arrived = new EventSubscription<string>();
 * arrived.put_nowait("first");
 * arrived.put_nowait("second");
 * assert.equal(await arrived.get(), "first");
 * assert.equal(await arrived.get(), "first");
 * ```
 *
 * RTCBot: `EventSubscription`.
 */
export class EventSubscription<T> implements Subscription<T> {
  readonly #waiters = new Waiters<T>();
  #fired: { readonly value: T } | null = null;
  #closed: Error | null = null;

  /** 1 once it has fired. */
  get size(): number {
    return this.#fired === null ? 0 : 1;
  }

  /**
   * Fires, if this is the first value.
   * @throws {SubscriptionClosed} when it was closed before it fired
   */
  put_nowait(value: T): void {
    if (this.#fired !== null) return;
    if (this.#closed !== null) throw closedError("put into", this.constructor.name);
    this.#fired = { value };
    while (this.#waiters.give(value));
  }

  /** The first value, as soon as there is one. */
  get(options?: GetOptions): Promise<T> {
    const signal = options?.signal;
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#fired !== null) return Promise.resolve(this.#fired.value);
    if (this.#closed !== null) return Promise.reject(this.#closed);
    return this.#waiters.wait(signal);
  }

  /** It will not fire any more; see {@linkcode Subscription.close}. */
  close(reason?: Error): void {
    if (this.#closed !== null) return;
    this.#closed = reason ?? closedError("get from", this.constructor.name);
    this.#waiters.fail(this.#closed);
  }

  /** Gives the value once. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for await (const value of iterate(this)) return yield value;
  }
}
