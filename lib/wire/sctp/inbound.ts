/**
 * The receiving half of an association: chunks of user data in, messages and acknowledgements out.
 *
 * An acknowledgement is due at once when something is missing or came twice, when the peer asks for it, and
 * for every second packet, or fourth in a long transfer: each acknowledgement is a datagram to encrypt.
 * Otherwise it waits a little for data to travel with.
 */
import { DATA_FLAG, type ForwardTsn } from "./chunks.ts";
import type { PacketReader, PacketWriter } from "./packet.ts";
import { type Fragment, type InboundMessage, Reassembly } from "./reassembly.ts";
import { TsnTracker } from "./tsn_tracker.ts";

/** Long enough for an answer to carry the acknowledgement, far below anybody's time-out. */
const ACK_DELAY_MS = 20;
/** RFC 9260, section 6.2; four (which the SHOULD there allows) once this many came without a loss. */
const PACKETS_PER_ACK = 2;
const PACKETS_PER_ACK_IN_BULK = 4;
const BULK_AFTER_PACKETS = 100;

/** Takes DATA and FORWARD TSN chunks. */
export class Inbound {
  readonly #windowBytes: number;
  readonly #tracker: TsnTracker;
  readonly #reassembly: Reassembly;
  #unreadBytes = 0;
  /** One object for all chunks. */
  readonly #fragment: Fragment = {
    tsn: 0,
    flags: 0,
    streamId: 0,
    ssn: 0,
    ppid: 0,
    data: new Uint8Array(),
  };
  #sawData = false;
  #urgent = false;
  #packets = 0;
  #withoutLoss = 0;
  #advertised: number;
  /** When an acknowledgement is due; `null` when there is nothing to say. */
  ackAtMs: number | null = null;

  /**
   * @param initialTsn the peer's first
   * @param windowBytes what may be held
   * @param maxMessageBytes the longest message
   * @param deliver gets each message; what was not yet reported with `taken` keeps the window closed
   */
  constructor(
    initialTsn: number,
    windowBytes: number,
    maxMessageBytes: number,
    deliver: (message: InboundMessage) => void,
  ) {
    this.#windowBytes = this.#advertised = windowBytes;
    this.#tracker = new TsnTracker(initialTsn);
    this.#reassembly = new Reassembly(maxMessageBytes, (message) => {
      this.#unreadBytes += message.data.length;
      deliver(message);
    });
  }

  /** Everything up to it arrived. */
  get cumulativeTsn(): number {
    return this.#tracker.cumulative;
  }

  /** Bytes held, in messages that nobody took yet and in unfinished ones. */
  get bytes(): number {
    return this.#unreadBytes + this.#reassembly.bytes;
  }

  /** Somebody took a message of so many bytes. */
  taken(bytes: number): void {
    this.#unreadBytes -= bytes;
    // A peer that was told to stop must hear that it may go on.
    if (this.#advertised * 4 < this.#windowBytes && this.#window() * 2 > this.#windowBytes) {
      this.ackAtMs = 0;
    }
  }

  /** Takes the DATA chunk at hand. Returns what the peer did wrong, or `null`. */
  data(reader: PacketReader): string | null {
    reader.need(12);
    this.#sawData = true;
    const { view, start } = reader;
    const fragment = this.#fragment;
    fragment.tsn = view.getUint32(start);
    fragment.flags = reader.flags;
    fragment.streamId = view.getUint16(start + 4);
    fragment.ssn = view.getUint16(start + 6);
    fragment.ppid = view.getUint32(start + 8);
    fragment.data = reader.bytes.subarray(start + 12, reader.end);
    if (fragment.data.length === 0) return "a DATA chunk without data";
    if (fragment.flags & DATA_FLAG.immediate) this.#urgent = true;
    const held = this.bytes;
    if (held >= this.#windowBytes) {
      this.#urgent = true;
      // Beyond the window only the chunk that all others wait for is taken, and that not for ever.
      if (fragment.tsn !== ((this.#tracker.cumulative + 1) >>> 0)) return null;
      if (this.#unreadBytes >= this.#windowBytes) return null; // nobody reads: let the peer wait
      if (held >= 2 * this.#windowBytes) return `${held} bytes, which is twice the window`;
    }
    if (!this.#tracker.add(fragment.tsn)) {
      this.#urgent = true;
      return null;
    }
    return this.#reassembly.add(fragment);
  }

  /** Takes a FORWARD TSN chunk. */
  forward(forward: ForwardTsn): void {
    this.#sawData = true;
    if (this.#tracker.forward(forward.tsn)) this.#reassembly.forward(forward);
    else this.#urgent = true; // our acknowledgement was lost
  }

  /** After the last chunk of a packet: decides when to acknowledge. */
  endOfPacket(nowMs: number): void {
    if (!this.#sawData) return;
    this.#sawData = false;
    this.#packets++;
    this.#withoutLoss = this.#tracker.hasGaps ? 0 : this.#withoutLoss + 1;
    const enough = this.#withoutLoss > BULK_AFTER_PACKETS
      ? PACKETS_PER_ACK_IN_BULK
      : PACKETS_PER_ACK;
    if (this.#urgent || this.#packets >= enough || this.#tracker.hasGaps) {
      this.ackAtMs = nowMs;
    } else if (this.ackAtMs === null) {
      this.ackAtMs = nowMs + ACK_DELAY_MS;
    }
  }

  /** Writes the acknowledgement when it fits. */
  writeSack(out: PacketWriter): void {
    const window = this.#window();
    if (!this.#tracker.writeSack(out, window)) return;
    this.#advertised = window;
    this.ackAtMs = null;
    this.#urgent = false;
    this.#packets = 0;
  }

  /** Begins streams anew; an empty list means all. Returns which. */
  reset(streamIds: readonly number[]): number[] {
    const ids = streamIds.length > 0 ? [...streamIds] : this.#reassembly.streamIds;
    for (const id of ids) this.#reassembly.reset(id);
    return ids;
  }

  #window(): number {
    return Math.max(0, this.#windowBytes - this.bytes);
  }
}
