/**
 * Whole frames from packets in order, without clock or socket.
 *
 * What a reader may rely on: every frame is whole, was preceded by all frames since a key frame, and is
 * of bounded size. When that cannot be kept, `needsKeyFrame` is true, and nothing comes until one does.
 */

import { RemoteProtocolError } from "../errors.ts";
import type { Depacketizer } from "./rtp_payload.ts";
import type { OrderedPacket, SequencedPacket } from "./rtp_receive.ts";

/** A whole compressed frame. */
export interface AssembledFrame {
  /** The bytes, in memory of their own. */
  readonly data: Uint8Array<ArrayBuffer>;
  /** Whether it can be decoded without those before it. */
  readonly keyFrame: boolean;
  /** The RTP time: 32 bits, 90 kHz. */
  readonly timestamp: number;
}

/** The frame whose packets are coming in. */
interface Current {
  readonly timestamp: number;
  readonly pieces: Uint8Array[];
  bytes: number;
  keyFrame: boolean;
  /** A part of it is lost or wrong. */
  broken: boolean;
}

/** Puts the frames of one stream together. */
export class FrameAssembler {
  readonly #depacketizer: Depacketizer;
  readonly #maxFrameBytes: number;
  #current: Current | null = null;
  #needsKeyFrame = true;
  #lastError: RemoteProtocolError | null = null;

  /**
   * Begins with a key frame.
   *
   * @param maxFrameBytes larger frames are let go
   */
  constructor(depacketizer: Depacketizer, maxFrameBytes: number = 4 * 1024 * 1024) {
    this.#depacketizer = depacketizer;
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** Whether no frame will come until the sender makes a key frame. */
  get needsKeyFrame(): boolean {
    return this.#needsKeyFrame;
  }

  /** Whether the frame whose packets are coming in is a key frame, and whole so far. */
  get keyFrameComing(): boolean {
    return this.#current !== null && this.#current.keyFrame && !this.#current.broken;
  }

  /** What was wrong with the last packet that could not be read; null if there was none. */
  get lastError(): RemoteProtocolError | null {
    return this.#lastError;
  }

  /** A decoder could not go on: frames are let go until there is a key frame. */
  loseReference(): void {
    this.#needsKeyFrame = true;
  }

  /** Takes the next packet, and gives the frames that it ends: none, one, or two. */
  push({ packet, afterLoss }: OrderedPacket<SequencedPacket>): AssembledFrame[] {
    const frames: AssembledFrame[] = [];
    if (afterLoss) this.#lose();
    // Packets without anything in them are sent to find out how fast the network is.
    if (packet.payload.length === 0) return frames;
    let current = this.#current;
    if (current && current.timestamp !== packet.timestamp) {
      this.#end(frames); // a sender without markers
      current = null;
    }
    const newFrame = current === null;
    current ??= this.#current = {
      timestamp: packet.timestamp,
      pieces: [],
      bytes: 0,
      keyFrame: false,
      broken: false,
    };
    this.#append(current, packet.payload, newFrame);
    if (packet.marker) this.#end(frames);
    return frames;
  }

  #append(current: Current, payload: Uint8Array, newFrame: boolean): void {
    try {
      const part = this.#depacketizer.read(payload, newFrame);
      if (newFrame && !part.begins) current.broken = true;
      if (current.broken) return;
      for (const piece of part.pieces) {
        current.pieces.push(piece);
        current.bytes += piece.length;
      }
      current.keyFrame ||= part.keyFrame;
      if (current.bytes <= this.#maxFrameBytes) return;
    } catch (error) {
      if (!(error instanceof RemoteProtocolError)) throw error;
      this.#lastError = error;
    }
    current.broken = true;
    current.pieces.length = 0;
  }

  /** What was begun will not be whole, and what was lost may have been referred to. */
  #lose(): void {
    this.#current = null;
    this.#needsKeyFrame = true;
    this.#depacketizer.reset();
  }

  #end(frames: AssembledFrame[]): void {
    const { timestamp, pieces, bytes, keyFrame, broken } = this.#current!;
    this.#current = null;
    if (broken) return this.#lose();
    if (this.#needsKeyFrame && !keyFrame) return;
    if (bytes === 0) return;
    this.#needsKeyFrame = false;
    const data = new Uint8Array(bytes);
    let at = 0;
    for (const piece of pieces) {
      data.set(piece, at);
      at += piece.length;
    }
    frames.push({ data, keyFrame, timestamp });
  }
}
