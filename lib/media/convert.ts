/**
 * Conversion between pixel formats in TypeScript, BT.601 limited range as libyuv does it. Between YUV and
 * RGB everything goes through I420; packed RGB formats go to each other and to grey directly, without
 * loss. Strides are honoured and odd sizes are whole: the last column or row of chroma then stands for
 * one column or row of pixels.
 */

import { allocatePixels, copyPixels, copyPlane, type Pixels, type Plane } from "./pixel_format.ts";
import {
  grayToPacked,
  i420ToPacked,
  packedToGray,
  packedToI420,
  PACKINGS,
  swizzle,
} from "./packed.ts";

/** The planes of `I420`. */
type YuvPlanes = readonly [y: Plane, u: Plane, v: Plane];

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
  const [, u, v] = target.planes as unknown as YuvPlanes;
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
  const [, u, v] = source.planes as unknown as YuvPlanes;
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
  const [luma, u, v] = target.planes as unknown as YuvPlanes;
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
  const [luma, u, v] = source.planes as unknown as YuvPlanes;
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
