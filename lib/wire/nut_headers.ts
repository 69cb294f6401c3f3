/** The headers of NUT: the main header with its table of frame codes, and the streams' headers. */

import { NUT_FLAG, NutCursor, nutRefusal, type NutStream } from "./nut.ts";

/** What one of the 256 frame codes stands for. */
export interface FrameCode {
  /** See {@linkcode NUT_FLAG}. */
  readonly flags: number;
  /** The stream, unless the frame names it. */
  readonly stream: number;
  /** What `data_size_msb` is multiplied with. */
  readonly sizeMul: number;
  /** What is added to it. */
  readonly sizeLsb: number;
  /** Added to the time of the stream's last frame, unless the frame tells its own. */
  readonly ptsDelta: number;
  /** How many reserved values follow. */
  readonly reserved: number;
  /** Which elision header the frame's data begin with. */
  readonly headerIdx: number;
}

/** A fraction of a second. */
export interface TimeBase {
  /** Numerator. */
  readonly num: number;
  /** Denominator. */
  readonly den: number;
}

/** The main header. */
export interface MainHeader {
  /** How many stream headers follow. */
  readonly streamCount: number;
  /** In what the streams count time. */
  readonly timeBases: readonly TimeBase[];
  /** 256 of them. */
  readonly codes: readonly FrameCode[];
  /** What data may begin with without saying so; the first is empty. */
  readonly elisions: readonly Uint8Array[];
}

/** More would be an attack on memory, and is no video. */
const MAX_STREAMS = 64;

const INVALID: FrameCode = {
  flags: NUT_FLAG.invalid,
  ...{ stream: 0, sizeMul: 1, sizeLsb: 0, ptsDelta: 0, reserved: 0, headerIdx: 0 },
};

/** Reads the main header, without its start code and checksum. */
export function readMainHeader(bytes: Uint8Array): MainHeader {
  const cursor = new NutCursor(bytes);
  const version = cursor.v();
  if (version < 2 || version > 4) throw nutRefusal(`version ${version} is not known`);
  if (version > 3) cursor.v(); // minor_version
  const streamCount = cursor.v();
  if (streamCount > MAX_STREAMS) throw nutRefusal(`${streamCount} streams are too many`);
  cursor.v(); // max_distance
  const timeBases: TimeBase[] = [];
  for (let left = cursor.v(); left > 0; left--) {
    const [num, den] = [cursor.v(), cursor.v()];
    if (num === 0 || den === 0) throw nutRefusal(`a time base of ${num}/${den} is no time`);
    timeBases.push({ num, den });
  }
  if (timeBases.length === 0) throw nutRefusal("it has no time base");
  const codes = readFrameCodes(cursor);
  const elisions: Uint8Array[] = [new Uint8Array(0)];
  for (let left = cursor.v(); left > 0; left--) elisions.push(cursor.take(cursor.v()).slice());
  return { streamCount, timeBases, codes, elisions };
}

/** Runs of codes that differ in size only; what a run leaves out is as in the run before it. */
function readFrameCodes(cursor: NutCursor): FrameCode[] {
  const codes: FrameCode[] = [];
  let [ptsDelta, sizeMul, stream, headerIdx] = [0, 1, 0, 0];
  while (codes.length < 256) {
    const flags = cursor.v();
    const fields = cursor.v();
    if (fields > 0) ptsDelta = cursor.s();
    if (fields > 1) sizeMul = cursor.v();
    if (fields > 2) stream = cursor.v();
    const size = fields > 3 ? cursor.v() : 0;
    const reserved = fields > 4 ? cursor.v() : 0;
    const count = fields > 5 ? cursor.v() : sizeMul - size;
    if (fields > 6) cursor.s(); // match_time_delta
    if (fields > 7) headerIdx = cursor.v();
    for (let i = 8; i < fields; i++) cursor.v();
    if (count <= 0) throw nutRefusal("a run of frame codes is empty");
    for (let j = 0; j < count && codes.length < 256; j++) {
      if (codes.length === 0x4e) codes.push(INVALID); // 'N' begins start codes
      if (codes.length === 256) break;
      codes.push({ flags, stream, sizeMul, sizeLsb: size + j, ptsDelta, reserved, headerIdx });
    }
  }
  return codes;
}

/** A stream, and how its frames count time. */
export interface StreamHeader extends NutStream {
  /** Its number. */
  readonly id: number;
  /** Which of the main header's time bases. */
  readonly timeBase: number;
  /** How many low bits of a time a frame may tell instead of all. */
  readonly msbPtsShift: number;
}

/** Reads a stream header, without its start code and checksum. */
export function readStreamHeader(bytes: Uint8Array, main: MainHeader): StreamHeader {
  const cursor = new NutCursor(bytes);
  const id = cursor.v();
  const classId = cursor.v();
  const fourcc = String.fromCharCode(...cursor.take(cursor.v()).subarray(0, 8));
  const timeBase = cursor.v();
  const msbPtsShift = cursor.v();
  if (id >= main.streamCount || timeBase >= main.timeBases.length || msbPtsShift > 16) {
    throw nutRefusal(`stream ${id} has time base ${timeBase} and shift ${msbPtsShift}`);
  }
  cursor.v(); // max_pts_distance
  cursor.v(); // decode_delay
  cursor.v(); // stream_flags
  const extradata = cursor.take(cursor.v()).slice();
  const header = { id, timeBase, msbPtsShift, fourcc, extradata };
  const none = { width: 0, height: 0, sampleRateHz: 0, channels: 0 };
  if (classId === 0) {
    return { ...header, kind: "video", ...none, width: cursor.v(), height: cursor.v() };
  }
  if (classId === 1) {
    const [rate, per, channels] = [cursor.v(), cursor.v(), cursor.v()];
    if (per === 0) throw nutRefusal(`a sample rate of ${rate}/0`);
    return { ...header, kind: "audio", ...none, sampleRateHz: rate / per, channels };
  }
  return { ...header, kind: "other", ...none };
}
