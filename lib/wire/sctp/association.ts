/**
 * An SCTP association as WebRTC's data channels use it: over DTLS, one path, one peer (RFC 9260, 3758, 6525,
 * 8261, 8831). It takes packets and the time and returns packets and events; it owns no socket, no timer and
 * no randomness.
 *
 * The order of calls that costs least: `receive` what came, take all events with `pollEvent` (answers given
 * to `send` there travel with the acknowledgement), then `transmit` until it returns `null`, then set one
 * timer for `nextTimeout`. What a stranger sends never makes it throw: packets that cannot be read are
 * counted and dropped, what breaks the protocol ends the association, and memory is bounded by
 * `receiveWindow` and `maxMessageSize`.
 */
import { ConnectionLost, RemoteProtocolError } from "../../errors.ts";
import { CAUSE, CHUNK, makeChunk, makeErrorChunk, parameters, readForwardTsn } from "./chunks.ts";
import { REFLECTED_TAG } from "./chunks.ts";
import { Fifo } from "./fifo.ts";
import { Handshake } from "./handshake.ts";
import { Inbound } from "./inbound.ts";
import type { PeerInit } from "./init.ts";
import { Outbound } from "./outbound.ts";
import { PacketReader, PacketWriter } from "./packet.ts";
import type { RtoOptions } from "./rto.ts";
import { type ResetHost, StreamResets } from "./stream_reset.ts";

/** How an association is made. */
export interface SctpOptions {
  /** Ours, from the description; 5000 nearly always. */
  readonly localPort: number;
  /** Theirs. */
  readonly remotePort: number;
  /** Whether to send INIT; both ends may, and in WebRTC both do. */
  readonly client: boolean;
  /** Unpredictable numbers of 32 bits, for tags, cookies and the first TSN. */
  readonly random32: () => number;
  /** The longest message accepted, in bytes. @default 262144 */
  readonly maxMessageSize?: number;
  /** Bytes held for unfinished and unread messages; at least twice `maxMessageSize`. @default 1048576 */
  readonly receiveWindow?: number;
  /** The largest packet, with its header of 12 bytes. @default 1191, as Chromium's */
  readonly maxPacket?: number;
  /** Bounds of the retransmission time-out. */
  readonly rto?: RtoOptions;
  /** Time-outs in a row until the peer counts as lost. @default 20 */
  readonly maxFailures?: number;
}

/** How a message is to be sent. */
export interface SendOptions {
  /** Whether it is delivered after those sent before it on the stream. */
  readonly ordered: boolean;
  /** How often it is sent again when it was lost; `null` is until it arrives. */
  readonly maxRetransmits: number | null;
}

/** What happened. */
export type SctpEvent =
  | { readonly type: "established" }
  | {
    readonly type: "message";
    readonly streamId: number;
    readonly ppid: number;
    readonly data: Uint8Array<ArrayBuffer>;
  }
  /** The peer reset these streams of its own: it closed the channels. */
  | { readonly type: "reset"; readonly streamIds: number[] }
  /** Our `resetStreams` is over, and the numbers may be used again. */
  | { readonly type: "resetDone"; readonly streamIds: number[] }
  /** The last event; without `error` when either end wished it. */
  | { readonly type: "closed"; readonly error?: Error };

/** `closing` is after the peer's SHUTDOWN, while our last data is on its way. */
export type SctpState = "new" | "connecting" | "established" | "closing" | "closed";

/** A whole association without input or output; see the head of the file. */
export class SctpAssociation {
  readonly #options: Required<SctpOptions>;
  readonly #handshake: Handshake;
  readonly #outbound: Outbound;
  readonly #out: PacketWriter;
  readonly #events = new Fifo<SctpEvent>();
  readonly #control = new Fifo<Uint8Array>();
  readonly #resetsBefore = new Set<number>();
  #inbound: Inbound | null = null;
  #resets: StreamResets | null = null;
  #peer: PeerInit | null = null;
  #state: SctpState = "new";
  #last: Uint8Array<ArrayBuffer> | null = null;
  #shutdownAtMs: number | null = null;
  #shutdowns = 0;
  /** Packets that could not be read or were not ours. */
  dropped = 0;

