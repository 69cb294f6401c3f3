import type { AudioFrame } from "../media/audio_frame.ts";
import { SubscriptionProducer } from "../subscriptions/producer.ts";
import { Queue } from "../subscriptions/queue.ts";
import { report } from "../subscriptions/report.ts";
import type { Subscriber, Subscription } from "../subscriptions/subscription.ts";
import type { Callback, GetOptions, Sink, Source } from "../subscriptions/types.ts";
import type { AudioLike } from "./audio_like.ts";
import type { AudioSendingOptions } from "./audio_sender.ts";
import { AudioTrack } from "./audio_track.ts";
import type { Peer, PeerAudioReceiver } from "./peer.ts";
import { ReceivedAudio } from "./received_audio.ts";

/** More than a description may have sections. */
const MAX_RECEIVED = 16;
/** Frames of 20 ms that wait for a reader. */
const MAX_UNREAD = 25;

/**
 * `conn.audio`: what the other end hears, and what it says.
 *
 * `putSubscription(microphone)` is heard at the other end, as Opus; connections that are given the same
 * source share one encoder. Give the source before the description is made, so that the connection has a
 * place for sound; it can be replaced at any time.
 *
 * `subscribe()`, `get()` and `for await` give the first sound that the other end sends, in frames of
 * shape `(960, 2)` at 48 kHz. Call one of them (or `offerToReceive`) before an offer is made, so that it
 * asks for sound; what an offer of the other end sends is always accepted. Nothing is decoded while
 * nobody is subscribed.
 *
 * ```ts no-assert
 * import { RTCConnection, type Sink, type AudioFrame } from "rtcbot";
 *
 * function listen(conn: RTCConnection, speaker: Sink<AudioFrame>) {
 *   conn.audio.subscribe(speaker);
 * }
 * ```
 *
 * When a source cannot be encoded, `error` is set and `onError` fires; all else lives on.
 *
 * RTCBot: `ConnectionAudioHandler`.
 */
export class AudioHandler extends SubscriptionProducer<AudioFrame> implements Sink<AudioLike> {
  readonly #tracks: AudioTrack[] = [];
  readonly #received: ReceivedAudio[] = [];
  readonly #onTrack: Callback<ReceivedAudio>[] = [];
  #main: AudioTrack | null = null;
  #wanted = 0;

  /** Made by the connection. */
  constructor() {
    super({ defaultSubscription: () => new Queue<AudioFrame>({ maxSize: MAX_UNREAD }) });
  }

  /** The source that is heard, or `null`. */
  get subscription(): Source<AudioLike> | null {
    return this.#main?.subscription ?? null;
  }

  /** Plays one block, and stops playing a source. @throws {TypeError} when it is none */
  put_nowait(block: AudioLike): void {
    this._refuseIfClosed("put into");
    this.#mainTrack().put_nowait(block);
  }

  /** Plays anything that gives blocks of sound: a microphone, a subscription of it, a queue. */
  putSubscription(source: Source<AudioLike>): void {
    this._refuseIfClosed("put a subscription into");
    this.#mainTrack().putSubscription(source);
  }

  /** Stops playing the source. */
  stopSubscription(): void {
    this.#main?.putSubscription(null);
  }

  /**
   * Sends a sound of its own beside what `putSubscription` plays; before the description is made.
   *
   * @param source what is played
   * @param options the rate of plain samples, whether sound may be left out, how it is encoded
   */
  addTrack(source: Source<AudioLike>, options: AudioSendingOptions = {}): AudioTrack {
    this._refuseIfClosed("add a track to");
    const track = this.#newTrack(options);
    track.putSubscription(source);
    return track;
  }

  /** Gives a new subscription, which keeps the newest half second that the other end says. */
  override subscribe(): Subscription<AudioFrame>;
  /** Hands every frame that the other end says to a sink or a callback; returns it. */
  override subscribe<S extends Subscriber<AudioFrame>>(subscriber: S): S;
  override subscribe(subscriber?: Subscriber<AudioFrame>): Subscriber<AudioFrame> {
    this.#want();
    return subscriber === undefined ? super.subscribe() : super.subscribe(subscriber);
  }

  /** The next frame that the other end says; see {@linkcode SubscriptionProducer.get}. */
  override get(options?: GetOptions): Promise<AudioFrame> {
    this.#want();
    return super.get(options);
  }

  /**
   * Makes our offer ask for so many sounds. Has no effect on an answer: it accepts all that is sent.
   *
   * @throws {RangeError} unless it is a whole number from 0 to 16
   */
  offerToReceive(count: number = 1): void {
    if (!Number.isInteger(count) || count < 0 || count > MAX_RECEIVED) {
      throw new RangeError(
        `Cannot offer to receive ${count} sounds: give a whole number from 0 to ${MAX_RECEIVED}`,
      );
    }
    this.#wanted = count;
  }

  /**
   * Calls back with each sound that the other end sends, before its first frame, and with those that are
   * there already. Only a callback: a sound can itself be awaited, so no queue can give one.
   */
  onTrack<C extends Callback<ReceivedAudio>>(callback: C): C {
    this._refuseIfClosed("listen for tracks of");
    this.#want();
    this.#onTrack.push(callback);
    for (const audio of this.#received) this.#tell(callback, audio);
    return callback;
  }

  /** For {@linkcode RTCConnection}: adds the sending sections, one a track, and at least `atLeast` (0 or 1). */
  _attach(peer: Peer, atLeast: number): void {
    if (this.#tracks.length < atLeast) this.#mainTrack();
    for (const track of this.#tracks) track._attach(peer.addAudioSender());
  }

  /** For {@linkcode RTCConnection}: how many sounds an offer is to ask for. */
  get _wanted(): number {
    return this.#wanted;
  }

  /** For {@linkcode RTCConnection}: the other end sends sound. */
  _receive(receiver: PeerAudioReceiver): void {
    if (this.closed) return;
    const first = this.#received.length === 0;
    const audio = new ReceivedAudio(receiver, {
      listening: () => first && this._hasSubscribers,
      frame: (frame) => first && this._put_nowait(frame),
      // Only those who read end: what we send is not concerned.
      failed: (error) => first && this._wake(error),
    });
    this.#received.push(audio);
    for (const callback of this.#onTrack) this.#tell(callback, audio);
  }

  /** For {@linkcode RTCConnection}: the transport stands, and media may flow. */
  _flow(): void {
    for (const track of this.#tracks) track._flow(true);
  }

  protected override async _close(): Promise<void> {
    for (const track of this.#tracks) track._flow(false);
    await Promise.all(this.#received.map((audio) => audio.close()));
  }

  #want(): void {
    this.#wanted = Math.max(1, this.#wanted);
  }

  #tell(callback: Callback<ReceivedAudio>, audio: ReceivedAudio): void {
    try {
      const result = callback(audio);
      // Not to be awaited if it is the sound itself, which can be.
      if (result instanceof Promise) {
        result.catch((error) => report("a callback of onTrack failed", error));
      }
    } catch (error) {
      report("a callback of onTrack failed", error);
    }
  }

  /** The track of `put_nowait` and `putSubscription`. */
  #mainTrack(): AudioTrack {
    return this.#main ??= this.#newTrack({});
  }

  #newTrack(options: AudioSendingOptions): AudioTrack {
    const track = new AudioTrack(options, (error) => {
      report("the sound cannot be sent", error);
      this._setError(error);
    });
    this.#tracks.push(track);
    return track;
  }
}
