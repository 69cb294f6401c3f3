/**
 * The seam between frames and whoever converts their pixels. TypeScript always can; a faster converter
 * (libyuv, see lib/codecs/libyuv.ts) may be put in front of it and declines what it cannot do.
 */

import { convertPixels } from "./convert.ts";
import type { Pixels } from "./pixel_format.ts";
import { scalePixels } from "./scale.ts";

/** Converts and scales pixels into memory that the caller provides. */
export interface PixelConverter {
  /**
   * Writes `source` into `target`, of the same size and another format. Returns false, with
   * `target` untouched, for a pair it does not know; what it writes differs by at most 2 levels from
   * the TypeScript converter.
   */
  convert(source: Pixels, target: Pixels): boolean;
  /** The same for scaling `I420` to `I420` of another size. */
  scale(source: Pixels, target: Pixels): boolean;
}

let faster: PixelConverter | undefined;

/** Puts a faster converter before the TypeScript one; `undefined` takes it away. Opens nothing. */
export function setPixelConverter(converter: PixelConverter | undefined): void {
  faster = converter;
}

/** The converter that was set, if any. */
export function getPixelConverter(): PixelConverter | undefined {
  return faster;
}

/** Writes `source` into `target`, of the same size, by the fastest converter that knows how. */
export function convertInto(source: Pixels, target: Pixels): void {
  if (!faster?.convert(source, target)) convertPixels(source, target);
}

/** Scales `source` into `target`, of the same format (`I420` or `GRAY`). */
export function scaleInto(source: Pixels, target: Pixels): void {
  if (!faster?.scale(source, target)) scalePixels(source, target);
}
