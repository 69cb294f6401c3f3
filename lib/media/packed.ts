/** Conversion from and to the packed RGB formats, see convert.ts. */

import type { PixelFormat, Pixels, Plane } from "./pixel_format.ts";

/** The planes of `I420`. */
type YuvPlanes = readonly [y: Plane, u: Plane, v: Plane];

/** Where the colours of a packed format are. */
export interface Packing {
  /** Bytes from one pixel to the next. */
  readonly step: number;
  /** Offset of red. */
  readonly r: number;
  /** Offset of green. */
  readonly g: number;
  /** Offset of blue. */
  readonly b: number;
  /** Offset of alpha, -1 if there is none. */
  readonly a: number;
}

/** The packed formats of RGB. */
export const PACKINGS: Partial<Record<PixelFormat, Packing>> = {
  BGR: { step: 3, r: 2, g: 1, b: 0, a: -1 },
  RGB: { step: 3, r: 0, g: 1, b: 2, a: -1 },
  BGRA: { step: 4, r: 2, g: 1, b: 0, a: 3 },
  RGBA: { step: 4, r: 0, g: 1, b: 2, a: 3 },
};

/**
 * libyuv's RGBToY, RGBToU and RGBToV (row_common.cc): BT.601 in 8 bits of fraction, chroma from the
 * mean of each 2x2 pixels.
 */
export function packedToI420(source: Pixels, { step, r, g, b }: Packing, target: Pixels): void {
  const { width, height } = source;
  const { data, stride } = source.planes[0]!;
  const [luma, u, v] = target.planes as unknown as YuvPlanes;
  for (let y = 0; y < height; y++) {
    let at = y * stride;
    const out = y * luma.stride;
    for (let x = 0; x < width; x++, at += step) {
      luma.data[out + x] =
        (66 * data[at + r]! + 129 * data[at + g]! + 25 * data[at + b]! + 0x1080) >> 8;
    }
    if (y & 1) continue;
    const down = y + 1 < height ? stride : 0;
    const chromaU = (y >> 1) * u.stride;
    const chromaV = (y >> 1) * v.stride;
    at = y * stride;
    for (let x = 0; x < width; x += 2, at += 2 * step) {
      const right = x + 1 < width ? step : 0;
      const p1 = at + right;
      const p2 = at + down;
      const p3 = p2 + right;
      const red = (data[at + r]! + data[p1 + r]! + data[p2 + r]! + data[p3 + r]! + 2) >> 2;
      const green = (data[at + g]! + data[p1 + g]! + data[p2 + g]! + data[p3 + g]! + 2) >> 2;
      const blue = (data[at + b]! + data[p1 + b]! + data[p2 + b]! + data[p3 + b]! + 2) >> 2;
      u.data[chromaU + (x >> 1)] = (112 * blue - 74 * green - 38 * red + 0x8080) >> 8;
      v.data[chromaV + (x >> 1)] = (112 * red - 94 * green - 18 * blue + 0x8080) >> 8;
    }
  }
}

/** libyuv's YuvPixel (row_common.cc) with its constants for BT.601: 6 bits of fraction, nearest chroma. */
export function i420ToPacked(source: Pixels, target: Pixels, { step, r, g, b, a }: Packing): void {
  const { width, height } = source;
  const [luma, u, v] = source.planes as unknown as YuvPlanes;
  const { data, stride } = target.planes[0]!;
  for (let y = 0; y < height; y++) {
    const row = y * luma.stride;
    const chromaU = (y >> 1) * u.stride;
    const chromaV = (y >> 1) * v.stride;
    let out = y * stride;
    for (let x = 0; x < width; x++, out += step) {
      const level = ((luma.data[row + x]! * 0x0101 * 18997) >>> 16) - 1160;
      const du = u.data[chromaU + (x >> 1)]! - 128;
      const dv = v.data[chromaV + (x >> 1)]! - 128;
      const red = (level + 102 * dv) >> 6;
      const green = (level - 25 * du - 52 * dv) >> 6;
      const blue = (level + 129 * du) >> 6;
      data[out + r] = red < 0 ? 0 : red > 255 ? 255 : red;
      data[out + g] = green < 0 ? 0 : green > 255 ? 255 : green;
      data[out + b] = blue < 0 ? 0 : blue > 255 ? 255 : blue;
      if (a >= 0) data[out + a] = 255;
    }
  }
}

/** Packed to packed, without loss; alpha is 255 where the source has none. */
export function swizzle(source: Pixels, from: Packing, target: Pixels, to: Packing): void {
  const input = source.planes[0]!;
  const output = target.planes[0]!;
  for (let y = 0; y < source.height; y++) {
    let at = y * input.stride;
    let out = y * output.stride;
    for (let x = 0; x < source.width; x++, at += from.step, out += to.step) {
      output.data[out + to.r] = input.data[at + from.r]!;
      output.data[out + to.g] = input.data[at + from.g]!;
      output.data[out + to.b] = input.data[at + from.b]!;
      if (to.a >= 0) output.data[out + to.a] = from.a >= 0 ? input.data[at + from.a]! : 255;
    }
  }
}

/** The weights of BT.601 in 8 bits, as in libyuv's ARGBToJ400 and, within a level, OpenCV's. */
export function packedToGray(source: Pixels, { step, r, g, b }: Packing, target: Pixels): void {
  const { data, stride } = source.planes[0]!;
  const out = target.planes[0]!;
  for (let y = 0; y < source.height; y++) {
    let at = y * stride;
    for (let x = 0; x < source.width; x++, at += step) {
      out.data[y * out.stride + x] =
        (77 * data[at + r]! + 150 * data[at + g]! + 29 * data[at + b]! + 128) >> 8;
    }
  }
}

/** The same level in all three colours. */
export function grayToPacked(source: Pixels, target: Pixels, { step, r, g, b, a }: Packing): void {
  const input = source.planes[0]!;
  const { data, stride } = target.planes[0]!;
  for (let y = 0; y < source.height; y++) {
    let out = y * stride;
    for (let x = 0; x < source.width; x++, out += step) {
      data[out + r] = data[out + g] = data[out + b] = input.data[y * input.stride + x]!;
      if (a >= 0) data[out + a] = 255;
    }
  }
}
