import type { VideoFrame } from "../media/video_frame.ts";
import { MostRecentSubscription } from "../subscriptions/most_recent.ts";
import { SubscriptionProducer } from "../subscriptions/producer.ts";
import { report } from "../subscriptions/report.ts";
import type { Subscriber, Subscription } from "../subscriptions/subscription.ts";
import type { Callback, GetOptions, Sink, Source } from "../subscriptions/types.ts";
import type { Peer, PeerVideoReceiver } from "./peer.ts";
import { ReceivedVideo } from "./received_video.ts";
import type { EncodingOptions } from "./shared_encoder.ts";
import type { VideoLike } from "./video_like.ts";
import { VideoTrack } from "./video_track.ts";

/** More than a description may have sections. */
const MAX_RECEIVED = 16;

/**
 * `conn.video`: what the other end sees, and what it shows.
 *
 * `putSubscription(camera)` shows a camera. Connections that are given the same camera, or
 * subscriptions of it, share one encoder, so a further viewer costs nearly nothing; with the last
 * viewer the encoder is freed and the camera let go. Give the source before the description is made, so
 * that the connection has a place for video; it can be replaced at any time.
 *
 * `subscribe()`, `get()` and `for await` give the frames of the first video that the other end sends: a
 * `VideoFrame` in `I420`, the newest only unless another subscription is handed in. Call one of them (or
 * `offerToReceive`) before an offer is made, so that it asks for a video; what an offer of the other end
 * sends is always accepted. Nothing is decoded while nobody is subscribed.
 *
 * ```ts no-assert
 * import { RTCConnection } from "rtcbot";
 *
 * function watch(conn: RTCConnection) {
 *   conn.video.subscribe((frame) => console.log(frame.width, frame.height, frame.timestampUs));
 * }
 * ```
 *
 * When a source cannot be encoded, `error` is set and `onError` fires; the data channels live on. When
 * what comes cannot be decoded, subscriptions made by `subscribe()` and `get()` reject with the reason.
 *
 * RTCBot: `ConnectionVideoHandler`.
 */
export class VideoHandler extends SubscriptionProducer<VideoFrame> implements Sink<VideoLike> {
  readonly #tracks: VideoTrack[] = [];
  readonly #received: ReceivedVideo[] = [];
  readonly #onTrack: Callback<ReceivedVideo>[] = [];
  #main: VideoTrack | null = null;
  #wanted = 0;
  #flowing = false;

  /** Made by the connection. */
  constructor() {
    super({ defaultSubscription: () => new MostRecentSubscription<VideoFrame>() });
  }

  /** The source that is shown, or `null`. */
  get subscription(): Source<VideoLike> | null {
    return this.#main?.subscription ?? null;
  }

  /** Shows one frame, and stops showing a source. @throws {TypeError} when it is none */
  put_nowait(frame: VideoLike): void {
    this._refuseIfClosed("put into");
    this.#mainTrack().put_nowait(frame);
  }

  /** Shows anything that gives frames: a camera, a subscription of it, a queue. */
  putSubscription(source: Source<VideoLike>): void {
    this._refuseIfClosed("put a subscription into");
    this.#mainTrack().putSubscription(source);
  }

  /** Stops showing the source; the other end keeps the last picture. */
  stopSubscription(): void {
    this.#main?.putSubscription(null);
  }

  /**
   * Sends a video of its own beside what `putSubscription` shows; before the description is made.
   *
   * @param source what is shown
   * @param options the frame rate, whether frames may be left out, the bit rate
   */
  addTrack(source: Source<VideoLike>, options: EncodingOptions = {}): VideoTrack {
    this._refuseIfClosed("add a track to");
    const track = this.#newTrack(options);
    track.putSubscription(source);
    return track;
  }

  /** Gives a new subscription, which keeps the newest frame that the other end shows. */
  override subscribe(): Subscription<VideoFrame>;
  /** Hands every frame that the other end shows to a sink or a callback; returns it. */
  override subscribe<S extends Subscriber<VideoFrame>>(subscriber: S): S;
  override subscribe(subscriber?: Subscriber<VideoFrame>): Subscriber<VideoFrame> {
    this.#want();
    return subscriber === undefined ? super.subscribe() : super.subscribe(subscriber);
  }

  /** The next frame that the other end shows; see {@linkcode SubscriptionProducer.get}. */
  override get(options?: GetOptions): Promise<VideoFrame> {
    this.#want();
    return super.get(options);
  }

  /**
   * Makes our offer ask for so many videos. Has no effect on an answer: it accepts all that is sent.
   *
   * @throws {RangeError} unless it is a whole number from 0 to 16
   */
  offerToReceive(count: number = 1): void {
    if (!Number.isInteger(count) || count < 0 || count > MAX_RECEIVED) {
      throw new RangeError(
        `Cannot offer to receive ${count} videos: give a whole number from 0 to ${MAX_RECEIVED}`,
      );
    }
    this.#wanted = count;
  }

  /**
   * Calls back with each video that the other end sends, before its first frame, and with those that are
   * there already. Only a callback: a video can itself be awaited, so no queue can give one.
   */
  onTrack<C extends Callback<ReceivedVideo>>(callback: C): C {
    this._refuseIfClosed("listen for tracks of");
    this.#want();
    this.#onTrack.push(callback);
    for (const video of this.#received) this.#tell(callback, video);
    return callback;
  }

  /** For {@linkcode RTCConnection}: adds the sending sections, one a track, and at least `atLeast` (0 or 1). */
  _attach(peer: Peer, atLeast: number): void {
    if (this.#tracks.length < atLeast) this.#mainTrack();
    for (const track of this.#tracks) track._attach(peer.addVideoSender());
  }

  /** For {@linkcode RTCConnection}: how many videos an offer is to ask for. */
  get _wanted(): number {
    return this.#wanted;
  }

  /** For {@linkcode RTCConnection}: the other end sends a video. */
  _receive(receiver: PeerVideoReceiver): void {
    if (this.closed) return;
    const first = this.#received.length === 0;
    const video = new ReceivedVideo(receiver, {
      listening: () => first && this._hasSubscribers,
      frame: (frame) => first && this._put_nowait(frame),
      // Only those who read end: what we send is not concerned.
      failed: (error) => first && this._wake(error),
    });
    this.#received.push(video);
    for (const callback of this.#onTrack) this.#tell(callback, video);
    if (this.#flowing) video._flow();
  }

  /** For {@linkcode RTCConnection}: the transport stands, and media may flow. */
  _flow(): void {
    this.#flowing = true;
    for (const track of this.#tracks) track._flow(true);
    for (const video of this.#received) video._flow();
  }

  protected override async _close(): Promise<void> {
    for (const track of this.#tracks) track._flow(false);
    await Promise.all(this.#received.map((video) => video.close()));
  }

  #want(): void {
    this.#wanted = Math.max(1, this.#wanted);
  }

  #tell(callback: Callback<ReceivedVideo>, video: ReceivedVideo): void {
    try {
      const result = callback(video);
      // Not to be awaited if it is the video itself, which can be.
      if (result instanceof Promise) {
        result.catch((error) => report("a callback of onTrack failed", error));
      }
    } catch (error) {
      report("a callback of onTrack failed", error);
    }
  }

  /** The track of `put_nowait` and `putSubscription`. */
  #mainTrack(): VideoTrack {
    return this.#main ??= this.#newTrack({});
  }

  #newTrack(options: EncodingOptions): VideoTrack {
    const track = new VideoTrack(options, (error) => {
      report("the video cannot be sent", error);
      this._setError(error);
    });
    this.#tracks.push(track);
    return track;
  }
}
