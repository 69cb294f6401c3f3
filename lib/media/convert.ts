/**
 * Conversion between pixel formats in TypeScript, BT.601 limited range as libyuv does it. Between YUV and
 * RGB everything goes through I420; packed RGB formats go to each other and to grey directly, without
 * loss. Strides are honoured and odd sizes are whole: the last column or row of chroma then stands for
 * one column or row of pixels.
 */

import {
  allocatePixels,
  copyPixels,
  copyPlane,
  type PixelFormat,
  type Pixels,
} from "./pixel_format.ts";

/** Where the colours of a packed format are: bytes a pixel, then the offsets of red, green, blue, alpha. */
interface Packing {
  readonly step: number;
  readonly r: number;
  readonly g: number;
  readonly b: number;
  readonly a: number;
}

const PACKINGS: Partial<Record<PixelFormat, Packing>> = {
  BGR: { step: 3, r: 2, g: 1, b: 0, a: -1 },
  RGB: { step: 3, r: 0, g: 1, b: 2, a: -1 },
  BGRA: { step: 4, r: 2, g: 1, b: 0, a: 3 },
  RGBA: { step: 4, r: 0, g: 1, b: 2, a: 3 },
};

/** Full-range grey of each limited-range Y, and back: 255/219 and 16. */
const GRAY_OF_LUMA = Uint8ClampedArray.from({ length: 256 }, (_, y) => (y - 16) * 255 / 219);
const LUMA_OF_GRAY = Uint8ClampedArray.from({ length: 256 }, (_, gray) => 16 + gray * 219 / 255);

/** Writes `source` into `target`, which has the same size and any format. Neither may share memory. */
export function convertPixels(source: Pixels, target: Pixels): void {
  if (source.width !== target.width || source.height !== target.height) {
    throw new RangeError(
      `Cannot convert ${source.width}x${source.height} into ${target.width}x${target.height}: ` +
        "sizes differ; resize first",
    );
  }
  if (source.format === target.format) return copyPixels(source, target);
  const from = PACKINGS[source.format];
  const to = PACKINGS[target.format];
  if (from && to) return swizzle(source, from, target, to);
  if (from && target.format === "GRAY") return packedToGray(source, from, target);
  if (source.format === "GRAY" && to) return grayToPacked(source, target, to);
  if (source.format === "I420") return fromI420(source, target);
  if (target.format === "I420") return toI420(source, target);
  const hub = allocatePixels("I420", source.width, source.height);
  toI420(source, hub);
  fromI420(hub, target);
}

function toI420(source: Pixels, target: Pixels): void {
  const packing = PACKINGS[source.format];
  if (packing) return packedToI420(source, packing, target);
  if (source.format === "NV12") return nv12ToI420(source, target);
  if (source.format === "YUYV") return yuyvToI420(source, target);
  mapLuma(source, target, LUMA_OF_GRAY);
  fillNeutral(target);
}

function fromI420(source: Pixels, target: Pixels): void {
  const packing = PACKINGS[target.format];
  if (packing) return i420ToPacked(source, target, packing);
  if (target.format === "NV12") return i420ToNv12(source, target);
  if (target.format === "YUYV") return i420ToYuyv(source, target);
  mapLuma(source, target, GRAY_OF_LUMA);
}

function mapLuma(source: Pixels, target: Pixels, table: Uint8ClampedArray): void {
  const from = source.planes[0]!;
  const to = target.planes[0]!;
  for (let y = 0; y < source.height; y++) {
    let at = y * from.stride;
    let out = y * to.stride;
    for (let x = 0; x < source.width; x++) to.data[out++] = table[from.data[at++]!]!;
  }
}

function fillNeutral(target: Pixels): void {
  const width = (target.width + 1) >> 1;
  const height = (target.height + 1) >> 1;
  for (const { data, stride } of target.planes.slice(1)) {
    for (let y = 0; y < height; y++) data.fill(128, y * stride, y * stride + width);
  }
}

