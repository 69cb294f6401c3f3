import { SubscriptionClosed } from "../errors.ts";
import type { Callback, Sink, Source } from "./types.ts";

/** What can be given to `subscribe`: anything with `put_nowait`, a callback, an async callback. */
export type Subscriber<T> = Sink<T> | Callback<T>;

/**
 * What `subscribe()` gives: values are put in at one end and taken out at the other.
 *
 * A producer that ends closes the subscriptions *it made* by {@linkcode Subscription.close}, with its
 * own error if it failed. A sink that was handed to `subscribe` belongs to the caller and is never
 * closed: it may be fed by several producers, or outlive this one. To have it end all the same:
 * `camera.onClose(() => queue.close())`.
 */
export interface Subscription<T> extends Sink<T>, Source<T>, AsyncIterable<T> {
  /** How many values wait to be taken. */
  readonly size: number;

  /**
   * No value will follow. What is already in can still be taken; after that `get` rejects with the
   * reason, and iteration ends (or throws, when the reason is not a `SubscriptionClosed`).
   * Closing again does nothing.
   */
  close(reason?: Error): void;
}

/** Whether a subscriber takes values by `put_nowait`, rather than being called. */
export function isSink<T>(subscriber: Subscriber<T>): subscriber is Sink<T> {
  return typeof (subscriber as Sink<T> | null)?.put_nowait === "function";
}

/** The error of a call that came too late, for example *Cannot get from Camera: it is closed*. */
export function closedError(action: string, object: string, failure?: Error): SubscriptionClosed {
  return failure === undefined
    ? new SubscriptionClosed(`Cannot ${action} ${object}: it is closed; make a new one`)
    : new SubscriptionClosed(
      `Cannot ${action} ${object}: it failed (${failure.message}); make a new one`,
      { cause: failure },
    );
}

/** A source as an iteration that ends when the source closes and throws when the source failed. */
export async function* iterate<T>(source: Source<T>): AsyncGenerator<T, void, undefined> {
  for (;;) {
    let value: T;
    try {
      value = await source.get();
    } catch (error) {
      if (error instanceof SubscriptionClosed) return;
      throw error;
    }
    yield value;
  }
}
