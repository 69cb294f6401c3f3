/**
 * What was sent and is not yet acknowledged by number, in the order of TSNs: it reads SACKs, notices losses
 * and gives messages up (RFC 9260, section 7.2.4; RFC 3758, section 3.5).
 *
 * A chunk counts as lost when three SACKs report chunks that were sent *after* it, where "after" is the order
 * of sending and not of numbers: so a chunk that is lost again is sent again without waiting for a time-out.
 * One such SACK is enough for a chunk that was sent a whole round trip earlier (compare RFC 8985).
 *
 * Long because all of it reads and changes one list.
 */
import { DATA_FLAG, DATA_HEADER_BYTES, type ForwardTsn } from "./chunks.ts";
import type { PacketReader } from "./packet.ts";
import type { OutboundMessage } from "./send_queue.ts";
import { ssnDistance, tsnAdd, tsnDistance } from "./serial.ts";

const MISSES_UNTIL_LOST = 3; // section 7.2.4
/** Streams that a FORWARD TSN can name in a packet of 1200 bytes, with room to spare. */
const MAX_SKIPPED_STREAMS = 256;

const IN_FLIGHT = 0, LOST = 1, ARRIVED = 2, ABANDONED = 3;

/** A chunk that was sent; its bytes stay in the message. */
export interface SentChunk {
  readonly tsn: number;
  readonly message: OutboundMessage;
  readonly offset: number;
  readonly length: number;
  flags: number;
  state: typeof IN_FLIGHT | typeof LOST | typeof ARRIVED | typeof ABANDONED;
  transmissions: number;
  misses: number;
  /** Counts transmissions of all chunks. */
  order: number;
  sentAtMs: number;
}

/** What a SACK brought. */
export interface SackResult {
  /** Bytes of chunks that it acknowledged for the first time. */
  ackedBytes: number;
  /** Whether everything up to a later TSN arrived. */
  advanced: boolean;
  /** Whether chunks were found lost. */
  lost: boolean;
  /** A round trip that was measured; -1 when none was. */
  roundTripMs: number;
}

/** Chunks under way. */
export class Flight {
  #chunks: SentChunk[] = [];
  #head = 0;
  #order = 0;
  #lostCount = 0;
  #lostFrom = 0; // no lost chunk lies before this TSN
  #measuring: SentChunk | null = null;
  #hasAbandoned = false;
  readonly #onAbandon: (message: OutboundMessage) => void;
  readonly #result: SackResult = { ackedBytes: 0, advanced: false, lost: false, roundTripMs: -1 };
  /** Everything up to it was acknowledged. */
  cumulativeTsn: number;
  /** The TSN of the next new chunk. */
  nextTsn: number;
  /** Bytes of chunks under way, with headers; lost ones do not count. */
  bytes = 0;
  /** Chunks under way. */
  count = 0;
  /** Whether the peer understands that messages are given up. */
  mayAbandon = false;

  /** @param onAbandon hears of messages that were given up, so that their rest is not sent */
  constructor(initialTsn: number, onAbandon: (message: OutboundMessage) => void) {
    this.nextTsn = initialTsn;
    this.cumulativeTsn = tsnAdd(initialTsn, -1);
    this.#onAbandon = onAbandon;
  }

  /** Whether nothing waits for an acknowledgement. */
  get isEmpty(): boolean {
    return this.#head === this.#chunks.length;
  }

  /** Bytes of user data under way. */
  get userBytes(): number {
    return this.bytes - this.count * DATA_HEADER_BYTES;
  }

  /** Whether a chunk waits to be sent again. */
  get hasLost(): boolean {
    return this.#lostCount > 0;
  }

  /** Notes that the next `length` bytes of a message go out now. */
  add(message: OutboundMessage, length: number, flags: number, nowMs: number): SentChunk {
    const tsn = this.nextTsn;
    this.nextTsn = tsnAdd(tsn, 1);
    if (flags & DATA_FLAG.begin) message.firstTsn = tsn;
    message.lastTsn = tsn;
    const chunk: SentChunk = {
      tsn,
      message,
      offset: message.sent,
      length,
      flags,
      state: IN_FLIGHT,
      transmissions: 1,
      misses: 0,
      order: ++this.#order,
      sentAtMs: nowMs,
    };
    this.#chunks.push(chunk);
    this.bytes += length + DATA_HEADER_BYTES;
    this.count++;
    this.#measuring ??= chunk;
    return chunk;
  }

