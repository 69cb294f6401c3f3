import { asError, report } from "./report.ts";
import { closedError, isSink, type Subscriber } from "./subscription.ts";

/** Options of {@linkcode Lifecycle}. */
export interface LifecycleOptions {
  /**
   * Whether the object is ready as soon as it is made. A class that has to open something first
   * passes `false`, and calls `_setReady()` when it is done.
   * @default true
   */
  ready?: boolean;
}

/**
 * What every producer and consumer has in common: it becomes ready, it may fail, it closes.
 *
 * Each of the three moments comes at most once. `onReady`, `onError` and `onClose` take a callback,
 * an async callback or a subscription, and return it; without an argument they return a promise.
 * Whoever comes late is told at once. A listener that throws is reported and harms nobody, and a
 * promise that nobody looks at never ends the process.
 *
 * **The object can be awaited**: `await camera` waits until the camera is closed; `camera.error` then
 * says whether it failed. Ends are facts, not exceptions: `conn.onClose().then(park)` never ends the
 * robot's process because a connection was lost. So JavaScript takes it for a promise: an async function must not return it
 * bare, nor may a promise be resolved with it or a queue hold it, because whoever awaits that would
 * wait for the close and receive `undefined`. Use `{ camera }` or `[camera]` instead, or a callback.
 *
 * ```ts
 * import { SubscriptionProducer } from "rtcbot";
 *
 * class Thermometer extends SubscriptionProducer<number> {}
 *
 * await using thermometer = new Thermometer(); // closed at the end of the block
 * thermometer.onError((error) => console.log("it broke:", error.message));
 * await thermometer.onReady();
 * ```
 *
 * RTCBot: `baseEventHandler`.
 */
export abstract class Lifecycle implements PromiseLike<void>, AsyncDisposable {
  readonly #whenReady = moment<void>();
  readonly #whenFailed = moment<Error | null>();
  readonly #whenClosed = moment<void>();
  #ready = false;
  #error: Error | null = null;
  #closed = false;

  /** Makes an open object. */
  constructor(options: LifecycleOptions = {}) {
    if (options.ready ?? true) this._setReady();
  }

  /** Whether it is at work: set up, and not closed. */
  get ready(): boolean {
    return this.#ready && !this.#closed;
  }

  /** What it failed with, or `null`. An object that failed is closed too. */
  get error(): Error | null {
    return this.#error;
  }

  /** Whether it has been closed, by `close()`, by a failure or by the other end. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Fires when it is ready. The promise rejects if it closes or fails before that. */
  onReady(): Promise<void>;
  /** Calls the listener, or puts into it, when it is ready; returns the listener. */
  onReady<S extends Subscriber<void>>(listener: S): S;
  onReady(listener?: Subscriber<void>): unknown {
    if (listener === undefined) return this.#whenReady.promise;
    this.#whenReady.promise.then(() => tell(listener, undefined), () => {});
    return listener;
  }

  /** Fires with the error if it fails. The promise gives `null` if it is closed without having failed. */
  onError(): Promise<Error | null>;
  /** Calls the listener, or puts into it, with the error if it fails; returns the listener. */
  onError<S extends Subscriber<Error>>(listener: S): S;
  onError(listener?: Subscriber<Error>): unknown {
    if (listener === undefined) return this.#whenFailed.promise;
    this.#whenFailed.promise.then((error) => error && tell(listener, error));
    return listener;
  }

  /**
   * Fires when it is closed and everything it held is freed, also after a failure. The promise is
   * the same as awaiting the object.
   */
  onClose(): Promise<void>;
  /** Calls the listener, or puts into it, when it is closed and freed; returns the listener. */
  onClose<S extends Subscriber<void>>(listener: S): S;
  onClose(listener?: Subscriber<void>): unknown {
    if (listener === undefined) return this.#whenClosed.promise;
    this.#whenClosed.promise.then(() => tell(listener, undefined));
    return listener;
  }

  /** Makes `await object` wait for its close. See the trap in the description of the class. */
  then<A = void, B = never>(
    onClosed?: ((value: void) => A | PromiseLike<A>) | null,
    onFailed?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#whenClosed.promise.then(onClosed, onFailed);
  }

  /**
   * Stops, wakes everybody who waits, and frees what was opened; resolves when all is freed. May be
   * called any number of times, and never rejects: a failure to free is found in `error`.
   */
  close(): Promise<void> {
    this.#end();
    return this.#whenClosed.promise;
  }

  /** Closes at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** For subclasses: everything is set up. */
  protected _setReady(): void {
    if (this.#ready || this.#closed) return;
    this.#ready = true;
    this.#whenReady.resolve();
  }

  /** For subclasses: it failed. Sets `error`, fires `onError`, then closes. */
  protected _setError(error: unknown): void {
    if (this.#closed || this.#error !== null) return;
    this.#fail(error);
    this.#end();
  }

  /** For subclasses to override: frees what was opened. Called once, however the object ends. */
  protected _close(): void | Promise<void> {}

  /** For the base classes: sends everybody away who waits for this object. */
  protected _wake(_reason: Error): void {}

  /** For subclasses: throws when it is closed, for example `_refuseIfClosed("put into")`. */
  protected _refuseIfClosed(action: string): void {
    if (this.#closed) throw closedError(action, this.constructor.name, this.#error ?? undefined);
  }

  #fail(error: unknown): void {
    this.#error = asError(error);
    this.#whenFailed.resolve(this.#error);
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    const reason = this.#error ?? closedError("get from", this.constructor.name);
    this.#whenReady.reject(this.#error ?? closedError("wait for", this.constructor.name));
    this._wake(reason);
    this.#free();
  }

  async #free(): Promise<void> {
    try {
      await this._close();
    } catch (error) {
      if (this.#error === null) this.#fail(error);
      else report(`${this.constructor.name} could not be freed after it failed`, error);
    }
    this.#whenFailed.resolve(null); // has no effect when it failed
    this.#whenClosed.resolve();
  }
}

/** A promise from outside whose rejection harms nobody who did not ask for it. */
function moment<T>(): PromiseWithResolvers<T> {
  const deferred = Promise.withResolvers<T>();
  deferred.promise.catch(() => {});
  return deferred;
}

async function tell<T>(listener: Subscriber<T>, value: T): Promise<void> {
  try {
    await (isSink(listener) ? listener.put_nowait(value) : listener(value));
  } catch (error) {
    report("a listener of onReady, onError or onClose failed", error);
  }
}
