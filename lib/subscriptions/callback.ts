import { report } from "./report.ts";
import type { Callback, Sink } from "./types.ts";

/** Options of {@linkcode CallbackSubscription}. */
export interface CallbackOptions {
  /**
   * How many calls of an async callback may be unfinished; what comes meanwhile is dropped.
   * @default 256
   */
  maxPending?: number;
  /**
   * Called with what the callback threw, or its promise rejected with.
   * @default the first failure is reported by `console.error`
   */
  onError?: (error: unknown) => void;
}

/**
 * Calls a function with every value, at once. `subscribe(callback)` makes one by itself.
 *
 * An async callback is started for each value, without waiting for the call before it, as in RTCBot.
 * But only `maxPending` calls may be unfinished: values that come while a callback hangs are
 * dropped and counted in `dropped`, and the first of them is told to `onError`, so that memory stays
 * bounded. To handle values strictly one after another, loop over a subscription instead:
 * `for await (const value of producer)`.
 *
 * ```ts
 * import { CallbackSubscription } from "rtcbot";
 * import assert from "node:assert/strict";
 *
 * const heard: string[] = [];
 * const subscription = new CallbackSubscription((word: string) => heard.push(word));
 * subscription.put_nowait("hello");
 * assert.deepEqual(heard, ["hello"]);
 * ```
 *
 * RTCBot: `CallbackSubscription`.
 */
export class CallbackSubscription<T> implements Sink<T> {
  readonly #callback: Callback<T>;
  readonly #maxPending: number;
  readonly #onError: (error: unknown) => void;
  #pending = 0;
  #dropped = 0;

  /** Wraps a function; what it throws goes to `onError`. */
  constructor(callback: Callback<T>, options: CallbackOptions = {}) {
    this.#callback = callback;
    this.#maxPending = options.maxPending ?? 256;
    this.#onError = options.onError ?? reportOnce(`the callback ${nameOf(callback)} failed`);
  }

  /** How many calls have not finished; always 0 when the callback is not async. */
  get pending(): number {
    return this.#pending;
  }

  /** How many values were dropped because too many calls were unfinished. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Calls the callback. Never throws. */
  put_nowait(value: T): void {
    if (this.#pending >= this.#maxPending) return this.#drop();
    try {
      const result = this.#callback(value);
      if (result instanceof Promise) this.#follow(result);
    } catch (error) {
      this.#onError(error);
    }
  }

  #follow(call: Promise<unknown>): void {
    this.#pending++;
    call.then(() => this.#pending--, (error) => {
      this.#pending--;
      this.#onError(error);
    });
  }

  #drop(): void {
    if (this.#dropped++ > 0) return;
    this.#onError(
      new RangeError(
        `Cannot call ${nameOf(this.#callback)}: ${this.#pending} of its calls are unfinished; ` +
          `make it quicker, or loop over a bounded Queue (further values are dropped silently)`,
      ),
    );
  }
}

/** A reporter that speaks once, so that a callback failing 30 times a second does not flood. */
export function reportOnce(what: string): (error: unknown) => void {
  let silent = false;
  return (error) => {
    if (silent) return;
    silent = true;
    report(`${what} (said once)`, error);
  };
}

function nameOf(callback: (...values: never[]) => unknown): string {
  return callback.name === "" ? "(anonymous)" : callback.name;
}
