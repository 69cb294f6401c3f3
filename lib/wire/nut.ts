/**
 * NUT, the container that ffmpeg speaks through a pipe: what its reader and its writer share.
 *
 * Why NUT: video and sound travel in one stream, in step, with exact times; each packet is written at
 * once, where ffmpeg's Matroska keeps a cluster back until the next packet, a frame of delay; and it
 * takes raw pictures, floats and H.264 alike. The grammar is that of nut.txt (version 2008, FFmpeg's
 * documentation names it) and of FFmpeg's libavformat/nut.h:
 *
 * ```text
 * "nut/multimedia container\0"
 * packet:  start code 8 bytes | forward_ptr v | (checksum 4, if forward_ptr > 4096)
 *          | forward_ptr bytes, of which the last 4 are their checksum
 * frame:   frame_code 1 byte, never 'N' | what its flags ask for | data
 *
 * v: seven bits a byte, the highest first; bit 7 says that more follow
 * s: v, 0 1 -1 2 -2 …;   vb: v bytes, their number in front
 * ```
 */

import { RemoteProtocolError } from "../errors.ts";

/** file_id_string, with its zero. */
export const NUT_FILE_ID: Uint8Array = new TextEncoder().encode("nut/multimedia container\0");

/** Start codes: 'N', a letter, and 48 bits that make them unmistakable. */
export const NUT_START = {
  main: 0x4e4d7a561f5f04adn,
  stream: 0x4e5311405bf2f9dbn,
  syncpoint: 0x4e4be4adeeca4569n,
  index: 0x4e58dd672f23e64en,
  info: 0x4e49ab68b596ba78n,
} as const;

/** Flags of a frame. */
export const NUT_FLAG = {
  key: 1,
  codedPts: 8,
  streamId: 16,
  sizeMsb: 32,
  checksum: 64,
  reserved: 128,
  sideData: 256,
  headerIdx: 1024,
  matchTime: 2048,
  coded: 4096,
  invalid: 8192,
} as const;

/** One stream of a file. */
export interface NutStream {
  /** Pictures or sound; `"other"` is read over. */
  readonly kind: "video" | "audio" | "other";
  /** Four characters that name the codec, such as `I420`, `H264` or `Opus`. */
  readonly fourcc: string;
  /** What a decoder must know before the first packet: parameter sets, an Opus head. */
  readonly extradata: Uint8Array;
  /** Pictures: pixels in a row. */
  readonly width: number;
  /** Pictures: number of rows. */
  readonly height: number;
  /** Pictures: how many a second are meant to come, a hint for encoders; written, not read. */
  readonly fps?: number;
  /** Sound: samples of each channel in a second. */
  readonly sampleRateHz: number;
  /** Sound: channels. */
  readonly channels: number;
}

/** One frame of a stream. */
export interface NutPacket {
  /** The number of its stream, from 0. */
  readonly stream: number;
  /** When it is shown or heard, in microseconds. */
  readonly timestampUs: number;
  /** Whether decoding can start here. */
  readonly keyFrame: boolean;
  /** The frame, in memory of its own. */
  readonly data: Uint8Array<ArrayBuffer>;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc < 0 ? 0x04c11db7 : 0);
  return crc;
});

/** The checksum of packets: polynomial 0x04C11DB7, the highest bit first, beginning with 0. */
export function nutChecksum(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) crc = (crc << 8) ^ CRC_TABLE[(crc >>> 24) ^ byte]!;
  return crc >>> 0;
}

/** Why a stream cannot be read on. */
export function nutRefusal(why: string): RemoteProtocolError {
  return new RemoteProtocolError(
    `Cannot read NUT: ${why}; the stream is damaged, start ffmpeg anew`,
  );
}

/** Thrown and caught by the reader: the bytes so far do not tell. */
export const SHORT: unique symbol = Symbol("more bytes are needed");

/** Reads the values of NUT one after the other; throws {@linkcode SHORT} at the end of the bytes. */
export class NutCursor {
  readonly #bytes: Uint8Array;
  /** Where it is. */
  at: number;
  readonly #end: number;

  /** Reads `bytes` from `at` to before `end`. */
  constructor(bytes: Uint8Array, at = 0, end: number = bytes.length) {
    this.#bytes = bytes;
    this.at = at;
    this.#end = end;
  }

  /** How many bytes are left. */
  get left(): number {
    return this.#end - this.at;
  }

  /** A byte. */
  u8(): number {
    if (this.at >= this.#end) throw SHORT;
    return this.#bytes[this.at++]!;
  }

  /** Four bytes. */
  u32(): number {
    return ((this.u8() << 24) | (this.u8() << 16) | (this.u8() << 8) | this.u8()) >>> 0;
  }

  /** A start code. */
  u64(): bigint {
    return BigInt(this.u32()) << 32n | BigInt(this.u32());
  }

  /** A number of at most 2^53. */
  v(): number {
    let value = 0;
    for (;;) {
      const byte = this.u8();
      value = value * 128 + (byte & 0x7f);
      if (value > Number.MAX_SAFE_INTEGER) throw nutRefusal("a number is larger than 2^53");
      if (byte < 0x80) return value;
    }
  }

  /** A number with a sign. */
  s(): number {
    const value = this.v() + 1;
    return value % 2 === 1 ? -(value - 1) / 2 : value / 2;
  }

  /** So many bytes, as a view. */
  take(count: number): Uint8Array {
    if (count > this.left) throw SHORT;
    return this.#bytes.subarray(this.at, this.at += count);
  }
}
