/**
 * The beginning of a VP9 frame (VP9 Bitstream & Decoding Process Specification, 6.2 and annex B):
 *
 * ```text
 * frame_marker 2 bits, 10 | profile 2 (3 for profile 3) | show_existing_frame 1
 * frame_type 1, 0 for a key frame | show_frame 1 | error_resilient_mode 1
 * in a key frame:   49 83 42 | colours | width - 1 in 16 bits | height - 1 in 16 bits
 * in an inter frame: the size of a frame before it, or one of its own
 * ```
 *
 * Several frames may come as one superframe, whose last bytes tell their lengths.
 */

import { RemoteProtocolError } from "../errors.ts";

/** What a VP9 frame or superframe says about itself. */
export interface Vp9Header {
  /** Whether it begins with a key frame. */
  readonly keyFrame: boolean;
  /** The sizes that its frames ask for; none if all take over the size of an earlier one. */
  readonly sizes: readonly { readonly width: number; readonly height: number }[];
}

/**
 * Reads the headers of a frame or superframe.
 *
 * @throws {RemoteProtocolError} when it is none
 */
export function readVp9Header(data: Uint8Array): Vp9Header {
  const frames = splitSuperframe(data).map(readFrame);
  return { keyFrame: frames[0]!.keyFrame, sizes: frames.flatMap(({ size }) => size ?? []) };
}

/**
 * The same as a superframe, so that a decoder takes it for as many frames as were looked at: without an
 * index, libvpx goes on with what follows the first frame.
 */
export function asSuperframe(data: Uint8Array): Uint8Array<ArrayBuffer> {
  if (splitSuperframe(data)[0] !== data) return data as Uint8Array<ArrayBuffer>;
  const sealed = new Uint8Array(data.length + 6);
  sealed.set(data);
  const index = new DataView(sealed.buffer, data.length);
  index.setUint8(0, 0b110_11_000); // one frame, its length in four bytes
  index.setUint32(1, data.length, true);
  index.setUint8(5, 0b110_11_000);
  return sealed;
}

/** Annex B: `110 | bytes of a length - 1, 2 bits | frames - 1, 3 bits`, lengths, and the first byte again. */
function splitSuperframe(data: Uint8Array): Uint8Array[] {
  const marker = data.at(-1) ?? 0;
  const [count, bytes] = [(marker & 7) + 1, (marker >> 3 & 3) + 1];
  const index = data.length - (2 + count * bytes);
  if ((marker & 0xe0) !== 0xc0 || index < 0 || data[index] !== marker) return [data];
  const frames: Uint8Array[] = [];
  let start = 0;
  for (let frame = 0; frame < count; frame++) {
    let length = 0;
    for (let i = 0; i < bytes; i++) length += data[index + 1 + frame * bytes + i]! * 256 ** i;
    if (start + length > index) throw refusal("the frames are longer than the superframe");
    if (length > 0) frames.push(data.subarray(start, start + length));
    start += length;
  }
  if (frames.length === 0) throw refusal("the superframe is empty");
  return frames;
}

interface FrameHeader {
  readonly keyFrame: boolean;
  readonly size: { width: number; height: number } | null;
}

function readFrame(data: Uint8Array): FrameHeader {
  const bits = new Bits(data);
  if (bits.read(2) !== 2) throw refusal("the frame marker is missing");
  const profile = bits.read(1) + 2 * bits.read(1);
  if (profile === 3) bits.read(1);
  if (bits.read(1) === 1) return { keyFrame: false, size: null }; // show_existing_frame
  const keyFrame = bits.read(1) === 0;
  const shown = bits.read(1) === 1;
  const resilient = bits.read(1) === 1;
  if (keyFrame) {
    checkSync(bits);
    skipColors(bits, profile);
    return { keyFrame, size: readSize(bits) };
  }
  const intraOnly = !shown && bits.read(1) === 1;
  if (!resilient) bits.read(2); // reset_frame_context
  if (intraOnly) {
    checkSync(bits);
    if (profile > 0) skipColors(bits, profile);
    bits.read(8); // refresh_frame_flags
    return { keyFrame, size: readSize(bits) };
  }
  bits.read(8 + 3 * 4); // refresh_frame_flags, three references with a sign bias
  for (let reference = 0; reference < 3; reference++) {
    if (bits.read(1) === 1) return { keyFrame, size: null }; // found_ref
  }
  return { keyFrame, size: readSize(bits) };
}

function checkSync(bits: Bits): void {
  if (bits.read(24) !== 0x498342) throw refusal("the sync code 49 83 42 is missing");
}

function skipColors(bits: Bits, profile: number): void {
  if (profile >= 2) bits.read(1); // ten_or_twelve_bit
  const rgb = bits.read(3) === 7;
  const subsampled = profile === 1 || profile === 3;
  if (!rgb) bits.read(1); // color_range
  if (subsampled) bits.read(rgb ? 1 : 3);
}

function readSize(bits: Bits): { width: number; height: number } {
  return { width: bits.read(16) + 1, height: bits.read(16) + 1 };
}

/** Bits, the highest of each byte first. */
class Bits {
  readonly #data: Uint8Array;
  #at = 0;

  constructor(data: Uint8Array) {
    this.#data = data;
  }

  read(count: number): number {
    if (this.#at + count > 8 * this.#data.length) {
      throw refusal(`${this.#data.length} bytes are too few`);
    }
    let value = 0;
    for (let i = 0; i < count; i++, this.#at++) {
      value = value * 2 + (this.#data[this.#at >> 3]! >> (7 - (this.#at & 7)) & 1);
    }
    return value;
  }
}

function refusal(why: string): RemoteProtocolError {
  return new RemoteProtocolError(
    `Cannot read a VP9 frame: ${why}; ask the sender for a key frame`,
  );
}
