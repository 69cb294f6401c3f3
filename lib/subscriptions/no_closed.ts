import { SubscriptionClosed } from "../errors.ts";
import { producerOf, setOrigin } from "./origin.ts";
import { iterate } from "./subscription.ts";
import type { GetOptions, Source } from "./types.ts";

/**
 * Turns the end of a source from an error into a cancellation: where the source's `get` would reject
 * with `SubscriptionClosed`, this one rejects with an `AbortError`, which everything on the web
 * platform takes for *stop, nothing is wrong*. Iterating ends cleanly. Other errors pass unchanged.
 *
 * ```ts
 * import { NoClosedSubscription, Queue } from "rtcbot";
 * import assert from "node:assert/strict";
 *
 * const queue = new Queue<number>();
 * const source = new NoClosedSubscription(queue);
 * queue.close();
 * await assert.rejects(source.get(), { name: "AbortError" });
 * ```
 *
 * RTCBot: `NoClosedSubscription`, which raises `asyncio.CancelledError`.
 */
export class NoClosedSubscription<T> implements Source<T>, AsyncIterable<T> {
  readonly #get: (options?: GetOptions) => Promise<T>;

  /** Wraps anything with `get`, or the function itself. */
  constructor(source: Source<T> | ((options?: GetOptions) => Promise<T>)) {
    this.#get = typeof source === "function" ? source : (options) => source.get(options);
    const origin = producerOf(source);
    if (origin !== null) setOrigin(this, origin);
  }

  /** The source's next value; rejects with an `AbortError` when the source is closed. */
  async get(options?: GetOptions): Promise<T> {
    try {
      return await this.#get(options);
    } catch (error) {
      if (!(error instanceof SubscriptionClosed)) throw error;
      const ended = new DOMException(error.message, "AbortError");
      throw Object.defineProperty(ended, "cause", { value: error });
    }
  }

  /** Takes values until the source is closed. */
  [Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    return iterate({ get: this.#get });
  }
}
