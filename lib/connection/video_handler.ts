import type { VideoFrame } from "../media/video_frame.ts";
import { MostRecentSubscription } from "../subscriptions/most_recent.ts";
import { type AlsoReads, MediaHandler, type MediaKinds } from "./media_handler.ts";
import type { Peer, PeerVideoReceiver } from "./peer.ts";
import { ReceivedVideo } from "./received_video.ts";
import type { EncodingOptions } from "./shared_encoder.ts";
import type { VideoLike } from "../media/video_like.ts";
import { VideoTrack } from "./video_track.ts";

/** What {@linkcode VideoHandler} is made of. */
export interface VideoKinds extends MediaKinds {
  /** What may be put. */
  In: VideoLike;
  /** What is received. */
  Out: VideoFrame;
  /** How a source is sent. */
  Options: EncodingOptions;
  /** A track that goes out. */
  Outgoing: VideoTrack;
  /** A track that comes in. */
  Incoming: ReceivedVideo;
}

/**
 * `conn.video`: what the other end sees, and what it shows.
 *
 * `putSubscription(camera)` shows a camera. Connections that are given the same camera, or
 * subscriptions of it, share one encoder, so a further viewer costs nearly nothing; with the last
 * viewer the encoder is freed and the camera let go. Give the source before the description is made, so
 * that the connection has a place for video; it can be replaced at any time.
 *
 * Frames are sent as VP8, or as H.264 where the viewer takes no VP8 and libavcodec with x264 is here;
 * `addTrack(camera, { codec: "H264" })` prefers it. A source of compressed frames, such as
 * `FFmpegSource.encoded`, is passed on without decoding, and viewers join at its next key frame. So is what a
 * camera compresses by itself, to viewers who take it, unless a bit rate, frame rate or other codec is asked for.
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
export class VideoHandler extends MediaHandler<VideoKinds, PeerVideoReceiver> {
  /** Made by the connection. */
  constructor() {
    super("video", () => new MostRecentSubscription<VideoFrame>());
  }

  /** When the picture that was sent with this RTP time was taken; `null` when it is none of the newest. */
  _capturedMs(timestamp90kHz: number): number | null {
    for (const track of this._outgoing) {
      const capturedMs = track._capturedMs(timestamp90kHz);
      if (capturedMs !== null) return capturedMs;
    }
    return null;
  }

  protected override _makeOutgoing(
    options: EncodingOptions,
    onError: (error: Error) => void,
  ): VideoTrack {
    return new VideoTrack(options, onError);
  }

  protected override _attachTrack(peer: Peer, track: VideoTrack, name: string): void {
    track._attach(peer.addVideoSender(name, track._codecs));
  }

  protected override _makeIncoming(
    receiver: PeerVideoReceiver,
    also: AlsoReads<VideoFrame>,
  ): ReceivedVideo {
    return new ReceivedVideo(receiver, also);
  }
}
