/** How long an acknowledgement may take: RFC 9260, section 6.3.1. */

const ALPHA = 1 / 8; // RTO.Alpha, section 16
const BETA = 1 / 4; // RTO.Beta

/** The bounds of the retransmission time-out; a robot's command cannot wait the second of the RFC. */
export interface RtoOptions {
  /** Before anything was measured. @default 500 */
  readonly initialMs?: number;
  /** The shortest. @default 300, longer than peers hold back an acknowledgement (200 ms) */
  readonly minMs?: number;
  /** Small, so that a link that comes back is noticed soon. @default 2000 */
  readonly maxMs?: number;
}

/** The retransmission time-out of one path, from measured round trips. */
export class Rto {
  readonly #minMs: number;
  readonly #maxMs: number;
  #variationMs = 0;
  /** The smoothed round trip; 0 until the first measurement. */
  smoothedMs = 0;
  /** The time-out to use now. */
  currentMs: number;

  /** @param options the bounds */
  constructor(options: RtoOptions = {}) {
    this.currentMs = options.initialMs ?? 500;
    this.#minMs = options.minMs ?? 300;
    this.#maxMs = options.maxMs ?? 2000;
  }

  /** Takes in the round trip of a chunk that was sent once. */
  measure(roundTripMs: number): void {
    if (this.smoothedMs === 0) {
      this.smoothedMs = Math.max(roundTripMs, 0.001);
      this.#variationMs = roundTripMs / 2;
    } else {
      const off = Math.abs(this.smoothedMs - roundTripMs);
      this.#variationMs += BETA * (off - this.#variationMs);
      this.smoothedMs += ALPHA * (roundTripMs - this.smoothedMs);
    }
    const timeout = this.smoothedMs + 4 * this.#variationMs;
    this.currentMs = Math.min(Math.max(timeout, this.#minMs), this.#maxMs);
  }

  /** Rule E2 of section 6.3.3: after a time-out, wait twice as long. */
  backOff(): void {
    this.currentMs = Math.min(this.currentMs * 2, this.#maxMs);
  }
}
