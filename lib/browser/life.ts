/// <reference lib="dom" />
/**
 * The life of everything in the page library: it becomes ready once, may fail once, and closes once.
 * The names are those that the same things have on the robot.
 */

/** A function that is called with each value; what it throws is reported and harms nobody else. */
export type Callback<T> = (value: T) => unknown;

/** Calls one subscriber, so that a broken one cannot take the others down with it. */
export function callSafely<T>(callback: Callback<T>, value: T): void {
  try {
    const result = callback(value);
    if (result instanceof Promise) result.catch(reportFailure);
  } catch (error) {
    reportFailure(error);
  }
}

function reportFailure(error: unknown): void {
  if (typeof reportError === "function") reportError(error);
  else console.error(error);
}

/** Happens once. Who asks afterwards is told at the next microtask. */
class Moment<T> {
  #happened: { readonly value: T } | null = null;
  #waiting: Callback<T>[] = [];

  happen(value: T): void {
    if (this.#happened) return;
    this.#happened = { value };
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const callback of waiting) callSafely(callback, value);
  }

  when(callback: Callback<T>): void {
    const happened = this.#happened;
    if (happened) queueMicrotask(() => callSafely(callback, happened.value));
    else this.#waiting.push(callback);
  }
}

/** Base of connection, websocket and inputs: `ready`, `error`, `closed` and their callbacks. */
export class Life {
  #ready = false;
  #closed = false;
  #error: Error | null = null;
  readonly #onReady: Moment<void> = new Moment();
  readonly #onError: Moment<Error> = new Moment();
  readonly #onClose: Moment<void> = new Moment();

  /** Whether it has begun to work. It stays true after closing. */
  get ready(): boolean {
    return this.#ready;
  }

  /** Whether it has ended, by `close()`, by the other side or by a failure. */
  get closed(): boolean {
    return this.#closed;
  }

  /** What ended it, or null while nothing went wrong. */
  get error(): Error | null {
    return this.#error;
  }

  /**
   * Calls back once it works. Without a callback: a promise of that, which rejects when the thing
   * ends before it ever worked.
   */
  onReady(): Promise<void>;
  onReady(callback: () => unknown): void;
  onReady(callback?: () => unknown): Promise<void> | void {
    if (callback) return this.#onReady.when(callback);
    return new Promise((resolve, reject) => {
      this.#onReady.when(() => resolve());
      this.#onClose.when(() => reject(this.#error ?? new Error(`${this.#name} was closed`)));
    });
  }

  /** Calls back with the error that ended it. Without a callback: a promise; null if it just ended. */
  onError(): Promise<Error | null>;
  onError(callback: (error: Error) => unknown): void;
  onError(callback?: (error: Error) => unknown): Promise<Error | null> | void {
    if (callback) return this.#onError.when(callback);
    return new Promise((resolve) => this.#onClose.when(() => resolve(this.#error)));
  }

  /** Calls back once it has ended, for whatever reason. Without a callback: a promise of that. */
  onClose(): Promise<void>;
  onClose(callback: () => unknown): void;
  onClose(callback?: () => unknown): Promise<void> | void {
    if (callback) return this.#onClose.when(callback);
    return new Promise((resolve) => this.#onClose.when(() => resolve()));
  }

  /** For subclasses: it works now. */
  protected _becomeReady(): void {
    if (this.#ready || this.#closed) return;
    this.#ready = true;
    this.#onReady.happen();
  }

  /** For subclasses: it has ended; with an error, `onError` is called before `onClose`. */
  protected _end(error: Error | null): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#error = error;
    if (error) this.#onError.happen(error);
    this.#onClose.happen();
  }

  get #name(): string {
    return this.constructor.name;
  }
}
