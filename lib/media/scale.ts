/**
 * Scaling in TypeScript, by the rules of libyuv's ScalePlane (scale.cc) so that both agree within 2
 * levels. Each plane is scaled for itself. What is sampled along each side:
 *
 * - both sides shrink to less than half: the mean of a box of whole pixels (kFilterBox)
 * - otherwise bilinear (kFilterBilinear): between pixel centres when shrinking, from the first to the last
 *   pixel when growing, and at quarter pixels when growing to exactly twice the size
 */

import { type Pixels, type Plane, planeSizes } from "./pixel_format.ts";

/** Scales `source` into `target`, of the same format, either `I420` or `GRAY`. */
export function scalePixels(source: Pixels, target: Pixels): void {
  if (source.format !== target.format || source.planes.length === 2 || isPacked(source)) {
    throw new TypeError(
      `Cannot scale ${source.format} into ${target.format}: only I420 and GRAY can be scaled; ` +
        "convert first",
    );
  }
  const box = shrinksBelowHalf(source, target);
  const from = planeSizes(source.format, source.width, source.height);
  const to = planeSizes(target.format, target.width, target.height);
  for (const [index, plane] of source.planes.entries()) {
    scalePlane(
      { ...plane, width: from[index]!.rowBytes, height: from[index]!.rows },
      { ...target.planes[index]!, width: to[index]!.rowBytes, height: to[index]!.rows },
      box,
    );
  }
}

function isPacked({ format }: Pixels): boolean {
  return format !== "I420" && format !== "GRAY";
}

/** Whether box filtering is asked for; both converters must decide alike. */
export function shrinksBelowHalf(
  from: { width: number; height: number },
  to: { width: number; height: number },
): boolean {
  return 2 * to.width < from.width && 2 * to.height < from.height;
}

interface SizedPlane extends Plane {
  readonly width: number;
  readonly height: number;
}

function scalePlane(source: SizedPlane, target: SizedPlane, box: boolean): void {
  // ScaleFilterReduce: a plane that does not shrink to less than half is not averaged.
  if (box && (2 * target.width < source.width || 2 * target.height < source.height)) {
    if (2 * target.height < source.height) return averageBoxes(source, target);
  }
  interpolate(source, target);
}

/** Mean of whole-pixel boxes: libyuv's ScalePlaneBox, and ScalePlaneDown38 where the ratio is 3/8. */
function averageBoxes(source: SizedPlane, target: SizedPlane): void {
  const three8 = 8 * target.width === 3 * source.width && 8 * target.height === 3 * source.height;
  const columns = boxEdges(source.width, target.width, three8);
  const rows = boxEdges(source.height, target.height, three8);
  const sums = new Uint32Array(source.width);
  for (let y = 0; y < target.height; y++) {
    const top = rows[2 * y]!;
    const bottom = rows[2 * y + 1]!;
    sums.fill(0);
    for (let row = top; row < bottom; row++) {
      const at = row * source.stride;
      for (let x = 0; x < source.width; x++) sums[x]! += source.data[at + x]!;
    }
    const out = y * target.stride;
    for (let x = 0; x < target.width; x++) {
      const left = columns[2 * x]!;
      const right = columns[2 * x + 1]!;
      let sum = 0;
      for (let column = left; column < right; column++) sum += sums[column]!;
      target.data[out + x] = sum / ((right - left) * (bottom - top));
    }
  }
}

/** Begin and end of each box; 3/8 takes 3, 3 and 2 pixels of every 8. */
function boxEdges(from: number, to: number, three8: boolean): Int32Array {
  const edges = new Int32Array(2 * to);
  const step = Math.floor(from * 65536 / to); // FixedDiv
  for (let i = 0; i < to; i++) {
    const start = three8 ? Math.floor(i / 3) * 8 + (i % 3) * 3 : (i * step) >>> 16;
    const end = three8
      ? Math.floor(i / 3) * 8 + Math.min(8, (i % 3) * 3 + 3)
      : Math.floor((i + 1) * step / 65536);
    edges[2 * i] = Math.min(start, from - 1);
    edges[2 * i + 1] = Math.min(from, Math.max(end, start + 1));
  }
  return edges;
}

