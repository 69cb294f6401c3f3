/**
 * Reads NUT from pieces of any size: the same packets come out wherever the stream was cut. The bytes
 * of large frames are copied once, straight into the frame.
 */

import {
  NUT_FILE_ID,
  NUT_FLAG,
  NUT_START,
  nutChecksum,
  NutCursor,
  type NutPacket,
  nutRefusal,
  type NutStream,
  SHORT,
} from "./nut.ts";
import {
  type MainHeader,
  readMainHeader,
  readStreamHeader,
  type StreamHeader,
} from "./nut_headers.ts";

/** Options of {@linkcode NutReader}. */
export interface NutReaderOptions {
  /**
   * The largest frame that is taken, in bytes; memory is set aside before a frame has arrived.
   * @default {64 MiB, more than 8K I420}
   */
  readonly maxFrameBytes?: number;
}

/** The head of a frame whose data is still to come. */
interface Filling {
  readonly stream: number;
  readonly timestampUs: number;
  readonly keyFrame: boolean;
  readonly data: Uint8Array<ArrayBuffer>;
  /** How many bytes at its beginning were left out of the file. */
  readonly elided: number;
  /** Whether side data stand before the rest. */
  readonly sideData: boolean;
  filled: number;
}

/** Headers are small; whoever sends larger ones wants to fill the memory. */
const MAX_HEADER_BYTES = 1 << 20;

/** Turns the bytes that ffmpeg writes with `-f nut` into packets. */
export class NutReader {
  readonly #maxFrameBytes: number;
  /** What has come and does not make a whole element yet; never frame data. */
  #rest: Uint8Array = new Uint8Array(0);
  #begun = false;
  #main: MainHeader | null = null;
  #streams: StreamHeader[] = [];
  /** The time of each stream's last frame, in its own time base. */
  #lastPts: number[] = [];
  #filling: Filling | null = null;

  /** Makes a reader that stands before the first byte. */
  constructor(options: NutReaderOptions = {}) {
    this.#maxFrameBytes = options.maxFrameBytes ?? 1 << 26;
  }

  /** The streams, once all their headers have come; empty before that. */
  get streams(): readonly NutStream[] {
    const all = this.#main !== null && this.#known() === this.#main.streamCount;
    return all ? this.#streams : [];
  }

