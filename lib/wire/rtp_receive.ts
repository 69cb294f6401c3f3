/**
 * Brings RTP packets in order (RFC 3550), without clock or socket: packets and the present go in,
 * packets in order and the numbers to ask for again (NACK, RFC 4585 section 6.2.1) come out.
 *
 * What a reader may rely on:
 * - numbers only rise, and no packet comes twice: neither a network's nor a retransmission's copies;
 * - a packet that follows lost ones says so; nothing else is ever skipped;
 * - what is held is bounded in packets, in bytes and in time.
 */

/** What is known of a packet here; the reader's own packets may have more. */
export interface SequencedPacket {
  /** The 16-bit number of the RTP header. */
  readonly sequence: number;
  /** The 32-bit time of the RTP header; the same in all packets of a frame. */
  readonly timestamp: number;
  /** True in the last packet of a frame. */
  readonly marker: boolean;
  /** The bytes that count against the bound. */
  readonly payload: Uint8Array;
}

/** A packet in its turn. */
export interface OrderedPacket<P extends SequencedPacket> {
  /** The packet. */
  readonly packet: P;
  /** Whether packets before it are lost for good. */
  readonly afterLoss: boolean;
}

/** Bounds and times of a {@linkcode PacketOrder}. */
export interface PacketOrderOptions<P extends SequencedPacket> {
  /** Packets held at most while an earlier one is missing. @default {1024} */
  readonly maxPackets?: number;
  /** Bytes held at most. @default {4 MiB} */
  readonly maxBytes?: number;
  /** A missing packet is waited for so long at most, in ms. @default {400} */
  readonly maxWaitMs?: number;
  /** The round trip to assume until answers to NACKs show it, in ms. @default {60} */
  readonly roundTripMs?: number;
  /** Whether a packet begins a frame that needs no earlier one: what was lost before it is let go. */
  readonly startsKeyFrame?: (packet: P) => boolean;
}

/** What has happened so far; all counts. */
export interface PacketOrderStats {
  received: number;
  duplicates: number;
  /** Came when they were given up already. */
  late: number;
  /** Given up. */
  lost: number;
  /** Came again because they were asked for. */
  recovered: number;
  /** Numbers asked for, each time. */
  nacked: number;
}

interface Missing {
  readonly sinceMs: number;
  dueMs: number;
  asked: number;
  askedMs: number;
}

/** RFC 3550 appendix A.1: a number further off than this is another stream's, or the sender's restart. */
const MAX_DROPOUT = 3_000;
/** Behind by so many, a packet is merely late. */
const MAX_MISORDER = 1_000;
/** Packets that overtake each other are not asked for: so long, or until three came after them. */
const REORDER_MS = 10;
const REORDER_PACKETS = 3;
const MAX_ASKED = 10;
/** A NACK that names so many still fits a datagram, however they lie. */
const MAX_AT_ONCE = 250;

/** One stream's packets, put in order. */
export class PacketOrder<P extends SequencedPacket> {
  /** What has happened so far. */
  readonly stats: PacketOrderStats = {
    received: 0,
    duplicates: 0,
    late: 0,
    lost: 0,
    recovered: 0,
    nacked: 0,
  };
  readonly #maxPackets: number;
  readonly #maxBytes: number;
  readonly #maxWaitMs: number;
  readonly #startsKeyFrame: (packet: P) => boolean;
  readonly #held = new Map<number, P>();
  readonly #missing = new Map<number, Missing>();
  #heldBytes = 0;
  #roundTripMs: number;
  /** The number that is given out next, and the highest one seen, both unwrapped; null: not begun. */
  #next: number | null = null;
  #highest = 0;
  #afterLoss = false;
  /** A number far off: the stream begins anew there if the one after it follows. */
  #probation: P | null = null;
  #newestKeyStart: number | null = null;

  /** An order that begins with the first packet. */
  constructor(options: PacketOrderOptions<P> = {}) {
    this.#maxPackets = options.maxPackets ?? 1_024;
    this.#maxBytes = options.maxBytes ?? 4 * 1024 * 1024;
    this.#maxWaitMs = options.maxWaitMs ?? 400;
    this.#roundTripMs = options.roundTripMs ?? 60;
    this.#startsKeyFrame = options.startsKeyFrame ?? (() => false);
  }

  /** Packets held because an earlier one is missing, or because they were not taken yet. */
  get held(): number {
    return this.#held.size;
  }

  /** When {@linkcode due} is to be called; `Infinity` when there is nothing to wait for. */
  get nextDueMs(): number {
    let dueMs = Infinity;
    for (const { dueMs: askMs, sinceMs, asked } of this.#missing.values()) {
      const giveUpMs = sinceMs + this.#maxWaitMs;
      dueMs = Math.min(dueMs, giveUpMs, asked < MAX_ASKED ? askMs : Infinity);
    }
    return dueMs;
  }

  /** Forgets everything, as when the sender's SSRC changed; the next packet is the first. */
  restart(): void {
    this.#held.clear();
    this.#missing.clear();
    this.#heldBytes = 0;
    this.#afterLoss ||= this.#next !== null;
    this.#next = null;
    this.#probation = null;
    this.#newestKeyStart = null;
  }

