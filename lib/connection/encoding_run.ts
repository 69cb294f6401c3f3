/** One encoding of a source: frames in, packets for its viewers out. What is encoded already is passed on. */
import { createVideoEncoder } from "../codecs/choose.ts";
import type { VideoEncoder } from "../codecs/codec.ts";
import { SubscriptionClosed } from "../errors.ts";
import type { EncodedVideo, EncodedVideoSource, VideoCodecName } from "../media/encoded.ts";
import { VideoFrame } from "../media/video_frame.ts";
import { report } from "../subscriptions/report.ts";
import type { Sink, Source } from "../subscriptions/types.ts";
import { toRtpTimestamp } from "./media_clock.ts";
import { PictureFormats } from "./picture_format.ts";
import { type FrameFacts, takenMs } from "./sent_video.ts";
import type { SourceClock } from "./source_clock.ts";
import { VideoInbox } from "./video_inbox.ts";
import { asVideoFrame, isEncodedVideo, type VideoLike } from "../media/video_like.ts";
import { type Viewer, ViewersFeed } from "./viewers_feed.ts";

/** How a source is encoded. None of it changes what a source gives compressed already. */
export interface EncodingOptions {
  /**
   * What is sent if it can be encoded here and the viewer takes it; otherwise what both can do.
   * @default {"VP8"}
   */
  codec?: VideoCodecName;
  /** At most so many frames a second are sent. @default all that the source gives */
  fps?: number;
  /** Whether frames may be left out when the encoder or the network is behind. @default {true} */
  canSkip?: boolean;
  /** Bits per second to begin with. @default by the picture's size */
  bitrate?: number;
  /** It follows the network down to this, in bits per second. @default {50000} */
  minBitrate?: number;
  /** It follows the network up to this, in bits per second. @default the `bitrate` */
  maxBitrate?: number;
}

/** What is encoded: a producer, or anything else that gives frames. */
export type EncodingSource =
  & Source<VideoLike>
  & EncodedVideoSource
  & Partial<{
    subscribe(sink: Sink<VideoLike>): unknown;
    unsubscribe(sink: Sink<VideoLike>): void;
    onClose(): PromiseLike<void>;
    readonly error: Error | null;
  }>;

/** Who owns the encoding. */
export interface EncodingOwner {
  /** A frame of this size came from the source and was dealt with. */
  adapt(width: number, height: number, nowMs: number): void;
  /** Bits a second that the encoding is to take. */
  bitrate(): number;
  /** The source or the encoder failed. */
  failed(error: Error): void;
}

/** What is assumed when the source's frame rate is not known. */
export const USUAL_FPS = 30;
/** Key frames are large: however many ask, one is sent at most so often. */
const KEY_FRAME_INTERVAL_MS = 300;

type RawVideo = Exclude<VideoLike, EncodedVideo>;

/** From its first viewer's coming to the last one's leaving. */
export class EncodingRun {
  readonly #options: EncodingOptions;
  readonly #viewers: ReadonlySet<Viewer>;
  readonly #owner: EncodingOwner;
  readonly #origin: EncodingSource;
  readonly #feed: ViewersFeed;
  readonly #stopped = new AbortController();
  readonly #frames: VideoInbox;
  readonly #clock: SourceClock;
  readonly #formats = new PictureFormats();
  #encoder: VideoEncoder | null = null;
  #last: VideoFrame | null = null;
  #keyFrameWanted = true;
  #keyFrameMs = -Infinity;
  #askedMs = -Infinity;
  #bitrate: number | null = null;
  #nextDueUs = -Infinity;
  #capturedMs = 0;
  /** Frames of the source that were not sent since the last one that was. */
  #leftOut = 0;

