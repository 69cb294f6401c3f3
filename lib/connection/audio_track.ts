import { SubscriptionClosed } from "../errors.ts";
import { producerOf } from "../subscriptions/origin.ts";
import { Queue } from "../subscriptions/queue.ts";
import { report } from "../subscriptions/report.ts";
import type { Sink, Source } from "../subscriptions/types.ts";
import { asAudioFrame, type AudioLike } from "../media/audio_like.ts";
import {
  type AudioListener,
  type AudioSendingOptions,
  type SharedAudioSender,
  sharedAudioSender,
} from "./audio_sender.ts";
import type { OutgoingAudioReading } from "./connection_reading.ts";
import type { PeerAudioSender } from "./peer.ts";

/** Blocks that were put and wait to be sent: what is older is not worth hearing. */
const MAX_PUT = 100;

/**
 * One outgoing sound: which source is heard at the moment, and the sender that sends it. It listens to
 * the source's shared encoder while, and only while, the connection stands.
 */
export class AudioTrack implements Sink<AudioLike> {
  readonly #options: AudioSendingOptions;
  readonly #onError: (error: Error) => void;
  #source: Source<AudioLike> | null = null;
  #direct: Queue<AudioLike> | null = null;
  #sender: PeerAudioSender | null = null;
  #flowing = false;
  #packets = 0;
  #bytes = 0;
  #listening:
    | { shared: SharedAudioSender; listener: AudioListener; drain: AbortController }
    | null = null;

  /** @param onError told when the source cannot be encoded */
  constructor(options: AudioSendingOptions, onError: (error: Error) => void) {
    this.#options = options;
    this.#onError = onError;
  }

  /** The source that was put, or `null`. */
  get subscription(): Source<AudioLike> | null {
    return this.#source === this.#direct ? null : this.#source;
  }

  /** For statistics. */
  get _reading(): OutgoingAudioReading {
    return { codec: "Opus", packetsSent: this.#packets, bytes: this.#bytes };
  }

  /** For {@linkcode AudioHandler}: the section of the connection that sends it. */
  _attach(sender: PeerAudioSender): void {
    this.#sender = sender;
    sender.onLoss = (share) => this.#listening?.shared.reportLoss(this.#listening.listener, share);
    this.#update();
  }

  /** For {@linkcode AudioHandler}: whether the connection stands. */
  _flow(flowing: boolean): void {
    this.#flowing = flowing;
    this.#update();
  }

  /** Plays one block, instead of a source. @throws {TypeError} when it is none */
  put_nowait(block: AudioLike): void {
    asAudioFrame(block, this.#options.sampleRate ?? 48_000, 0);
    this.#direct ??= new Queue({ maxSize: MAX_PUT });
    this.putSubscription(this.#direct);
    this.#direct.put_nowait(block);
  }

  /** Plays this source from now on; `null` for none. */
  putSubscription(source: Source<AudioLike> | null): void {
    if (source === this.#source) return;
    this.#leave();
    this.#source = source;
    this.#update();
  }

  #update(): void {
    if (!this.#flowing) return this.#leave();
    const sender = this.#sender;
    if (this.#listening || !this.#source || !sender?.agreed) return;
    const shared = sharedAudioSender(this.#source, this.#options);
    const listener: AudioListener = {
      packet: (payload, timestamp, marker) => {
        this.#packets++;
        this.#bytes += payload.length;
        sender.send(payload, timestamp, marker);
      },
      failed: (error) => this.#failed(error),
    };
    const drain = new AbortController();
    this.#listening = { shared, listener, drain };
    shared.join(listener);
    this.#drain(this.#source, drain.signal);
  }

  #leave(): void {
    if (!this.#listening) return;
    const { shared, listener, drain } = this.#listening;
    this.#listening = null;
    drain.abort();
    shared.leave(listener);
  }

  #failed(error: Error): void {
    this.#leave();
    this.#source = null;
    if (!(error instanceof SubscriptionClosed)) this.#onError(error);
  }

  /** As in {@linkcode VideoTrack}: a subscription of a producer is only emptied, that it does not grow. */
  async #drain(source: Source<AudioLike>, signal: AbortSignal): Promise<void> {
    const producer = producerOf(source);
    if (producer === null || producer === source) return;
    try {
      while (!signal.aborted) await source.get({ signal });
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof SubscriptionClosed)) report("the sound's subscription failed", error);
      if (this.#source === source) this.putSubscription(null);
    }
  }
}
