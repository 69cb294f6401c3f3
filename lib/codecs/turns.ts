import { SubscriptionClosed } from "../errors.ts";

/**
 * Lets one asynchronous call after the other use something that takes one call at a time and has to be
 * freed when it is idle, such as a codec context in a native library.
 */
export class Turns {
  readonly #owner: string;
  readonly #free: () => void;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #closed = false;

  /**
   * Nobody has a turn yet.
   *
   * @param owner the class that errors name
   * @param free called once after `close`, when the last call has ended
   */
  constructor(owner: string, free: () => void) {
    this.#owner = owner;
    this.#free = free;
  }

  /** Whether `close` was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Runs `call` when all earlier ones have settled: at once, before this returns, if there are none. */
  run<T>(call: () => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(this.#refusal());
    const turn = () => {
      if (this.#closed) throw this.#refusal();
      return call();
    };
    const idle = this.#waiting++ === 0;
    const result = idle ? attempt(turn) : this.#last.then(turn);
    const done = () => {
      this.#waiting--;
      if (this.#closed && this.#waiting === 0) this.#free();
    };
    this.#last = result.then(done, done);
    return result;
  }

  /** Refuses what waits, and frees as soon as what runs has ended. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#waiting === 0) this.#free();
  }

  #refusal(): SubscriptionClosed {
    return new SubscriptionClosed(`Cannot use this ${this.#owner}: it was closed; make a new one`);
  }
}

/** An async function that throws before its first await must reject all the same. */
async function attempt<T>(call: () => Promise<T>): Promise<T> {
  return await call();
}
