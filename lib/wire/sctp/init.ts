/**
 * INIT and INIT ACK (RFC 9260, sections 3.3.2 and 3.3.3): what both ends tell each other first.
 *
 * ```text
 * |  type = 1, 2  |   flags = 0   |            length             |
 * +---------------+---------------+-------------------------------+
 * |               initiate tag: goes into every packet sent back  |
 * +---------------------------------------------------------------+
 * |               advertised receiver window                      |
 * +-------------------------------+-------------------------------+
 * |       outbound streams        |        inbound streams        |
 * +-------------------------------+-------------------------------+
 * |                         initial TSN                           |
 * +---------------------------------------------------------------+
 * |                         parameters …
 * ```
 */
import { RemoteProtocolError } from "../../errors.ts";
import { CHUNK, makeChunk, makeParameter, parameters } from "./chunks.ts";
import type { PacketReader } from "./packet.ts";

const STATE_COOKIE = 7; // section 3.3.3.1
const UNRECOGNIZED_PARAMETER = 8;
const SUPPORTED_EXTENSIONS = 0x8008; // RFC 5061, section 4.2.7
const ZERO_CHECKSUM = 0x8001; // RFC 9653, section 4
const FORWARD_TSN_SUPPORTED = 0xc000; // RFC 3758, section 3.1
const ERROR_DETECTION_BY_DTLS = 1; // RFC 9653, section 6
const MAX_STREAMS = 65535; // RFC 8831, section 6.2
/** More than any peer's cookie, less than a packet: what comes back must fit into one. */
const MAX_COOKIE_BYTES = 1024;
const MAX_REPORTED_BYTES = 512;

/** What one end says of itself. */
export interface InitFields {
  readonly tag: number;
  readonly window: number;
  readonly initialTsn: number;
}

/** What the other end said, with what it can do. */
export interface PeerInit extends InitFields {
  readonly partialReliability: boolean;
  readonly reConfig: boolean;
  /** Packets need no checksum, because DTLS below us guards them (RFC 9653). */
  readonly zeroChecksum: boolean;
  /** Of an INIT ACK: to be sent back. */
  readonly cookie: Uint8Array | null;
  /** Parameters that ask to be reported when they are not known. */
  readonly unrecognized: Uint8Array[];
}

/** Makes an INIT chunk, or with a cookie an INIT ACK. */
export function makeInit(
  own: InitFields,
  ack: { cookie: Uint8Array; unrecognized: Uint8Array[] } | null,
): Uint8Array<ArrayBuffer> {
  const parts = [
    makeParameter(SUPPORTED_EXTENSIONS, Uint8Array.of(CHUNK.reConfig, CHUNK.forwardTsn)),
    makeParameter(FORWARD_TSN_SUPPORTED, new Uint8Array()),
    makeParameter(ZERO_CHECKSUM, Uint8Array.of(0, 0, 0, ERROR_DETECTION_BY_DTLS)),
  ];
  if (ack !== null) {
    parts.push(makeParameter(STATE_COOKIE, ack.cookie));
    for (const one of ack.unrecognized) parts.push(makeParameter(UNRECOGNIZED_PARAMETER, one));
  }
  const value = new Uint8Array(16 + parts.reduce((sum, part) => sum + part.length, 0));
  const view = new DataView(value.buffer);
  view.setUint32(0, own.tag);
  view.setUint32(4, own.window);
  view.setUint16(8, MAX_STREAMS);
  view.setUint16(10, MAX_STREAMS);
  view.setUint32(12, own.initialTsn);
  let at = 16;
  for (const part of parts) {
    value.set(part, at);
    at += part.length;
  }
  return makeChunk(ack === null ? CHUNK.init : CHUNK.initAck, 0, value);
}

/** Reads the INIT or INIT ACK at hand. @throws {RemoteProtocolError} when it is short or offers no stream */
export function readInit(reader: PacketReader): PeerInit {
  reader.need(16);
  const at = reader.start;
  const tag = reader.view.getUint32(at);
  if (tag === 0 || reader.view.getUint16(at + 8) === 0 || reader.view.getUint16(at + 10) === 0) {
    throw new RemoteProtocolError("Cannot associate: the peer's INIT has no tag or no streams");
  }
  let partialReliability = false, reConfig = false, zeroChecksum = false;
  let cookie: Uint8Array | null = null;
  const unrecognized: Uint8Array[] = [];
  let reported = 0;
  for (const { type, value } of parameters(reader, 16)) {
    if (type === FORWARD_TSN_SUPPORTED) partialReliability = true;
    else if (type === SUPPORTED_EXTENSIONS) {
      reConfig ||= value.includes(CHUNK.reConfig);
      partialReliability ||= value.includes(CHUNK.forwardTsn);
    } else if (type === ZERO_CHECKSUM) {
      zeroChecksum = value.length === 4 && value[3] === ERROR_DETECTION_BY_DTLS && value[0] === 0 &&
        value[1] === 0 && value[2] === 0;
    } else if (type === STATE_COOKIE) {
      if (value.length > MAX_COOKIE_BYTES) {
        throw new RemoteProtocolError(`Cannot associate: a cookie of ${value.length} bytes`);
      }
      cookie = value.slice();
    } else if (type > 13) {
      // Section 3.2.1: the highest bit says whether to go on, the next one whether to report it.
      if (type & 0x4000 && reported + value.length <= MAX_REPORTED_BYTES) {
        reported += value.length + 8;
        unrecognized.push(makeParameter(type, value));
      }
      if ((type & 0x8000) === 0) break;
    }
  }
  return {
    tag,
    window: reader.view.getUint32(at + 4),
    initialTsn: reader.view.getUint32(at + 12),
    partialReliability,
    reConfig,
    zeroChecksum,
    cookie,
    unrecognized,
  };
}
