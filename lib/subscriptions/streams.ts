import { SubscriptionClosed } from "../errors.ts";
import type { Source } from "./types.ts";

/**
 * A source as a web stream. It takes a value only when a reader asks (its own buffer holds none), so
 * what a slow reader costs is up to the source; the stream ends when the source closes, and errors
 * when the source failed.
 *
 * @param onCancel called when the reader wants no more, for example to unsubscribe
 */
export function readableFrom<T>(source: Source<T>, onCancel?: () => void): ReadableStream<T> {
  const abort = new AbortController();
  return new ReadableStream<T>({
    async pull(controller) {
      try {
        controller.enqueue(await source.get({ signal: abort.signal }));
      } catch (error) {
        if (abort.signal.aborted) return;
        if (error instanceof SubscriptionClosed) controller.close();
        else controller.error(error);
      }
    },
    cancel(reason) {
      abort.abort(reason);
      onCancel?.();
    },
  }, { highWaterMark: 0 });
}

/**
 * A sink as a web stream with back-pressure: a write is done when `taken` resolves.
 * Closing the stream says that this writer is done; it does not close the sink.
 */
export function writableTo<T>(
  put: (value: T) => void,
  taken: () => Promise<void>,
): WritableStream<T> {
  return new WritableStream<T>({
    write(value) {
      put(value);
      return taken();
    },
  });
}
