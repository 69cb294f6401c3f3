/**
 * Which packets of an RTP stream are taken, and where they belong: sequence numbers go on beyond 16 bits
 * and time stamps beyond 32, doubles are left out, and a sender that begins anew is told from a packet
 * that does not belong (RFC 3550, appendix A.1).
 */

/** A packet at its place. */
export interface OrderedPacket {
  /** Counted on beyond 16 bits. */
  readonly sequence: number;
  /** Counted on beyond 32 bits. */
  readonly timestamp: number;
  readonly arrivalMs: number;
  /** Samples of each channel. */
  readonly samples: number;
  readonly data: Uint8Array;
}

/** A packet as it came: `sequence` has 16 bits, `timestamp` 32. */
export type RawPacket = OrderedPacket;

const PER_MS = 48;
/** A packet as far from the others as this is from another stream, or the sender's clock was set. */
const OTHER_STREAM_MS = 1500;
const OTHER_STREAM_PACKETS = 1000;
/** Two packets no further apart than this belong together. */
const NEAR_PACKETS = 10;
/** Doubles are known as such among so many packets. */
const MEMORY = 1024;

/** See the head of this file. Pure. */
export class PacketOrder {
  readonly #seen = new Float64Array(MEMORY).fill(-1);
  #newest: { sequence: number; timestamp: number } | null = null;
  /** A packet of what may be another stream; the next one tells. */
  #stranger: RawPacket | null = null;

  /**
   * The packet at its place. `"double"`: it came before. `"stranger"`: it is left out, for it does not
   * belong. Else two packets, this and the one before, that begin another stream; order begins anew.
   *
   * @param baseMs the usual difference between arrival and time stamp, see arrivals.ts
   */
  place(
    raw: RawPacket,
    baseMs: number,
  ): OrderedPacket | "double" | "stranger" | [OrderedPacket, OrderedPacket] {
    const packet = this.#count(raw);
    const earlier = this.#stranger;
    this.#stranger = null;
    if (!this.#isStranger(packet, baseMs)) return this.#isNew(packet) ? packet : "double";
    if (earlier !== null && belongTogether(earlier, raw)) {
      this.#seen.fill(-1);
      this.#newest = null;
      const first = this.#count(earlier);
      this.#isNew(first);
      const second = this.#count(raw);
      this.#isNew(second);
      return [first, second];
    }
    this.#stranger = raw;
    return "stranger";
  }

  #isNew(packet: OrderedPacket): boolean {
    const slot = packet.sequence % MEMORY;
    if (this.#seen[slot] === packet.sequence) return false;
    this.#seen[slot] = packet.sequence;
    if (this.#newest === null || packet.sequence > this.#newest.sequence) this.#newest = packet;
    return true;
  }

  #isStranger(packet: OrderedPacket, baseMs: number): boolean {
    if (this.#newest === null) return false;
    const farMs = packet.arrivalMs - packet.timestamp / PER_MS - baseMs;
    return Math.abs(farMs) > OTHER_STREAM_MS ||
      Math.abs(packet.sequence - this.#newest.sequence) > OTHER_STREAM_PACKETS;
  }

  /** The first numbers are made so high that there is room to go back. */
  #count(raw: RawPacket): OrderedPacket {
    const { sequence, timestamp } = this.#newest ??
      { sequence: raw.sequence + 0x10000, timestamp: raw.timestamp + 2 ** 32 };
    return {
      ...raw,
      sequence: sequence + ((raw.sequence - sequence) << 16 >> 16),
      timestamp: timestamp + (raw.timestamp - timestamp | 0),
    };
  }
}

function belongTogether(a: RawPacket, b: RawPacket): boolean {
  const transitMs = b.arrivalMs - a.arrivalMs - (b.timestamp - a.timestamp | 0) / PER_MS;
  const apart = (b.sequence - a.sequence) << 16 >> 16;
  return apart > 0 && apart < NEAR_PACKETS && Math.abs(transitMs) < OTHER_STREAM_MS;
}