  /** @param viewers those who watch it at each moment; kept by the owner */
  constructor(
    origin: EncodingSource,
    options: EncodingOptions,
    viewers: ReadonlySet<Viewer>,
    clock: SourceClock,
    owner: EncodingOwner,
  ) {
    this.#origin = origin;
    this.#options = options;
    this.#viewers = viewers;
    this.#clock = clock;
    this.#owner = owner;
    this.#feed = new ViewersFeed(viewers, clock);
    this.#frames = new VideoInbox(options.canSkip !== false, () => {
      this.#feed.restart();
      this.wantKeyFrame();
    });
    Promise.all([this.#read(origin), this.#encode()]).catch((error: Error) => {
      if (!this.#stopped.signal.aborted) owner.failed(error);
    });
  }

  /** A viewer that has no picture at all does not wait for the interval to pass. */
  welcome(viewer: Viewer): void {
    this.#feed.welcome(viewer);
    this.#keyFrameMs = -Infinity;
    this.wantKeyFrame();
  }

  /** A viewer lost its picture. */
  wantKeyFrame(): void {
    this.#keyFrameWanted = true;
    this.#askSource();
    // A source may rest; its last picture is as good as the next one, but never takes its place.
    if (this.#frames.size > 0 || this.#frames.closed) return;
    if (this.#last && this.#keyFrameAllowed()) this.#frames.put_nowait(this.#last);
  }

  /** The source ended; what it gave before is still sent. */
  end(reason = new SubscriptionClosed("Cannot encode: the source is closed")): void {
    this.#frames.close(reason);
  }

  /** Frees the encoder and lets the source go. */
  stop(): void {
    this.#stopped.abort(new SubscriptionClosed("Cannot encode: nobody watches any more"));
  }

  async #read(origin: EncodingSource): Promise<void> {
    const signal = this.#stopped.signal;
    if (origin.subscribe && origin.unsubscribe) {
      origin.subscribe(this.#frames);
      this.#askSource();
      signal.addEventListener("abort", () => origin.unsubscribe!(this.#frames), { once: true });
      return;
    }
    while (!signal.aborted) {
      this.#frames.put_nowait(await origin.get({ signal }));
      // A source that always has a value leaves everybody else a turn.
      await new Promise<void>((done) => setImmediate(done));
    }
  }

  async #encode(): Promise<void> {
    const signal = this.#stopped.signal;
    try {
      while (!signal.aborted) {
        const value = await this.#frames.get({ signal });
        const nowUs = performance.now() * 1000;
        if (isEncodedVideo(value)) {
          this.#pass(value, nowUs);
          continue;
        }
        const again = value === this.#last;
        const frame = asVideoFrame(value, nowUs);
        if (again || this.#isDue(nowUs)) await this.#encodeOne(value, frame, again, nowUs);
        if (signal.aborted) return;
        this.#owner.adapt(frame.width, frame.height, performance.now());
      }
    } finally {
      this.#encoder?.close();
    }
  }

  /** Compressed already: whoever cannot keep up misses frames until the next key frame (`pacer.ts`). */
  #pass(chunk: EncodedVideo, nowUs: number): void {
    this.#last = null;
    if (chunk.keyFrame) this.#keyFrameWanted = false;
    else if (this.#keyFrameWanted) this.#askSource();
    const timestampUs = this.#clock.stamp(chunk, chunk.timestampUs, nowUs);
    const capturedMs = takenMs(chunk.timestampUs, nowUs);
    this.#send(chunk, timestampUs, { capturedMs, encodeMs: null, targetBitrate: null });
  }

  #send(
    chunk: EncodedVideo,
    timestampUs: number,
    known: Pick<FrameFacts, "capturedMs" | "encodeMs" | "targetBitrate">,
  ): void {
    const { codec, width, height } = chunk, leftOut = this.#leftOut + this.#frames.takeReplaced();
    this.#leftOut = 0;
    this.#feed.send(chunk, toRtpTimestamp(timestampUs), {
      codec,
      width,
      height,
      leftOut,
      ...known,
    });
  }

  /** A source that encodes can make key frames, or cannot; then they are waited for. */
  #askSource(): void {
    const nowMs = performance.now();
    if (!this.#origin.requestKeyFrame || nowMs - this.#askedMs < KEY_FRAME_INTERVAL_MS) return;
    this.#askedMs = nowMs;
    try {
      this.#origin.requestKeyFrame();
    } catch (error) {
      report("a source could not make a key frame", error);
    }
  }

  async #encodeOne(
    value: RawVideo,
    frame: VideoFrame,
    again: boolean,
    nowUs: number,
  ): Promise<void> {
    this.#last = frame;
    const keyFrame = this.#keyFrameWanted && this.#keyFrameAllowed();
    if (again && !keyFrame) return;
    if (!again) this.#capturedMs = takenMs(frame.timestampUs, nowUs);
    if (this.#nobodyKeepsUp()) {
      this.#leftOut++;
      return;
    }
    const timestampUs = again
      ? this.#clock.repeat(nowUs)
      : this.#clock.stamp(value, frame.timestampUs, nowUs);
    const bitrate = this.#owner.bitrate();
    const stamped = this.#fit(frame, bitrate, timestampUs);
    this.#encoder ??= createVideoEncoder({
      codec: this.#options.codec ?? "VP8",
      width: stamped.width,
      height: stamped.height,
      fps: this.#options.fps ?? USUAL_FPS,
      bitrate,
    });
    if (this.#bitrate !== bitrate) this.#encoder.setBitrate(this.#bitrate = bitrate);
    if (keyFrame) this.#keyFrameWanted = false;
    const startMs = performance.now(), capturedMs = this.#capturedMs;
    const chunk = await this.#encoder.encode(stamped, { keyFrame });
    if (this.#stopped.signal.aborted) return;
    if (chunk === null) {
      this.#leftOut++;
      this.#keyFrameWanted ||= keyFrame;
      return;
    }
    if (chunk.keyFrame) {
      this.#keyFrameMs = performance.now();
      this.#keyFrameWanted = false; // whoever asked meanwhile gets this one
    }
    const encodeMs = performance.now() - startMs;
    this.#send(chunk, timestampUs, { capturedMs, encodeMs, targetBitrate: bitrate });
  }

  /** In the size that suits the bit rate. */
  #fit(frame: VideoFrame, bitrate: number, timestampUs: number): VideoFrame {
    const { fps = USUAL_FPS } = this.#options;
    this.#formats.update(bitrate, frame.width, frame.height, fps, performance.now());
    const { divisor } = this.#formats.format;
    const even = (pixels: number) => Math.max(2, Math.round(pixels / divisor / 2) * 2);
    const fitted = divisor === 1
      ? frame
      : frame.toI420().resize(even(frame.width), even(frame.height));
    const { width, height, format, planes } = fitted;
    return new VideoFrame({ width, height, format, planes, timestampUs });
  }

  /** A frame that would only wait is not worth its encoding; the next one is newer. */
  #nobodyKeepsUp(): boolean {
    if (this.#options.canSkip === false || this.#viewers.size === 0) return false;
    for (const { rate } of this.#viewers) if (!rate?.behind) return false;
    return true;
  }

  #keyFrameAllowed(): boolean {
    return performance.now() - this.#keyFrameMs >= KEY_FRAME_INTERVAL_MS;
  }

  /** Whether a frame is to be sent, when fewer are wanted than the source gives. */
  #isDue(nowUs: number): boolean {
    const fps = Math.min(this.#options.fps ?? Infinity, this.#formats.format.fps);
    if (fps === Infinity) return true;
    const stepUs = 1_000_000 / fps;
    if (nowUs < this.#nextDueUs - stepUs / 4) return false;
    this.#nextDueUs = Math.max(this.#nextDueUs + stepUs, nowUs);
    return true;
  }
}
