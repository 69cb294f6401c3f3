/**
 * Packets that find step again by themselves after bytes were lost, inserted or changed. The C side is
 * `tutorials/arduino/src/rtcbot.h`, small enough for an Arduino Uno.
 *
 * ```text
 *   0      1      2        3 … 2+n     3+n   4+n
 * +------+------+--------+-----------+-----+-----+
 * | 0xA5 | 0x5A | n      | n bytes   | CRC-16    |   the CRC's low byte first
 * +------+------+--------+-----------+-----+-----+
 *                \________ CRC of ________/
 * ```
 *
 * The CRC is CRC-16/MCRF4XX, `_crc_ccitt_update` of avr-libc's `<util/crc16.h>` begun with 0xFFFF: it finds
 * every error of up to 16 bits in a row, and lets one in 65536 of the rest pass.
 */
import type { Framer } from "./framer.ts";

const SYNC_1 = 0xa5, SYNC_2 = 0x5a; // their bits are opposite, so that a shifted one is none
const HEAD = 3, TAIL = 2;

/** The longest message that a packet can carry. */
export const MAX_PACKET_PAYLOAD = 255;

/**
 * A message as a packet.
 *
 * @throws {RangeError} when it has more than 255 bytes
 */
export function encodePacket(payload: Uint8Array): Uint8Array<ArrayBuffer> {
  if (payload.length > MAX_PACKET_PAYLOAD) {
    throw new RangeError(
      `Cannot send ${payload.length} bytes as one packet: its length is one byte; ` +
        `send at most ${MAX_PACKET_PAYLOAD}`,
    );
  }
  const packet = new Uint8Array(HEAD + payload.length + TAIL);
  packet.set([SYNC_1, SYNC_2, payload.length]);
  packet.set(payload, HEAD);
  const crc = crc16(packet, 2, HEAD + payload.length);
  packet.set([crc & 0xff, crc >> 8], HEAD + payload.length);
  return packet;
}

/**
 * Finds packets. After a packet that is not right the search goes on one byte behind its beginning, so a
 * good packet is never swallowed by a broken one before it; it is given as soon as the broken one's
 * alleged end has passed, 260 bytes later at the most, or a packet's length if the size is known.
 */
export class PacketFramer implements Framer {
  readonly #size: number | null;
  /** What may be the beginning of a packet. */
  readonly #held = new Uint8Array(HEAD + MAX_PACKET_PAYLOAD + TAIL);
  #length = 0;
  #skipped = 0;

  /** Begins in the middle of nothing. @param size bytes of every message, if they all have one size: others are then refused at once */
  constructor(size: number | null = null) {
    if (size !== null && !(Number.isInteger(size) && size >= 0 && size <= MAX_PACKET_PAYLOAD)) {
      throw new RangeError(
        `Cannot use packets of ${size} bytes: their length is one byte; use 0 to 255`,
      );
    }
    this.#size = size;
  }

  /** Bytes that belonged to no good packet. */
  get skipped(): number {
    return this.#skipped;
  }

  /** Gives the messages of the packets that are complete now. */
  push(bytes: Uint8Array): Uint8Array<ArrayBuffer>[] {
    const messages: Uint8Array<ArrayBuffer>[] = [];
    for (const byte of bytes) {
      this.#held[this.#length++] = byte;
      while (this.#length > 0) {
        const state = this.#look();
        if (state === "more") break;
        if (state === "wrong") {
          this.#drop(1);
          this.#skipped++;
          continue;
        }
        messages.push(state);
        this.#drop(HEAD + state.length + TAIL);
      }
    }
    return messages;
  }

  /** What is held begins a packet, cannot be one, or has one whole packet in front. */
  #look(): "more" | "wrong" | Uint8Array<ArrayBuffer> {
    const held = this.#held, length = this.#length;
    if (held[0] !== SYNC_1 || (length > 1 && held[1] !== SYNC_2)) return "wrong";
    if (length < HEAD) return "more";
    const size = held[2]!;
    if (this.#size !== null && size !== this.#size) return "wrong";
    const end = HEAD + size;
    if (length < end + TAIL) return "more";
    const crc = held[end]! | held[end + 1]! << 8;
    return crc === crc16(held, 2, end) ? held.slice(HEAD, end) : "wrong";
  }

  /** Forgets so many bytes in front. */
  #drop(count: number): void {
    this.#held.copyWithin(0, count, this.#length);
    this.#length -= count;
  }
}

/** CRC-16/MCRF4XX: polynomial 0x1021 reflected, begun with 0xFFFF. That of "123456789" is 0x6F91. */
export function crc16(bytes: Uint8Array, start = 0, end: number = bytes.length): number {
  let crc = 0xffff;
  for (let i = start; i < end; i++) crc = crc >> 8 ^ TABLE[(crc ^ bytes[i]!) & 0xff]!;
  return crc;
}

const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ 0x8408 : crc >> 1;
  return crc;
});