function nv12ToI420(source: Pixels, target: Pixels): void {
  copyPlane(source.planes[0]!, target.planes[0]!, { rowBytes: source.width, rows: source.height });
  const uv = source.planes[1]!;
  const [, u, v] = target.planes as [unknown, Pixels["planes"][0], Pixels["planes"][0]];
  const width = (source.width + 1) >> 1;
  for (let y = 0; y < (source.height + 1) >> 1; y++) {
    let at = y * uv.stride;
    for (let x = 0; x < width; x++) {
      u.data[y * u.stride + x] = uv.data[at++]!;
      v.data[y * v.stride + x] = uv.data[at++]!;
    }
  }
}

function i420ToNv12(source: Pixels, target: Pixels): void {
  copyPlane(source.planes[0]!, target.planes[0]!, { rowBytes: source.width, rows: source.height });
  const uv = target.planes[1]!;
  const [, u, v] = source.planes as [unknown, Pixels["planes"][0], Pixels["planes"][0]];
  const width = (source.width + 1) >> 1;
  for (let y = 0; y < (source.height + 1) >> 1; y++) {
    let out = y * uv.stride;
    for (let x = 0; x < width; x++) {
      uv.data[out++] = u.data[y * u.stride + x]!;
      uv.data[out++] = v.data[y * v.stride + x]!;
    }
  }
}

/** Chroma is the mean of two rows, as libyuv's YUY2ToUVRow has it. */
function yuyvToI420(source: Pixels, target: Pixels): void {
  const { width, height } = source;
  const { data, stride } = source.planes[0]!;
  const [luma, u, v] = target.planes as [
    Pixels["planes"][0],
    Pixels["planes"][0],
    Pixels["planes"][0],
  ];
  const pairs = (width + 1) >> 1;
  for (let y = 0; y < height; y++) {
    const row = y * stride;
    const out = y * luma.stride;
    for (let x = 0; x < width; x++) luma.data[out + x] = data[row + 2 * x]!;
    if (y & 1) continue;
    const below = y + 1 < height ? row + stride : row;
    const chromaU = (y >> 1) * u.stride;
    const chromaV = (y >> 1) * v.stride;
    for (let x = 0; x < pairs; x++) {
      u.data[chromaU + x] = (data[row + 4 * x + 1]! + data[below + 4 * x + 1]! + 1) >> 1;
      v.data[chromaV + x] = (data[row + 4 * x + 3]! + data[below + 4 * x + 3]! + 1) >> 1;
    }
  }
}

function i420ToYuyv(source: Pixels, target: Pixels): void {
  const { width, height } = source;
  const [luma, u, v] = source.planes as [
    Pixels["planes"][0],
    Pixels["planes"][0],
    Pixels["planes"][0],
  ];
  const { data, stride } = target.planes[0]!;
  const pairs = (width + 1) >> 1;
  for (let y = 0; y < height; y++) {
    const row = y * luma.stride;
    const chromaU = (y >> 1) * u.stride;
    const chromaV = (y >> 1) * v.stride;
    let out = y * stride;
    for (let x = 0; x < pairs; x++) {
      const second = Math.min(2 * x + 1, width - 1);
      data[out++] = luma.data[row + 2 * x]!;
      data[out++] = u.data[chromaU + x]!;
      data[out++] = luma.data[row + second]!;
      data[out++] = v.data[chromaV + x]!;
    }
  }
}

/**
 * libyuv's RGBToY, RGBToU and RGBToV (row_common.cc): BT.601 in 8 bits of fraction, chroma from the
 * mean of each 2x2 pixels.
 */
function packedToI420(source: Pixels, { step, r, g, b }: Packing, target: Pixels): void {
  const { width, height } = source;
  const { data, stride } = source.planes[0]!;
  const [luma, u, v] = target.planes as [
    Pixels["planes"][0],
    Pixels["planes"][0],
    Pixels["planes"][0],
  ];
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
function i420ToPacked(source: Pixels, target: Pixels, { step, r, g, b, a }: Packing): void {
  const { width, height } = source;
  const [luma, u, v] = source.planes as [
    Pixels["planes"][0],
    Pixels["planes"][0],
    Pixels["planes"][0],
  ];
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

function swizzle(source: Pixels, from: Packing, target: Pixels, to: Packing): void {
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
function packedToGray(source: Pixels, { step, r, g, b }: Packing, target: Pixels): void {
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

function grayToPacked(source: Pixels, target: Pixels, { step, r, g, b, a }: Packing): void {
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