  /** Takes a packet as it came from the network. */
  receive(packet: P, nowMs: number): void {
    this.stats.received++;
    if (this.#next === null) return this.#begin(packet);
    const number = this.#unwrap(packet.sequence);
    const ahead = number - this.#highest;
    if (ahead > MAX_DROPOUT || ahead < -MAX_MISORDER) return this.#far(packet, nowMs);
    this.#probation = null;
    const missing = this.#missing.get(number);
    if (missing) {
      this.#missing.delete(number);
      if (missing.asked > 0) this.stats.recovered++;
      // What was asked for twice may be the answer to either.
      if (missing.asked === 1) this.#noteRoundTrip(nowMs - missing.askedMs);
    } else if (number < this.#next) {
      this.stats.late++; // a copy of what was taken, or too late
      return;
    } else if (this.#held.has(number)) {
      this.stats.duplicates++;
      return;
    }
    for (let lost = Math.max(this.#highest + 1, this.#next); lost < number; lost++) {
      this.#missing.set(lost, { sinceMs: nowMs, dueMs: nowMs + REORDER_MS, asked: 0, askedMs: 0 });
    }
    this.#highest = Math.max(this.#highest, number);
    this.#hold(number, packet);
    if (this.#missing.size > 0) {
      this.#hurry(nowMs);
      this.#skipToKeyFrame(number, packet);
    }
    this.#keepBounds();
  }

  /** The next packet in order, or null while it is missing; to be called until null after `receive`. */
  take(): OrderedPacket<P> | null {
    if (this.#next === null) return null;
    const packet = this.#held.get(this.#next);
    if (packet === undefined) return null;
    this.#held.delete(this.#next++);
    this.#heldBytes -= packet.payload.length;
    const afterLoss = this.#afterLoss;
    this.#afterLoss = false;
    return { packet, afterLoss };
  }

  /**
   * Gives up what was waited for too long, and says what to ask for again; call it when
   * `nextDueMs` has come, and {@linkcode take} after it.
   */
  due(nowMs: number): number[] {
    let givenUp = -1;
    const ask: number[] = [];
    for (const [number, missing] of this.#missing) {
      if (nowMs - missing.sinceMs >= this.#maxWaitMs) {
        givenUp = Math.max(givenUp, number);
      } else if (
        nowMs >= missing.dueMs && missing.asked < MAX_ASKED && ask.length < MAX_AT_ONCE
      ) {
        missing.asked++;
        missing.askedMs = nowMs;
        missing.dueMs = nowMs + Math.max(20, this.#roundTripMs * 1.5);
        ask.push(number);
      }
    }
    if (givenUp >= 0) this.#skipTo(this.#firstHeldAfter(givenUp));
    const still = ask.filter((number) => this.#missing.has(number));
    this.stats.nacked += still.length;
    return still.map((number) => number & 0xffff);
  }

  #begin(packet: P): void {
    // Unwrapped numbers begin high enough that none before the first is negative.
    this.#next = this.#highest = packet.sequence + 0x10000;
    this.#hold(this.#next, packet);
  }

  /** The number without wrapping, the one nearest to the highest so far. */
  #unwrap(sequence: number): number {
    const distance = (sequence - this.#highest) << 16 >> 16;
    return this.#highest + distance;
  }

  #far(packet: P, nowMs: number): void {
    const first = this.#probation;
    if (first === null || packet.sequence !== (first.sequence + 1 & 0xffff)) {
      this.#probation = packet;
      return;
    }
    this.restart();
    this.#begin(first);
    this.stats.received--; // counted below for the second time
    this.receive(packet, nowMs);
  }

  #hold(number: number, packet: P): void {
    this.#held.set(number, packet);
    this.#heldBytes += packet.payload.length;
  }

  #noteRoundTrip(ms: number): void {
    this.#roundTripMs += (Math.min(Math.max(ms, 5), 500) - this.#roundTripMs) / 8; // RFC 6298's weight
  }

  /** Enough came after the missing ones: they did not merely change places. */
  #hurry(nowMs: number): void {
    for (const [number, missing] of this.#missing) {
      if (this.#highest - number < REORDER_PACKETS) break; // they are in the order of their numbers
      if (missing.asked === 0 && missing.dueMs > nowMs) missing.dueMs = nowMs;
    }
  }

  /** A key frame that is whole needs nothing of what is missing before it. */
  #skipToKeyFrame(number: number, packet: P): void {
    if (this.#startsKeyFrame(packet) && number >= (this.#newestKeyStart ?? 0)) {
      this.#newestKeyStart = number;
    }
    const start = this.#newestKeyStart;
    if (start === null || start <= this.#next!) return;
    const first = this.#held.get(start);
    if (first === undefined || first.timestamp !== packet.timestamp) return;
    for (let at = start;; at++) {
      const part = this.#held.get(at);
      if (part === undefined || part.timestamp !== first.timestamp) return;
      if (part.marker) return this.#skipTo(start);
    }
  }

  #keepBounds(): void {
    const full = this.#held.size > this.#maxPackets || this.#heldBytes > this.#maxBytes;
    if (this.#missing.size > (full ? 0 : this.#maxPackets)) {
      return this.#skipTo(this.#firstHeldAfter([...this.#missing.keys()].at(-1)!));
    }
    // Nothing is missing: only a reader that does not take gets here.
    if (full) this.#skipTo(this.#next! + 1);
  }

  #firstHeldAfter(number: number): number {
    for (let at = number + 1; at <= this.#highest; at++) if (this.#held.has(at)) return at;
    return this.#highest + 1;
  }

  /** Gives up everything before a number. */
  #skipTo(number: number): void {
    for (const missing of [...this.#missing.keys()]) {
      if (missing >= number) continue;
      this.#missing.delete(missing);
      this.stats.lost++;
    }
    for (const held of [...this.#held.keys()]) if (held < number) this.#drop(held);
    if (number > this.#next!) this.#afterLoss = true;
    this.#next = Math.max(this.#next!, number);
  }

  #drop(number: number): void {
    this.#heldBytes -= this.#held.get(number)?.payload.length ?? 0;
    this.#held.delete(number);
  }
}