  /**
   * Takes the next piece of the stream; it may be written to again afterwards.
   *
   * @returns the packets that became whole
   * @throws {RemoteProtocolError} when it is not NUT or damaged; the reader is of no use then
   */
  push(piece: Uint8Array): NutPacket[] {
    const packets: NutPacket[] = [];
    let bytes = piece;
    for (;;) {
      if (this.#filling !== null) {
        bytes = this.#fill(this.#filling, bytes);
        if (this.#filling.filled < this.#filling.data.length) return packets;
        const { stream, timestampUs, keyFrame } = this.#filling;
        packets.push({ stream, timestampUs, keyFrame, data: withoutSideData(this.#filling) });
        this.#filling = null;
      }
      if (this.#rest.length > 0) bytes = joined(this.#rest, bytes);
      const cursor = new NutCursor(bytes);
      try {
        this.#element(cursor, bytes);
      } catch (error) {
        if (error !== SHORT) throw error;
        if (bytes.length > MAX_HEADER_BYTES) throw nutRefusal("a header does not end");
        this.#rest = bytes.slice();
        return packets;
      }
      this.#rest = new Uint8Array(0);
      bytes = bytes.subarray(cursor.at);
    }
  }

  #known(): number {
    return this.#streams.reduce((count) => count + 1, 0); // holes are not counted
  }

  #fill(filling: Filling, bytes: Uint8Array): Uint8Array {
    const count = Math.min(bytes.length, filling.data.length - filling.filled);
    filling.data.set(bytes.subarray(0, count), filling.filled);
    filling.filled += count;
    return bytes.subarray(count);
  }

  /** One element: the file's name, a packet, or the head of a frame. Changes nothing when it is short. */
  #element(cursor: NutCursor, bytes: Uint8Array): void {
    if (!this.#begun) {
      for (const byte of NUT_FILE_ID) {
        if (cursor.u8() !== byte) throw nutRefusal("it does not begin as a NUT file");
      }
      this.#begun = true;
      return;
    }
    if (cursor.left === 0) throw SHORT;
    if (bytes[cursor.at] === 0x4e) return this.#packet(cursor, bytes);
    this.#frame(cursor);
  }

  #packet(cursor: NutCursor, bytes: Uint8Array): void {
    const begin = cursor.at;
    const startCode = cursor.u64();
    const forward = cursor.v();
    if (forward < 4) throw nutRefusal(`a packet of ${forward} bytes has no room for its checksum`);
    if (forward > MAX_HEADER_BYTES) throw nutRefusal(`a header of ${forward} bytes is too large`);
    if (forward > 4096 && nutChecksum(bytes.subarray(begin, cursor.at)) !== cursor.u32()) {
      throw nutRefusal("a packet's head has the wrong checksum");
    }
    const body = cursor.take(forward - 4);
    if (nutChecksum(body) !== cursor.u32()) throw nutRefusal("a packet has the wrong checksum");
    try {
      this.#content(startCode, body);
    } catch (error) {
      throw error === SHORT ? nutRefusal("a packet ends too early") : error;
    }
  }

  #content(startCode: bigint, body: Uint8Array): void {
    if (startCode === NUT_START.main) {
      if (this.#main === null) this.#main = readMainHeader(body); // ffmpeg repeats them
    } else if (startCode === NUT_START.stream) {
      const stream = readStreamHeader(body, this.#mainHeader());
      this.#streams[stream.id] ??= stream;
      this.#lastPts[stream.id] ??= 0;
    } else if (startCode === NUT_START.syncpoint) this.#syncpoint(new NutCursor(body));
    else if (startCode !== NUT_START.info && startCode !== NUT_START.index) {
      // An unknown packet is to be skipped, says the specification; it can as well be damage.
      if (startCode >> 56n !== 0x4en) throw nutRefusal("a start code is damaged");
    }
  }

  /** All streams' clocks are set to one time, so that frames may tell theirs in few bits. */
  #syncpoint(cursor: NutCursor): void {
    const { timeBases } = this.#mainHeader();
    const coded = cursor.v();
    const base = timeBases[coded % timeBases.length]!;
    const time = BigInt(Math.floor(coded / timeBases.length)) * BigInt(base.num);
    this.#streams.forEach((stream, id) => {
      const own = timeBases[stream.timeBase]!;
      this.#lastPts[id] = Number(time * BigInt(own.den) / (BigInt(base.den) * BigInt(own.num)));
    });
  }

  #frame(cursor: NutCursor): void {
    const main = this.#mainHeader();
    const code = main.codes[cursor.u8()]!;
    let flags = code.flags;
    if (flags & NUT_FLAG.invalid) throw nutRefusal("a frame code has no meaning");
    if (flags & NUT_FLAG.coded) flags ^= cursor.v();
    const sideData = (flags & NUT_FLAG.sideData) !== 0;
    const id = flags & NUT_FLAG.streamId ? cursor.v() : code.stream;
    const stream = this.#streams[id];
    if (stream === undefined) throw nutRefusal(`a frame of stream ${id}, which has no header`);
    const last = this.#lastPts[id]!;
    const pts = flags & NUT_FLAG.codedPts
      ? fullPts(cursor.v(), last, stream.msbPtsShift)
      : last + code.ptsDelta;
    let size = code.sizeLsb;
    if (flags & NUT_FLAG.sizeMsb) size += code.sizeMul * cursor.v();
    if (flags & NUT_FLAG.matchTime) cursor.s();
    const headerIdx = flags & NUT_FLAG.headerIdx ? cursor.v() : code.headerIdx;
    const reserved = flags & NUT_FLAG.reserved ? cursor.v() : code.reserved;
    for (let i = 0; i < reserved; i++) cursor.v();
    if (flags & NUT_FLAG.checksum) cursor.u32();
    const elided = size > 4096 ? main.elisions[0]! : main.elisions[headerIdx];
    if (elided === undefined || elided.length > size) throw nutRefusal("a frame's size is wrong");
    if (size > this.#maxFrameBytes) {
      throw nutRefusal(`a frame of ${size} bytes is more than ${this.#maxFrameBytes}`);
    }
    this.#lastPts[id] = pts;
    const data = new Uint8Array(size);
    data.set(elided);
    const base = main.timeBases[stream.timeBase]!;
    const timestampUs = Math.round(pts * base.num * 1e6 / base.den);
    const keyFrame = (flags & NUT_FLAG.key) !== 0;
    this.#filling = {
      ...{ stream: id, timestampUs, keyFrame, data, sideData },
      ...{ elided: elided.length, filled: elided.length },
    };
  }

  #mainHeader(): MainHeader {
    if (this.#main === null) throw nutRefusal("the main header is missing");
    return this.#main;
  }
}

/**
 * The frame's own bytes. Version 4 puts two lists of named values before them, which matter to ffmpeg's
 * players only.
 */
function withoutSideData({ data, elided, sideData }: Filling): Uint8Array<ArrayBuffer> {
  if (!sideData) return data;
  const cursor = new NutCursor(data, elided);
  try {
    for (let list = 0; list < 2; list++) {
      for (let left = cursor.v(); left > 0; left--) {
        cursor.take(cursor.v()); // the name
        const type = cursor.s();
        if (type === -1) cursor.take(cursor.v()); // a text
        else if (type === -2) { // a type's name, and bytes
          cursor.take(cursor.v());
          cursor.take(cursor.v());
        } else if (type < -2) cursor.v(); // -3 a number, -4 a time, else the upper part of a fraction
      }
    }
  } catch (error) {
    throw error === SHORT ? nutRefusal("side data end too late") : error;
  }
  const own = data.slice(cursor.at - elided);
  own.set(data.subarray(0, elided));
  return own;
}

/** A time of which only the low bits may have been told: the one nearest to the last. */
function fullPts(coded: number, last: number, shift: number): number {
  const span = 2 ** shift;
  if (coded >= span) return coded - span;
  const lowest = last - Math.floor((span - 1) / 2);
  return lowest + (((coded - lowest) % span) + span) % span;
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
