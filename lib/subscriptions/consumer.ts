import { Intake } from "./intake.ts";
import { Lifecycle, type LifecycleOptions } from "./lifecycle.ts";
import { Queue } from "./queue.ts";
import { writableTo } from "./streams.ts";
import type { Subscription } from "./subscription.ts";
import type { Sink, Source } from "./types.ts";

/** Options of {@linkcode SubscriptionConsumer}. */
export interface ConsumerOptions<T> extends LifecycleOptions {
  /**
   * Makes what holds the values that were put and not yet taken.
   * @default an unbounded {@linkcode Queue}
   */
  directPutSubscription?: () => Subscription<T>;
}

/**
 * Something that takes data: a display, a speaker, the sending end of a connection.
 *
 * Values come by `put_nowait`, or are read from one source at a time. A subclass takes them with
 * `_get()`, whichever way they come; a source is read only when the subclass takes, so a slow
 * consumer of a camera's newest frame always gets the newest.
 *
 * ```ts
 * import { Queue, SubscriptionClosed, SubscriptionConsumer } from "rtcbot";
 * import assert from "node:assert/strict";
 *
 * class Printer extends SubscriptionConsumer<string> {
 *   readonly printed: string[] = [];
 *   async print(): Promise<void> {
 *     this.printed.push(await this._get()); // rejects with SubscriptionClosed after close()
 *   }
 * }
 *
 * await using printer = new Printer();
 * const queue = new Queue<string>();
 * queue.put_nowait("from the queue");
 * printer.putSubscription(queue);
 * await printer.print();
 * printer.put_nowait("put directly"); // stops reading the queue
 * await printer.print();
 *
 * assert.deepEqual(printer.printed, ["from the queue", "put directly"]);
 * assert.equal(printer.subscription, null);
 * ```
 *
 * When the source closes, only `subscription` becomes `null`; when it fails, that is reported by
 * `console.error` too. The consumer lives on either way.
 *
 * RTCBot: `BaseSubscriptionConsumer`, `SubscriptionConsumer`.
 */
export class SubscriptionConsumer<T> extends Lifecycle implements Sink<T> {
  readonly #intake: Intake<T>;

  /** Makes a consumer that reads nothing yet. */
  constructor(options: ConsumerOptions<T> = {}) {
    super(options);
    const direct = options.directPutSubscription?.() ?? new Queue<T>();
    this.#intake = new Intake(this.constructor.name, direct);
  }

  /** The source being read, or `null`. */
  get subscription(): Source<T> | null {
    return this.#intake.subscription;
  }

  /**
   * Takes a value at once. If a source is being read, that is stopped.
   * @throws {SubscriptionClosed} when it is closed
   */
  put_nowait(value: T): void {
    this._refuseIfClosed("put into");
    this.#intake.put(value);
  }

  /**
   * Reads anything with a `get()` for ever, instead of what was read before. Values that had been
   * put are taken first.
   * @throws {SubscriptionClosed} when it is closed
   */
  putSubscription(source: Source<T>): void {
    this._refuseIfClosed("put a subscription into");
    this.#intake.read(source);
  }

  /** Stops reading the source; nothing else changes, and no value of the source is lost. */
  stopSubscription(): void {
    this.#intake.read(null);
  }

  /**
   * A new stream whose values are put. It has back-pressure: a write is done when everything that
   * was put is taken. Closing the stream does not close the consumer.
   */
  get writable(): WritableStream<T> {
    this._refuseIfClosed("write a stream into");
    return writableTo((value) => this.put_nowait(value), () => this.#intake.emptied());
  }

  /**
   * For subclasses: the next value.
   * @throws {SubscriptionClosed} when it is closed, the signal to clean up and leave
   */
  protected _get(): Promise<T> {
    return this.#intake.take();
  }

  /** For the base classes: sends away who waits in `_get`, and lets go of the source. */
  protected override _wake(reason: Error): void {
    this.#intake.end(reason);
  }
}
