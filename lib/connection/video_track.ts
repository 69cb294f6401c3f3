import { NegotiationError, SubscriptionClosed } from "../errors.ts";
import type { VideoCodecName } from "../media/encoded.ts";
import { producerOf } from "../subscriptions/origin.ts";
import { report } from "../subscriptions/report.ts";
import type { Sink, Source } from "../subscriptions/types.ts";
import type { OutgoingVideoReading } from "./connection_reading.ts";
import type { PeerVideoSender, SendRate } from "./peer.ts";
import { compressing } from "./pass_through.ts";
import { codecsOf, nothingInCommon } from "./sent_codecs.ts";
import {
  type EncodingOptions,
  type SharedEncoder,
  sharedEncoder,
  type SharedFrame,
  type Viewer,
} from "./shared_encoder.ts";
import { SentVideo } from "./sent_video.ts";
import { VideoInbox } from "./video_inbox.ts";
import { asVideoFrame, isEncodedVideo, type VideoLike } from "../media/video_like.ts";

/**
 * One outgoing video track: which source is shown at the moment, and the sender that shows it. It
 * watches the source's shared encoder while, and only while, the connection stands.
 */
export class VideoTrack implements Sink<VideoLike> {
  readonly #options: EncodingOptions;
  readonly #onError: (error: Error) => void;
  #source: Source<VideoLike> | null = null;
  #direct: VideoInbox | null = null;
  #sender: PeerVideoSender | null = null;
  readonly #sent = new SentVideo();
  #flowing = false;
  #watching: { encoder: SharedEncoder; viewer: Viewer; drain: AbortController } | null = null;

  /** @param onError told when the source cannot be encoded */
  constructor(options: EncodingOptions, onError: (error: Error) => void) {
    this.#options = options;
    this.#onError = onError;
  }

  /** The source that was put, or `null`. */
  get subscription(): Source<VideoLike> | null {
    return this.#source === this.#direct ? null : this.#source;
  }

