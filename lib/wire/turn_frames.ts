/**
 * What TURN adds to STUN: data in channels, and the end of a message in a stream (RFC 8656, sections 12.4
 * and 12.5; RFC 8489, section 5).
 *
 * ```text
 *  0                   1                   2                   3
 * |0 1|     channel number        |            length             |   0x4000 to 0x4FFF
 * |                       data, over TCP and TLS padded to 4 bytes|
 *
 * |0 0|     STUN message type     |   length behind 20 bytes      |
 * ```
 */

type Bytes = Uint8Array<ArrayBuffer>;

/** The first and the last number of a channel. */
export const CHANNELS = { first: 0x4000, last: 0x4fff } as const;
/** Bytes in front of the data of a channel. */
export const CHANNEL_HEADER = 4;
const STUN_HEADER = 20;

/**
 * Writes a channel's message into a buffer.
 *
 * @param padded whether it goes into a stream
 * @returns how long it is; 0 when the buffer is too small
 */
export function writeChannelData(
  into: Bytes,
  channel: number,
  data: Uint8Array,
  padded: boolean,
): number {
  const end = CHANNEL_HEADER + data.length;
  const length = padded ? (end + 3) & ~3 : end;
  if (length > into.length || data.length > 0xffff) return 0;
  new DataView(into.buffer, into.byteOffset).setUint32(0, channel << 16 | data.length);
  into.set(data, CHANNEL_HEADER);
  into.fill(0, end, length);
  return length;
}

/** The channel and the data of a message; `null` when it is none. The data is a view. */
export function readChannelData<B extends Uint8Array>(
  message: B,
): { readonly channel: number; readonly data: B } | null {
  if (message.length < CHANNEL_HEADER || (message[0]! & 0xc0) !== 0x40) return null;
  const end = CHANNEL_HEADER + (message[2]! << 8 | message[3]!);
  if (end > message.length) return null;
  const channel = message[0]! << 8 | message[1]!;
  return { channel, data: message.subarray(CHANNEL_HEADER, end) as B };
}

/** Cuts a stream into messages, wherever its pieces begin and end. */
export class TurnStreamReader {
  #rest = new Uint8Array(0);

  /**
   * The messages that are complete with this piece; views of it where they can be.
   *
   * @throws {SyntaxError} when the stream is not TURN; nothing more can be read from it
   */
  push(piece: Uint8Array): Uint8Array[] {
    let bytes = piece;
    if (this.#rest.length > 0) {
      bytes = new Uint8Array(this.#rest.length + piece.length);
      bytes.set(this.#rest);
      bytes.set(piece, this.#rest.length);
    }
    const messages: Uint8Array[] = [];
    let at = 0;
    while (bytes.length - at >= 4) {
      const kind = bytes[at]! >> 6, length = bytes[at + 2]! << 8 | bytes[at + 3]!;
      if (kind > 1) throw new SyntaxError("Cannot read the TURN stream: this is no message");
      const size = kind === 0 ? STUN_HEADER + length : (CHANNEL_HEADER + length + 3) & ~3;
      if (bytes.length - at < size) break;
      messages.push(bytes.subarray(at, at + size));
      at += size;
    }
    this.#rest = bytes.slice(at); // at most one message of 64 kB
    return messages;
  }
}
