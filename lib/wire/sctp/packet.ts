/**
 * The frame of everything in SCTP: a common header, then chunks (RFC 9260, section 3).
 *
 * ```text
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-------------------------------+-------------------------------+
 * |          source port          |       destination port        |
 * +-------------------------------+-------------------------------+
 * |                       verification tag                        |
 * +---------------------------------------------------------------+
 * |             checksum: CRC-32C, little-endian                  |
 * +===============+===============+===============================+
 * |     type      |     flags     |   length, with these 4 bytes  |  one chunk …
 * +---------------+---------------+-------------------------------+
 * |                             value, padded with zeros to 4 bytes
 * ```
 *
 * The reader is fed one whole packet and walks over it without allocating; it throws
 * {@linkcode RemoteProtocolError} for a packet whose lengths contradict each other, before any chunk of it
 * was shown. The writer fills one scratch buffer and copies the finished packet out.
 */
import { RemoteProtocolError } from "../../errors.ts";
import { packetChecksum } from "./crc32c.ts";

/** Bytes before the first chunk. */
export const COMMON_HEADER_BYTES = 12;
/** Bytes before the value of a chunk or parameter. */
export const CHUNK_HEADER_BYTES = 4;

/** Rounds up to the next multiple of four. */
export function padded(length: number): number {
  return (length + 3) & ~3;
}

/** Walks over the chunks of one packet. */
export class PacketReader {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly verificationTag: number;
  /** The type of the chunk at hand. */
  type = -1;
  /** The flags of the chunk at hand. */
  flags = 0;
  /** Where the chunk's value begins. */
  start = 0;
  /** Where the chunk's value ends, without padding. */
  end = 0;
  #next = COMMON_HEADER_BYTES;

  /** @throws {RemoteProtocolError} when the packet is cut short or a length in it is impossible */
  constructor(packet: Uint8Array) {
    // A Node Buffer's slice() shares memory; a plain view's copies.
    this.bytes = new Uint8Array(packet.buffer, packet.byteOffset, packet.byteLength);
    this.view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
    const length = this.bytes.length;
    if (length < COMMON_HEADER_BYTES + CHUNK_HEADER_BYTES) {
      throw new RemoteProtocolError(`Cannot read the SCTP packet: ${length} bytes hold no chunk`);
    }
    this.sourcePort = this.view.getUint16(0);
    this.destinationPort = this.view.getUint16(2);
    this.verificationTag = this.view.getUint32(4);
    for (let at = COMMON_HEADER_BYTES; at < length;) {
      const size = at + CHUNK_HEADER_BYTES <= length ? this.view.getUint16(at + 2) : 0;
      if (size < CHUNK_HEADER_BYTES || at + size > length) {
        throw new RemoteProtocolError(
          `Cannot read the SCTP packet: a chunk of ${size} bytes begins at ${at} of ${length}`,
        );
      }
      at += padded(size);
    }
  }

  /** The checksum as sent. */
  get checksum(): number {
    return this.view.getUint32(8, true);
  }

  /** Whether the checksum is that of the bytes. */
  get intact(): boolean {
    return this.checksum === packetChecksum(this.bytes);
  }

  /** Steps to the next chunk; `false` after the last. */
  next(): boolean {
    if (this.#next >= this.bytes.length) return false;
    const at = this.#next;
    this.type = this.bytes[at]!;
    this.flags = this.bytes[at + 1]!;
    this.start = at + CHUNK_HEADER_BYTES;
    this.end = at + this.view.getUint16(at + 2);
    this.#next = padded(this.end);
    return true;
  }

  /** Whether the chunk at hand is the last one. */
  get isLast(): boolean {
    return this.#next >= this.bytes.length;
  }

  /** The value of the chunk at hand; a view, not a copy. */
  value(): Uint8Array {
    return this.bytes.subarray(this.start, this.end);
  }

  /** @throws {RemoteProtocolError} unless the chunk at hand has at least so many bytes of value */
  need(bytes: number): void {
    if (this.end - this.start < bytes) {
      throw new RemoteProtocolError(
        `Cannot read the SCTP chunk of type ${this.type}: it has ${this.end - this.start} bytes, ` +
          `not ${bytes}`,
      );
    }
  }
}

/** Collects chunks into one packet. */
export class PacketWriter {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView;
  /** Bytes written; a packet without chunks has {@linkcode COMMON_HEADER_BYTES}. */
  length = COMMON_HEADER_BYTES;

  /** @param maxBytes the largest packet */
  constructor(sourcePort: number, destinationPort: number, maxBytes: number) {
    this.bytes = new Uint8Array(maxBytes & ~3);
    this.view = new DataView(this.bytes.buffer);
    this.view.setUint16(0, sourcePort);
    this.view.setUint16(2, destinationPort);
  }

  /** Begins a new packet. */
  begin(verificationTag: number): void {
    this.view.setUint32(4, verificationTag);
    this.length = COMMON_HEADER_BYTES;
  }

  /** Whether nothing was written yet. */
  get isEmpty(): boolean {
    return this.length === COMMON_HEADER_BYTES;
  }

  /** Bytes still free. */
  get room(): number {
    return this.bytes.length - this.length;
  }

  /** Adds a whole chunk, made by `chunk()`; its length is a multiple of four. */
  append(chunk: Uint8Array): void {
    this.bytes.set(chunk, this.length);
    this.length += chunk.length;
  }

  /** Begins a chunk of known length and says where its value goes; padding is written as zeros. */
  open(type: number, flags: number, valueBytes: number): number {
    const at = this.length;
    const size = CHUNK_HEADER_BYTES + valueBytes;
    const end = at + padded(size);
    this.bytes[at] = type;
    this.bytes[at + 1] = flags;
    this.view.setUint16(at + 2, size);
    for (let i = at + size; i < end; i++) this.bytes[i] = 0;
    this.length = end;
    return at + CHUNK_HEADER_BYTES;
  }

  /** The finished packet, which is the caller's. */
  finish(withChecksum: boolean): Uint8Array<ArrayBuffer> {
    this.view.setUint32(8, withChecksum ? packetChecksum(this.bytes, this.length) : 0, true);
    return this.bytes.slice(0, this.length);
  }
}
