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
 * mean of each 2x2 pixels. At an odd edge the last pixel stands for the missing ones, and is written
 * twice.
 */
export function packedToI420(source: Pixels, { step, r, g, b }: Packing, target: Pixels): void {
  const { width, height } = source;
  const { data, stride } = source.planes[0]!;
  const [{ data: luma, stride: lumaStride }, u, v] = target.planes as unknown as YuvPlanes;
  const [uData, vData] = [u.data, v.data];
  for (let y = 0; y < height; y += 2) {
    const [down, lumaDown] = y + 1 < height ? [stride, lumaStride] : [0, 0];
    let at = y * stride;
    let out = y * lumaStride;
    let chromaU = (y >> 1) * u.stride;
    let chromaV = (y >> 1) * v.stride;
    for (let x = 0; x < width; x += 2, at += 2 * step, out += 2) {
      const lumaRight = x + 1 < width ? 1 : 0;
      const right = lumaRight * step;
      const below = at + down;
      const r0 = data[at + r]!, g0 = data[at + g]!, b0 = data[at + b]!;
      const r1 = data[at + right + r]!, g1 = data[at + right + g]!, b1 = data[at + right + b]!;
      const r2 = data[below + r]!, g2 = data[below + g]!, b2 = data[below + b]!;
      const r3 = data[below + right + r]!;
      const g3 = data[below + right + g]!;
      const b3 = data[below + right + b]!;
      luma[out] = (66 * r0 + 129 * g0 + 25 * b0 + 0x1080) >> 8;
      luma[out + lumaRight] = (66 * r1 + 129 * g1 + 25 * b1 + 0x1080) >> 8;
      luma[out + lumaDown] = (66 * r2 + 129 * g2 + 25 * b2 + 0x1080) >> 8;
      luma[out + lumaDown + lumaRight] = (66 * r3 + 129 * g3 + 25 * b3 + 0x1080) >> 8;
      const red = (r0 + r1 + r2 + r3 + 2) >> 2;
      const green = (g0 + g1 + g2 + g3 + 2) >> 2;
      const blue = (b0 + b1 + b2 + b3 + 2) >> 2;
      uData[chromaU++] = (112 * blue - 74 * green - 38 * red + 0x8080) >> 8;
      vData[chromaV++] = (112 * red - 94 * green - 18 * blue + 0x8080) >> 8;
    }
  }
}

/** The part that luma has in every colour: libyuv's YuvPixel (row_common.cc), 6 bits of fraction. */
const LEVELS = Int32Array.from({ length: 256 }, (_, y) => ((y * 0x0101 * 18997) >> 16) - 1160);

/** 0 … 255 for −512 … 1023: a table clamps faster than branches that are mispredicted. */
const CLAMPED = Uint8Array.from({ length: 1536 }, (_, i) => Math.min(Math.max(i - 512, 0), 255));

/** The rest of YuvPixel with its constants for BT.601; each chroma stands for 2x2 pixels. */
export function i420ToPacked(
  source: Pixels,
  target: Pixels,
  { step, r, g, b, a }: Packing,
): void {
  const { width, height } = source;
  const [luma, u, v] = source.planes as unknown as YuvPlanes;
  const [lumaData, uData, vData] = [luma.data, u.data, v.data];
  const { data, stride } = target.planes[0]!;
  for (let y = 0; y < height; y++) {
    const row = y * luma.stride;
    const chromaU = (y >> 1) * u.stride;
    const chromaV = (y >> 1) * v.stride;
    let out = y * stride;
    for (let x = 0; x < width; x++, out += step) {
      const level = LEVELS[lumaData[row + x]!]! + (512 << 6);
      const du = uData[chromaU + (x >> 1)]! - 128;
      const dv = vData[chromaV + (x >> 1)]! - 128;
      data[out + r] = CLAMPED[(level + 102 * dv) >> 6]!;
      data[out + g] = CLAMPED[(level - 25 * du - 52 * dv) >> 6]!;
      data[out + b] = CLAMPED[(level + 129 * du) >> 6]!;
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
