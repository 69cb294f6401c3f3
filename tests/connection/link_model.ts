/**
 * A network path in simulated time: a slowest link with a drop-tail queue, then a delay with jitter, and
 * random loss. With the same seed the same packets are lost.
 */
import { randomFrom } from "../../lib/testing/random.ts";

/** What the path is like; it may be changed at any time. */
export interface LinkConditions {
  /** Bits a second. */
  bitrate: number;
  /** What the queue before the slowest link holds, in bytes. */
  queueBytes: number;
  /** One way, in ms. */
  delayMs: number;
  /** Up to so much more for each packet; their order stays. */
  jitterMs: number;
  /** The part of the packets that is lost. */
  loss: number;
}

/** One direction of a path. */
export class LinkModel<P> {
  readonly conditions: LinkConditions;
  readonly #random: () => number;
  readonly #under: { packet: P; arrivesMs: number }[] = [];
  #freeMs = 0;
  #lastMs = 0;

  constructor(conditions: LinkConditions, seed: number) {
    this.conditions = conditions;
    this.#random = randomFrom(seed);
  }

  /** @returns false when the packet was dropped or lost */
  send(packet: P, bytes: number, nowMs: number): boolean {
    const { bitrate, queueBytes, delayMs, jitterMs, loss } = this.conditions;
    const waitMs = Math.max(0, this.#freeMs - nowMs);
    if (waitMs * bitrate / 8_000 + bytes > queueBytes) return false;
    this.#freeMs = nowMs + waitMs + bytes * 8_000 / bitrate;
    if (this.#random() < loss) return false;
    const arrivesMs = this.#freeMs + delayMs + jitterMs * this.#random();
    this.#lastMs = Math.max(this.#lastMs, arrivesMs);
    this.#under.push({ packet, arrivesMs: this.#lastMs });
    return true;
  }

  /** What has arrived by now, in order. */
  *arrived(nowMs: number): Generator<{ packet: P; arrivesMs: number }> {
    while (this.#under[0] && this.#under[0].arrivesMs <= nowMs) yield this.#under.shift()!;
  }
}
