/**
 * libyuv's decoder of JPEG, which a libyuv that was built without libjpeg does not have. Its planes are
 * full range, as JPEG is (ITU-T T.871); pictures of 4:2:2, which webcams send, become 4:2:0 on the way.
 */

import { openLibrary } from "./loader.ts";
import { LIBYUV } from "./yuv.ts";

const SYMBOLS = {
  // int MJPGSize(const uint8_t *sample, size_t sample_size, int *width, int *height);   <libyuv/convert_argb.h>
  MJPGSize: { parameters: ["buffer", "usize", "buffer", "buffer"], result: "i32" },
  // int MJPGToI420(const uint8_t *sample, size_t sample_size, uint8_t *dst_y, int dst_stride_y,
  //     uint8_t *dst_u, int dst_stride_u, uint8_t *dst_v, int dst_stride_v,
  //     int src_width, int src_height, int dst_width, int dst_height);                   <libyuv/convert.h>
  MJPGToI420: {
    parameters: [
      ...["buffer", "usize", "buffer", "i32", "buffer", "i32", "buffer", "i32"] as const,
      ...["i32", "i32", "i32", "i32"] as const,
    ],
    result: "i32",
    nonblocking: true,
  },
  // int InterpolatePlane(const uint8_t *src0, int src_stride0, const uint8_t *src1, int src_stride1,
  //     uint8_t *dst, int dst_stride, int width, int height, int interpolation); <libyuv/planar_functions.h>
  InterpolatePlane: {
    parameters: ["buffer", "i32", "buffer", "i32", "buffer", "i32", "i32", "i32", "i32"],
    result: "i32",
  },
} as const satisfies Deno.ForeignLibraryInterface;

/** A plane to be written. */
export interface JpegPlane {
  /** The bytes. */
  readonly data: Uint8Array<ArrayBuffer>;
  /** Bytes of a row. */
  readonly stride: number;
}

/** libyuv's decoder, open. */
export interface YuvJpeg {
  /** Width and height that the picture's header tells; null if it is no JPEG. */
  size(jpeg: Uint8Array<ArrayBuffer>): { width: number; height: number } | null;
  /** Decodes into `I420` planes, full range, on another thread; false if the picture is broken. */
  decode(
    jpeg: Uint8Array<ArrayBuffer>,
    width: number,
    height: number,
    planes: readonly JpegPlane[],
  ): Promise<boolean>;
  /** Moves each byte of a plane towards `level`, by `share` of 256; in place. */
  blend(plane: JpegPlane, width: number, height: number, level: number, share: number): void;
}

/**
 * Opens libyuv for JPEG, for as long as the process lives.
 *
 * @throws {LibraryMissing} when it is not on this machine, or cannot read JPEG
 */
export function openYuvJpeg(): YuvJpeg {
  const { symbols } = openLibrary(LIBYUV, SYMBOLS);
  return {
    size(jpeg) {
      const [width, height] = [new Int32Array(1), new Int32Array(1)];
      const [w, h] = [new Uint8Array(width.buffer), new Uint8Array(height.buffer)];
      const result = symbols.MJPGSize(jpeg, BigInt(jpeg.length), w, h);
      return result === 0 ? { width: width[0]!, height: height[0]! } : null;
    },
    async decode(jpeg, width, height, planes) {
      const [y, u, v] = planes as readonly [JpegPlane, JpegPlane, JpegPlane];
      return await symbols.MJPGToI420(
        ...[jpeg, BigInt(jpeg.length), y.data, y.stride, u.data, u.stride, v.data] as const,
        ...[v.stride, width, height, width, height] as const,
      ) === 0;
    },
    blend({ data, stride }, width, height, level, share) {
      const row = new Uint8Array(width).fill(level);
      symbols.InterpolatePlane(data, stride, row, 0, data, stride, width, height, share);
    },
  };
}
