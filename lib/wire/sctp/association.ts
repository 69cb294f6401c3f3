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
import { CAUSE, CHUNK, makeChunk, makeErrorChunk, parameters, REFLECTED_TAG } from "./chunks.ts";
import { Fifo } from "./fifo.ts";
import { Handshake } from "./handshake.ts";
import type { PeerInit } from "./init.ts";
import type { SctpEvent, SctpOptions, SctpState, SendOptions } from "./options.ts";
import { Outbound } from "./outbound.ts";
import { PacketReader, PacketWriter } from "./packet.ts";
import { Session, Violation } from "./session.ts";

export type { SctpEvent, SctpOptions, SctpState, SendOptions } from "./options.ts";
export type { RtoOptions } from "./rto.ts";

/** A whole association without input or output; see the head of the file. */
export class SctpAssociation {
  readonly #options: Required<SctpOptions>;
  readonly #handshake: Handshake;
  readonly #outbound: Outbound;
  readonly #out: PacketWriter;
  readonly #events = new Fifo<SctpEvent>();
  readonly #resetsBefore = new Set<number>();
  #session: Session | null = null;
  #state: "new" | "connecting" | "established" | "closed" = "new";
  #last: Uint8Array<ArrayBuffer> | null = null;
  /** Packets that could not be read or were not ours. */
  dropped = 0;

  /**
   * Makes one that does nothing yet.
   *
   * @param options who we are and how much we take
   */
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
    return this.#state === "established" && this.#session!.isClosing ? "closing" : this.#state;
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
    if (this.#state === "closed" || this.#session?.isClosing) {
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
    if (this.#session !== null) this.#session.resets.want(streamIds);
    else for (const id of streamIds) this.#resetsBefore.add(id);
  }

  /** Ends the association at once; one more `transmit` tells the peer. */
  abort(): void {
    if (this.#state !== "closed") this.#abort(CAUSE.userInitiatedAbort);
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
      if (error instanceof Violation) this.#abort(CAUSE.protocolViolation, error);
      else if (error instanceof RemoteProtocolError) this.dropped++;
      else throw error;
    }
    this.#session?.endOfPacket(nowMs);
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
    if (this.#session === null) return null;
    out.begin(this.#session.peer.tag);
    this.#session.fill(out, nowMs);
    return out.isEmpty ? null : out.finish(!this.#session.peer.zeroChecksum);
  }

  /** When to call `handleTimeout`; `null` for never. Valid until the next call of anything else. */
  nextTimeout(): number | null {
    if (this.#state === "closed") return null;
    return this.#session === null ? this.#handshake.retryAtMs : this.#session.timeoutAtMs;
  }

  /** Does what is due; then `transmit`. */
  handleTimeout(nowMs: number): void {
    if (this.#state === "closed") return;
    this.#handshake.handleTimeout(nowMs);
    this.#session?.handleTimeout(nowMs);
    const failures = Math.max(this.#handshake.failures, this.#session?.failures ?? 0);
    if (failures > this.#options.maxFailures) {
      const lost = `${failures} packets were not answered; make a new connection`;
      this.#abort(0, new ConnectionLost(`Cannot reach the peer's data channels: ${lost}`));
    }
  }

  /** The next thing that happened; `null` when nothing did. An unread message keeps the window closed. */
  pollEvent(): SctpEvent | null {
    const event = this.#events.shift();
    if (event === undefined) return null;
    if (event.type === "message") this.#session!.taken(event.data.length);
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
    switch (reader.type) {
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
        this.#session!.answer(makeChunk(CHUNK.cookieAck, 0));
        return true;
      }
      case CHUNK.cookieAck:
      case CHUNK.data:
      case CHUNK.sack:
        // Who sends data has our cookie, even when its COOKIE ACK was lost or comes later.
        if (this.#session === null) this.#establish(this.#handshake.cookieAck());
        break;
      case CHUNK.abort:
        this.#aborted(reader);
        return false;
    }
    if (this.#session === null) return true;
    const goesOn = this.#session.chunk(reader, nowMs);
    if (this.#session.isOver) this.#close();
    return goesOn;
  }

  #establish(peer: PeerInit | null): void {
    if (peer === null || this.#session !== null) return;
    const emit = (event: SctpEvent) => this.#events.push(event);
    this.#session = new Session(peer, this.#handshake.own, this.#outbound, this.#options, emit);
    this.#state = "established";
    emit({ type: "established" });
    this.#session.resets.want(this.#resetsBefore);
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

  #abort(cause: number, error?: Error): void {
    const tag = this.#session?.peer.tag ?? this.#handshake.peerTag;
    this.#close(error);
    if (tag === null) return;
    this.#out.begin(tag);
    this.#out.append(makeErrorChunk(CHUNK.abort, cause, new Uint8Array()));
    this.#last = this.#out.finish(true);
  }

  #close(error?: Error): void {
    this.#state = "closed";
    this.#events.push(error === undefined ? { type: "closed" } : { type: "closed", error });
  }
}
