import { MostRecentSubscription } from "../subscriptions/most_recent.ts";
import { SubscriptionProducer } from "../subscriptions/producer.ts";
import { report } from "../subscriptions/report.ts";
import type { VideoFrame } from "../media/video_frame.ts";
import type { IncomingVideoReading } from "./connection_reading.ts";
import type { AlsoReads, IncomingTrack } from "./media_handler.ts";
import type { PeerVideoReceiver } from "./peer.ts";
import { VideoReceiver, type VideoReceiverStats } from "./video_receiver.ts";

/**
 * One video that the other end sends: a producer of its frames, of which a subscription keeps the newest.
 *
 * It is decoded only while somebody is subscribed. Frames are `I420`, of whatever size the sender chose
 * (it may change at any time), and their `timestampUs` runs with `performance.now()`, evenly. When what
 * comes cannot be shown, `error` says why; when the connection closes, it closes.
 *
 * RTCBot: the subscription that `onTrack` is called with.
 */
export class ReceivedVideo extends SubscriptionProducer<VideoFrame> implements IncomingTrack {
  /** What the other end calls it; `null` when it does not say. Tracks of one name belong together. */
  readonly name: string | null;
  readonly #receiver: VideoReceiver;

  /** Made by the connection. @param also whether somebody else wants the frames too, and who */
  constructor(receiver: PeerVideoReceiver, also: AlsoReads<VideoFrame>) {
    super({ defaultSubscription: () => new MostRecentSubscription<VideoFrame>() });
    this.name = receiver.name;
    this.#receiver = new VideoReceiver({
      requestKeyFrame: () => receiver.requestKeyFrame(),
      nack: (sequences) => receiver.nack(sequences),
      listening: () => this._hasSubscribers || also.listening(),
      frame: (frame) => {
        this._put_nowait(frame);
        also.frame(frame);
      },
      silent: (error) => report("a video does not start", error),
      failed: (error) => {
        report("a video cannot be shown", error);
        this._setError(error);
        also.failed(error);
      },
    });
    receiver.onPacket = (packet) => this.#receiver.receive(packet);
  }

  /** What came, what was lost, what was decoded; since the connection began. */
  get stats(): VideoReceiverStats {
    return this.#receiver.stats;
  }

  /** For statistics. */
  get _reading(): IncomingVideoReading {
    const { bytesReceived: bytes, ...stats } = this.stats;
    return { name: this.name, bytes, ...stats };
  }

  /** For the connection: it stands. */
  _flow(): void {
    if (!this.closed) this.#receiver.start();
  }

  protected override _close(): void {
    this.#receiver.close();
  }
}
