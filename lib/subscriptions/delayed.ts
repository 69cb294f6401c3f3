import { producerOf, setOrigin } from "./origin.ts";
import { iterate, type Subscriber } from "./subscription.ts";
import type { GetOptions, Sink, Source } from "./types.ts";

/** What can be subscribed to, as far as {@linkcode DelayedSubscription} needs it. */
export interface Subscribable<T> {
  /** Gives a new subscription. */
  subscribe(): Source<T> & Sink<T>;
  /** Hands everything from now on to a subscriber. */
  subscribe<S extends Subscriber<T>>(subscriber: S): S;
  /** Stops it. */
  unsubscribe(subscriber: Subscriber<T>): void;
}

/**
 * Subscribes on the first `get`, so that nothing is gathered before somebody wants it: audio
 * queued while a connection opens would be heard late for as long as it lasts.
 *
 * Stop it with its own `unsubscribe`; the producer knows only the subscription inside. The next
 * `get` then subscribes anew.
 *
 * ```ts
 * import { DelayedSubscription, SubscriptionProducer } from "rtcbot";
 *
 * class Microphone extends SubscriptionProducer<Float32Array> {}
 *
 * await using microphone = new Microphone();
 * const later = new DelayedSubscription(microphone);
 * // connection.audio.putSubscription(later) reads it when the connection is open
 * later.unsubscribe();
 * ```
 *
 * RTCBot: `DelayedSubscription`.
 */
export class DelayedSubscription<T> implements Source<T>, AsyncIterable<T> {
  readonly #producer: Subscribable<T>;
  readonly #given: (Source<T> & Sink<T>) | undefined;
  #active: (Source<T> & Sink<T>) | null = null;

  /**
   * Wraps a producer, and leaves it alone until the first `get`.
   * @param producer what will be subscribed to
   * @param subscription what will be handed to `subscribe`; without it, the producer makes one
   */
  constructor(producer: Subscribable<T>, subscription?: Source<T> & Sink<T>) {
    this.#producer = producer;
    this.#given = subscription;
    const origin = producerOf(producer);
    if (subscription === undefined && origin !== null) setOrigin(this, origin);
  }

  /** The next value since the first call. */
  get(options?: GetOptions): Promise<T> {
    try {
      this.#active ??= this.#given === undefined
        ? this.#producer.subscribe()
        : this.#producer.subscribe(this.#given);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#active.get(options);
  }

  /** Stops gathering; does nothing when it has not begun. */
  unsubscribe(): void {
    if (this.#active === null) return;
    this.#producer.unsubscribe(this.#active);
    this.#active = null;
  }

  /** Takes values until the producer closes. */
  [Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    return iterate(this);
  }
}
