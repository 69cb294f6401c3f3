/**
 * The innermost loops for all that stands upright: columns of one plane of a picture. `table` and
 * `light` are a table of color.ts and a row of it.
 */

/** Copies a column of the panorama into a column of the picture. */
export function copyDown(
  from: Uint8Array,
  at: number,
  to: Uint8Array,
  x: number,
  stride: number,
  rows: number,
): void {
  for (let row = 0, out = x; row < rows; row++, out += stride) to[out] = from[at + row]!;
}

/**
 * Draws a vertical strip of a texture from `top` to `bottom`, in the first `rows` rows. Pixels that it
 * covers in part are mixed with what is there already: edges do not crawl when the robot moves.
 */
export function drawStrip(
  plane: Uint8Array,
  stride: number,
  rows: number,
  x: number,
  top: number,
  bottom: number,
  texels: Uint8Array,
  from: number,
  edge: number,
  table: Uint8Array,
  light: number,
): void {
  if (bottom <= 0 || top >= rows) return;
  const step = edge * 65536 / (bottom - top);
  let row = Math.floor(top);
  if (row >= 0) {
    const value = table[light + texels[from]!]!, at = row * stride + x;
    plane[at] = plane[at]! + (value - plane[at]!) * (row + 1 - top) + 0.5;
    row++;
  } else row = 0;
  const whole = bottom < rows ? Math.floor(bottom) : rows;
  let texel = (row + 0.5 - top) * step | 0, at = row * stride + x;
  const whole16 = step | 0;
  for (; row < whole; row++, at += stride, texel += whole16) {
    plane[at] = table[light + texels[from + (texel >> 16)]!]!;
  }
  if (whole < rows && whole > top) {
    const value = table[light + texels[from + edge - 1]!]!, last = whole * stride + x;
    plane[last] = plane[last]! + (value - plane[last]!) * (bottom - whole) + 0.5;
  }
}

/** The same with one colour, for upper sides. */
export function fillStrip(
  plane: Uint8Array,
  stride: number,
  rows: number,
  x: number,
  top: number,
  bottom: number,
  value: number,
): void {
  if (bottom <= 0 || top >= rows) return;
  let row = Math.max(0, Math.floor(top));
  const end = Math.min(rows, Math.floor(bottom));
  if (row >= top || row >= end) row = Math.max(row, Math.ceil(top));
  else {
    const at = row * stride + x;
    plane[at] = plane[at]! + (value - plane[at]!) * (row + 1 - top) + 0.5;
    row++;
  }
  for (let at = row * stride + x; row < end; row++, at += stride) plane[at] = value;
}
