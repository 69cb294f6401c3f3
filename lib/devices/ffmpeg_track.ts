import { SubscriptionProducer } from "../subscriptions/producer.ts";
import type { Subscriber, Subscription } from "../subscriptions/subscription.ts";
import type { GetOptions } from "../subscriptions/types.ts";

/** Sound as compressed packets: what an Opus decoder or a connection takes without decoding. */
export interface EncodedAudio {
  /** What it was compressed with. */
  readonly codec: "Opus";
  /** One packet; the bytes belong to whoever holds it and are never written again. */
  readonly data: Uint8Array;
  /** The time of its first sample, in microseconds. */
  readonly timestampUs: number;
  /** 1 for mono, 2 for stereo. */
  readonly channels: number;
}

/**
 * One producer of an `FFmpegSource`: `video`, `audio`, `encoded` or `encodedAudio`. The source starts
 * when the first of them gets a subscriber.
 */
export class FFmpegTrack<T> extends SubscriptionProducer<T> {
  readonly #wish: () => void;
  #wanted = false;

  /** Made by `FFmpegSource`. */
  constructor(makeSubscription: () => Subscription<T>, wish: () => void) {
    super({ ready: false, defaultSubscription: makeSubscription });
    this.#wish = wish;
  }

  /** Whether anybody has ever subscribed. */
  get wanted(): boolean {
    return this.#wanted;
  }

  /** Gives a new subscription, and starts the source; see {@linkcode SubscriptionProducer}. */
  override subscribe(): Subscription<T>;
  /** Hands everything to a subscriber, and starts the source. */
  override subscribe<S extends Subscriber<T>>(subscriber: S): S;
  override subscribe(subscriber?: Subscriber<T>): Subscriber<T> {
    const subscribed = subscriber === undefined ? super.subscribe() : super.subscribe(subscriber);
    this.#want();
    return subscribed;
  }

  /** The next value; starts the source. */
  override get(options?: GetOptions): Promise<T> {
    const value = super.get(options);
    if (!this.closed) this.#want();
    return value;
  }

  /** A new stream of everything from now on; starts the source. */
  override get readable(): ReadableStream<T> {
    const stream = super.readable;
    this.#want();
    return stream;
  }

  /** For `FFmpegSource`: hands a value to all. */
  give(value: T): void {
    this._put_nowait(value);
  }

  /** For `FFmpegSource`: its stream has begun. */
  begin(): void {
    this._setReady();
  }

  /** For `FFmpegSource`: the source failed. */
  fail(error: unknown): void {
    this._setError(error);
  }

  #want(): void {
    if (this.#wanted) return;
    this.#wanted = true;
    this.#wish();
  }
}
