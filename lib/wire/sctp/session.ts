/**
 * An association after its handshake: what an established peer sends is handed to the halves that deal with
 * it, and what they have to say is put into packets.
 */
import { RemoteProtocolError } from "../../errors.ts";
import { CAUSE, CHUNK, makeChunk, makeErrorChunk, readForwardTsn } from "./chunks.ts";
import { Fifo } from "./fifo.ts";
import { Inbound } from "./inbound.ts";
import type { InitFields, PeerInit } from "./init.ts";
import type { SctpEvent } from "./options.ts";
import type { Outbound } from "./outbound.ts";
import { COMMON_HEADER_BYTES, type PacketReader, type PacketWriter } from "./packet.ts";
import { StreamResets } from "./stream_reset.ts";

/** Answers that wait for room, at most: far more than an honest peer can cause. */
const MAX_ANSWERS = 64;

/** The peer did what ends the association. */
export class Violation extends RemoteProtocolError {
  /** @param what the peer sent */
  constructor(what: string) {
    super(`Cannot go on with the data channels: the peer sent ${what}`);
  }
}

/** Two halves, stream resets and answers. */
export class Session {
  readonly peer: PeerInit;
  readonly resets: StreamResets;
  readonly #inbound: Inbound;
  readonly #outbound: Outbound;
  readonly #answers = new Fifo<Uint8Array>();
  readonly #maxAnswerBytes: number;
  #phase: "open" | "flushing" | "acknowledged" | "over" = "open";
  #shutdownAtMs: number | null = null;
  #shutdowns = 0;

  /** @param emit hears what happens, in order */
  constructor(
    peer: PeerInit,
    own: InitFields,
    outbound: Outbound,
    limits: { readonly maxMessageSize: number; readonly maxPacket: number },
    emit: (event: SctpEvent) => void,
  ) {
    this.peer = peer;
    this.#outbound = outbound;
    this.#maxAnswerBytes = limits.maxPacket - COMMON_HEADER_BYTES - 3;
    outbound.begin(peer.window, peer.partialReliability);
    const inbound = new Inbound(
      peer.initialTsn,
      own.window,
      limits.maxMessageSize,
      ({ streamId, ppid, data }) => emit({ type: "message", streamId, ppid, data }),
    );
    this.#inbound = inbound;
    const host = {
      isDrained: (streamId: number) => outbound.queue.isDrained(streamId),
      get nextTsn() {
        return outbound.nextTsn;
      },
      get cumulativeTsn() {
        return inbound.cumulativeTsn;
      },
      resetIncoming: (streamIds: readonly number[]) => {
        emit({ type: "reset", streamIds: inbound.reset(streamIds) });
      },
      resetDone: (streamIds: number[], performed: boolean) => {
        for (const id of streamIds) outbound.queue.restart(id, performed);
        emit({ type: "resetDone", streamIds });
      },
    };
    this.resets = new StreamResets(host, own.initialTsn, peer.initialTsn, peer.reConfig);
  }

  /** Whether the peer wants to end; nothing new is sent then. */
  get isClosing(): boolean {
    return this.#phase !== "open";
  }

  /** Whether both ends have agreed that it is over. */
  get isOver(): boolean {
    return this.#phase === "over";
  }

