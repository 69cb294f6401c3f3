/**
 * What one viewer is sent and when: the estimate of its link, the pace at which packets leave, and the
 * rate that an encoder may take. Pure: time and packets' sizes are arguments; whoever owns it sends.
 */
import {
  BandwidthEstimator,
  type BandwidthOptions,
  type PacketArrivals,
} from "./bandwidth_estimator.ts";
import { type Paced, Pacer } from "./pacer.ts";

/** Packets leave so much quicker than the mean rate, so that a frame does not wait for the next one. */
const PACE = 2.5;
/** And at least so much quicker where the link holds packets up. */
const HELD_UP_PACE = 1.3;
/** The pace of the first frames, before anything is known: a first key frame of 60 kB in 50 ms. */
const FIRST_PACE = 10_000_000;
/** Above this nothing is held back any more. */
const HIGHEST_PACE = 200_000_000;
/** While no packet is held up on the way, the pace is doubled so often. */
const DOUBLE_MS = 250;
/** RTP header, extensions, SRTP tag, UDP and IP of a packet of the usual size, as a part of it. */
const OVERHEAD = 0.07;
/** More waiting than this, and frames had better not be encoded. */
const BEHIND_MS = 120;

/** What is known of a viewer's link. */
export interface LinkState {
  /** Bits a second that the link is believed to take. */
  readonly bitrate: number;
  /** Bits a second that frames were seen to pass with, if known. */
  readonly passage: number | null;
  /** The part of the packets that is lost, 0 to 1. */
  readonly loss: number;
  /** There and back, in ms, if known. */
  readonly roundTripMs: number | null;
  /** What waits here and on the way, in ms. */
  readonly queueMs: number;
  /** Whether any feedback came yet. */
  readonly proven: boolean;
  /** When a queue was last seen to grow. */
  readonly congestedMs: number;
}

/** Controls the sending to one viewer. */
export class SendControl<P extends Paced> {
  readonly #estimator: BandwidthEstimator;
  readonly #pacer: Pacer<P>;
  #doubledMs = -Infinity;

  constructor(options: BandwidthOptions) {
    this.#estimator = new BandwidthEstimator(options);
    this.#pacer = new Pacer(Math.max(FIRST_PACE, PACE * options.startBitrate));
  }

  /** Bits a second that an encoder may make for this viewer. */
  get mediaBitrate(): number {
    const { target, loss } = this.#estimator;
    return target * (1 - OVERHEAD) * (1 - Math.min(loss, 0.5)); // what is lost is sent again
  }

  /** Whether so much waits that a frame had better be left out before it is encoded. */
  behind(nowMs: number): boolean {
    return this.#pacer.queueMs > BEHIND_MS || this.#estimator.full(nowMs);
  }

  /** What is known of the link. */
  get link(): LinkState {
    const { bitrate, passage, loss, roundTripMs, queueMs, proven, congestedMs } = this.#estimator;
    const waitMs = queueMs + this.#pacer.queueMs;
    return { bitrate, passage, loss, roundTripMs, queueMs: waitMs, proven, congestedMs };
  }

  /** Another first rate; has no effect once feedback came. */
  begin(bitrate: number, nowMs: number): void {
    this.#estimator.begin(bitrate / (1 - OVERHEAD));
    if (!this.#estimator.proven) {
      this.#pacer.setBitrate(Math.max(FIRST_PACE, PACE * this.#estimator.target), nowMs);
    }
  }

  /** Forgets all that waits. */
  drop(): void {
    this.#pacer.drop();
  }

  /** See {@linkcode Pacer.frame}: false when it was dropped, and a key frame must come. */
  frame(packets: readonly P[], keyFrame: boolean, nowMs: number): boolean {
    return this.#pacer.frame(packets, keyFrame, nowMs);
  }

  /** See {@linkcode Pacer.repair}. */
  repair(packet: P, nowMs: number): boolean {
    return this.#pacer.repair(packet, nowMs);
  }

  /** The packet to send now, or `null`; to be asked until it gives none. */
  take(nowMs: number): P | null {
    return this.#pacer.take(nowMs);
  }

  /** In how many ms `take` will give something; `null` when nothing waits. */
  waitMs(nowMs: number): number | null {
    return this.#pacer.waitMs(nowMs);
  }

  /** A packet left; see {@linkcode BandwidthEstimator.sent}. */
  sent(number: number, bytes: number, nowMs: number, train: number): void {
    this.#estimator.sent(number, bytes, nowMs, train);
  }

  /** Transport-wide feedback came. */
  arrivals(arrivals: PacketArrivals, nowMs: number): void {
    this.#estimator.arrivals(arrivals, nowMs);
    this.#pace(nowMs);
  }

  /** The viewer's own estimate came, in bits a second. */
  remb(bitrate: number, nowMs: number): void {
    this.#estimator.remb(bitrate, nowMs);
    this.#pace(nowMs);
  }

  /** A receiver report came: the part that was lost, and the round trip if it tells. */
  report(fractionLost: number, roundTripMs: number | null, nowMs: number): void {
    this.#estimator.report(fractionLost, roundTripMs, nowMs);
    this.#pace(nowMs);
  }

  /** To be called about once with each frame. */
  tick(nowMs: number): void {
    this.#estimator.tick(nowMs);
  }

  /** As quick as the link was seen to be; more, step by step, while it holds nothing up. */
  #pace(nowMs: number): void {
    const { heldUp, passage, target } = this.#estimator;
    // What leaves no quicker than the link takes it does not wait there, and looks like no queue.
    const lowest = (heldUp ? HELD_UP_PACE : PACE) * target;
    let pace = this.#pacer.bitrate;
    if (heldUp && passage !== null) pace = passage;
    else if (heldUp === false && nowMs - this.#doubledMs >= DOUBLE_MS) {
      this.#doubledMs = nowMs;
      pace *= 2;
    }
    this.#pacer.setBitrate(Math.min(Math.max(pace, lowest), HIGHEST_PACE), nowMs);
  }
}
