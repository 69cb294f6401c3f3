import { type ConsumerOptions, SubscriptionConsumer } from "../subscriptions/consumer.ts";
import { type ProducerOptions, SubscriptionProducer } from "../subscriptions/producer.ts";
import {
  type ProducerConsumerOptions,
  SubscriptionProducerConsumer,
} from "../subscriptions/producer_consumer.ts";
import type {
  BlockingConsumer,
  BlockingProducer,
  BlockingProducerConsumer,
} from "./blocking_thread.ts";
import { type BlockingOptions, type Host, joinTimeoutOf, type Link } from "./link.ts";
import { type Code, loaderOf } from "./source.ts";
import { ThreadLink } from "./thread_link.ts";

/** Options of {@linkcode ThreadedSubscriptionProducer}. */
export interface ThreadedProducerOptions<T, Data>
  extends Omit<ProducerOptions<T>, "ready">, BlockingOptions<Data> {}

/** Options of {@linkcode ThreadedSubscriptionConsumer}. */
export interface ThreadedConsumerOptions<T, Data>
  extends Omit<ConsumerOptions<T>, "ready">, BlockingOptions<Data> {}

/** Options of {@linkcode ThreadedSubscriptionProducerConsumer}. */
export interface ThreadedProducerConsumerOptions<In, Out, Data>
  extends Omit<ProducerConsumerOptions<In, Out>, "ready">, BlockingOptions<Data> {}

/**
 * A producer whose code may block: a slow sensor, a busy loop, a library that waits. The code runs in
 * a thread of its own, so that video and messages go on meanwhile.
 *
 * The code is a self-contained function (only its text goes into the thread; it can import for
 * itself, and is given `data`), or the URL of a module whose default export is that function. It
 * puts values until it returns, which closes the producer, or throws, which makes it fail.
 *
 * `close()` sets `shouldClose`, ends a `sleep`, and waits `joinTimeoutMs` for the function to return.
 * Then the thread is given up; but if it is in an endless loop Deno cannot end it before the program
 * ends: code that must be killed belongs into a {@linkcode ProcessSubscriptionProducer}.
 *
 * A function needs no permission, a module `--allow-read` for its file (or `--allow-import` for its
 * host). The thread has the permissions of the program. Values are copied as by `structuredClone`.
 *
 * ```ts
 * import { ThreadedSubscriptionProducer } from "rtcbot";
 *
 * await using sensor = new ThreadedSubscriptionProducer<number>((thread) => {
 *   while (!thread.shouldClose) {
 *     thread.sleep(5); // a sensor that takes its time
 *     thread.put(Math.random());
 *   }
 * });
 * console.assert(await sensor.get() < 1);
 * ```
 *
 * RTCBot: `ThreadedSubscriptionProducer`.
 */
export class ThreadedSubscriptionProducer<T, Data = undefined> extends SubscriptionProducer<T> {
  readonly #link: Link;

  /**
   * Starts the thread. It is ready when the code says so, or with its first value.
   * @throws {TypeError} when the function's text cannot stand alone, as a method's
   */
  constructor(
    work: ((thread: BlockingProducer<T>, data: Data) => unknown) | URL,
    options: ThreadedProducerOptions<T, Data> = {},
  ) {
    super({ ...options, ready: false });
    this.#link = openThread(work, options, {
      ready: () => this._setReady(),
      put: (value) => this._put_nowait(value as T),
      end: (error) => error === undefined ? void this.close() : this._setError(error),
    });
  }

  /** Ends the thread. */
  protected override _close(): Promise<void> {
    return this.#link.close();
  }
}

/**
 * A consumer whose code may block: a motor driver that waits, a display that is slow, a computation.
 * The code runs in a thread of its own, so that video and messages go on meanwhile.
 *
 * The function takes values with `thread.get()`, which blocks, or in a `for … of` loop, which ends
 * when the consumer is closed. A source is read only when the code asks for a value, so a slow
 * consumer of a camera's newest frame always gets the newest. For all else see
 * {@linkcode ThreadedSubscriptionProducer}.
 *
 * ```ts
 * import { ThreadedSubscriptionConsumer } from "rtcbot";
 *
 * await using motor = new ThreadedSubscriptionConsumer<number>((thread) => {
 *   for (const speed of thread) {
 *     thread.sleep(5); // a motor driver that takes its time
 *     console.log("driving at", speed);
 *   }
 * });
 * motor.put_nowait(0.5);
 * ```
 *
 * RTCBot: `ThreadedSubscriptionConsumer`.
 */
export class ThreadedSubscriptionConsumer<T, Data = undefined> extends SubscriptionConsumer<T> {
  readonly #link: Link;

  /**
   * Starts the thread. It is ready when the code says so, or asks for its first value.
   * @throws {TypeError} when the function's text cannot stand alone, as a method's
   */
  constructor(
    work: ((thread: BlockingConsumer<T>, data: Data) => unknown) | URL,
    options: ThreadedConsumerOptions<T, Data> = {},
  ) {
    super({ ...options, ready: false });
    this.#link = openThread(work, options, {
      ready: () => this._setReady(),
      get: () => this._get(),
      end: (error) => error === undefined ? void this.close() : this._setError(error),
    });
  }

  /** Ends the thread. */
  protected override _close(): Promise<void> {
    return this.#link.close();
  }
}

/**
 * Both in one: takes values, works on them in a thread of its own for as long as it likes, and gives
 * results. See {@linkcode ThreadedSubscriptionProducer} and {@linkcode ThreadedSubscriptionConsumer};
 * for one result a value, `FunctionWorker` is simpler.
 */
export class ThreadedSubscriptionProducerConsumer<In, Out = In, Data = undefined>
  extends SubscriptionProducerConsumer<In, Out> {
  readonly #link: Link;

  /**
   * Starts the thread. It is ready when the code says so, or first puts or asks for a value.
   * @throws {TypeError} when the function's text cannot stand alone, as a method's
   */
  constructor(
    work: ((thread: BlockingProducerConsumer<In, Out>, data: Data) => unknown) | URL,
    options: ThreadedProducerConsumerOptions<In, Out, Data> = {},
  ) {
    super({ ...options, ready: false });
    this.#link = openThread(work, options, {
      ready: () => this._setReady(),
      put: (value) => this._put_nowait(value as Out),
      get: () => this._get(),
      end: (error) => error === undefined ? void this.close() : this._setError(error),
    });
  }

  /** Ends the thread. */
  protected override _close(): Promise<void> {
    return this.#link.close();
  }
}

function openThread(work: Code, options: BlockingOptions<unknown>, host: Host): Link {
  const joinTimeoutMs = joinTimeoutOf(options);
  return new ThreadLink({ loader: loaderOf(work), data: options.data, joinTimeoutMs }, host);
}
