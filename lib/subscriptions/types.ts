/** The three shapes that everything in this library is joined by. */

/** Takes values. Anything with `put_nowait` is a sink: a queue, a display, a connection. */
export interface Sink<T> {
  /** Takes the value at once, without waiting; it must not throw for a value that is merely late. */
  put_nowait(value: T): void;
}

/** Options of {@linkcode Source.get}. */
export interface GetOptions {
  /** Gives up waiting: `get` rejects with the signal's reason, and no value is lost. */
  signal?: AbortSignal;
}

/** Gives values. Anything with `get` is a source: a queue, a subscription, a camera. */
export interface Source<T> {
  /** Resolves with the next value; rejects when there can be none any more. */
  get(options?: GetOptions): Promise<T>;
}

/** A function that is called with each value; a promise that it returns may reject without harm. */
export type Callback<T> = (value: T) => unknown;
