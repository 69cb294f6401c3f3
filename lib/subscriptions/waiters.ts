import { Deque } from "./deque.ts";

interface Waiter<T> {
  resolve(value: T): void;
  reject(reason: unknown): void;
  /** Takes the listener off the caller's signal, which may live much longer than this wait. */
  forgetSignal?: () => void;
}

/** Those who wait for a value, served in the order in which they came. */
export class Waiters<T> {
  readonly #line = new Deque<Waiter<T>>();

  /** Gets in line. An abort takes the place back, so that no value is given to one who has left. */
  wait(signal?: AbortSignal): Promise<T> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const waiter: Waiter<T> = { resolve, reject };
      this.#line.push(waiter);
      if (signal === undefined) return;
      const leave = () => {
        this.#line.remove(waiter);
        reject(signal.reason);
      };
      signal.addEventListener("abort", leave, { once: true });
      waiter.forgetSignal = () => signal.removeEventListener("abort", leave);
    });
  }

  /** Serves the first in line; false when nobody waits, and the value is still the caller's. */
  give(value: T): boolean {
    const waiter = this.#line.shift();
    if (waiter === undefined) return false;
    waiter.forgetSignal?.();
    waiter.resolve(value);
    return true;
  }

  /** Sends everybody away. */
  fail(reason: unknown): void {
    for (let waiter = this.#line.shift(); waiter !== undefined; waiter = this.#line.shift()) {
      waiter.forgetSignal?.();
      waiter.reject(reason);
    }
  }
}
