import { Lifecycle } from "../subscriptions/lifecycle.ts";
import { report } from "../subscriptions/report.ts";
import type { Sink, Source } from "../subscriptions/types.ts";
import type { Peer } from "./peer.ts";
import type { EncodingOptions } from "./shared_encoder.ts";
import type { VideoLike } from "./video_like.ts";
import { VideoTrack } from "./video_track.ts";

/**
 * `conn.video`: what the other end sees.
 *
 * `putSubscription(camera)` shows a camera. Connections that are given the same camera, or
 * subscriptions of it, share one encoder, so a further viewer costs nearly nothing; with the last
 * viewer the encoder is freed and the camera let go. Give the source before the description is made, so
 * that the connection has a place for video; it can be replaced at any time.
 *
 * When a source cannot be encoded, `error` is set and `onError` fires; the data channels live on.
 *
 * RTCBot: `ConnectionVideoHandler`.
 */
export class VideoHandler extends Lifecycle implements Sink<VideoLike> {
  readonly #tracks: VideoTrack[] = [];
  #main: VideoTrack | null = null;

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

  /** For {@linkcode RTCConnection}: adds the sending sections, one a track, and at least `atLeast` (0 or 1). */
  _attach(peer: Peer, atLeast: number): void {
    if (this.#tracks.length < atLeast) this.#mainTrack();
    for (const track of this.#tracks) track._attach(peer.addVideoSender());
  }

  /** For {@linkcode RTCConnection}: the transport stands, and media may flow. */
  _flow(): void {
    for (const track of this.#tracks) track._flow(true);
  }

  protected override _close(): void {
    for (const track of this.#tracks) track._flow(false);
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
