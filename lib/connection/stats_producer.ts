import { MostRecentSubscription } from "../subscriptions/most_recent.ts";
import { SubscriptionProducer } from "../subscriptions/producer.ts";
import type { Subscriber, Subscription } from "../subscriptions/subscription.ts";
import type { GetOptions } from "../subscriptions/types.ts";
import { type ConnectionReading, statsBetween } from "./connection_reading.ts";
import type { ConnectionStats } from "./connection_stats.ts";
import { type Clock, SYSTEM_CLOCK } from "./video_receiver.ts";

const INTERVAL_MS = 1_000;

/**
 * `conn.stats`: how the connection does, once a second, of which a subscription keeps the newest. The
 * first comes a second after the first subscription. Nothing is reckoned while nobody is subscribed
 * (`get()` subscribes until `unsubscribe()`), and it closes with the connection.
 *
 * ```ts no-assert
 * import { RTCConnection } from "rtcbot";
 *
 * function watch(conn: RTCConnection) {
 *   conn.stats.subscribe(({ rttMs, pictureAgeMs, video }) => {
 *     console.log(rttMs, pictureAgeMs, video.outgoing[0]?.bitrate);
 *   });
 * }
 * ```
 */
export class StatsProducer extends SubscriptionProducer<ConnectionStats> {
  readonly #read: () => ConnectionReading;
  readonly #clock: Clock;
  #before: ConnectionReading | null = null;
  #timer: unknown = null;

  /** Made by the connection. @param read what is known at present */
  constructor(read: () => ConnectionReading, clock: Clock = SYSTEM_CLOCK) {
    super({ defaultSubscription: () => new MostRecentSubscription<ConnectionStats>() });
    this.#read = read;
    this.#clock = clock;
  }

  /** Gives a new subscription, which keeps the newest. */
  override subscribe(): Subscription<ConnectionStats>;
  /** Hands them to a sink or a callback; returns it. */
  override subscribe<S extends Subscriber<ConnectionStats>>(subscriber: S): S;
  override subscribe(subscriber?: Subscriber<ConnectionStats>): Subscriber<ConnectionStats> {
    const result = subscriber === undefined ? super.subscribe() : super.subscribe(subscriber);
    this.#begin();
    return result;
  }

  /** The next ones; see {@linkcode SubscriptionProducer.get}. */
  override get(options?: GetOptions): Promise<ConnectionStats> {
    const next = super.get(options);
    this.#begin();
    return next;
  }

  /** A new stream of them; see {@linkcode SubscriptionProducer.readable}. */
  override get readable(): ReadableStream<ConnectionStats> {
    const stream = super.readable;
    this.#begin();
    return stream;
  }

  protected override _close(): void {
    this.#rest();
  }

  #begin(): void {
    if (this.#before !== null || this.closed) return;
    this.#before = this.#read();
    this.#wait();
  }

  #rest(): void {
    this.#clock.stopTimer(this.#timer);
    this.#timer = this.#before = null;
  }

  #wait(): void {
    this.#timer = this.#clock.startTimer(() => this.#tick(), INTERVAL_MS);
  }

  #tick(): void {
    if (this.#before === null || !this._hasSubscribers) return this.#rest();
    const before = this.#before, now = this.#before = this.#read();
    this.#wait();
    this._put_nowait(statsBetween(before, now));
  }
}
