/**
 * H.264 as a stream of bytes, Annex B of ITU-T H.264: NAL units, each behind a start code.
 *
 * ```text
 * 00 00 01 | NAL unit | 00 00 00 01 | NAL unit | …
 *
 * NAL unit, first byte:          +-+-+-+-+-+-+-+-+
 *                                |F|NRI|  type   |   F 0, NRI 0 if no other picture is built on it
 *                                +-+-+-+-+-+-+-+-+
 * ```
 *
 * Within a unit 00 00 03 stands for 00 00, so that no start code can appear (7.4.1).
 */

import { RemoteProtocolError } from "../errors.ts";

/** Types of NAL units, table 7-1. */
export const NAL = { slice: 1, partitionA: 2, idr: 5, sei: 6, sps: 7, pps: 8, aud: 9 } as const;

/** The type of a NAL unit (without start code); 0, which is none, for no bytes. */
export function nalType(nal: Uint8Array): number {
  return (nal[0] ?? 0) & 0x1f;
}

/**
 * The NAL units of a piece of Annex B, without start codes and the zeros around them, as views.
 * Empty units are left out, and so is what stands before the first start code.
 */
export function splitNalUnits(annexB: Uint8Array): Uint8Array[] {
  const units: Uint8Array[] = [];
  let start = -1;
  const take = (end: number) => {
    while (end > start && annexB[end - 1] === 0) end--; // trailing_zero_8bits, and a 4-byte start code
    if (end > start) units.push(annexB.subarray(start, end));
  };
  // Looks at every third byte as long as that is no part of 00 00 01.
  for (let i = 2; i < annexB.length;) {
    const byte = annexB[i]!;
    if (byte > 1) i += 3;
    else if (byte === 0) i++;
    else if (annexB[i - 1] === 0 && annexB[i - 2] === 0) {
      if (start >= 0) take(i - 2);
      start = i + 1;
      i += 3;
    } else i += 3;
  }
  if (start >= 0) take(annexB.length);
  return units;
}

/** Annex B of NAL units, each behind a start code of four bytes, in fresh memory. */
export function joinNalUnits(units: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const annexB = new Uint8Array(units.reduce((sum, unit) => sum + 4 + unit.length, 0));
  let at = 0;
  for (const unit of units) {
    annexB[at + 3] = 1;
    annexB.set(unit, at + 4);
    at += 4 + unit.length;
  }
  return annexB;
}

/** Whether a decoder can start here: an IDR picture is among the units. */
export function isIdrFrame(units: readonly Uint8Array[]): boolean {
  return units.some((unit) => nalType(unit) === NAL.idr);
}

/** A unit's bytes as they were before 00 00 was kept from looking like a start code (7.3.1). */
export function unescapeNal(nal: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(nal.length);
  let length = 0;
  let zeros = 0;
  for (const byte of nal) {
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    bytes[length++] = byte;
  }
  return bytes.subarray(0, length);
}

/** What a sequence parameter set says, as far as it matters to us (7.3.2.1.1). */
export interface Sps {
  /** `profile_idc`: 66 baseline, 77 main, 100 high. */
  readonly profile: number;
  /** The byte of `constraint_set0_flag` (0x80) and those after it. */
  readonly constraints: number;
  /** `level_idc`: ten times the level, 31 for 3.1. */
  readonly level: number;
  /** `seq_parameter_set_id`. */
  readonly id: number;
  /** Width that is shown, in pixels. */
  readonly width: number;
  /** Height that is shown, in pixels. */
  readonly height: number;
  /** Width in memory: whole macroblocks of 16 pixels. */
  readonly codedWidth: number;
  /** Height in memory. */
  readonly codedHeight: number;
  /** Pictures that a decoder has to keep. */
  readonly referenceFrames: number;
  /** `chroma_format_idc`: 1 for 4:2:0, the only one that browsers send. */
  readonly chromaFormat: number;
  /** Bits of a luma sample; 8 but for the professional profiles. */
  readonly bitDepth: number;
}

/** The profiles whose parameter sets name the chroma format, 7.3.2.1.1. */
const HIGH_PROFILES = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);

/**
 * Reads a sequence parameter set.
 *
 * @param nal the NAL unit without start code, still escaped
 * @throws {RemoteProtocolError} when it is none, ends too early or makes no sense
 */
