/**
 * Colours as the renderer needs them: made in RGB by whoever paints a surface, kept as BT.601 studio
 * range YUV (ITU-R BT.601-7, 2.5.1: Y 16–235, U and V 16–240), which is what video codecs take.
 */

/** Red, green, blue, each 0–255; painters may go over, it is clamped when converted. */
export type Rgb = readonly [red: number, green: number, blue: number];

/** Y of a colour. */
export function lumaOf(color: Rgb): number {
  return clampByte(16 + 0.257 * color[0] + 0.504 * color[1] + 0.098 * color[2]);
}

/** U (blue minus luma) of a colour. */
export function uOf(color: Rgb): number {
  return clampByte(128 - 0.148 * color[0] - 0.291 * color[1] + 0.439 * color[2]);
}

/** V (red minus luma) of a colour. */
export function vOf(color: Rgb): number {
  return clampByte(128 + 0.439 * color[0] - 0.368 * color[1] - 0.071 * color[2]);
}

/** From `a` at 0 to `b` at 1. */
export function mix(a: Rgb, b: Rgb, amount: number): Rgb {
  const t = Math.max(0, Math.min(1, amount));
  return [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t];
}

/** Darker (below 1) or lighter (above). */
export function shade(color: Rgb, factor: number): Rgb {
  return [color[0] * factor, color[1] * factor, color[2] * factor];
}

/** `0xrrggbb` as a colour. */
export function hex(value: number): Rgb {
  return [value >> 16 & 255, value >> 8 & 255, value & 255];
}

/** How many steps of brightness {@linkcode LUMA_AT} and {@linkcode CHROMA_AT} know. */
export const LIGHT_LEVELS = 96;
/** The step that leaves colours as they are; above it they get brighter. */
export const FULL_LIGHT = 72;

/** `LUMA_AT[level * 256 + y]` is `y` in that light. */
export const LUMA_AT: Uint8Array = table((y, light) => 16 + (y - 16) * light);
/** `CHROMA_AT[level * 256 + c]` is the U or V value `c` in that light. */
export const CHROMA_AT: Uint8Array = table((c, light) => 128 + (c - 128) * light);

/** The row of the tables for a brightness, where 1 leaves colours as they are. */
export function lightRow(brightness: number): number {
  const level = (brightness * FULL_LIGHT + 0.5) | 0;
  return (level < 0 ? 0 : level >= LIGHT_LEVELS ? LIGHT_LEVELS - 1 : level) << 8;
}

function table(at: (value: number, light: number) => number): Uint8Array {
  const out = new Uint8Array(LIGHT_LEVELS * 256);
  for (let level = 0; level < LIGHT_LEVELS; level++) {
    for (let v = 0; v < 256; v++) out[level * 256 + v] = clampByte(at(v, level / FULL_LIGHT));
  }
  return out;
}

function clampByte(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : Math.round(value);
}
