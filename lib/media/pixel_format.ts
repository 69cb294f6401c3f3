/** The pixel formats a frame may have, and how many bytes each of its planes takes. */

/**
 * How the pixels of a frame lie in memory. Colours are BT.601 limited range in the YUV formats
 * (`I420`, `NV12`, `YUYV`) and full range in the others; the letters of packed formats are the order
 * of bytes in memory, so `BGR` is what OpenCV calls BGR.
 *
 * - `I420`: three planes Y, U, V; U and V have half the width and height, rounded up
 * - `NV12`: two planes, Y and interleaved UV
 * - `YUYV`: one plane, two pixels in four bytes (V4L2's YUYV, also called YUY2)
 * - `BGR`, `RGB`: one plane, 3 bytes a pixel; `BGRA`, `RGBA`: 4 bytes a pixel
 * - `GRAY`: one plane of full-range luminance, as OpenCV and PNG have it
 */
export type PixelFormat = "I420" | "NV12" | "YUYV" | "BGR" | "RGB" | "BGRA" | "RGBA" | "GRAY";

/** One plane of a frame: rows of bytes that begin every `stride` bytes. */
export interface Plane {
  /** The bytes; row `y` begins at `y * stride`. */
  readonly data: Uint8Array;
  /** Bytes from the beginning of one row to the next, at least the bytes of one row. */
  readonly stride: number;
}

/** Pixels and what is needed to read them; a `VideoFrame` is one. */
export interface Pixels {
  /** Pixels in a row. */
  readonly width: number;
  /** Number of rows. */
  readonly height: number;
  /** How the pixels lie in memory. */
  readonly format: PixelFormat;
  /** The planes, as many as the format has. */
  readonly planes: readonly Plane[];
}

/** The width in bytes and the rows of one plane. */
export interface PlaneSize {
  /** Bytes of one row without padding. */
  readonly rowBytes: number;
  /** Number of rows. */
  readonly rows: number;
}

/** VP8 cannot be larger (RFC 6386 section 9.1, 14 bits), nor is any camera. */
export const MAX_DIMENSION = 16383;

/** The size of every plane that a frame of this format has. */
export function planeSizes(format: PixelFormat, width: number, height: number): PlaneSize[] {
  const halfWidth = (width + 1) >> 1;
  const halfHeight = (height + 1) >> 1;
  switch (format) {
    case "I420":
      return [
        { rowBytes: width, rows: height },
        { rowBytes: halfWidth, rows: halfHeight },
        { rowBytes: halfWidth, rows: halfHeight },
      ];
    case "NV12":
      return [{ rowBytes: width, rows: height }, { rowBytes: 2 * halfWidth, rows: halfHeight }];
    case "YUYV":
      return [{ rowBytes: 4 * halfWidth, rows: height }];
    case "BGR":
    case "RGB":
      return [{ rowBytes: 3 * width, rows: height }];
    case "BGRA":
    case "RGBA":
      return [{ rowBytes: 4 * width, rows: height }];
    case "GRAY":
      return [{ rowBytes: width, rows: height }];
    default:
      throw new TypeError(
        `Cannot use pixel format ${JSON.stringify(format)}: unknown; ` +
          "use I420, NV12, YUYV, BGR, RGB, BGRA, RGBA or GRAY",
      );
  }
}

/** Fresh pixels of the given size, without padding, all planes in one zeroed buffer. */
export function allocatePixels(format: PixelFormat, width: number, height: number): Pixels {
  checkSize(width, height);
  const sizes = planeSizes(format, width, height);
  const buffer = new Uint8Array(sizes.reduce((sum, size) => sum + size.rowBytes * size.rows, 0));
  let offset = 0;
  const planes = sizes.map(({ rowBytes, rows }) => {
    const data = buffer.subarray(offset, offset += rowBytes * rows);
    return { data, stride: rowBytes };
  });
  return { width, height, format, planes };
}

/**
 * Checks a size.
 *
 * @throws {RangeError} unless both are whole numbers from 1 to {@linkcode MAX_DIMENSION}
 */
export function checkSize(width: number, height: number): void {
  const good = (value: number) => Number.isInteger(value) && value >= 1 && value <= MAX_DIMENSION;
  if (!good(width) || !good(height)) {
    throw new RangeError(
      `Cannot make a frame of ${width}x${height}: ` +
        `width and height must be whole numbers; give 1 to ${MAX_DIMENSION} of each`,
    );
  }
}

/**
 * Checks the planes of a frame.
 *
 * @throws {TypeError | RangeError} unless they are as many and as large as they must be
 */
export function checkPlanes(pixels: Pixels): void {
  const { format, width, height, planes } = pixels;
  checkSize(width, height);
  const sizes = planeSizes(format, width, height);
  if (planes.length !== sizes.length) {
    throw new TypeError(
      `Cannot make a ${format} frame: ${planes.length} planes given; give ${sizes.length}`,
    );
  }
  for (const [index, { rowBytes, rows }] of sizes.entries()) {
    const { data, stride } = planes[index]!;
    if (!(data instanceof Uint8Array)) {
      throw new TypeError(
        `Cannot make a ${format} frame: plane ${index} is no Uint8Array; wrap its buffer in one`,
      );
    }
    if (!Number.isInteger(stride) || stride < rowBytes) {
      throw new RangeError(
        `Cannot make a ${width}x${height} ${format} frame: plane ${index} has a stride of ` +
          `${stride} bytes; give at least the ${rowBytes} bytes of a row`,
      );
    }
    const needed = stride * (rows - 1) + rowBytes; // the last row needs no padding
    if (data.length < needed) {
      throw new RangeError(
        `Cannot make a ${width}x${height} ${format} frame: plane ${index} has ${data.length} ` +
          `bytes; give ${needed} (${rows} rows with a stride of ${stride})`,
      );
    }
  }
}

/** Copies rows between planes, in one piece where neither has padding. */
export function copyPlane(from: Plane, to: Plane, size: PlaneSize): void {
  const { rowBytes, rows } = size;
  if (from.stride === rowBytes && to.stride === rowBytes) {
    to.data.set(from.data.subarray(0, rowBytes * rows));
    return;
  }
  for (let row = 0; row < rows; row++) {
    const start = row * from.stride;
    to.data.set(from.data.subarray(start, start + rowBytes), row * to.stride);
  }
}

/** Copies pixels into others of the same format and size. */
export function copyPixels(from: Pixels, to: Pixels): void {
  for (const [index, size] of planeSizes(from.format, from.width, from.height).entries()) {
    copyPlane(from.planes[index]!, to.planes[index]!, size);
  }
}
