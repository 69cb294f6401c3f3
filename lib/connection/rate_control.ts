/**
 * The rate that the delay allows: up while no queue grows, down at once when one does. Section 5.5 of
 * draft-ietf-rmcat-gcc-02, but quicker upwards where the frames' packets show that the link is. Pure.
 */
import type { Usage } from "./delay_detector.ts";

/** What the rate is decided by. */
export interface RateEvidence {
  readonly usage: Usage;
  /** Bits a second that arrive; `null` while that is not known. */
  readonly arriving: number | null;
  /** Bits a second that the link was seen to take in short; `null` while that is not known. */
  readonly passage: number | null;
  /** The source sends much less than it may. */
  readonly idle: boolean;
  readonly roundTripMs: number;
}

/** Section 5.5: what is left of the rate that arrives when a queue grows. */
const DECREASE = 0.85;
/** By which the rate grows in a second: as the draft has it, and with the link seen to be quicker. */
const GROWTH = 1.08, QUICK_GROWTH = 1.6;
/** The link is taken for quicker when it passed this much more than the rate. */
const ROOM = 1.25;
/** The rate does not grow above so much of what arrives: more was never proven. */
const PROVEN = 1.5, PROVEN_EXTRA = 10_000;
/** What arrives without a queue is carried, whatever was believed. */
const CARRIED = 0.85;
/** Near to where it was too much before, a packet more in a response time is enough. */
const PACKET_BITS = 1_200 * 8, RESPONSE_MS = 100, SLOWEST_GROWTH = 4_000;
/** What is known of the link's capacity is of no use any more when nothing confirmed it for so long. */
const CAPACITY_MS = 15_000;

/** Follows one link. */
export class RateControl {
  #bitrate: number;
  #state: "hold" | "increase" = "increase";
  #updatedMs: number | null = null;
  #decreasedMs = -Infinity;
  #capacity: { mean: number; deviation: number; atMs: number } | null = null;

  constructor(start: number) {
    this.#bitrate = start;
  }

  /** Bits a second. */
  get bitrate(): number {
    return this.#bitrate;
  }

  /** When a queue was last seen to grow. */
  get decreasedMs(): number {
    return this.#decreasedMs;
  }

  /** Puts another rate in the place of the present one, as when something else bounds it. */
  limit(bitrate: number): void {
    this.#bitrate = Math.min(this.#bitrate, bitrate);
  }

  /** Takes feedback in; to be called once with each. */
  update(evidence: RateEvidence, nowMs: number): void {
    const passedMs = Math.min(nowMs - (this.#updatedMs ?? nowMs), 1_000);
    this.#updatedMs = nowMs;
    if (evidence.usage === "over") {
      this.#decrease(evidence, nowMs);
      this.#state = "hold";
    } else if (evidence.usage === "under") {
      this.#state = "hold";
    } else if (this.#state === "hold") {
      this.#state = "increase";
    } else {
      this.#increase(evidence, passedMs / 1_000, nowMs);
    }
  }

  #decrease({ arriving, idle, roundTripMs }: RateEvidence, nowMs: number): void {
    const pauseMs = Math.min(200, Math.max(10, roundTripMs));
    const rate = arriving ?? this.#bitrate;
    if (nowMs - this.#decreasedMs < pauseMs && rate > this.#bitrate / 2) return;
    // Of a source that rests, what arrives says nothing about the link.
    const to = DECREASE * (idle ? Math.max(rate, this.#bitrate) : rate);
    this.#decreasedMs = nowMs;
    if (!idle && arriving !== null) this.#noteCapacity(arriving, nowMs);
    this.#bitrate = Math.min(this.#bitrate, to);
  }

  #increase(evidence: RateEvidence, seconds: number, nowMs: number): void {
    const { arriving, passage, roundTripMs } = evidence;
    const proven = arriving === null ? this.#bitrate : PROVEN * arriving + PROVEN_EXTRA;
    let bitrate: number;
    if (this.#nearCapacity(arriving, nowMs)) {
      const growth = PACKET_BITS / (roundTripMs + RESPONSE_MS) * 1_000;
      bitrate = this.#bitrate + Math.max(SLOWEST_GROWTH, growth) * seconds;
    } else {
      const quick = passage !== null && passage > ROOM * this.#bitrate;
      bitrate = this.#bitrate * (quick ? QUICK_GROWTH : GROWTH) ** seconds;
    }
    const carried = CARRIED * (arriving ?? 0);
    this.#bitrate = Math.max(this.#bitrate, Math.min(bitrate, proven), carried);
  }

  #nearCapacity(arriving: number | null, nowMs: number): boolean {
    const capacity = this.#capacity;
    if (capacity === null || arriving === null) return false;
    const margin = Math.max(3 * capacity.deviation, capacity.mean * 0.1);
    if (arriving > capacity.mean + margin || nowMs - capacity.atMs > CAPACITY_MS) {
      this.#capacity = null; // the link became quicker
      return false;
    }
    return this.#bitrate > capacity.mean - margin;
  }

  /** Section 5.5: the mean of what arrived when queues grew, and how much it differed. */
  #noteCapacity(arriving: number, nowMs: number): void {
    const known = this.#capacity;
    if (known === null || Math.abs(arriving - known.mean) > 3 * known.deviation) {
      this.#capacity = { mean: arriving, deviation: arriving * 0.05, atMs: nowMs };
      return;
    }
    known.mean += 0.05 * (arriving - known.mean);
    known.deviation += 0.05 * (Math.abs(arriving - known.mean) - known.deviation);
    known.deviation = Math.max(known.deviation, 0.02 * known.mean);
    known.atMs = nowMs;
  }
}
