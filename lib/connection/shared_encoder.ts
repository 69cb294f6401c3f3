/**
 * One encoder for all who watch the same source. A frame is encoded and cut into packets once; what a
 * further viewer costs is its packets' encryption and sending. Key frames that several viewers want are
 * one key frame. With the last viewer the encoder is freed and the source let go.
 */
import { createVideoEncoder } from "../codecs/choose.ts";
import type { VideoEncoder } from "../codecs/codec.ts";
import { SubscriptionClosed } from "../errors.ts";
import { VideoFrame } from "../media/video_frame.ts";
import { MostRecentSubscription } from "../subscriptions/most_recent.ts";
import { producerOf } from "../subscriptions/origin.ts";
import { Queue } from "../subscriptions/queue.ts";
import type { Sink, Source } from "../subscriptions/types.ts";
import { packetizeVp8 } from "../wire/vp8_rtp.ts";
import { MediaClock, toRtpTimestamp } from "./media_clock.ts";
import { asVideoFrame, type VideoLike } from "./video_like.ts";

/** An encoded frame, ready to be sent to any number of viewers. */
export interface SharedFrame {
  readonly payloads: readonly Uint8Array<ArrayBuffer>[];
  readonly timestamp90kHz: number;
  readonly keyFrame: boolean;
}

/** Who watches. Its calls must not block and must not throw. */
export interface Viewer {
  /** The payload size that fits its packets. */
  readonly maxPayload: number;
  frame(frame: SharedFrame): void;
  /** The encoder or the source failed, and no frame will follow. */
  failed(error: Error): void;
}

/** How a source is encoded. */
export interface EncodingOptions {
  /** At most so many frames a second are sent. @default all that the source gives */
  fps?: number;
  /** Whether frames may be left out when the encoder is behind. @default {true} */
  canSkip?: boolean;
  /** Bits per second. @default by the picture's size */
  bitrate?: number;
}

/** Key frames are large: however many ask, one is sent at most so often. */
const KEY_FRAME_INTERVAL_MS = 300;
/** Frames that wait for the encoder when none may be skipped. */
const QUEUE_LIMIT = 60;
/** What the encoder is told when the source's rate is not known. */
const USUAL_FPS = 30;

const encoders = new WeakMap<object, Map<string, SharedEncoder>>();

/** The encoder of a source: the same one for the same producer, or any subscription of it. */
export function sharedEncoder(
  source: Source<VideoLike>,
  options: EncodingOptions = {},
): SharedEncoder {
  const origin = producerOf(source) ?? source;
  const key = JSON.stringify([options.fps, options.canSkip, options.bitrate]);
  let ofOrigin = encoders.get(origin);
  if (!ofOrigin) encoders.set(origin, ofOrigin = new Map());
  let encoder = ofOrigin.get(key);
  if (!encoder) ofOrigin.set(key, encoder = new SharedEncoder(origin as Origin, options));
  return encoder;
}

type Origin =
  & Source<VideoLike>
  & Partial<{
    subscribe(sink: Sink<VideoLike>): unknown;
    unsubscribe(sink: Sink<VideoLike>): void;
    onClose(): PromiseLike<void>;
    readonly error: Error | null;
  }>;
type Frames = MostRecentSubscription<VideoLike> | Queue<VideoLike>;

/** One source, its encoder, and its viewers. */
export class SharedEncoder {
  readonly #origin: Origin;
  readonly #options: EncodingOptions;
  readonly #viewers = new Set<Viewer>();
  #run: EncodingRun | null = null;

