/**
 * Transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01,
 * section 3.1): when each packet came, so that the sender can tell how much the network carries.
 *
 * ```text
 * behind the header and the two SSRCs of RTCP feedback:
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |      base sequence number     |      packet status count      |
 * |                 reference time                | fb pkt. count |
 * |          packet chunk         |  …            | receive deltas in 250 µs
 * ```
 * A chunk is 0|status|run length (13 bits), or 11 and seven statuses of two bits. A status is 0 for a
 * packet that did not come, 1 for one with a delta of a byte, 2 for one with a delta of two.
 */

import { packet } from "./rtcp.ts";

const TRANSPORT_FEEDBACK = 205, FORMAT = 15;
const LOST = 0, SMALL = 1, LARGE = 2;
const REFERENCE_US = 64_000, TICK_US = 250;
/** More than this is never reported at once; the rest of a larger gap is left out. */
const MAX_STATUSES = 1_000;

/** Notes when packets came, and reports it. */
export class TransportFeedback {
  readonly #arrivals = new Map<number, number>();
  #highest: number | null = null;
  /** The number that the next report begins with. */
  #base: number | null = null;
  #count = 0;

  /** Packets to be reported. */
  get size(): number {
    return this.#arrivals.size;
  }

  /** A packet with this transport-wide number came. */
  receive(sequence: number, nowMs: number): void {
    if (this.#highest === null) this.#highest = sequence;
    const number = this.#highest + ((sequence - this.#highest) << 16 >> 16);
    this.#highest = Math.max(this.#highest, number);
    if (!this.#arrivals.has(number)) this.#arrivals.set(number, nowMs * 1000);
  }

  /** A report of what came since the last one, as RTCP packets. */
  report(sender: number, media: number): Uint8Array<ArrayBuffer>[] {
    const arrived = [...this.#arrivals].sort(([a], [b]) => a - b);
    this.#arrivals.clear();
    const reports: Uint8Array<ArrayBuffer>[] = [];
    for (let at = 0; at < arrived.length;) {
      const first = arrived[at]![0];
      // Begins where the last one ended, so that lost packets in between are seen to be lost.
      const base =
        this.#base !== null && this.#base <= first && first - this.#base < MAX_STATUSES / 2
          ? this.#base
          : first;
      let end = at;
      let lastUs = Math.floor(arrived[at]![1] / REFERENCE_US) * REFERENCE_US;
      const referenceUs = lastUs;
      const statuses: number[] = [];
      const deltas: number[] = [];
      for (; end < arrived.length; end++) {
        const [number, timeUs] = arrived[end]!;
        const ticks = Math.round((timeUs - lastUs) / TICK_US);
        if (number - base >= MAX_STATUSES || ticks < -32768 || ticks > 32767) break;
        while (statuses.length < number - base) statuses.push(LOST);
        statuses.push(ticks >= 0 && ticks <= 255 ? SMALL : LARGE);
        deltas.push(ticks);
        lastUs += ticks * TICK_US;
      }
      reports.push(this.#encode(sender, media, base, referenceUs, statuses, deltas));
      this.#base = base + statuses.length;
      at = end;
    }
    return reports;
  }

  #encode(
    sender: number,
    media: number,
    base: number,
    referenceUs: number,
    statuses: readonly number[],
    deltas: readonly number[],
  ): Uint8Array<ArrayBuffer> {
    const chunks = chunksOf(statuses);
    const deltaBytes = deltas.reduce((sum, ticks) => sum + (ticks >= 0 && ticks <= 255 ? 1 : 2), 0);
    const used = 20 + 2 * chunks.length + deltaBytes;
    const { bytes, view } = packet(TRANSPORT_FEEDBACK, FORMAT, (used + 3) & ~3);
    view.setUint32(4, sender);
    view.setUint32(8, media);
    view.setUint16(12, base & 0xffff);
    view.setUint16(14, statuses.length);
    view.setUint32(16, (Math.floor(referenceUs / REFERENCE_US) & 0xffffff) << 8 | this.#count);
    this.#count = this.#count + 1 & 0xff;
    chunks.forEach((chunk, i) => view.setUint16(20 + 2 * i, chunk));
    let at = 20 + 2 * chunks.length;
    for (const ticks of deltas) {
      if (ticks >= 0 && ticks <= 255) view.setUint8(at++, ticks);
      else {
        view.setInt16(at, ticks);
        at += 2;
      }
    }
    const padding = bytes.length - used;
    if (padding > 0) {
      bytes[0]! |= 0x20; // RFC 3550 section 6.4.1: the last byte says how many are padding
      bytes[bytes.length - 1] = padding;
    }
    return bytes;
  }
}

function chunksOf(statuses: readonly number[]): number[] {
  const chunks: number[] = [];
  for (let at = 0; at < statuses.length;) {
    const status = statuses[at]!;
    let run = 1;
    while (statuses[at + run] === status && run < 0x1fff) run++;
    if (run >= 7 || at + run === statuses.length) {
      chunks.push(status << 13 | run);
      at += run;
      continue;
    }
    let chunk = 0xc000;
    for (let i = 0; i < 7; i++) chunk |= (statuses[at + i] ?? LOST) << 12 - 2 * i;
    chunks.push(chunk);
    at += 7;
  }
  return chunks;
}