export function readSps(nal: Uint8Array): Sps {
  if (nalType(nal) !== NAL.sps) throw refusal(`it is a NAL unit of type ${nalType(nal)}`);
  const bits = new Bits(unescapeNal(nal), 8);
  const profile = bits.read(8);
  const constraints = bits.read(8);
  const level = bits.read(8);
  const id = bits.readUe();
  let [chromaFormat, separate, bitDepth] = [1, 0, 8];
  if (HIGH_PROFILES.has(profile)) {
    chromaFormat = bits.readUe();
    if (chromaFormat > 3) throw refusal(`chroma format ${chromaFormat} does not exist`);
    if (chromaFormat === 3) separate = bits.read(1);
    bitDepth = 8 + bits.readUe();
    bits.readUe(); // bit_depth_chroma_minus8
    bits.read(1); // qpprime_y_zero_transform_bypass_flag
    if (bits.read(1) === 1) skipScalingLists(bits, chromaFormat === 3 ? 12 : 8);
  }
  bits.readUe(); // log2_max_frame_num_minus4
  skipPictureOrder(bits);
  const referenceFrames = bits.readUe();
  bits.read(1); // gaps_in_frame_num_value_allowed_flag
  const codedWidth = 16 * (bits.readUe() + 1);
  const mapUnits = bits.readUe() + 1;
  const framesOnly = bits.read(1);
  const codedHeight = 16 * mapUnits * (2 - framesOnly);
  if (framesOnly === 0) bits.read(1); // mb_adaptive_frame_field_flag
  bits.read(1); // direct_8x8_inference_flag
  let [width, height] = [codedWidth, codedHeight];
  if (bits.read(1) === 1) {
    // Cropping counts chroma samples, and pairs of rows where fields are allowed (7.4.2.1.1).
    const unitX = chromaFormat === 1 || chromaFormat === 2 ? 2 : 1;
    const unitY = (chromaFormat === 1 && separate === 0 ? 2 : 1) * (2 - framesOnly);
    width -= unitX * (bits.readUe() + bits.readUe());
    height -= unitY * (bits.readUe() + bits.readUe());
  }
  if (width <= 0 || height <= 0) throw refusal(`a picture of ${width}x${height} is empty`);
  return {
    ...{ profile, constraints, level, id, width, height, codedWidth, codedHeight },
    ...{ referenceFrames, chromaFormat, bitDepth },
  };
}

/** The `profile-level-id` of SDP (RFC 6184 section 8.1), such as `42e01f`. */
export function profileLevelId({ profile, constraints, level }: Sps): string {
  return [profile, constraints, level].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function skipPictureOrder(bits: Bits): void {
  const type = bits.readUe();
  if (type === 0) bits.readUe(); // log2_max_pic_order_cnt_lsb_minus4
  if (type !== 1) return;
  bits.read(1); // delta_pic_order_always_zero_flag
  bits.readUe(); // offset_for_non_ref_pic, signed, which takes the same bits
  bits.readUe(); // offset_for_top_to_bottom_field
  const cycle = bits.readUe();
  if (cycle > 255) throw refusal(`${cycle} reference frames in a cycle are more than 255`);
  for (let i = 0; i < cycle; i++) bits.readUe();
}

/** scaling_list(), 7.3.2.1.1.1. */
function skipScalingLists(bits: Bits, count: number): void {
  for (let list = 0; list < count; list++) {
    if (bits.read(1) === 0) continue;
    let [last, next] = [8, 8];
    for (let j = 0; j < (list < 6 ? 16 : 64); j++) {
      if (next !== 0) next = (last + bits.readSe() + 256) & 255;
      if (next !== 0) last = next;
    }
  }
}

/** Bits, the highest of each byte first. */
class Bits {
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  /** The next `count` bits as a number, at most 32. */
  read(count: number): number {
    if (this.#at + count > 8 * this.#bytes.length) throw refusal("it ends too early");
    let value = 0;
    for (let i = 0; i < count; i++, this.#at++) {
      value = value * 2 + (this.#bytes[this.#at >> 3]! >> (7 - (this.#at & 7)) & 1);
    }
    return value;
  }

  /** ue(v), 9.1: as many zeros as digits follow the 1. */
  readUe(): number {
    let zeros = 0;
    while (this.read(1) === 0) if (++zeros > 31) throw refusal("a number is too long");
    return 2 ** zeros - 1 + this.read(zeros);
  }

  /** se(v), 9.1.1: 0, 1, −1, 2, −2 … */
  readSe(): number {
    const value = this.readUe();
    return value % 2 === 1 ? (value + 1) / 2 : -value / 2;
  }
}

function refusal(why: string): RemoteProtocolError {
  return new RemoteProtocolError(
    `Cannot read an H.264 sequence parameter set: ${why}; ask the sender for a key frame`,
  );
}
