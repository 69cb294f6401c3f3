/**
 * The chunks of SCTP other than INIT and RE-CONFIG (RFC 9260, section 3.3; RFC 3758, section 3.2), their
 * numbers and how each is read and written. Readers work on the chunk at hand of a {@linkcode PacketReader}
 * and throw {@linkcode RemoteProtocolError} when it is too short.
 */
import { CHUNK_HEADER_BYTES, type PacketReader, type PacketWriter, padded } from "./packet.ts";

/** Chunk types: RFC 9260, table 1; RFC 6525, section 3.1; RFC 3758, section 3.2. */
export const CHUNK = {
  data: 0,
  init: 1,
  initAck: 2,
  sack: 3,
  heartbeat: 4,
  heartbeatAck: 5,
  abort: 6,
  shutdown: 7,
  shutdownAck: 8,
  error: 9,
  cookieEcho: 10,
  cookieAck: 11,
  shutdownComplete: 14,
  reConfig: 130,
  forwardTsn: 192,
} as const;

/** Error causes: RFC 9260, section 3.3.10. */
export const CAUSE = {
  unrecognizedChunkType: 6,
  userInitiatedAbort: 12,
  protocolViolation: 13,
} as const;

/** The flags of DATA: last and first fragment, unordered, and "acknowledge at once" (RFC 7053). */
export const DATA_FLAG = { end: 0x01, begin: 0x02, unordered: 0x04, immediate: 0x08 } as const;
/** The flag of ABORT and SHUTDOWN COMPLETE that says: this tag is the receiver's own (section 8.5.1). */
export const REFLECTED_TAG = 0x01;

/** Bytes of a DATA chunk before its user data. */
export const DATA_HEADER_BYTES = 16;

/**
 * Writes a DATA chunk (section 3.3.1).
 *
 * ```text
 * |  type = 0     | res   |I|U|B|E|            length             |
 * +---------------+-------+-------+-------------------------------+
 * |                              TSN                              |
 * +-------------------------------+-------------------------------+
 * |            stream             |     stream sequence number    |
 * +-------------------------------+-------------------------------+
 * |                  payload protocol identifier                  |
 * +---------------------------------------------------------------+
 * |                           user data …
 * ```
 */
export function writeData(
  out: PacketWriter,
  chunk: { flags: number; tsn: number; offset: number; length: number },
  message: { streamId: number; ssn: number; ppid: number; data: Uint8Array },
): void {
  const at = out.open(CHUNK.data, chunk.flags, 12 + chunk.length);
  out.view.setUint32(at, chunk.tsn);
  out.view.setUint16(at + 4, message.streamId);
  out.view.setUint16(at + 6, message.ssn);
  out.view.setUint32(at + 8, message.ppid);
  const { data } = message;
  out.bytes.set(
    chunk.length === data.length ? data : data.subarray(chunk.offset, chunk.offset + chunk.length),
    at + 12,
  );
}

/**
 * A FORWARD TSN chunk (RFC 3758, section 3.2): what came up to here, or never will, is done with.
 *
 * ```text
 * |  type = 192   |   flags = 0   |            length             |
 * +---------------+---------------+-------------------------------+
 * |                      new cumulative TSN                       |
 * +-------------------------------+-------------------------------+
 * |           stream              |    stream sequence number     |  for each ordered stream
 * ```
 */
export interface ForwardTsn {
  readonly tsn: number;
  /** The last sequence number left out, for each stream. */
  readonly skipped: ReadonlyMap<number, number>;
}

/** Bytes of a FORWARD TSN chunk that names so many streams. */
export function forwardTsnBytes(streams: number): number {
  return CHUNK_HEADER_BYTES + 4 + 4 * streams;
}

/** Writes a FORWARD TSN chunk. */
export function writeForwardTsn(out: PacketWriter, forward: ForwardTsn): void {
  let at = out.open(CHUNK.forwardTsn, 0, 4 + 4 * forward.skipped.size);
  out.view.setUint32(at, forward.tsn);
  for (const [streamId, ssn] of forward.skipped) {
    out.view.setUint16(at += 4, streamId);
    out.view.setUint16(at + 2, ssn);
  }
}

/** Reads a FORWARD TSN chunk. */
export function readForwardTsn(reader: PacketReader): ForwardTsn {
  reader.need(4);
  const skipped = new Map<number, number>();
  for (let at = reader.start + 4; at + 4 <= reader.end; at += 4) {
    skipped.set(reader.view.getUint16(at), reader.view.getUint16(at + 2));
  }
  return { tsn: reader.view.getUint32(reader.start), skipped };
}

/** Makes any chunk, or parameter with a 16-bit type, from its value. */
export function makeChunk(
  type: number,
  flags: number,
  value: Uint8Array = new Uint8Array(),
): Uint8Array<ArrayBuffer> {
  const size = CHUNK_HEADER_BYTES + value.length;
  const chunk = new Uint8Array(padded(size));
  chunk[0] = type;
  chunk[1] = flags;
  chunk[2] = size >> 8;
  chunk[3] = size;
  chunk.set(value, CHUNK_HEADER_BYTES);
  return chunk;
}

/** Makes a parameter or an error cause: like a chunk, but for a type of 16 bits (section 3.2.1). */
export function makeParameter(type: number, value: Uint8Array): Uint8Array<ArrayBuffer> {
  return makeChunk(type >> 8, type & 0xff, value);
}

/** Makes an ABORT or ERROR chunk with one cause (sections 3.3.7 and 3.3.10). */
export function makeErrorChunk(
  type: typeof CHUNK.abort | typeof CHUNK.error,
  cause: number,
  info: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return makeChunk(type, 0, makeParameter(cause, info));
}

/** Shows each parameter or cause of the chunk at hand, from `offset` in its value; ends at the first impossible length. */
export function* parameters(
  reader: PacketReader,
  offset: number,
): Generator<{ type: number; value: Uint8Array }> {
  for (let at = reader.start + offset; at + CHUNK_HEADER_BYTES <= reader.end;) {
    const size = reader.view.getUint16(at + 2);
    if (size < CHUNK_HEADER_BYTES || at + size > reader.end) return;
    yield {
      type: reader.view.getUint16(at),
      value: reader.bytes.subarray(at + CHUNK_HEADER_BYTES, at + size),
    };
    at += padded(size);
  }
}
