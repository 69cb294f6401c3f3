/**
 * Writes NUT for ffmpeg to read from a pipe: raw or compressed streams with times in microseconds.
 *
 * All 256 frame codes mean the same, "everything is told", and no index is written: a pipe is read
 * once, from its beginning.
 */

import {
  NUT_FILE_ID,
  NUT_FLAG,
  NUT_START,
  nutChecksum,
  type NutPacket,
  type NutStream,
} from "./nut.ts";

/** Every frame tells its stream, time and size, and has a checksum over that. */
const TELLS_ALL = NUT_FLAG.codedPts | NUT_FLAG.streamId | NUT_FLAG.sizeMsb | NUT_FLAG.checksum;
/** Bits of a short time; all our times are long, which begin at 2^shift. */
const MSB_PTS_SHIFT = 1;
/** max_distance: how far apart syncpoints may lie where there are several. */
const MAX_DISTANCE = 32_768;
/** main_flags: a pipe, which needs no syncpoints after the first. ffmpeg remembers each until the end. */
const PIPE = 2;

/** Makes the bytes of a NUT file. */
export class NutWriter {
  #begun = false;

  /** The head of the file; comes first, and once. */
  header(streams: readonly NutStream[]): Uint8Array<ArrayBuffer> {
    const main = [
      ...[...v(4), ...v(0), ...v(streams.length), ...v(MAX_DISTANCE)],
      ...[...v(1), ...v(1), ...v(1_000_000)], // one time base, 1/1000000
      // One run of frame codes: flags, six fields, pts 0, mul 1, stream 0, size 0, reserved 0, 255 codes
      ...[...v(NUT_FLAG.coded), ...v(6), ...v(0), ...v(1), ...v(0), ...v(0), ...v(0), ...v(255)],
      ...[...v(0), ...v(PIPE)], // no elision headers
    ];
    const parts = [NUT_FILE_ID, packet(NUT_START.main, main)];
    streams.forEach((stream, id) => parts.push(packet(NUT_START.stream, streamHeader(stream, id))));
    streams.forEach(({ fps }, id) => {
      if (fps !== undefined) parts.push(packet(NUT_START.info, frameRateInfo(fps, id)));
    });
    return concat(parts);
  }

  /**
   * What stands before a packet's data, which follows as it is.
   *
   * @throws {RangeError} when its time is below 0 or not a whole number
   */
  frameHead(frame: Omit<NutPacket, "data">, dataBytes: number): Uint8Array<ArrayBuffer> {
    const { stream, timestampUs, keyFrame } = frame;
    if (!Number.isSafeInteger(timestampUs) || timestampUs < 0) {
      throw new RangeError(
        `Cannot write a frame: its time is ${timestampUs} µs; give a whole number from 0`,
      );
    }
    const head = [
      ...[0, ...v(TELLS_ALL | (keyFrame ? NUT_FLAG.key : 0)), ...v(stream)],
      ...[...v(timestampUs + 2 ** MSB_PTS_SHIFT), ...v(dataBytes)],
    ];
    head.push(...u32(nutChecksum(Uint8Array.from(head))));
    if (this.#begun) return Uint8Array.from(head);
    this.#begun = true;
    const syncpoint = packet(NUT_START.syncpoint, [...v(timestampUs), ...v(0)]);
    return concat([syncpoint, Uint8Array.from(head)]);
  }
}

function streamHeader(stream: NutStream, id: number): number[] {
  const video = stream.kind === "video";
  return [
    ...[...v(id), ...v(video ? 0 : 1), ...vb(new TextEncoder().encode(stream.fourcc))],
    ...[...v(0), ...v(MSB_PTS_SHIFT), ...v(2 ** 31), ...v(0), ...v(0)],
    ...vb(stream.extradata),
    ...(video
      ? [...v(stream.width), ...v(stream.height), ...v(1), ...v(1), ...v(0)]
      : [...v(stream.sampleRateHz), ...v(1), ...v(stream.channels)]),
  ];
}

/** An info packet; without it, ffmpeg takes a million pictures a second for granted. */
function frameRateInfo(fps: number, id: number): number[] {
  const text = new TextEncoder();
  return [
    ...[...v(id + 1), ...v(0), ...v(0), ...v(0), ...v(1)], // the stream, no chapter, one value
    // 2 is s(-1): a text follows.
    ...[
      ...vb(text.encode("r_frame_rate")),
      2,
      ...vb(text.encode(`${Math.round(fps * 1000)}/1000`)),
    ],
  ];
}

function packet(startCode: bigint, body: readonly number[]): Uint8Array<ArrayBuffer> {
  const content = Uint8Array.from(body);
  const start = [...u32(Number(startCode >> 32n)), ...u32(Number(startCode & 0xffffffffn))];
  const head = [...start, ...v(content.length + 4)];
  if (content.length + 4 > 4096) head.push(...u32(nutChecksum(Uint8Array.from(head))));
  return concat([Uint8Array.from(head), content, Uint8Array.from(u32(nutChecksum(content)))]);
}

function v(value: number): number[] {
  const bytes = [value % 128];
  for (let left = Math.floor(value / 128); left > 0; left = Math.floor(left / 128)) {
    bytes.unshift(0x80 | left % 128);
  }
  return bytes;
}

function vb(bytes: Uint8Array): number[] {
  return [...v(bytes.length), ...bytes];
}

function u32(value: number): number[] {
  return [value >>> 24, value >>> 16 & 0xff, value >>> 8 & 0xff, value & 0xff];
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
