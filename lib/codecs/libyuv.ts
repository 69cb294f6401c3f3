/**
 * Puts libyuv before the TypeScript pixel converter, for whoever imports this. Nothing is opened until
 * pixels are converted, and then only if `--allow-ffi` was granted already: a frame never asks for a
 * permission. Where libyuv is missing, TypeScript does the same within 2 levels.
 */

import { FILTER, openYuv, type Yuv } from "../../ffi/yuv.ts";
import { LibraryMissing } from "../errors.ts";
import { convertPixels } from "../media/convert.ts";
import { type PixelConverter, setPixelConverter } from "../media/converter.ts";
import {
  allocatePixels,
  type PixelFormat,
  type Pixels,
  planeSizes,
} from "../media/pixel_format.ts";
import { scalePixels, shrinksBelowHalf } from "../media/scale.ts";

/** How far libyuv and TypeScript may be apart in any byte. */
export const TOLERANCE = 2;

/** null: not there. undefined: not tried. */
let library: Yuv | null | undefined;

function open(): Yuv | null {
  if (library !== undefined) return library;
  // Asked anew at each call: the permission may be granted later.
  if (Deno.permissions.querySync({ name: "ffi" }).state !== "granted") return null;
  try {
    library = openYuv();
  } catch (error) {
    if (!(error instanceof LibraryMissing)) throw error;
    library = null;
  }
  return library;
}

/** Which conversions, and whether scaling, of this very library have been seen to agree with ours. */
const agrees = new Map<string, boolean>();

function agreed(what: string, check: () => boolean): boolean {
  let known = agrees.get(what);
  if (known === undefined) agrees.set(what, known = check());
  return known;
}

/** The converter that uses libyuv; made known to frames by importing this file. */
export const libyuvConverter: PixelConverter = {
  convert(source: Pixels, target: Pixels): boolean {
    // The second half of a row's last pair is whatever libyuv likes.
    if (target.format === "YUYV" && target.width % 2 === 1) return false;
    const yuv = open();
    if (yuv === null) return false;
    const pair = `${source.format} ${target.format}`;
    return agreed(pair, () => checkConversion(yuv, source.format, target.format)) &&
      yuv.convert(source, target);
  },

  scale(source: Pixels, target: Pixels): boolean {
    if (source.format !== "I420" || target.format !== "I420") return false;
    if (!isOrdinary(source, target)) return false;
    const yuv = open();
    return yuv !== null && agreed("scale", () => checkScaling(yuv)) && scale(yuv, source, target);
  },
};

/**
 * False where libyuv has rules of its own: planes one pixel wide or high, boxes higher than its 16-bit
 * sums can hold, and rows that it picks differently when it doubles the width of a third of the height.
 */
function isOrdinary(source: Pixels, target: Pixels): boolean {
  const to = planeSizes("I420", target.width, target.height);
  return planeSizes("I420", source.width, source.height).every((from, plane) => {
    const { rowBytes, rows } = to[plane]!;
    return from.rowBytes > 1 && from.rows > 1 && from.rows < 256 * rows &&
      !((rowBytes + 1) >> 1 === from.rowBytes && 3 * rows === from.rows);
  });
}

function scale(yuv: Yuv, source: Pixels, target: Pixels): boolean {
  const filter = shrinksBelowHalf(source, target) ? FILTER.box : FILTER.bilinear;
  return yuv.scale(source, target, filter);
}

/** libyuv's numbers changed over the years, so each function proves itself before it is used. */
function checkConversion(yuv: Yuv, from: PixelFormat, to: PixelFormat): boolean {
  const source = noise(from, 38, 10);
  const [theirs, ours] = [allocatePixels(to, 38, 10), allocatePixels(to, 38, 10)];
  if (!yuv.convert(source, theirs)) return false;
  convertPixels(source, ours);
  return distance(theirs, ours) <= TOLERANCE;
}

/** One case for each algorithm that libyuv has, see lib/media/scale.ts. */
const SCALINGS = [
  [32, 24, 21, 17], // bilinear, smaller
  [32, 24, 45, 31], // bilinear, larger
  [32, 24, 32, 17], // only lower
  [32, 24, 64, 48], // twice
  [32, 24, 16, 12], // 1/2
  [32, 24, 24, 18], // 3/4
  [32, 32, 12, 12], // 3/8
  [32, 24, 8, 6], // 1/4
  [32, 24, 7, 5], // boxes
] as const;

function checkScaling(yuv: Yuv): boolean {
  return SCALINGS.every(([width, height, newWidth, newHeight]) => {
    const source = noise("I420", width, height);
    const theirs = allocatePixels("I420", newWidth, newHeight);
    const ours = allocatePixels("I420", newWidth, newHeight);
    if (!scale(yuv, source, theirs)) return false;
    scalePixels(source, ours);
    return distance(theirs, ours) <= TOLERANCE;
  });
}

/** The same hard pixels at each call. */
function noise(format: PixelFormat, width: number, height: number): Pixels {
  const pixels = allocatePixels(format, width, height);
  let state = 1;
  for (const { data } of pixels.planes) {
    for (let i = 0; i < data.length; i++) {
      state = Math.imul(state, 1103515245) + 12345 | 0;
      data[i] = state >>> 16;
    }
  }
  return pixels;
}

function distance(a: Pixels, b: Pixels): number {
  let most = 0;
  for (const [index, { data }] of a.planes.entries()) {
    const other = b.planes[index]!.data;
    for (let i = 0; i < data.length; i++) most = Math.max(most, Math.abs(data[i]! - other[i]!));
  }
  return most;
}

setPixelConverter(libyuvConverter);