  /** The first chunk that waits to be sent again. */
  nextLost(): SentChunk | null {
    if (this.#lostCount === 0) return null;
    let i = this.#head + Math.max(0, tsnDistance(this.cumulativeTsn, this.#lostFrom) - 1);
    while (this.#chunks[i]!.state !== LOST) i++;
    const chunk = this.#chunks[i]!;
    this.#lostFrom = chunk.tsn;
    return chunk;
  }

  /** Notes that a lost chunk goes out again now. */
  resent(chunk: SentChunk, nowMs: number): void {
    chunk.state = IN_FLIGHT;
    chunk.transmissions++;
    chunk.misses = 0;
    chunk.order = ++this.#order;
    chunk.sentAtMs = nowMs;
    if (this.#measuring === chunk) this.#measuring = null; // Karn's rule
    this.#lostCount--;
    this.bytes += chunk.length + DATA_HEADER_BYTES;
    this.count++;
  }

  /**
   * Reads the SACK at hand, or a SHUTDOWN, which has only its first field. The result is valid until the next call; `null` when the SACK is older than what
   * is known or speaks of chunks that were never sent.
   */
  sack(reader: PacketReader, nowMs: number, roundTripMs: number): SackResult | null {
    const { view, start } = reader;
    const cumulative = view.getUint32(start);
    const steps = tsnDistance(this.cumulativeTsn, cumulative);
    if (steps < 0 || steps > this.#chunks.length - this.#head) return null;
    const result = this.#result;
    result.ackedBytes = 0;
    result.advanced = steps > 0;
    result.lost = false;
    result.roundTripMs = -1;
    let newest = 0; // in the order of sending
    let newestAtMs = 0;
    for (let i = 0; i < steps; i++) {
      const chunk = this.#chunks[this.#head + i]!;
      if (chunk.state <= LOST && chunk.order > newest) {
        newest = chunk.order;
        newestAtMs = chunk.sentAtMs;
      }
      this.#arrived(chunk, nowMs);
    }
    this.#head += steps;
    this.cumulativeTsn = cumulative;
    if (steps > 0) this.#compact();
    let highest = -1;
    const gaps = reader.end - start < 12
      ? 0
      : Math.min(view.getUint16(start + 8), (reader.end - start - 12) >> 2);
    const outstanding = this.#chunks.length - this.#head;
    for (let g = 0, at = start + 12; g < gaps; g++, at += 4) {
      const from = view.getUint16(at), to = view.getUint16(at + 2);
      if (from <= highest + 1 || to < from || to > outstanding) break; // impossible: trust no more of it
      for (let i = from; i <= to; i++) {
        const chunk = this.#chunks[this.#head + i - 1]!;
        if (chunk.state <= LOST) {
          if (chunk.order > newest) {
            newest = chunk.order;
            newestAtMs = chunk.sentAtMs;
          }
          this.#arrived(chunk, nowMs);
        }
      }
      highest = to;
    }
    const reported = this.#head + highest; // beyond it nothing arrived
    for (let i = this.#head; newest > 0 && i < this.#chunks.length; i++) {
      const chunk = this.#chunks[i]!;
      if (chunk.order > newest) {
        if (chunk.transmissions === 1) break; // so were all after it
        continue;
      }
      if (chunk.state !== IN_FLIGHT) continue;
      const late = newestAtMs - chunk.sentAtMs > roundTripMs;
      if (late || (i < reported && ++chunk.misses >= MISSES_UNTIL_LOST)) {
        this.#lose(chunk);
        result.lost = true;
      }
    }
    return result;
  }

  /** Nothing came back: everything under way counts as lost; on the second time also what arrived out of order. */
  timedOut(again: boolean): void {
    this.#measuring = null;
    for (let i = this.#head; i < this.#chunks.length; i++) {
      const chunk = this.#chunks[i]!;
      if (chunk.state === ARRIVED && again) {
        // A receiver may take back what it reported as arrived out of order (section 6.2).
        chunk.state = IN_FLIGHT;
        this.bytes += chunk.length + DATA_HEADER_BYTES;
        this.count++;
      }
      if (chunk.state === IN_FLIGHT) this.#lose(chunk);
    }
  }

  /** Marks the last reliable chunk under way to be sent again and asks for an answer; `false` when there is none. */
  probe(): boolean {
    for (let i = this.#chunks.length - 1; i >= this.#head; i--) {
      const chunk = this.#chunks[i]!;
      if (chunk.state !== IN_FLIGHT) continue;
      if (chunk.message.maxRetransmits < chunk.transmissions) return false;
      chunk.flags |= DATA_FLAG.immediate;
      this.#lose(chunk);
      return true;
    }
    return false;
  }

  /** What to tell the peer that it no longer need wait for; `null` when there is nothing. */
  forward(): ForwardTsn | null {
    if (!this.#hasAbandoned || this.#chunks[this.#head]?.state !== ABANDONED) return null;
    const skipped = new Map<number, number>();
    let tsn = this.cumulativeTsn;
    for (let i = this.#head; i < this.#chunks.length; i++) {
      const { state, message, tsn: at } = this.#chunks[i]!;
      if (state === ARRIVED) continue; // passed over, but never the last word: it may be half a message
      if (state !== ABANDONED) break;
      if (message.ordered) {
        const before = skipped.get(message.streamId);
        if (before === undefined && skipped.size === MAX_SKIPPED_STREAMS) break;
        if (before === undefined || ssnDistance(before, message.ssn) > 0) {
          skipped.set(message.streamId, message.ssn);
        }
      }
      tsn = at;
    }
    return { tsn, skipped };
  }

  #arrived(chunk: SentChunk, nowMs: number): void {
    if (chunk.state > LOST) return;
    if (chunk.state === IN_FLIGHT) this.#land(chunk);
    else this.#lostCount--;
    chunk.state = ARRIVED;
    this.#result.ackedBytes += chunk.length + DATA_HEADER_BYTES;
    if (chunk === this.#measuring) {
      this.#result.roundTripMs = nowMs - chunk.sentAtMs;
      this.#measuring = null;
    }
  }

  #lose(chunk: SentChunk): void {
    const { message } = chunk;
    if (this.mayAbandon && chunk.transmissions > message.maxRetransmits) {
      this.#abandon(message);
      return;
    }
    this.#land(chunk);
    chunk.state = LOST;
    if (this.#lostCount++ === 0 || tsnDistance(chunk.tsn, this.#lostFrom) > 0) {
      this.#lostFrom = chunk.tsn;
    }
  }

  #abandon(message: OutboundMessage): void {
    message.abandoned = true;
    this.#hasAbandoned = true;
    const first = Math.max(1, tsnDistance(this.cumulativeTsn, message.firstTsn));
    const last = tsnDistance(this.cumulativeTsn, message.lastTsn);
    for (let i = first; i <= last; i++) {
      const chunk = this.#chunks[this.#head + i - 1]!;
      if (chunk.state === IN_FLIGHT) this.#land(chunk);
      else if (chunk.state === LOST) this.#lostCount--;
      chunk.state = ABANDONED;
      if (chunk === this.#measuring) this.#measuring = null;
    }
    this.#onAbandon(message);
  }

  #land(chunk: SentChunk): void {
    this.bytes -= chunk.length + DATA_HEADER_BYTES;
    this.count--;
  }

  #compact(): void {
    if (this.#head === this.#chunks.length) {
      this.#chunks.length = this.#head = 0;
      this.#hasAbandoned = false;
    } else if (this.#head >= 512 && this.#head * 2 >= this.#chunks.length) {
      this.#chunks.copyWithin(0, this.#head);
      this.#chunks.length -= this.#head;
      this.#head = 0;
    }
  }
}
