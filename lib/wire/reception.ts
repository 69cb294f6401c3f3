/** What a receiver report tells of one stream (RFC 3550, sections 6.4.1, A.3 and A.8). */

import type { ReportBlock } from "./rtcp.ts";

/** Counts one stream's packets as they come. */
export class Reception {
  readonly #ssrc: number;
  readonly #clockRate: number;
  #first: number | null = null;
  #highest = 0;
  #received = 0;
  #expectedBefore = 0;
  #receivedBefore = 0;
  #transit: number | null = null;
  #jitter = 0;
  #lastReport = 0;
  #lastReportMs = 0;

  /** Nothing came yet. */
  constructor(ssrc: number, clockRate: number = 90_000) {
    this.#ssrc = ssrc;
    this.#clockRate = clockRate;
  }

  /** A packet came, not a retransmission. */
  receive(sequence: number, timestamp: number, nowMs: number): void {
    this.#received++;
    if (this.#first === null) this.#first = this.#highest = sequence;
    const ahead = (sequence - this.#highest) << 16 >> 16;
    if (ahead > 0) this.#highest += ahead;
    const transit = Math.floor(nowMs * this.#clockRate / 1000) - timestamp | 0;
    if (this.#transit !== null) {
      const change = Math.abs(transit - this.#transit | 0);
      // A jump of the sender's clock is no jitter.
      if (change < this.#clockRate) this.#jitter += (change - this.#jitter) / 16;
    }
    this.#transit = transit;
  }

  /** A sender report came, with this NTP time. */
  senderReport(ntp: bigint, nowMs: number): void {
    this.#lastReport = Number(ntp >> 16n & 0xffffffffn);
    this.#lastReportMs = nowMs;
  }

  /** The state, and what was lost since the last call. */
  report(nowMs: number): ReportBlock {
    const expected = this.#first === null ? 0 : this.#highest - this.#first + 1;
    const expectedNow = expected - this.#expectedBefore;
    const lostNow = expectedNow - (this.#received - this.#receivedBefore);
    this.#expectedBefore = expected;
    this.#receivedBefore = this.#received;
    return {
      ssrc: this.#ssrc,
      fractionLost: lostNow > 0 ? Math.min(255, Math.floor(lostNow * 256 / expectedNow)) : 0,
      packetsLost: expected - this.#received,
      highestSequence: this.#highest >>> 0,
      jitter: Math.floor(this.#jitter),
      lastReport: this.#lastReport,
      sinceLastReport: this.#lastReport === 0
        ? 0
        : Math.floor((nowMs - this.#lastReportMs) * 65.536) >>> 0,
    };
  }
}
