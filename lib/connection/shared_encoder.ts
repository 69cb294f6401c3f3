/**
 * One encoder for all who watch the same source. A frame is encoded and cut into packets once; what a
 * further viewer costs is its packets' encryption and sending. Key frames that several viewers want are
 * one key frame. With the last viewer the encoder is freed and the source let go.
 *
 * The bit rate follows the viewers' networks. When they differ much, the source is encoded a second and
 * third time, at lower rates, for those who cannot take the first (`encoding_ladder.ts`). Viewers with
 * another codec have an encoder of their own; what a source gives compressed already is passed on to all.
 */
import { defaultBitrate } from "../codecs/codec.ts";
import { producerOf } from "../subscriptions/origin.ts";
import type { Source } from "../subscriptions/types.ts";
import { EncodingLadder, type LadderOptions, type Rung } from "./encoding_ladder.ts";
import {
  type EncodingOptions,
  EncodingRun,
  type EncodingSource,
  USUAL_FPS,
} from "./encoding_run.ts";
import { codecGiven } from "./sent_codecs.ts";
import { SourceClock } from "./source_clock.ts";
import type { VideoLike } from "../media/video_like.ts";
import type { Viewer } from "./viewers_feed.ts";

export type { EncodingOptions } from "./encoding_run.ts";
export type { SharedFrame, Viewer } from "./viewers_feed.ts";

/** How often the viewers' networks are looked at. */
const ADAPT_MS = 100;
/** Less than this is asked of no encoder, unless a lower rate is wanted from the start. */
const LEAST_BITRATE = 50_000;

const encoders = new WeakMap<object, Map<string, SharedEncoder>>();

/** The encoder of a source: the same one for the same producer, or any subscription of it. */
export function sharedEncoder(
  source: Source<VideoLike>,
  options: EncodingOptions = {},
): SharedEncoder {
  const origin = producerOf(source) ?? source;
  const { codec = "VP8", fps, canSkip, bitrate, minBitrate, maxBitrate } = options;
  const key = codecGiven(origin)
    ? "as it is"
    : JSON.stringify([codec, fps, canSkip, bitrate, minBitrate, maxBitrate]);
  let ofOrigin = encoders.get(origin);
  if (!ofOrigin) encoders.set(origin, ofOrigin = new Map());
  let encoder = ofOrigin.get(key);
  if (!encoder) ofOrigin.set(key, encoder = new SharedEncoder(origin as EncodingSource, options));
  return encoder;
}

/** One source, its encoder, and its viewers. */
export class SharedEncoder {
  readonly #origin: EncodingSource;
  readonly #options: EncodingOptions;
  readonly #viewers = new Set<Viewer>();
  readonly #runs = new Map<Rung<Viewer>, EncodingRun>();
  #ladder: EncodingLadder<Viewer> | null = null;
  #clock = new SourceClock();
  #adaptedMs = -Infinity;
  #size: { width: number; height: number } | null = null;

  constructor(origin: EncodingSource, options: EncodingOptions) {
    this.#origin = origin;
    this.#options = options;
    // A producer does not close what others subscribed to it.
    origin.onClose?.().then(() => {
      for (const run of this.#runs.values()) run.end(origin.error ?? undefined);
    });
  }

  /** How many watch. */
  get viewers(): number {
    return this.#viewers.size;
  }

  /** How many encodings are made of the source at present. */
  get encodings(): number {
    return this.#runs.size;
  }

  /** Begins to send to a viewer, first of all a key frame. */
  join(viewer: Viewer): void {
    this.#viewers.add(viewer);
    this.#ladder ??= new EncodingLadder(
      this.#bounds(),
      ({ rate }) => rate ?? null,
      // What can only be read once cannot be encoded twice.
      this.#origin.subscribe && this.#origin.unsubscribe ? undefined : 1,
    );
    this.#ladder.join(viewer);
    if (this.#size) viewer.rate?.begin(this.#ladder.rungs[0]!.bitrate);
    const run = this.#runs.get(this.#ladder.rungs[0]!);
    if (run) run.welcome(viewer);
    else this.#follow();
  }

  /** Ends sending to a viewer; does nothing when it does not watch. */
  leave(viewer: Viewer): void {
    this.#viewers.delete(viewer);
    this.#ladder?.leave(viewer);
    if (this.#viewers.size === 0) this.#stop();
    else this.#follow();
  }

  /** A viewer lost its picture; without saying which, all get a key frame. */
  requestKeyFrame(viewer?: Viewer): void {
    for (const [{ viewers }, run] of this.#runs) {
      if (!viewer || viewers.has(viewer)) run.wantKeyFrame();
    }
  }

  /** A run has sent a frame of the source. */
  #adapt(width: number, height: number, nowMs: number): void {
    const ladder = this.#ladder;
    if (!ladder) return;
    if (this.#size?.width !== width || this.#size.height !== height) {
      const first = this.#size === null;
      this.#size = { width, height };
      ladder.bound(this.#bounds());
      if (first) {
        for (const viewer of this.#viewers) viewer.rate?.begin(ladder.rungs[0]!.bitrate);
      }
      this.#follow();
    }
    if (nowMs - this.#adaptedMs < ADAPT_MS) return;
    this.#adaptedMs = nowMs;
    const before = new Map(
      ladder.rungs.flatMap((rung) => [...rung.viewers].map((viewer) => [viewer, rung])),
    );
    ladder.update(nowMs);
    this.#follow();
    for (const rung of ladder.rungs) {
      for (const viewer of rung.viewers) {
        if (before.get(viewer) !== rung) this.#runs.get(rung)!.welcome(viewer);
      }
    }
  }

  /** Brings the runs to what the ladder says. */
  #follow(): void {
    const rungs = this.#ladder?.rungs ?? [];
    for (const [rung, run] of this.#runs) {
      if (rungs.includes(rung)) continue;
      this.#runs.delete(rung);
      run.stop();
    }
    for (const rung of rungs) {
      let run = this.#runs.get(rung);
      if (!run) {
        run = new EncodingRun(this.#origin, this.#options, rung.viewers, this.#clock, {
          adapt: (width, height, nowMs) => this.#adapt(width, height, nowMs),
          bitrate: () => rung.bitrate,
          failed: (error) => this.#failed(error),
        });
        this.#runs.set(rung, run);
      }
    }
  }

  #bounds(): LadderOptions {
    const { fps = USUAL_FPS, bitrate, minBitrate = LEAST_BITRATE, maxBitrate } = this.#options;
    const { width, height } = this.#size ?? { width: 640, height: 480 };
    const usual = bitrate ?? defaultBitrate(width, height, fps);
    const most = maxBitrate ?? usual, start = Math.min(usual, most);
    return { start, least: Math.min(minBitrate, start), most };
  }

  #failed(error: Error): void {
    const left = [...this.#viewers];
    this.#viewers.clear();
    this.#stop();
    for (const viewer of left) viewer.failed(error);
  }

  #stop(): void {
    for (const run of this.#runs.values()) run.stop();
    this.#runs.clear();
    this.#ladder = null;
    this.#size = null;
    this.#clock = new SourceClock();
  }
}
