/**
 * Sends frames to one viewer as its link takes them: the pace, the numbers of the packets, the memory for
 * those that are asked for again. What a packet looks like on the wire is the engine's business.
 */
import type { SendCounts, SendRate } from "./peer.ts";
import type { PacketArrivals } from "./bandwidth_estimator.ts";
import { type LinkState, SendControl } from "./send_control.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A packet before it has a header. */
export interface OutgoingPacket {
  /** About what it takes on the wire. */
  readonly bytes: number;
  readonly payload: Bytes;
  readonly timestamp: number;
  /** It is the last of its frame. */
  readonly marker: boolean;
  /** Counts frames. */
  readonly frame: number;
  /** Its RTP sequence number; given when it leaves. */
  sequence: number;
  /** When it left last. */
  sentMs: number;
}

/** The engine's part. Neither call blocks or throws. */
export interface Transmitter {
  /**
   * Sends packets of one frame that follow each other.
   *
   * @param sent to be called with each packet's transport-wide number, if it has one, and its bytes
   */
  transmit(packets: readonly OutgoingPacket[], sent: (number: number, bytes: number) => void): void;
  /** Sends a packet again. @returns false when the engine does that by itself */
  repeat(packet: OutgoingPacket, sent: (number: number, bytes: number) => void): boolean;
}

interface Repeat {
  readonly bytes: number;
  readonly of: OutgoingPacket;
}

/** RTP header, extensions, SRTP tag, UDP and IPv4. */
const PACKET_OVERHEAD = 12 + 16 + 16 + 28;
/** Packets that can be asked for again: a second at 10 Mbit/s. A power of two. Payloads are shared. */
const HISTORY = 1_024;
/** Nobody can have missed a packet that left so lately. */
const REPEAT_MS = 10;
/** What is assumed of a link before anything is known of it, or of the picture. */
const START = 1_000_000, LEAST = 30_000, MOST = 50_000_000;

/** The way to one viewer. */
export class PacedSender implements SendRate {
  readonly #transmitter: Transmitter;
  readonly #control: SendControl<OutgoingPacket | Repeat>;
  readonly #onStuck: () => void;
  readonly #history: (OutgoingPacket | undefined)[] = [];
  #dropped = 0;
  #repeated = 0;
  #sequence = Math.floor(Math.random() * 0x8000); // RFC 3550, section 5.1: starts anywhere
  #frame = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** @param onStuck frames were dropped, and a key frame must come */
  constructor(transmitter: Transmitter, onStuck: () => void) {
    this.#transmitter = transmitter;
    this.#onStuck = onStuck;
    this.#control = new SendControl({ startBitrate: START, minBitrate: LEAST, maxBitrate: MOST });
  }

  get mediaBitrate(): number {
    return this.#control.mediaBitrate;
  }

  get behind(): boolean {
    return this.#control.behind(performance.now());
  }

  get link(): LinkState {
    return this.#control.link;
  }

  /** What became of what was given. */
  get counts(): SendCounts {
    return { framesDropped: this.#dropped, packetsRetransmitted: this.#repeated };
  }

  begin(bitrate: number): void {
    this.#control.begin(bitrate, performance.now());
  }

  /** Sends a frame, or drops it when too much waits. */
  send(payloads: readonly Bytes[], timestamp: number, keyFrame: boolean): void {
    const nowMs = performance.now(), frame = this.#frame++;
    const packets = payloads.map((payload, i): OutgoingPacket => ({
      bytes: payload.length + PACKET_OVERHEAD,
      payload,
      timestamp,
      marker: i === payloads.length - 1,
      frame,
      sequence: -1,
      sentMs: nowMs,
    }));
    this.#control.tick(nowMs);
    if (!this.#control.frame(packets, keyFrame, nowMs)) {
      this.#dropped++;
      this.#onStuck();
    }
    this.#pump();
  }

  /** The viewer misses packets (generic NACK, RFC 4585 section 6.2.1). */
  lost(sequences: readonly number[]): void {
    const nowMs = performance.now();
    for (const sequence of sequences) {
      const packet = this.#history[sequence & (HISTORY - 1)];
      if (packet?.sequence !== sequence || nowMs - packet.sentMs < REPEAT_MS) continue;
      packet.sentMs = nowMs;
      if (!this.#control.repair({ bytes: packet.bytes, of: packet }, nowMs)) break;
    }
    this.#pump();
  }

  /** Transport-wide feedback came. */
  arrivals(arrivals: PacketArrivals): void {
    this.#control.arrivals(arrivals, performance.now());
  }

  /** The viewer's own estimate came (REMB). */
  remb(bitrate: number): void {
    this.#control.remb(bitrate, performance.now());
  }

  /** A receiver report came. */
  report(fractionLost: number, roundTripMs: number | null): void {
    this.#control.report(fractionLost, roundTripMs, performance.now());
  }

  /** Forgets all that waits. */
  drop(): void {
    this.#control.drop();
    this.#history.length = 0;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #pump(): void {
    if (this.#timer !== null) return;
    const nowMs = performance.now();
    let together: OutgoingPacket[] = [];
    for (let next; (next = this.#control.take(nowMs)) !== null;) {
      if ("of" in next || (together[0] && together[0].frame !== next.frame)) {
        this.#transmit(together, nowMs);
        together = [];
      }
      if ("of" in next) this.#repeat(next.of, nowMs);
      else together.push(next);
    }
    this.#transmit(together, nowMs);
    const waitMs = this.#control.waitMs(nowMs);
    if (waitMs === null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#pump();
    }, Math.max(1, waitMs));
  }

  #transmit(packets: readonly OutgoingPacket[], nowMs: number): void {
    if (packets.length === 0) return;
    for (const packet of packets) {
      packet.sequence = this.#sequence;
      packet.sentMs = nowMs;
      this.#history[packet.sequence & (HISTORY - 1)] = packet;
      this.#sequence = this.#sequence + 1 & 0xffff;
    }
    const { frame } = packets[0]!;
    this.#transmitter.transmit(
      packets,
      (number, bytes) => this.#control.sent(number, bytes, nowMs, frame),
    );
  }

  #repeat(packet: OutgoingPacket, nowMs: number): void {
    this.#repeated++;
    this.#transmitter.repeat(
      packet,
      (number, bytes) => this.#control.sent(number, bytes, nowMs, -1),
    );
  }
}