  /** @param options who we are and how much we take */
  constructor(options: SctpOptions) {
    const maxMessageSize = options.maxMessageSize ?? 262144;
    this.#options = {
      maxPacket: 1191,
      rto: {},
      maxFailures: 20,
      ...options,
      maxMessageSize,
      receiveWindow: Math.max(options.receiveWindow ?? 1048576, 2 * maxMessageSize),
    };
    const { localPort, remotePort, maxPacket, rto, random32, receiveWindow } = this.#options;
    if (maxPacket < 1100) { // a cookie of 1024 bytes must fit, and a FORWARD TSN of 256 streams
      throw new RangeError(
        `Cannot make an association: packets of ${maxPacket} bytes; 1100 or more`,
      );
    }
    this.#out = new PacketWriter(localPort, remotePort, maxPacket);
    this.#handshake = new Handshake(random32, receiveWindow, rto);
    this.#outbound = new Outbound(this.#handshake.own.initialTsn, this.#out.bytes.length, rto);
  }

  /** Where it stands. */
  get state(): SctpState {
    return this.#state;
  }

  /** Bytes given to `send` and not yet put on the wire for the first time. */
  get bufferedAmount(): number {
    return this.#outbound.queue.bytes;
  }

  /** The same for one stream. */
  bufferedAmountOf(streamId: number): number {
    return this.#outbound.queue.bytesOf(streamId);
  }

  /** The smoothed round trip in milliseconds; 0 before the first measurement. */
  get roundTripMs(): number {
    return this.#outbound.rto.smoothedMs;
  }

  /** Begins: as a client with an INIT. An INIT of the peer is answered also before. */
  start(nowMs: number): void {
    if (this.#state !== "new") return;
    this.#state = "connecting";
    if (this.#options.client) this.#handshake.begin(nowMs);
  }

  /**
   * Queues a message; before the association is established it waits.
   *
   * @param data at least one byte; kept until it is acknowledged, so it must not be changed
   */
  send(streamId: number, ppid: number, data: Uint8Array, options: SendOptions): void {
    if (this.#state === "closed" || this.#state === "closing") {
      throw new ConnectionLost(
        `Cannot send on stream ${streamId}: the association is closed; make a new connection`,
      );
    }
    if (data.length === 0) {
      throw new RangeError(
        "Cannot send the SCTP message: it has no bytes; send one and a PPID that says it is empty",
      );
    }
    this.#outbound.queue.push({
      streamId,
      ppid,
      data,
      ordered: options.ordered,
      maxRetransmits: options.maxRetransmits ?? Infinity,
      ssn: 0,
      sent: 0,
      firstTsn: 0,
      lastTsn: 0,
      abandoned: false,
    });
  }

  /** Lets the messages of a stream go before those of others, from its next message on. */
  setPriority(streamId: number, priority: boolean): void {
    this.#outbound.queue.setUrgent(streamId, priority);
  }

  /** Closes outgoing streams after what was sent on them; what is sent later waits for `resetDone`. */
  resetStreams(streamIds: readonly number[]): void {
    if (this.#state === "closed") return;
    for (const id of streamIds) this.#outbound.queue.hold(id);
    if (this.#resets !== null) this.#resets.want(streamIds);
    else for (const id of streamIds) this.#resetsBefore.add(id);
  }

  /** Ends the association at once; one more `transmit` tells the peer. */
  abort(): void {
    if (this.#state !== "closed") this.#abort(CAUSE.userInitiatedAbort, "");
  }

  /** Takes a packet that came, at this time. Its bytes may be used again afterwards. */
  receive(packet: Uint8Array, nowMs: number): void {
    if (this.#state === "closed") return;
    try {
      const reader = new PacketReader(packet);
      if (this.#isOurs(reader)) {
        while (reader.next() && this.#chunk(reader, nowMs));
      } else this.dropped++;
    } catch (error) {
      if (!(error instanceof RemoteProtocolError)) throw error;
      this.dropped++;
    }
    this.#inbound?.endOfPacket(nowMs);
  }

  /** The next packet to send now, which is the caller's; `null` when there is none. */
  transmit(nowMs: number): Uint8Array<ArrayBuffer> | null {
    const out = this.#out;
    if (this.#state === "closed") {
      const last = this.#last;
      this.#last = null;
      return last;
    }
    const lone = this.#handshake.nextChunk();
    if (lone !== null) {
      out.begin(lone.tag);
      out.append(lone.chunk);
      return out.finish(true);
    }
    if (this.#peer === null) return null;
    const inbound = this.#inbound!, outbound = this.#outbound;
    const sends = outbound.hasDataToSend;
    const reset = this.#resets!.nextChunk(nowMs, outbound.rto.currentMs);
    if (reset !== null) this.#control.push(reset);
    out.begin(this.#peer.tag);
    for (let next; (next = this.#control.peek()) !== undefined && next.length <= out.room;) {
      out.append(next);
      this.#control.shift();
    }
    const ackAtMs = inbound.ackAtMs;
    if (ackAtMs !== null && (ackAtMs <= nowMs || sends || !out.isEmpty)) inbound.writeSack(out);
    if (sends) outbound.fill(out, nowMs);
    return out.isEmpty ? null : out.finish(!this.#peer.zeroChecksum);
  }

  /** When to call `handleTimeout`; `null` for never. Valid until the next call of anything else. */
  nextTimeout(): number | null {
    if (this.#state === "closed") return null;
    let next = earlier(this.#handshake.retryAtMs, this.#outbound.timeoutAtMs);
    if (this.#inbound !== null) next = earlier(next, this.#inbound.ackAtMs);
    if (this.#resets !== null) next = earlier(next, this.#resets.retryAtMs);
    return earlier(next, this.#shutdownAtMs);
  }

  /** Does what is due; then `transmit`. */
  handleTimeout(nowMs: number): void {
    if (this.#state === "closed") return;
    this.#handshake.handleTimeout(nowMs);
    if (this.#peer !== null) this.#outbound.handleTimeout(nowMs);
    this.#resets?.handleTimeout(nowMs);
    if (this.#shutdownAtMs !== null && this.#shutdownAtMs <= nowMs) this.#acceptShutdown(nowMs);
    const failures = Math.max(
      this.#handshake.failures,
      this.#outbound.failures,
      this.#resets?.failures ?? 0,
      this.#shutdowns,
    );
    if (failures > this.#options.maxFailures) {
      const lost = `${failures} packets were not answered; make a new connection`;
      this.#abort(0, "", new ConnectionLost(`Cannot reach the peer's data channels: ${lost}`));
    }
  }

  /** The next thing that happened; `null` when nothing did. An unread message keeps the window closed. */
  pollEvent(): SctpEvent | null {
    const event = this.#events.shift();
    if (event === undefined) return null;
    if (event.type === "message") this.#inbound!.taken(event.data.length);
    return event;
  }

  /** RFC 9260, sections 6.8 and 8.5: whether the packet is whole and meant for this association. */
  #isOurs(reader: PacketReader): boolean {
    const { localPort, remotePort } = this.#options;
    if (reader.destinationPort !== localPort || reader.sourcePort !== remotePort) return false;
    const type = reader.bytes[12]!, flags = reader.bytes[13]!, own = this.#handshake.own.tag;
    if (type === CHUNK.init) {
      if (reader.verificationTag !== 0) return false;
    } else if (
      (type === CHUNK.abort || type === CHUNK.shutdownComplete) && flags & REFLECTED_TAG
    ) {
      if (reader.verificationTag !== this.#handshake.peerTag) return false;
    } else if (reader.verificationTag !== own) return false;
    // We announced that DTLS guards the packet well enough (RFC 9653, section 5.3).
    const unchecked = reader.checksum === 0 && type !== CHUNK.init && type !== CHUNK.cookieEcho;
    return unchecked || reader.intact;
  }

  /** Takes the chunk at hand; `false` when the rest of the packet is to be left. */
  #chunk(reader: PacketReader, nowMs: number): boolean {
    const { type } = reader;
    if (type === CHUNK.data || type === CHUNK.sack) {
      if (this.#peer === null) this.#establish(this.#handshake.cookieAck());
      if (this.#peer === null) return true;
      if (type === CHUNK.sack) this.#outbound.sack(reader, nowMs);
      else if (!this.#data(reader)) return false;
      this.#continueShutdown(nowMs);
      return true;
    }
    switch (type) {
      case CHUNK.init:
        this.#handshake.init(reader);
        return false;
      case CHUNK.initAck:
        this.#handshake.initAck(reader, nowMs);
        return false;
      case CHUNK.cookieEcho: {
        const peer = this.#handshake.cookieEcho(reader.value());
        if (peer === null) return false;
        this.#establish(peer);
        this.#answer(makeChunk(CHUNK.cookieAck, 0));
        return true;
      }
      case CHUNK.cookieAck:
        this.#establish(this.#handshake.cookieAck());
        return true;
      case CHUNK.abort:
        this.#aborted(reader);
        return false;
      case CHUNK.heartbeat:
        this.#answer(makeChunk(CHUNK.heartbeatAck, 0, reader.value()));
        return true;
      case CHUNK.heartbeatAck:
      case CHUNK.error:
        return true;
    }
    if (this.#peer === null) return true;
    switch (type) {
      case CHUNK.forwardTsn:
        this.#inbound!.forward(readForwardTsn(reader));
        this.#answer(this.#resets!.dataArrived());
        return true;
      case CHUNK.reConfig:
        for (const answer of this.#resets!.receive(reader)) this.#answer(answer);
        return true;
      case CHUNK.shutdown:
        this.#outbound.sack(reader, nowMs);
        if (this.#state === "established") this.#state = "closing";
        this.#continueShutdown(nowMs);
        return true;
      case CHUNK.shutdownAck:
        this.#answer(makeChunk(CHUNK.shutdownComplete, 0));
        return true;
      case CHUNK.shutdownComplete:
        if (this.#shutdownAtMs !== null) this.#close();
        return this.#shutdownAtMs === null;
    }
    return this.#unknown(reader);
  }

  #data(reader: PacketReader): boolean {
    const wrong = this.#inbound!.data(reader);
    if (wrong !== null) {
      const empty = reader.end - reader.start === 12;
      this.#abort(
        empty ? CAUSE.noUserData : CAUSE.protocolViolation,
        wrong,
        new RemoteProtocolError(`Cannot go on with the data channels: the peer sent ${wrong}`),
      );
      return false;
    }
    this.#answer(this.#resets!.dataArrived());
    return true;
  }

  /** RFC 9260, section 3.2: the highest bit says whether to go on, the next one whether to report. */
  #unknown(reader: PacketReader): boolean {
    if (reader.type & 0x40) {
      const shown = reader.bytes.slice(reader.start - 4, Math.min(reader.end, reader.start + 60));
      this.#answer(makeErrorChunk(CHUNK.error, CAUSE.unrecognizedChunkType, shown));
    }
    return (reader.type & 0x80) !== 0;
  }

  #establish(peer: PeerInit | null): void {
    if (peer === null || this.#peer !== null) return;
    this.#peer = peer;
    this.#state = "established";
    const { receiveWindow, maxMessageSize } = this.#options;
    const inbound = new Inbound(peer.initialTsn, receiveWindow, maxMessageSize, (message) => {
      const { streamId, ppid, data } = message;
      this.#events.push({ type: "message", streamId, ppid, data });
    });
    this.#inbound = inbound;
    const outbound = this.#outbound;
    outbound.begin(peer.window, peer.partialReliability);
    const host: ResetHost = {
      isDrained: (streamId) => outbound.queue.isDrained(streamId),
      get nextTsn() {
        return outbound.nextTsn;
      },
      get cumulativeTsn() {
        return inbound.cumulativeTsn;
      },
      resetIncoming: (streamIds) => {
        this.#events.push({ type: "reset", streamIds: inbound.reset(streamIds) });
      },
      resetDone: (streamIds, performed) => {
        for (const id of streamIds) outbound.queue.restart(id, performed);
        this.#events.push({ type: "resetDone", streamIds });
      },
    };
    const { initialTsn } = this.#handshake.own;
    this.#resets = new StreamResets(host, initialTsn, peer.initialTsn, peer.reConfig);
    this.#resets.want(this.#resetsBefore);
    this.#events.push({ type: "established" });
  }

  /** Queues a chunk that answers one; a flood of questions is not answered. */
  #answer(chunk: Uint8Array | null): void {
    if (chunk === null || this.#control.length >= MAX_ANSWERS) return;
    if (chunk.length <= this.#out.bytes.length - 12) this.#control.push(chunk);
  }

  /** Section 9.2: after the peer's SHUTDOWN our last data still goes out. */
  #continueShutdown(nowMs: number): void {
    if (this.#state !== "closing" || this.#shutdownAtMs !== null) return;
    if (this.#outbound.isIdle) this.#acceptShutdown(nowMs);
  }

  #acceptShutdown(nowMs: number): void {
    this.#shutdowns++;
    this.#shutdownAtMs = nowMs + this.#outbound.rto.currentMs;
    this.#answer(makeChunk(CHUNK.shutdownAck, 0));
  }

  #aborted(reader: PacketReader): void {
    for (const { type, value } of parameters(reader, 0)) {
      if (type === CAUSE.userInitiatedAbort) break; // how browsers close
      const said = new TextDecoder().decode(value.subarray(0, 100)).replace(/[^ -~]/g, "");
      const why = `the peer ended them (cause ${type}${said === "" ? "" : `: ${said}`})`;
      return this.#close(new ConnectionLost(`Cannot go on with the data channels: ${why}`));
    }
    this.#close();
  }

  #abort(cause: number, info: string, error?: Error): void {
    const tag = this.#peer?.tag ?? this.#handshake.peerTag;
    this.#close(error);
    if (tag === null) return;
    this.#out.begin(tag);
    this.#out.append(makeErrorChunk(CHUNK.abort, cause, new TextEncoder().encode(info)));
    this.#last = this.#out.finish(true);
  }

  #close(error?: Error): void {
    this.#state = "closed";
    this.#events.push(error === undefined ? { type: "closed" } : { type: "closed", error });
  }
}

/** Answers that wait for room, at most: far more than an honest peer can cause. */
const MAX_ANSWERS = 64;

function earlier(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.min(a, b);
}
