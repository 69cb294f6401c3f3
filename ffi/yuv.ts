/**
 * libyuv: conversion and scaling of pixels, ten times as fast as TypeScript. Its names give the order of
 * bytes in a little-endian word, ours the order in memory: its RGB24 is our BGR, its RAW our RGB, its
 * ARGB our BGRA, its ABGR our RGBA.
 */

import { homebrewPaths, type LibrarySpec, openLibrary } from "./loader.ts";

/** Where libyuv is found and how to get it. */
export const LIBYUV: LibrarySpec = {
  name: "libyuv",
  candidates: {
    linux: ["libyuv.so.0", "libyuv.so"],
    darwin: homebrewPaths("libyuv.0.dylib", "libyuv.dylib"),
    windows: ["libyuv.dll"],
  },
  install: {
    linux: 'install it with "sudo apt install libyuv0"',
    darwin: "build it from chromium.googlesource.com/libyuv/libyuv, or do without",
    windows: "build it from chromium.googlesource.com/libyuv/libyuv, or do without",
  },
};

/** Parameters for so many planes, each `(uint8_t *, int stride)`, and then so many ints. */
const TWO_PLANES = ["buffer", "i32", "buffer", "i32"] as const;
const THREE_PLANES = [...TWO_PLANES, "buffer", "i32"] as const;
const FOUR_PLANES = [...TWO_PLANES, ...TWO_PLANES] as const;
const FIVE_PLANES = [...TWO_PLANES, ...THREE_PLANES] as const;
const SIZE = ["i32", "i32"] as const;
const PACKED = { parameters: [...FOUR_PLANES, ...SIZE], result: "i32" } as const;
const BIPLANAR = { parameters: [...FIVE_PLANES, ...SIZE], result: "i32" } as const;

const SYMBOLS = {
  // All of <libyuv/convert.h>, convert_from.h and convert_argb.h have one shape: `int XToY(` for each
  // plane of X `const uint8_t *src, int src_stride,` for each of Y `uint8_t *dst, int dst_stride,`
  // `int width, int height);`

  // int NV12ToI420(src_y, src_uv, dst_y, dst_u, dst_v, width, height);
  NV12ToI420: BIPLANAR,
  // int YUY2ToI420(src_yuy2, dst_y, dst_u, dst_v, width, height); and the four below likewise
  YUY2ToI420: PACKED,
  RGB24ToI420: PACKED,
  RAWToI420: PACKED,
  ARGBToI420: PACKED,
  ABGRToI420: PACKED,
  // int I420ToNV12(src_y, src_u, src_v, dst_y, dst_uv, width, height);
  I420ToNV12: BIPLANAR,
  // int I420ToYUY2(src_y, src_u, src_v, dst_yuy2, width, height); and the four below likewise
  I420ToYUY2: PACKED,
  I420ToRGB24: PACKED,
  I420ToRAW: PACKED,
  I420ToARGB: PACKED,
  I420ToABGR: PACKED,
  // int I420Scale(src_y, src_u, src_v, int src_width, int src_height,
  //     dst_y, dst_u, dst_v, int dst_width, int dst_height, enum FilterMode filtering);   <libyuv/scale.h>
  I420Scale: {
    parameters: [...THREE_PLANES, ...SIZE, ...THREE_PLANES, ...SIZE, "i32"],
    result: "i32",
  },
} as const satisfies Deno.ForeignLibraryInterface;

/** The conversion functions, by the pixel formats of the library. */
const CONVERSIONS: Readonly<Record<string, Exclude<keyof typeof SYMBOLS, "I420Scale">>> = {
  "NV12 I420": "NV12ToI420",
  "YUYV I420": "YUY2ToI420",
  "BGR I420": "RGB24ToI420",
  "RGB I420": "RAWToI420",
  "BGRA I420": "ARGBToI420",
  "RGBA I420": "ABGRToI420",
  "I420 NV12": "I420ToNV12",
  "I420 YUYV": "I420ToYUY2",
  "I420 BGR": "I420ToRGB24",
  "I420 RGB": "I420ToRAW",
  "I420 BGRA": "I420ToARGB",
  "I420 RGBA": "I420ToABGR",
};

/** `enum FilterMode`, <libyuv/scale.h>. */
export const FILTER = { bilinear: 2, box: 3 } as const;

/** Pixels as this file needs them; `VideoFrame` and `Pixels` of lib/media are such. */
export interface YuvPixels {
  /** Pixels in a row. */
  readonly width: number;
  /** Number of rows. */
  readonly height: number;
  /** A pixel format's name. */
  readonly format: string;
  /** The planes. */
  readonly planes: readonly { readonly data: Uint8Array; readonly stride: number }[];
}

/** libyuv, open. */
export interface Yuv {
  /** Writes `source` into `target`, of the same size; false if there is no function for the pair. */
  convert(source: YuvPixels, target: YuvPixels): boolean;
  /** Scales `I420` to `I420` with a filter of {@linkcode FILTER}; false if libyuv refused. */
  scale(source: YuvPixels, target: YuvPixels, filter: number): boolean;
}

/**
 * Opens libyuv, for as long as the process lives.
 *
 * @throws {LibraryMissing} when it is not on this machine
 */
export function openYuv(): Yuv {
  const { symbols } = openLibrary(LIBYUV, SYMBOLS);
  return {
    convert(source, target) {
      const name = CONVERSIONS[`${source.format} ${target.format}`];
      if (name === undefined) return false;
      const call = symbols[name] as (...args: unknown[]) => number;
      return call(...flat(source), ...flat(target), source.width, source.height) === 0;
    },
    scale(source, target, filter) {
      const call = symbols.I420Scale as (...args: unknown[]) => number;
      const from = [...flat(source), source.width, source.height];
      return call(...from, ...flat(target), target.width, target.height, filter) === 0;
    },
  };
}

function flat({ planes }: YuvPixels): unknown[] {
  return planes.flatMap(({ data, stride }) => [data, stride]);
}
