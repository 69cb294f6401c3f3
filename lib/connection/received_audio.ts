import type { AudioFrame } from "../media/audio_frame.ts";
import { SubscriptionProducer } from "../subscriptions/producer.ts";
import { Queue } from "../subscriptions/queue.ts";
import { report } from "../subscriptions/report.ts";
import type { Subscriber, Subscription } from "../subscriptions/subscription.ts";
import { AudioReceiver, type AudioReceiverStats } from "./audio_receiver.ts";
import type { IncomingAudioReading } from "./connection_reading.ts";
import type { AlsoReads, IncomingTrack } from "./media_handler.ts";
import type { PeerAudioReceiver } from "./peer.ts";

/** Frames of 20 ms that wait for a reader: half a second; older ones are not worth hearing. */
export const MAX_UNREAD_AUDIO = 25;

/**
 * One sound that the other end sends: a producer of frames of shape `(960, 2)`, floats from -1 to 1 at
 * 48 kHz, fifty a second without a gap. A subscription keeps the newest half second.
 *
 * It is decoded only while somebody is subscribed. When it cannot be, `error` says why; when the
 * connection closes, it closes.
 *
 * RTCBot: the subscription that `onTrack` is called with.
 */
export class ReceivedAudio extends SubscriptionProducer<AudioFrame> implements IncomingTrack {
  /** What the other end calls it; `null` when it does not say. Tracks of one name belong together. */
  readonly name: string | null;
  readonly #receiver: AudioReceiver;
  readonly #also: AlsoReads<AudioFrame>;
  #bytes = 0;

  /** Made by the connection. @param also who else wants the frames */
  constructor(receiver: PeerAudioReceiver, also: AlsoReads<AudioFrame>) {
    super({ defaultSubscription: () => new Queue<AudioFrame>({ maxSize: MAX_UNREAD_AUDIO }) });
    this.name = receiver.name;
    this.#also = also;
    this.#receiver = new AudioReceiver({
      onError: (error) => {
        report("sound cannot be heard", error);
        this._setError(error);
        also.failed(error);
      },
    });
    receiver.onPacket = ({ sequence, timestamp, payload }) => {
      this.#follow();
      if (this.#receiver.onFrame !== null) this.#bytes += payload.length;
      this.#receiver.packet(sequence, timestamp, payload, performance.now());
    };
  }

  /** How it goes: latency, loss, what was made up for; `null` while nobody listens. */
  get stats(): AudioReceiverStats | null {
    return this.#receiver.stats;
  }

  /** For statistics. */
  get _reading(): IncomingAudioReading {
    const { received = 0, loss = 0, concealedSamples = 0, latencyMs = null } = this.stats ?? {};
    return {
      name: this.name,
      codec: "Opus",
      bytes: this.#bytes,
      latencyMs,
      packetsReceived: received,
      packetsLostShare: loss,
      concealedMs: Math.round(concealedSamples / 48),
    };
  }

  /** Gives a new subscription, which keeps the newest half second. */
  override subscribe(): Subscription<AudioFrame>;
  /** Hands every frame to a sink or a callback; returns it. */
  override subscribe<S extends Subscriber<AudioFrame>>(subscriber: S): S;
  override subscribe(subscriber?: Subscriber<AudioFrame>): Subscriber<AudioFrame> {
    const result = subscriber === undefined ? super.subscribe() : super.subscribe(subscriber);
    this.#follow();
    return result;
  }

  /** For the connection: it stands. Packets tell that by themselves. */
  _flow(): void {}

  protected override _close(): void {
    this.#receiver.onFrame = null;
  }

  /** Begins or ends the work as listeners come and go. */
  #follow(): void {
    const listening = !this.closed && (this._hasSubscribers || this.#also.listening());
    if (listening === (this.#receiver.onFrame !== null)) return;
    this.#receiver.onFrame = listening
      ? (frame) => {
        this._put_nowait(frame);
        this.#also.frame(frame);
        this.#follow();
      }
      : null;
  }
}