/** Bilinear: rows are blended first, then columns, each rounded to a whole level. */
function interpolate(source: SizedPlane, target: SizedPlane): void {
  const columns = horizontalPoints(source, target);
  const rows = verticalPoints(source, target);
  const blended = new Uint8Array(source.width + 1);
  for (let y = 0; y < target.height; y++) {
    const weight = rows.fraction[y]!;
    const at = rows.index[y]! * source.stride;
    const below = Math.min(rows.index[y]! + 1, source.height - 1) * source.stride;
    for (let x = 0; x < source.width; x++) {
      const level = source.data[at + x]!;
      blended[x] = level + ((source.data[below + x]! - level) * weight + 128 >> 8);
    }
    blended[source.width] = blended[source.width - 1]!;
    const out = y * target.stride;
    for (let x = 0; x < target.width; x++) {
      const column = columns.index[x]!;
      const level = blended[column]!;
      const step = blended[column + 1]! - level;
      target.data[out + x] = level + (step * columns.fraction[x]! + 128 >> 8);
    }
  }
}

/** Where to sample along one side: the pixel before the point, and how far it is to the next in 1/256. */
interface SamplePoints {
  readonly index: Int32Array;
  readonly fraction: Int32Array;
}

function horizontalPoints(source: SizedPlane, target: SizedPlane): SamplePoints {
  const { width } = target;
  // libyuv's ScalePlaneUp2_Linear copies the last pixel also where an odd width ends between two.
  const point = growsTwice(source, target)
    ? (x: number) => x === width - 1 ? source.width - 1 : x / 2 - 0.25
    : sampler(source, target, source.width, width);
  return samplePoints(source.width, width, point);
}

function verticalPoints(source: SizedPlane, target: SizedPlane): SamplePoints {
  const twice = growsTwice(source, target) && (target.height + 1) >> 1 === source.height;
  const point = twice
    ? (y: number) => y / 2 - 0.25
    : sampler(source, target, source.height, target.height);
  return samplePoints(source.height, target.height, point);
}

/** Twice as wide, and of twice the height or the same. */
function growsTwice(source: SizedPlane, target: SizedPlane): boolean {
  return (target.width + 1) >> 1 === source.width &&
    ((target.height + 1) >> 1 === source.height || target.height === source.height);
}

/** The point of pixel `i`; shrinking both sides to 3/4 has points of its own (ScalePlaneDown34). */
function sampler(
  source: SizedPlane,
  target: SizedPlane,
  from: number,
  to: number,
): (i: number) => number {
  if (4 * target.width === 3 * source.width && 4 * target.height === 3 * source.height) {
    return (i) => Math.floor(i / 3) * 4 + [0.25, 1.5, 2.75][i % 3]!;
  }
  return from === to ? (i) => i : (i) => stepPoint(i, from, to);
}

function samplePoints(from: number, to: number, point: (i: number) => number): SamplePoints {
  const index = new Int32Array(to);
  const fraction = new Int32Array(to);
  for (let i = 0; i < to; i++) {
    const at = Math.min(Math.max(point(i), 0), from - 1);
    index[i] = Math.floor(at);
    fraction[i] = Math.floor((at - index[i]!) * 256);
  }
  return { index, fraction };
}

/** libyuv's ScaleSlope in its 16 bits of fraction: FixedDiv from a centre, FixedDiv1 from the edge. */
function stepPoint(i: number, from: number, to: number): number {
  if (to <= from) {
    const step = Math.floor(from * 65536 / to);
    return ((step >> 1) - 32768 + i * step) / 65536;
  }
  if (from === 1) return 0;
  return i * Math.trunc((from * 65536 - 0x10001) / (to - 1)) / 65536;
}
