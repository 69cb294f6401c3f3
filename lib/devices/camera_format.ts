/** What cameras can give, and which of it is nearest to what is wanted. Pure. */

/**
 * How a camera hands over its pictures. `MJPEG` and `H264` are compressed; they are decoded when somebody
 * wants frames.
 */
export type CameraPixelFormat = "I420" | "NV12" | "YUYV" | "MJPEG" | "H264" | "GRAY";

/** What a camera was set to. */
export interface CameraFormat {
  /** Width of its pictures. */
  readonly width: number;
  /** Height of its pictures. */
  readonly height: number;
  /** Pictures a second that it means to give; less in the dark, with many. */
  readonly fps: number;
  /** How the camera hands them over; frames are `I420` (`GRAY` of a grey camera) all the same. */
  readonly pixelFormat: CameraPixelFormat;
}

/** One size that a camera has. */
export interface CameraSize {
  /** Width in pixels. */
  readonly width: number;
  /** Height in pixels. */
  readonly height: number;
  /** Pictures a second, the most first; the most and the fewest of a camera that takes any between. */
  readonly fps: readonly number[];
}

/** The sizes of a camera that scales: from the least to the most, in steps. */
export interface CameraSizeRange {
  /** Least width. */
  readonly minWidth: number;
  /** Most width. */
  readonly maxWidth: number;
  /** Step of the width. */
  readonly stepWidth: number;
  /** Least height. */
  readonly minHeight: number;
  /** Most height. */
  readonly maxHeight: number;
  /** Step of the height. */
  readonly stepHeight: number;
}

/** One of the ways in which a camera hands over pictures. */
export interface CameraCapability {
  /** The format. */
  readonly pixelFormat: CameraPixelFormat;
  /** Its sizes; empty when it takes any of `range`, or does not tell. */
  readonly sizes: readonly CameraSize[];
  /** Its sizes, when it takes any; else `null`. */
  readonly range: CameraSizeRange | null;
}

/** A camera that is there. */
export interface CameraInfo {
  /** What it calls itself. */
  readonly name: string;
  /** Its file, such as `/dev/video0`. */
  readonly path: string;
  /** Where it is plugged in, such as `usb-0000:00:14.0-1`. */
  readonly bus: string;
  /** What it can give. */
  readonly formats: readonly CameraCapability[];
}

/** What is wanted. */
export interface CameraWish {
  /** Width in pixels. */
  readonly width: number;
  /** Height in pixels. */
  readonly height: number;
  /** Pictures a second. */
  readonly fps: number;
  /** The format, when it matters. */
  readonly pixelFormat?: CameraPixelFormat | undefined;
}

/** Cheapest first: no conversion, conversion, decoding, decoding in order. */
const BY_COST: readonly CameraPixelFormat[] = ["I420", "NV12", "YUYV", "MJPEG", "H264", "GRAY"];
/** 25 pictures a second are not as good as 30, 29.97 are. */
const SLOWER_IS_THE_SAME = 0.95;

/**
 * The format and size nearest to a wish: the format that was asked for if there is one, colour before
 * grey, then the size, then whether it is fast enough, then what costs least.
 *
 * @param fpsOf the most pictures a second in a format at a size; `Infinity` when the camera does not tell
 * @returns null when there is nothing to choose from
 */
export function nearestFormat(
  capabilities: readonly CameraCapability[],
  wish: CameraWish,
  fpsOf: (capability: CameraCapability, width: number, height: number) => number,
): { pixelFormat: CameraPixelFormat; width: number; height: number } | null {
  let best: { pixelFormat: CameraPixelFormat; width: number; height: number } | null = null;
  let least: readonly number[] = [];
  for (const capability of capabilities) {
    const { pixelFormat } = capability;
    for (const [width, height] of sizesFor(capability, wish)) {
      const far = distance(width, height, wish);
      const speed = Math.min(1, fpsOf(capability, width, height) / wish.fps);
      const cost = [
        wish.pixelFormat === undefined || wish.pixelFormat === pixelFormat ? 0 : 1,
        pixelFormat === "GRAY" ? 1 : 0,
        far,
        speed >= SLOWER_IS_THE_SAME ? 0 : 1 - speed,
        BY_COST.indexOf(pixelFormat),
      ];
      if (best !== null && !isLess(cost, least)) continue;
      best = { pixelFormat, width, height };
      least = cost;
    }
  }
  return best;
}

/** The sizes to weigh: all, or the one in the range that is nearest. */
function sizesFor(
  { sizes, range }: CameraCapability,
  wish: CameraWish,
): (readonly [width: number, height: number])[] {
  if (range === null) {
    if (sizes.length === 0) return [[wish.width, wish.height]];
    return sizes.map(({ width, height }) => [width, height] as const);
  }
  const width = onGrid(wish.width, range.minWidth, range.maxWidth, range.stepWidth);
  return [[width, onGrid(wish.height, range.minHeight, range.maxHeight, range.stepHeight)]];
}

/** The nearest of `min`, `min + step` … `max`. */
function onGrid(value: number, min: number, max: number, step: number): number {
  const grid = Math.max(1, step);
  const steps = Math.round((Math.min(Math.max(value, min), max) - min) / grid);
  return min + Math.min(steps, Math.floor((max - min) / grid)) * grid;
}

/** How unlike the sizes are: half is as far as twice. */
function distance(width: number, height: number, wish: CameraWish): number {
  return Math.abs(Math.log(width / wish.width)) + Math.abs(Math.log(height / wish.height));
}

function isLess(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((value, index) => Math.abs(value - b[index]!) > 1e-9);
  return at >= 0 && a[at]! < b[at]!;
}

/** Refuses what cannot be meant. @throws {RangeError} */
export function checkWish({ width, height, fps, pixelFormat }: CameraWish): void {
  const good = (value: number) => Number.isInteger(value) && value >= 1 && value <= 16383;
  if (!good(width) || !good(height)) {
    throw new RangeError(
      `Cannot open a camera in ${width}x${height}: give whole numbers of pixels from 1 to 16383`,
    );
  }
  if (!(fps > 0 && fps <= 1000)) {
    throw new RangeError(`Cannot open a camera at ${fps} pictures a second: give 1 to 1000`);
  }
  if (pixelFormat !== undefined && !BY_COST.includes(pixelFormat)) {
    throw new RangeError(
      `Cannot open a camera for ${JSON.stringify(pixelFormat)}: unknown; give one of ${
        BY_COST.join(", ")
      }`,
    );
  }
}
