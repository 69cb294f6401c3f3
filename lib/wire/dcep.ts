/**
 * The Data Channel Establishment Protocol (RFC 8832): two messages that open a channel inside an SCTP
 * association.
 *
 * ```text
 *  0                   1                   2                   3      DATA_CHANNEL_OPEN, section 5.1
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +---------------+---------------+-------------------------------+
 * |  type = 0x03  | channel type  |           priority            |
 * +---------------+---------------+-------------------------------+
 * |                     reliability parameter                     |
 * +-------------------------------+-------------------------------+
 * |         label length          |        protocol length        |
 * +-------------------------------+-------------------------------+
 * |                  label, then protocol, UTF-8                  |
 * ```
 */
import { RemoteProtocolError } from "../errors.ts";

/** How a channel is to be opened. */
export interface ChannelParameters {
  /** The channel's name, at most 65535 bytes of UTF-8. */
  readonly label: string;
  /** What is spoken on it; empty when nothing was agreed. */
  readonly protocol: string;
  /** Whether messages arrive in the order in which they were sent. */
  readonly ordered: boolean;
  /** How often a lost message is sent again; `null` is until it arrives. */
  readonly maxRetransmits: number | null;
}

const OPEN = 0x03; // RFC 8832, section 8.2.1
const ACK = 0x02;
const UNORDERED = 0x80; // section 5.1: the high bit of the channel type
const PARTIAL_RELIABLE_REXMIT = 0x01;
const PARTIAL_RELIABLE_TIMED = 0x02; // read as reliable: what arrives late is better than nothing

/** The payload protocol identifiers of RFC 8831, section 8. */
export const PPID = { dcep: 50, string: 51, binary: 53, stringEmpty: 56, binaryEmpty: 57 } as const;

/** The whole acknowledgement of section 5.2. */
export const DCEP_ACK: Uint8Array = Uint8Array.of(ACK);

/** Whether the message is an acknowledgement of a channel that we opened. */
export function isDcepAck(data: Uint8Array): boolean {
  return data[0] === ACK;
}

/** Whether the message asks for a channel; {@linkcode parseDcepOpen} reads it. */
export function isDcepOpen(data: Uint8Array): boolean {
  return data[0] === OPEN;
}

/** Writes a DATA_CHANNEL_OPEN; lengths count bytes, as they should. */
export function encodeDcepOpen(channel: ChannelParameters): Uint8Array {
  const label = new TextEncoder().encode(channel.label);
  const protocol = new TextEncoder().encode(channel.protocol);
  for (const [what, { length }] of [["name", label], ["protocol", protocol]] as const) {
    if (length <= 0xffff) continue;
    throw new RangeError(
      `Cannot open the data channel: its ${what} has ${length} bytes; at most 65535 fit`,
    );
  }
  const out = new Uint8Array(12 + label.length + protocol.length);
  const view = new DataView(out.buffer);
  view.setUint8(0, OPEN);
  view.setUint8(
    1,
    (channel.ordered ? 0 : UNORDERED) |
      (channel.maxRetransmits === null ? 0 : PARTIAL_RELIABLE_REXMIT),
  );
  view.setUint32(4, channel.maxRetransmits ?? 0);
  view.setUint16(8, label.length);
  view.setUint16(10, protocol.length);
  out.set(label, 12);
  out.set(protocol, 12 + label.length);
  return out;
}

/**
 * Reads a DATA_CHANNEL_OPEN; what follows it is not looked at.
 * @throws {RemoteProtocolError} when it is cut short or says something unknown
 */
export function parseDcepOpen(data: Uint8Array): ChannelParameters {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (data.length < 12 || view.getUint8(0) !== OPEN) {
    throw new RemoteProtocolError(
      `Cannot open the remote data channel: ${data.length} bytes are no DATA_CHANNEL_OPEN`,
    );
  }
  const labelEnd = 12 + view.getUint16(8);
  const protocolEnd = labelEnd + view.getUint16(10);
  if (data.length < protocolEnd) {
    throw new RemoteProtocolError(
      `Cannot open the remote data channel: the message ends after ${data.length} of ${protocolEnd} bytes`,
    );
  }
  const type = view.getUint8(1);
  if ((type & ~UNORDERED) > PARTIAL_RELIABLE_TIMED) {
    throw new RemoteProtocolError(
      `Cannot open the remote data channel: its type ${type} is none of RFC 8832`,
    );
  }
  const utf8 = new TextDecoder("utf-8", { ignoreBOM: true }); // a name is what its bytes say
  return {
    label: utf8.decode(data.subarray(12, labelEnd)),
    protocol: utf8.decode(data.subarray(labelEnd, protocolEnd)),
    ordered: (type & UNORDERED) === 0,
    maxRetransmits: (type & ~UNORDERED) === PARTIAL_RELIABLE_REXMIT ? view.getUint32(4) : null,
  };
}
