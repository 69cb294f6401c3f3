/** From the raw bytes of the Pi's camera commands to frames. */

import { SystemCallError } from "../errors.ts";
import { checkSize, type Plane, planeSizes } from "../media/pixel_format.ts";
import { VideoFrame } from "../media/video_frame.ts";
import { PI_ACTION } from "./pi_camera_words.ts";

/** How a command lays pictures out. */
export interface PiLayout {
  /** Rows begin at multiples of so many bytes; those of colour at half of it. */
  readonly stride: number;
  /** Rows of luma in memory. */
  readonly rows: number;
}

/** Rows and columns are padded to these (RaspiVid.c: VCOS_ALIGN_UP of width by 32, of height by 16). */
export function legacyLayout(width: number, height: number): PiLayout {
  return { stride: alignUp(width, 32), rows: alignUp(height, 16) };
}

/** So wide are the rows of all Pis before the 5th, whose ISP aligns those of YUV420 to 64 bytes. */
const USUAL_ALIGNMENT = 64;
/** After so many pictures without a word about their size, the usual one is assumed. */
const PATIENCE = 4;

/** `alignment` is a power of two. */
function alignUp(value: number, alignment: number): number {
  return (value + alignment - 1) & -alignment;
}

/** libcamera gives sYCC, the full range (rpicam_vid.cpp: FLAG_VIDEO_JPEG_COLOURSPACE); frames have the limited one. */
const LUMA = Uint8Array.from({ length: 256 }, (_, y) => Math.round(16 + y * 219 / 255));
const CHROMA = Uint8Array.from({ length: 256 }, (_, c) => Math.round(128 + (c - 128) * 224 / 255));

/** Cuts a stream of padded `YUV420` pictures into `I420` frames. */
export class PiPictures {
  readonly #fullRange: boolean;
  #width: number;
  #height: number;
  #layout: PiLayout | null;
  #bytes = new Uint8Array(1 << 20);
  #length = 0;
  #beginUs = 0;

  /**
   * @param layout null if the command will say: libcamera's rows are as wide as the hardware likes
   * @param fullRange whether they are in the full range, to be narrowed
   */
  constructor(width: number, height: number, layout: PiLayout | null, fullRange: boolean) {
    this.#width = width;
    this.#height = height;
    this.#layout = layout;
    this.#fullRange = fullRange;
  }

  /** The camera gives another size than was asked. */
  resize(width: number, height: number): void {
    checkSize(width, height);
    if (this.#layout !== null) return; // too late: frames have come
    this.#width = width;
    this.#height = height;
  }

  /**
   * Each picture has so many bytes: tells how wide its rows are. Said again it changes nothing.
   * @throws {SystemCallError} when no picture of this size has so many
   */
  announce(bytes: number): VideoFrame[] {
    if (this.#layout !== null) return [];
    const stride = bytes / (1.5 * this.#height);
    if (!Number.isInteger(stride) || stride < this.#width || stride % 2 !== 0) {
      throw new SystemCallError(
        `${PI_ACTION}: its pictures of ${this.#width}x${this.#height} have ${bytes} bytes, which ` +
          "is no YUV420; try another size",
        "EPROTO",
      );
    }
    this.#layout = { stride, rows: this.#height };
    return this.#cut();
  }

  /** Takes bytes, which are copied, and gives the frames that are whole. */
  push(bytes: Uint8Array, nowUs: number): VideoFrame[] {
    if (this.#length === 0) this.#beginUs = nowUs;
    this.#append(bytes);
    if (this.#layout === null) {
      const stride = alignUp(this.#width, USUAL_ALIGNMENT);
      if (this.#length < PATIENCE * 1.5 * stride * this.#height) return [];
      this.#layout = { stride, rows: this.#height };
    }
    const frames = this.#cut();
    if (frames.length > 0) this.#beginUs = nowUs;
    return frames;
  }

  #cut(): VideoFrame[] {
    const { stride, rows } = this.#layout!;
    const size = 1.5 * stride * rows;
    const frames: VideoFrame[] = [];
    let at = 0;
    for (; at + size <= this.#length; at += size) {
      frames.push(this.#frame(this.#bytes.subarray(at, at + size), stride, rows));
    }
    if (at > 0) this.#bytes.copyWithin(0, at, this.#length);
    this.#length -= at;
    return frames;
  }

  #frame(bytes: Uint8Array, stride: number, rows: number): VideoFrame {
    const [width, height] = [this.#width, this.#height];
    const half = stride >> 1;
    const luma = stride * rows;
    const chroma = half * (rows >> 1);
    const planes: Plane[] = [
      { data: bytes.subarray(0, luma), stride },
      { data: bytes.subarray(luma, luma + chroma), stride: half },
      { data: bytes.subarray(luma + chroma, luma + 2 * chroma), stride: half },
    ];
    const padded = { width, height, format: "I420", planes, timestampUs: this.#beginUs } as const;
    const frame = new VideoFrame(padded).clone();
    if (this.#fullRange) narrow(frame);
    return frame;
  }

  #append(bytes: Uint8Array): void {
    const needed = this.#length + bytes.length;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(2 * needed);
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, this.#length);
    this.#length = needed;
  }
}

/** Brings a frame of our own from the full range of levels into the limited one. */
function narrow({ width, height, planes }: VideoFrame): void {
  for (const [i, { rowBytes, rows }] of planeSizes("I420", width, height).entries()) {
    const table = i === 0 ? LUMA : CHROMA;
    const { data } = planes[i]!;
    for (let at = 0; at < rowBytes * rows; at++) data[at] = table[data[at]!]!;
  }
}
