import type { ConsumerOptions } from "./consumer.ts";
import { Intake } from "./intake.ts";
import { type ProducerOptions, SubscriptionProducer } from "./producer.ts";
import { Queue } from "./queue.ts";
import { writableTo } from "./streams.ts";
import type { Sink, Source } from "./types.ts";

/** Options of {@linkcode SubscriptionProducerConsumer}. */
export interface ProducerConsumerOptions<In, Out>
  extends ConsumerOptions<In>, ProducerOptions<Out> {}

/**
 * Both ends in one object, as a connection is: users put `In` and subscribe to `Out`. A subclass
 * takes with `_get()` what was put, and emits with `_put_nowait()`.
 *
 * ```ts
 * import { SubscriptionProducerConsumer } from "rtcbot";
 * import assert from "node:assert/strict";
 *
 * class Doubler extends SubscriptionProducerConsumer<number> {
 *   async work(): Promise<void> {
 *     this._put_nowait(2 * await this._get());
 *   }
 * }
 *
 * await using doubler = new Doubler();
 * const results = doubler.subscribe();
 * doubler.put_nowait(21);
 * await doubler.work();
 * assert.equal(await results.get(), 42);
 * ```
 *
 * It is a `SubscriptionProducer`, and has all that a `SubscriptionConsumer` has.
 *
 * RTCBot: `SubscriptionProducerConsumer`.
 */
export class SubscriptionProducerConsumer<In, Out = In> extends SubscriptionProducer<Out>
  implements Sink<In> {
  readonly #intake: Intake<In>;

  /** Makes one that nobody reads and that reads nothing. */
  constructor(options: ProducerConsumerOptions<In, Out> = {}) {
    super(options);
    const direct = options.directPutSubscription?.() ?? new Queue<In>();
    this.#intake = new Intake(this.constructor.name, direct);
  }

  /** The source being read, or `null`. */
  get subscription(): Source<In> | null {
    return this.#intake.subscription;
  }

  /** Takes a value at once; see {@linkcode SubscriptionConsumer.put_nowait}. */
  put_nowait(value: In): void {
    this._refuseIfClosed("put into");
    this.#intake.put(value);
  }

  /** Reads a source for ever; see {@linkcode SubscriptionConsumer.putSubscription}. */
  putSubscription(source: Source<In>): void {
    this._refuseIfClosed("put a subscription into");
    this.#intake.read(source);
  }

  /** Stops reading the source; see {@linkcode SubscriptionConsumer.stopSubscription}. */
  stopSubscription(): void {
    this.#intake.read(null);
  }

  /** A new stream whose values are put; see {@linkcode SubscriptionConsumer.writable}. */
  get writable(): WritableStream<In> {
    this._refuseIfClosed("write a stream into");
    return writableTo((value) => this.put_nowait(value), () => this.#intake.emptied());
  }

  /** For subclasses: the next value that was put; rejects with `SubscriptionClosed` once closed. */
  protected _get(): Promise<In> {
    return this.#intake.take();
  }

  /** For the base classes: ends both sides. */
  protected override _wake(reason: Error): void {
    super._wake(reason);
    this.#intake.end(reason);
  }
}