  /** For {@linkcode VideoHandler}: what it can be sent as, best first. */
  get _codecs(): VideoCodecName[] {
    const codecs = codecsOf(this.#source, this.#options.codec);
    const mayPass = compressing(this.#source, this.#options) !== null;
    return mayPass ? [...new Set([...codecs, "H264" as const])] : codecs;
  }

  /** For {@linkcode VideoHandler}: the section of the connection that sends it. */
  _attach(sender: PeerVideoSender): void {
    this.#sender = sender;
    sender.onKeyFrameRequest = () => this.#watching?.encoder.requestKeyFrame(this.#watching.viewer);
    this.#update();
  }

  /** For {@linkcode VideoHandler}: whether the connection stands. */
  _flow(flowing: boolean): void {
    this.#flowing = flowing;
    this.#update();
  }

  /** When the picture that was sent with this RTP time was taken; `null` when it is none of the newest. */
  _capturedMs(timestamp90kHz: number): number | null {
    return this.#sent.capturedMs(timestamp90kHz);
  }

  /** For statistics. */
  get _reading(): OutgoingVideoReading {
    const { newest, frames, keyFrames, bytes, leftOut, encoded, encodeMs } = this.#sent;
    const { framesDropped = 0, packetsRetransmitted = 0 } = this.#sender?.counts ?? {};
    return {
      codec: newest?.codec ?? null,
      width: newest?.width ?? 0,
      height: newest?.height ?? 0,
      targetBitrate: newest?.targetBitrate ?? null,
      bytes,
      framesSent: frames - framesDropped,
      framesDropped: leftOut + framesDropped,
      keyFrames,
      framesEncoded: encoded,
      encodingMs: encodeMs,
      packetsLostShare: this.#sender?.rate.link.loss ?? 0,
      packetsRetransmitted,
    };
  }

  /** For statistics: what can be sent, and what is known of the way; `null` before it is negotiated. */
  get _rate(): SendRate | null {
    return this.#sender?.rate ?? null;
  }

  /** Shows one frame, instead of a source. @throws {TypeError} when it is none */
  put_nowait(frame: VideoLike): void {
    if (!isEncodedVideo(frame)) asVideoFrame(frame, 0);
    this.#direct ??= new VideoInbox(true);
    this.putSubscription(this.#direct);
    this.#direct.put_nowait(frame);
  }

  /** Shows this source from now on; `null` for none. */
  putSubscription(source: Source<VideoLike> | null): void {
    if (source === this.#source) return;
    this.#leave();
    this.#source = source;
    this.#update();
  }

  #update(): void {
    if (!this.#flowing) return this.#leave();
    const sender = this.#sender;
    if (this.#watching || !this.#source || !sender) return;
    if (sender.codecs.length === 0) {
      if (sender.refusal !== null) this.#failed(this.#refusal(sender.refusal));
      return;
    }
    const shown = this.#choose(this.#source, sender);
    if (shown === null) return;
    const codecs = codecsOf(shown, this.#options.codec);
    const codec = codecs.find((codec) => sender.codecs.includes(codec));
    if (!codec) return this.#failed(this.#refusal(nothingInCommon(codecs, sender.codecs)));
    const encoder = sharedEncoder(shown, { ...this.#options, codec });
    const viewer: Viewer = {
      maxPayload: sender.maxPayload,
      rate: sender.rate,
      frame: (frame) => this.#send(sender, frame),
      failed: (error) => this.#ended(shown, error),
    };
    const drain = new AbortController();
    this.#watching = { encoder, viewer, drain };
    encoder.join(viewer);
    this.#drain(this.#source, drain.signal);
  }

  /** The source, or what its device compresses; `null` while that is not known. */
  #choose(source: Source<VideoLike>, sender: PeerVideoSender): Source<VideoLike> | null {
    const device = compressing(source, this.#options);
    if (device === null) return source;
    if (!device.ready && !device.closed) {
      const stillWanted = () => this.#source === source;
      device.onReady().then(
        () => stillWanted() && this.#update(),
        (error) => stillWanted() && this.#failed(error),
      );
      return null;
    }
    const passed = device.passThrough;
    return passed?.codec && sender.codecs.includes(passed.codec) ? passed : source;
  }

  /** A device that compresses no more may still give frames. */
  #ended(shown: Source<VideoLike>, error: Error): void {
    const device = compressing(this.#source, this.#options);
    if (device === null || device.closed || shown === this.#source) return this.#failed(error);
    this.#leave();
    this.#update();
  }

  #send(sender: PeerVideoSender, frame: SharedFrame): void {
    const { codec, payloads, timestamp90kHz, keyFrame } = frame;
    if (codec !== sender.codec) {
      if (!sender.codecs.includes(codec)) {
        return this.#failed(this.#refusal(nothingInCommon([codec], sender.codecs)));
      }
      sender.use(codec);
    }
    this.#sent.add(frame);
    sender.sendFrame(payloads, timestamp90kHz, keyFrame);
  }

  #refusal(why: string): NegotiationError {
    return new NegotiationError(`Cannot send the video to this viewer: ${why}`);
  }

  #leave(): void {
    if (!this.#watching) return;
    const { encoder, viewer, drain } = this.#watching;
    this.#watching = null;
    drain.abort();
    encoder.leave(viewer);
    this.#sender?.drop();
  }

  #failed(error: Error): void {
    this.#leave();
    this.#source = null;
    if (!(error instanceof SubscriptionClosed)) this.#onError(error);
  }

  /**
   * The encoder reads the producer itself, so a subscription of it is only emptied here, that it does
   * not grow; and when the user ends it, this track ends.
   */
  async #drain(source: Source<VideoLike>, signal: AbortSignal): Promise<void> {
    const producer = producerOf(source);
    if (producer === null || producer === source) return;
    try {
      while (!signal.aborted) await source.get({ signal });
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof SubscriptionClosed)) report("the video's subscription failed", error);
      if (this.#source === source) this.putSubscription(null);
    }
  }
}
