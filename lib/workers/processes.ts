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
import { ProcessLink } from "./process_link.ts";
import { type Code, loaderOf } from "./source.ts";

/** Options of code that runs in a process of its own. */
export interface ProcessOptions<Data> extends BlockingOptions<Data> {
  /**
   * What stands between `deno run` and the program: the permissions of the process, and for example
   * `--config=deno.json`, without which its imports know no import map.
   * @default []
   */
  flags?: readonly string[];
}

/** Options of {@linkcode ProcessSubscriptionProducer}. */
export interface ProcessProducerOptions<T, Data>
  extends Omit<ProducerOptions<T>, "ready">, ProcessOptions<Data> {}

/** Options of {@linkcode ProcessSubscriptionConsumer}. */
export interface ProcessConsumerOptions<T, Data>
  extends Omit<ConsumerOptions<T>, "ready">, ProcessOptions<Data> {}

/** Options of {@linkcode ProcessSubscriptionProducerConsumer}. */
export interface ProcessProducerConsumerOptions<In, Out, Data>
  extends Omit<ProducerConsumerOptions<In, Out>, "ready">, ProcessOptions<Data> {}

/**
 * A producer whose code runs in a process of its own: it may block as in a thread, but it may also
 * crash, leak or hang, and it has only the permissions that `flags` give it.
 *
 * The code is what a {@linkcode ThreadedSubscriptionProducer} takes, and finds the same there. When
 * the process dies the producer fails. `close()` waits `joinTimeoutMs` for the function to return
 * and then kills the process, endless loop or not. When the program dies, so does the process.
 *
 * The program needs `--allow-run=deno`. The process may do nothing unless `flags` allow it; a module
 * of yours needs `--allow-read` there. Standard output carries the values, so what the code logs
 * goes to standard error. A program made by `deno compile` cannot start one.
 *
 * ```ts
 * import { ProcessSubscriptionProducer } from "rtcbot";
 *
 * await using hosts = new ProcessSubscriptionProducer<string>((process) => {
 *   process.put(Deno.hostname());
 * }, { flags: ["--allow-sys=hostname"] });
 * console.log("runs on", await hosts.get());
 * ```
 *
 * RTCBot: `ProcessSubscriptionProducer`.
 */
export class ProcessSubscriptionProducer<T, Data = undefined> extends SubscriptionProducer<T> {
  readonly #link: Link;

  /**
   * Starts the process. It is ready when the code says so, or with its first `put` or `get`.
   * @throws {TypeError} when the function's text cannot stand alone, as a method's
   */
  constructor(
    work: ((process: BlockingProducer<T>, data: Data) => unknown) | URL,
    options: ProcessProducerOptions<T, Data> = {},
  ) {
    super({ ...options, ready: false });
    this.#link = openProcess(work, options, {
      ready: () => this._setReady(),
      put: (value) => this._put_nowait(value as T),
      end: (error) => error === undefined ? void this.close() : this._setError(error),
    });
  }

  /** Ends the process. */
  protected override _close(): Promise<void> {
    return this.#link.close();
  }
}

/**
 * A consumer whose code runs in a process of its own. It takes values as that of a
 * {@linkcode ThreadedSubscriptionConsumer}; for all else see {@linkcode ProcessSubscriptionProducer}.
 *
 * RTCBot: `ProcessSubscriptionConsumer`.
 */
export class ProcessSubscriptionConsumer<T, Data = undefined> extends SubscriptionConsumer<T> {
  readonly #link: Link;

  /**
   * Starts the process. It is ready when the code says so, or with its first `put` or `get`.
   * @throws {TypeError} when the function's text cannot stand alone, as a method's
   */
  constructor(
    work: ((process: BlockingConsumer<T>, data: Data) => unknown) | URL,
    options: ProcessConsumerOptions<T, Data> = {},
  ) {
    super({ ...options, ready: false });
    this.#link = openProcess(work, options, {
      ready: () => this._setReady(),
      get: () => this._get(),
      end: (error) => error === undefined ? void this.close() : this._setError(error),
    });
  }

  /** Ends the process. */
  protected override _close(): Promise<void> {
    return this.#link.close();
  }
}

/**
 * Both in one: takes values, works on them in a process of its own, and gives results. See
 * {@linkcode ProcessSubscriptionProducer}.
 *
 * RTCBot: `ProcessSubscriptionProducerConsumer`.
 */
export class ProcessSubscriptionProducerConsumer<In, Out = In, Data = undefined>
  extends SubscriptionProducerConsumer<In, Out> {
  readonly #link: Link;

  /**
   * Starts the process. It is ready when the code says so, or with its first `put` or `get`.
   * @throws {TypeError} when the function's text cannot stand alone, as a method's
   */
  constructor(
    work: ((process: BlockingProducerConsumer<In, Out>, data: Data) => unknown) | URL,
    options: ProcessProducerConsumerOptions<In, Out, Data> = {},
  ) {
    super({ ...options, ready: false });
    this.#link = openProcess(work, options, {
      ready: () => this._setReady(),
      put: (value) => this._put_nowait(value as Out),
      get: () => this._get(),
      end: (error) => error === undefined ? void this.close() : this._setError(error),
    });
  }

  /** Ends the process. */
  protected override _close(): Promise<void> {
    return this.#link.close();
  }
}

function openProcess(work: Code, options: ProcessOptions<unknown>, host: Host): Link {
  const joinTimeoutMs = joinTimeoutOf(options);
  const { data, flags = [] } = options;
  return new ProcessLink({ loader: loaderOf(work), data, joinTimeoutMs, flags }, host);
}
