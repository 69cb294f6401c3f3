/** A picture that tells by itself which frame it is: for tests, benchmarks and robots without a camera. */

import { allocatePixels } from "./pixel_format.ts";
import { VideoFrame } from "./video_frame.ts";

/** Size and rate of a test card. */
export interface TestCardOptions {
  /**
   * Pixels in a row.
   * @default {640}
   */
  readonly width?: number;
  /**
   * Number of rows.
   * @default {480}
   */
  readonly height?: number;
  /**
   * Frames a second, for the timestamps.
   * @default {30}
   */
  readonly fps?: number;
}

/** EBU colour bars at 75 %, Y, U, V in BT.601: white, yellow, cyan, green, magenta, red, blue, black. */
const BARS = [
  [180, 128, 128],
  [162, 44, 142],
  [131, 156, 44],
  [112, 72, 58],
  [84, 184, 198],
  [65, 100, 212],
  [35, 212, 114],
  [16, 128, 128],
] as const;

/**
 * Test card number `n`: colour bars, under them a grey ramp that runs to the left, a bright square that
 * crosses the bars, and the number in 16 black and white cells along the lower edge (see
 * {@linkcode readTestCard}). A pure function of its arguments; `I420`, in fresh memory.
 *
 * @param n the frame's number, 0 or more
 * @throws {RangeError} when `n` is negative or no whole number, or the size makes no sense
 * @example
 * ```ts ignore
 * const frame = testCard(7, { width: 320, height: 240, fps: 15 });
 * ```
 */
export function testCard(n: number, options: TestCardOptions = {}): VideoFrame {
  const { width = 640, height = 480, fps = 30 } = options;
  if (!Number.isSafeInteger(n) || n < 0) {
    throw new RangeError(`Cannot draw test card ${n}: no such number; give 0, 1, 2 …`);
  }
  const pixels = allocatePixels("I420", width, height);
  const sizes = [[width, height], [(width + 1) >> 1, (height + 1) >> 1]] as const;
  for (const [index, { data, stride }] of pixels.planes.entries()) {
    const [columns, rows] = sizes[index === 0 ? 0 : 1];
    drawPlane(data, stride, columns, rows, index, n);
  }
  return new VideoFrame({ ...pixels, timestampUs: Math.round(n * 1e6 / fps) });
}

/** Draws one row of each band and repeats it: rows of a band are alike. */
function drawPlane(
  data: Uint8Array,
  stride: number,
  columns: number,
  rows: number,
  plane: number,
  n: number,
): void {
  const barsEnd = Math.floor(rows * 2 / 3);
  const cellsStart = Math.floor(rows * 7 / 8);
  const bars = new Uint8Array(columns);
  const ramp = new Uint8Array(columns).fill(128);
  const cells = new Uint8Array(columns).fill(128);
  for (let x = 0; x < columns; x++) {
    bars[x] = BARS[Math.floor(x * 8 / columns)]![plane]!;
    if (plane > 0) continue;
    ramp[x] = 16 + (Math.floor(x * 440 / columns) + 4 * n) % 220;
    const bit = 15 - Math.floor(x * 16 / columns);
    cells[x] = n >> bit & 1 ? 235 : 16;
  }
  for (let y = 0; y < rows; y++) {
    data.set(y < barsEnd ? bars : y < cellsStart ? ramp : cells, y * stride);
  }
  const side = Math.max(1, Math.floor(rows / 5));
  // Bounces with a period of 256 frames across, 90 down.
  const left = Math.floor(triangle(n, 256) * Math.max(0, columns - side));
  const top = Math.floor(triangle(n, 90) * Math.max(0, barsEnd - side));
  const level = [210, 90, 170][plane]!;
  for (let y = top; y < Math.min(rows, top + side); y++) {
    data.fill(level, y * stride + left, y * stride + Math.min(columns, left + side));
  }
}

/** 0 … 1 … 0 within `period` steps. */
function triangle(n: number, period: number): number {
  const phase = (n % period) / period;
  return phase < 0.5 ? 2 * phase : 2 - 2 * phase;
}

/**
 * The number, modulo 65536, of a test card that may have been compressed or scaled; null when a cell is
 * neither black nor white.
 */
export function readTestCard(frame: VideoFrame): number | null {
  const { width, height, planes } = frame.toI420();
  const { data, stride } = planes[0]!;
  const y = Math.min(height - 1, Math.floor(height * 15 / 16));
  let n = 0;
  for (let cell = 0; cell < 16; cell++) {
    const level = data[y * stride + Math.floor((cell + 0.5) * width / 16)]!;
    if (level > 90 && level < 160) return null;
    n = n << 1 | (level > 125 ? 1 : 0);
  }
  return n;
}