  /** The most time-outs in a row of anything. */
  get failures(): number {
    return Math.max(this.#outbound.failures, this.resets.failures, this.#shutdowns);
  }

  /**
   * Takes the chunk at hand; `false` when the rest of the packet is to be left.
   *
   * @throws {Violation} when the association must end
   */
  chunk(reader: PacketReader, nowMs: number): boolean {
    switch (reader.type) {
      case CHUNK.data: {
        const wrong = this.#inbound.data(reader);
        if (wrong !== null) throw new Violation(wrong);
        this.answer(this.resets.dataArrived());
        return true;
      }
      case CHUNK.sack:
        this.#outbound.sack(reader, nowMs);
        this.#continueShutdown(nowMs);
        return true;
      case CHUNK.forwardTsn:
        this.#inbound.forward(readForwardTsn(reader));
        this.answer(this.resets.dataArrived());
        return true;
      case CHUNK.reConfig:
        for (const answer of this.resets.receive(reader)) this.answer(answer);
        return true;
      case CHUNK.heartbeat:
        this.answer(makeChunk(CHUNK.heartbeatAck, 0, reader.value()));
        return true;
      case CHUNK.heartbeatAck:
      case CHUNK.error:
      case CHUNK.cookieAck:
        return true;
      case CHUNK.shutdown:
        this.#outbound.sack(reader, nowMs);
        if (this.#phase === "open") this.#phase = "flushing";
        this.#continueShutdown(nowMs);
        return true;
      case CHUNK.shutdownAck:
        this.answer(makeChunk(CHUNK.shutdownComplete, 0));
        return true;
      case CHUNK.shutdownComplete:
        if (this.#phase === "acknowledged") this.#phase = "over";
        return !this.isOver;
    }
    return this.#unknown(reader);
  }

  /** After the last chunk of a packet. */
  endOfPacket(nowMs: number): void {
    this.#inbound.endOfPacket(nowMs);
  }

  /** Somebody took a message of so many bytes. */
  taken(bytes: number): void {
    this.#inbound.taken(bytes);
  }

  /** Queues a chunk that answers one; a flood of questions is not answered. */
  answer(chunk: Uint8Array | null): void {
    if (chunk === null || this.#answers.length >= MAX_ANSWERS) return;
    if (chunk.length <= this.#maxAnswerBytes) this.#answers.push(chunk);
  }

  /** Writes what is due; a packet with data or an answer takes the acknowledgement along. */
  fill(out: PacketWriter, nowMs: number): void {
    const sends = this.#outbound.hasDataToSend;
    this.answer(this.resets.nextChunk(nowMs, this.#outbound.rto.currentMs));
    for (let next; (next = this.#answers.peek()) !== undefined && next.length <= out.room;) {
      out.append(next);
      this.#answers.shift();
    }
    const ackAtMs = this.#inbound.ackAtMs;
    if (ackAtMs !== null && (ackAtMs <= nowMs || sends || !out.isEmpty)) {
      this.#inbound.writeSack(out);
    }
    if (sends) this.#outbound.fill(out, nowMs);
    else this.#outbound.rest();
  }

  /** When `handleTimeout` is to be called, or `fill` to acknowledge. */
  get timeoutAtMs(): number | null {
    const acks = earlier(this.#inbound.ackAtMs, this.#shutdownAtMs);
    return earlier(acks, earlier(this.#outbound.timeoutAtMs, this.resets.retryAtMs));
  }

  /** Does what is due. */
  handleTimeout(nowMs: number): void {
    this.#outbound.handleTimeout(nowMs);
    this.resets.handleTimeout(nowMs);
    if (this.#shutdownAtMs !== null && this.#shutdownAtMs <= nowMs) this.#acceptShutdown(nowMs);
  }

  /** RFC 9260, section 3.2: the highest bit says whether to go on, the next one whether to report. */
  #unknown(reader: PacketReader): boolean {
    if (reader.type & 0x40) {
      const shown = reader.bytes.slice(reader.start - 4, Math.min(reader.end, reader.start + 60));
      this.answer(makeErrorChunk(CHUNK.error, CAUSE.unrecognizedChunkType, shown));
    }
    return (reader.type & 0x80) !== 0;
  }

  /** Section 9.2: after the peer's SHUTDOWN our last data still goes out. */
  #continueShutdown(nowMs: number): void {
    if (this.#phase === "flushing" && this.#outbound.isIdle) this.#acceptShutdown(nowMs);
  }

  #acceptShutdown(nowMs: number): void {
    this.#phase = "acknowledged";
    this.#shutdowns++;
    this.#shutdownAtMs = nowMs + this.#outbound.rto.currentMs;
    this.answer(makeChunk(CHUNK.shutdownAck, 0));
  }
}

function earlier(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.min(a, b);
}
