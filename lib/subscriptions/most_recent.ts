import { Queue, type QueueOptions } from "./queue.ts";

/**
 * Keeps only the newest value, and gives each value once: the right subscription for a camera,
 * where a late reader wants what is seen now and not what was seen then.
 *
 * ```ts
 * import { MostRecentSubscription } from "rtcbot";
 * import assert from "node:assert/strict";
 *
 * const newest = new MostRecentSubscription<number>();
 * newest.put_nowait(1);
 * newest.put_nowait(2);
 * assert.equal(await newest.get(), 2); // and the next get() waits for a new value
 * ```
 *
 * RTCBot: `MostRecentSubscription`.
 */
export class MostRecentSubscription<T> extends Queue<T> {
  /** Makes an empty one; `onDrop` is called with each value that a newer one replaced. */
  constructor(options: Pick<QueueOptions<T>, "onDrop"> = {}) {
    super({ ...options, maxSize: 1 });
  }
}
