/**
 * What RTP time it is at a moment, for sender reports (RFC 3550, section 6.4.1), by which a receiver plays
 * sound and picture of one robot in step. RTP time begins on our clock (`media_clock.ts`,
 * `audio_packetizer.ts`), and what is sent was captured a little before:
 *
 *     captured at   |-|-|-|-|-|-|-|        RTP time of the source
 *     sent at          | |   ||  | |       later by encoding, blocks, whatever holds it up
 *
 * The shortest of the last delays tells how far the source's clock has drifted from ours. Pure: the present
 * is an argument.
 */

/** The shortest delay is that of so long, and up to twice as long. */
const WINDOW_MS = 10_000;

/** Follows the clock of what one sender sends. */
export class ReportClock {
  readonly #rateHz: number;
  readonly #shortestMs: number;
  #thisWindow = Infinity;
  #lastWindow = Infinity;
  #endMs = -Infinity;

  /**
   * @param rateHz RTP time units in a second
   * @param shortestMs the delay of what is sent without any loss of time: a frame of sound has to be over
   */
  constructor(rateHz: number, shortestMs: number) {
    this.#rateHz = rateHz;
    this.#shortestMs = shortestMs;
  }

  /** Something is sent now. @param timestamp its RTP time, in 32 bits */
  sent(timestamp: number, nowMs: number): void {
    if (nowMs >= this.#endMs) {
      const follows = nowMs < this.#endMs + WINDOW_MS;
      this.#lastWindow = follows ? this.#thisWindow : Infinity;
      this.#thisWindow = Infinity;
      this.#endMs = nowMs + WINDOW_MS;
    }
    const delayMs = (this.#ticks(nowMs) - timestamp | 0) * 1000 / this.#rateHz;
    this.#thisWindow = Math.min(this.#thisWindow, delayMs);
  }

  /** The RTP time, in 32 bits, of what is captured at this moment. */
  at(nowMs: number): number {
    const shortest = Math.min(this.#thisWindow, this.#lastWindow);
    const driftMs = shortest === Infinity ? 0 : shortest - this.#shortestMs;
    return this.#ticks(nowMs - driftMs);
  }

  #ticks(ms: number): number {
    return Math.round(ms * this.#rateHz / 1000) % 2 ** 32 >>> 0;
  }
}