  constructor(origin: Origin, options: EncodingOptions) {
    this.#origin = origin;
    this.#options = options;
    // A producer does not close what others subscribed to it.
    origin.onClose?.().then(() => this.#run?.end(origin.error ?? undefined));
  }

  /** How many watch. */
  get viewers(): number {
    return this.#viewers.size;
  }

  /** Begins to send to a viewer, first of all a key frame. */
  join(viewer: Viewer): void {
    this.#viewers.add(viewer);
    if (this.#run) return this.#run.welcome(viewer);
    const ended = () => this.#stop();
    this.#run = new EncodingRun(this.#origin, this.#options, this.#viewers, ended);
  }

  /** Ends sending to a viewer; does nothing when it does not watch. */
  leave(viewer: Viewer): void {
    this.#viewers.delete(viewer);
    if (this.#viewers.size === 0) this.#stop();
  }

  /** A viewer lost its picture. */
  requestKeyFrame(): void {
    this.#run?.wantKeyFrame();
  }

  #stop(): void {
    this.#run?.stop();
    this.#run = null;
  }
}

/** From the first viewer's coming to the last one's leaving. */
class EncodingRun {
  readonly #options: EncodingOptions;
  readonly #viewers: Set<Viewer>;
  /** Those who have had a key frame, without which the frames that follow are noise. */
  readonly #begun = new WeakSet<Viewer>();
  readonly #stopped = new AbortController();
  readonly #frames: Frames;
  readonly #clock = new MediaClock();
  #encoder: VideoEncoder | null = null;
  #last: VideoFrame | null = null;
  #keyFrameWanted = true;
  #keyFrameMs = -Infinity;
  #pictureId = 0;
  #nextDueUs = -Infinity;

  constructor(
    origin: Origin,
    options: EncodingOptions,
    viewers: Set<Viewer>,
    ended: () => void,
  ) {
    this.#options = options;
    this.#viewers = viewers;
    this.#frames = options.canSkip === false
      ? new Queue<VideoLike>({ maxSize: QUEUE_LIMIT })
      : new MostRecentSubscription<VideoLike>();
    Promise.all([this.#read(origin), this.#encode()]).catch((error: Error) => {
      if (this.#stopped.signal.aborted) return;
      const left = [...viewers];
      viewers.clear();
      ended();
      for (const viewer of left) viewer.failed(error);
    });
  }

  /** A viewer that has no picture at all does not wait for the interval to pass. */
  welcome(viewer: Viewer): void {
    this.#begun.delete(viewer);
    this.#keyFrameMs = -Infinity;
    this.wantKeyFrame();
  }

  wantKeyFrame(): void {
    this.#keyFrameWanted = true;
    // A source may rest; its last picture is as good as the next one, but never takes its place.
    if (this.#frames.size > 0 || this.#frames.closed) return;
    if (this.#last && this.#keyFrameAllowed()) this.#frames.put_nowait(this.#last);
  }

  /** The source ended; what it gave before is still sent. */
  end(reason = new SubscriptionClosed("Cannot encode: the source is closed")): void {
    this.#frames.close(reason);
  }

  stop(): void {
    this.#stopped.abort(new SubscriptionClosed("Cannot encode: nobody watches any more"));
  }

  async #read(origin: Origin): Promise<void> {
    const signal = this.#stopped.signal;
    if (origin.subscribe && origin.unsubscribe) {
      origin.subscribe(this.#frames);
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
        const again = value === this.#last;
        const frame = asVideoFrame(value, nowUs);
        if (again || this.#isDue(nowUs)) await this.#encodeOne(frame, again, nowUs);
      }
    } finally {
      this.#encoder?.close();
    }
  }

  async #encodeOne(frame: VideoFrame, again: boolean, nowUs: number): Promise<void> {
    this.#last = frame;
    const keyFrame = this.#keyFrameWanted && this.#keyFrameAllowed();
    if (again && !keyFrame) return;
    const timestampUs = this.#clock.stamp(again ? nowUs : frame.timestampUs, nowUs);
    this.#encoder ??= createVideoEncoder({
      width: frame.width,
      height: frame.height,
      fps: this.#options.fps ?? USUAL_FPS,
      ...(this.#options.bitrate ? { bitrate: this.#options.bitrate } : {}),
    });
    if (keyFrame) this.#keyFrameWanted = false;
    const { width, height, format, planes } = frame;
    const stamped = new VideoFrame({ width, height, format, planes, timestampUs });
    const chunk = await this.#encoder.encode(stamped, { keyFrame });
    if (this.#stopped.signal.aborted) return;
    if (chunk === null) {
      this.#keyFrameWanted ||= keyFrame;
      return;
    }
    if (chunk.keyFrame) {
      this.#keyFrameMs = performance.now();
      this.#keyFrameWanted = false; // whoever asked meanwhile gets this one
    }
    this.#send(chunk.data, chunk.keyFrame, toRtpTimestamp(timestampUs));
  }

  #send(data: Uint8Array, keyFrame: boolean, timestamp90kHz: number): void {
    const pictureId = this.#pictureId++ & 0x7fff;
    const cuts = new Map<number, SharedFrame>();
    for (const viewer of this.#viewers) {
      if (keyFrame) this.#begun.add(viewer);
      else if (!this.#begun.has(viewer)) continue;
      let cut = cuts.get(viewer.maxPayload);
      if (!cut) {
        const payloads = packetizeVp8(data, pictureId, viewer.maxPayload);
        cuts.set(viewer.maxPayload, cut = { payloads, timestamp90kHz, keyFrame });
      }
      viewer.frame(cut);
    }
  }

  #keyFrameAllowed(): boolean {
    return performance.now() - this.#keyFrameMs >= KEY_FRAME_INTERVAL_MS;
  }

  /** Whether a frame is to be sent, when fewer are wanted than the source gives. */
  #isDue(nowUs: number): boolean {
    const { fps } = this.#options;
    if (fps === undefined) return true;
    const stepUs = 1_000_000 / fps;
    if (nowUs < this.#nextDueUs - stepUs / 4) return false;
    this.#nextDueUs = Math.max(this.#nextDueUs + stepUs, nowUs);
    return true;
  }
}
