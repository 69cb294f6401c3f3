/** What goes over a SerialConnection, for the compiler and as bytes. */
import { FixedFramer, type Framer, LineFramer, RawFramer, StartFramer } from "../wire/framer.ts";
import { encodePacket, MAX_PACKET_PAYLOAD, PacketFramer } from "../wire/packet_framer.ts";
import { Struct, type StructInput, type StructValue, type StructValueOf } from "../wire/struct.ts";

/** How messages are written into bytes, and found in them. */
export interface SerialFormats {
  /**
   * What comes in: `"\n"` for lines, as bytes without their end; `null` for whatever came, in pieces of any
   * size; or the format of a struct, such as `"<hB"`, see {@linkcode Struct}.
   * @default {"\n"}, or `null` with `packets`
   */
  readFormat?: string | null;
  /** What goes out: the format of a struct, or `null` for bytes and text. @default {null} */
  writeFormat?: string | null;
  /** Names of the values of `readFormat`: messages are then objects, not arrays. */
  readKeys?: readonly string[];
  /** Names of the values of `writeFormat`, which then takes objects, too. */
  writeKeys?: readonly string[];
  /**
   * Everything up to the first of these, and they themselves, is dropped after the port was opened: what a
   * board says while it starts. A byte as a number, or several as bytes or text.
   */
  startByte?: number | string | Uint8Array;
  /**
   * Sends and expects each message as a packet with a sync word, its length and a checksum, as `rtcbot.h`
   * does on an Arduino. A stream of structs without it that loses one byte is wrong for ever.
   * @default {false}
   */
  packets?: boolean;
}

/** All that can come out of a SerialConnection. */
export type SerialMessage =
  | Uint8Array<ArrayBuffer>
  | StructValue[]
  | Record<string, StructValue>;

/** All that can be put into a SerialConnection. */
export type SerialPut =
  | string
  | Uint8Array
  | readonly StructInput[]
  | Readonly<Record<string, StructInput>>;

/** What comes out of one with these options. */
export type SerialOutput<O extends SerialFormats> = "readFormat" extends keyof O
  ? O extends { readFormat: "\n" | null } ? Uint8Array<ArrayBuffer>
  : O extends { readFormat: infer F extends string } ? string extends F ? SerialMessage
    : O extends { readKeys: readonly (infer K extends string)[] } ? Record<K, StructValueOf<F>>
    : StructValueOf<F>[]
  : SerialMessage
  : Uint8Array<ArrayBuffer>;

/** What can be put into one with these options. */
export type SerialInput<O extends SerialFormats> = "writeFormat" extends keyof O
  ? O extends { writeFormat: null } ? string | Uint8Array
  : O extends { writeFormat: string }
    ? O extends { writeKeys: readonly (infer K extends string)[] }
      ? Readonly<Record<K, StructInput>> | readonly StructInput[]
    : readonly StructInput[]
  : SerialPut
  : string | Uint8Array;

/** The formats as two functions and a framer. */
export interface SerialCodec {
  /** Makes what finds messages; a new one each time the port is opened. */
  framer(): Framer;
  /** A message that came. */
  decode(bytes: Uint8Array<ArrayBuffer>): SerialMessage;
  /**
   * A message to send.
   * @throws {TypeError} when it is of the wrong kind
   * @throws {RangeError} when it does not fit
   */
  encode(message: unknown): Uint8Array<ArrayBuffer>;
}

/**
 * Understands the formats.
 *
 * @throws {SyntaxError | RangeError | TypeError} when they cannot be meant so
 */
export function serialCodec(formats: SerialFormats): SerialCodec {
  const { packets = false, readFormat = packets ? null : "\n", writeFormat = null } = formats;
  if (packets && readFormat === "\n") {
    throw new TypeError(
      'Cannot read lines as packets: a packet has a length and needs no "\\n"; ' +
        "give readFormat: null, or the format of a struct",
    );
  }
  const isStruct = readFormat !== null && readFormat !== "\n";
  const read = isStruct ? new Struct(readFormat, formats.readKeys) : null;
  const write = writeFormat === null ? null : new Struct(writeFormat, formats.writeKeys);
  if ((formats.readKeys && !read) || (formats.writeKeys && !write)) {
    throw new TypeError(
      "Cannot use keys without a struct: they name its values; give readFormat or writeFormat too",
    );
  }
  if (packets && write && write.size > MAX_PACKET_PAYLOAD) encodePacket(new Uint8Array(write.size));
  const mark = markOf(formats.startByte);
  const framer = (): Framer => {
    const messages = packets
      ? new PacketFramer(read?.size ?? null)
      : read
      ? new FixedFramer(read.size)
      : readFormat === null
      ? new RawFramer()
      : new LineFramer();
    return mark.length === 0 ? messages : new StartFramer(mark, messages);
  };
  framer(); // says now if it makes no sense
  return {
    framer,
    decode: (bytes) =>
      read === null ? bytes : read.keys === null ? read.unpack(bytes) : read.unpackObject(bytes),
    encode(message) {
      const bytes = write ? write.pack(message as readonly StructInput[]) : bytesOf(message);
      return packets ? encodePacket(bytes) : bytes;
    },
  };
}

/** A copy, since it may wait. */
function bytesOf(message: unknown): Uint8Array<ArrayBuffer> {
  if (typeof message === "string") return new TextEncoder().encode(message);
  if (message instanceof Uint8Array) return Uint8Array.from(message);
  throw new TypeError(
    `Cannot write ${message === null ? "null" : typeof message} to a serial port: it takes bytes ` +
      "and text; give writeFormat to have values turned into a struct",
  );
}

function markOf(startByte: number | string | Uint8Array | undefined): Uint8Array {
  if (startByte === undefined) return new Uint8Array(0);
  if (typeof startByte !== "number") return bytesOf(startByte);
  if (Number.isInteger(startByte) && startByte >= 0 && startByte <= 255) {
    return new Uint8Array([startByte]);
  }
  throw new RangeError(`Cannot wait for the byte ${startByte}: bytes are 0 to 255`);
}
