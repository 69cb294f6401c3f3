import { iterate } from "./subscription.ts";
import type { GetOptions, Source } from "./types.ts";

/**
 * Makes a source of a function: each `get` calls it, so a sensor that is polled can be given to
 * `putSubscription`. It ends when the function throws `SubscriptionClosed`.
 *
 * ```ts
 * import { GetterSubscription } from "rtcbot";
 * import assert from "node:assert/strict";
 *
 * let reading = 20;
 * const temperature = new GetterSubscription(async () => await Promise.resolve(++reading));
 * assert.equal(await temperature.get(), 21);
 * assert.equal(await temperature.get(), 22);
 * ```
 *
 * RTCBot: `GetterSubscription`.
 */
export class GetterSubscription<T> implements Source<T>, AsyncIterable<T> {
  readonly #getter: () => T | Promise<T>;
  /** Calls whose caller gave up waiting: their values belong to the next ones who ask. */
  readonly #abandoned: Promise<T>[] = [];

  /** Wraps a function. It should wait for something new, or a consumer calls it without a pause. */
  constructor(getter: () => T | Promise<T>) {
    this.#getter = getter;
  }

  /** What the function gives. After an abort, the next `get` receives the value of that same call. */
  get(options?: GetOptions): Promise<T> {
    const signal = options?.signal;
    if (signal?.aborted) return Promise.reject(signal.reason);
    const call = this.#abandoned.shift() ?? Promise.try(this.#getter);
    if (signal === undefined) return call;
    return new Promise((resolve, reject) => {
      const abandon = () => {
        this.#abandoned.push(call);
        reject(signal.reason);
      };
      signal.addEventListener("abort", abandon, { once: true });
      call.then(resolve, reject).finally(() => signal.removeEventListener("abort", abandon));
    });
  }

  /** Calls the function again and again. */
  [Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    return iterate(this);
  }
}
