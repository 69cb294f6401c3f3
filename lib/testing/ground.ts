/** The floor of the whole house as one picture, with the sun's shadows and soft corners painted in. */

import { hex, lumaOf, mix, type Rgb, shade, uOf, vOf } from "./color.ts";
import { CELL, SOLIDS } from "./floor_plan.ts";
import { FIRST_SOLID, type World } from "./world.ts";

/** Texels a metre of the finest luma picture; chroma has half. */
export const TEXELS = 64;
/** Width of that picture as a power of two (16 m), so that the renderer can wrap instead of clip. */
export const WIDTH_BITS = 10;
/** Height as a power of two (8 m). */
export const HEIGHT_BITS = 9;
/** How many sizes there are, each with half the edge of the one before. */
export const GROUND_LEVELS = 4;

const GRID = 16; // samples a metre of heights and light
const SUN_SLOPE = 0.75; // metres of shade for each metre of distance
const SHADOW = 0.64;

/** The floor, row by row from the south-west corner; one array for each size. */
export interface Ground {
  /** Y, `1 << WIDTH_BITS` wide at level 0. */
  readonly luma: readonly Uint8Array[];
  /** U, half as wide. */
  readonly u: readonly Uint8Array[];
  /** V, half as wide. */
  readonly v: readonly Uint8Array[];
}

/** Paints the floor of a world; some 150 ms, once. */
export function paintGround(world: World): Ground {
  const width = 1 << WIDTH_BITS, height = 1 << HEIGHT_BITS;
  const light = lightMap(world);
  const luma = new Uint8Array(width * height);
  const u = new Uint8Array(width * height >> 2), v = new Uint8Array(width * height >> 2);
  const columns = Math.min(width, world.columns * CELL * TEXELS);
  const rows = Math.min(height, world.rows * CELL * TEXELS);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const x = (column + 0.5) / TEXELS, y = (row + 0.5) / TEXELS;
      const cell = world.cellAt(x, y);
      const color = shade(floorColor(cell < FIRST_SOLID ? cell : 0, x, y), light(x, y));
      luma[row * width + column] = lumaOf(color);
      if ((row | column) & 1) continue;
      const at = (row >> 1) * (width >> 1) + (column >> 1);
      u[at] = uOf(color);
      v[at] = vOf(color);
    }
  }
  return { luma: sizes(luma, width), u: sizes(u, width >> 1), v: sizes(v, width >> 1) };
}

function floorColor(room: number, x: number, y: number): Rgb {
  switch (room) {
    case 0: {
      const rug = inset(x, y, 2.3, 4.4, 4.9, 6.7);
      if (rug > 0) {
        if (rug < 0.06) return hex(0xf0dfb8);
        if (rug < 0.2) return hex(0xa8323c);
        if (rug < 0.25) return hex(0xf0dfb8);
        const diamond = Math.abs(x - 3.6) * 0.8 + Math.abs(y - 5.55);
        return diamond < 0.25 ? hex(0xf0dfb8) : diamond < 0.6 ? hex(0xa8323c) : hex(0x2f6077);
      }
      const pad = inset(x, y, 5.75, 3.85, 6.5, 4.65);
      if (pad > 0) {
        if (pad > 0.07) return hex(0x59626b);
        return (x + y) * 5 % 1 < 0.5 ? hex(0xf2c230) : hex(0x2b2d33);
      }
      const plank = Math.floor(y * 4);
      const end = (x + plank % 3 * 0.55) % 1.6;
      if (y * 4 % 1 < 0.06 || end < 0.02) return hex(0x9a6b40);
      return mix(
        hex(0xc08d58),
        hex(0xd3a26c),
        (plank * 5 + Math.floor((x + plank % 3 * 0.55) / 1.6) * 3) % 4 / 3,
      );
    }
    case 1:
      return (Math.floor(x * 2) + Math.floor(y * 2)) % 2 ? hex(0xe9eeea) : hex(0x5f9fa0);
    case 2: {
      const path = inset(x, y, 0, 1.0, 7, 1.65) > 0 || inset(x, y, 2.15, 1.6, 3.1, 3.4) > 0;
      if (path) return x * 2 % 1 < 0.06 || y * 2 % 1 < 0.06 ? hex(0xb5ac9b) : hex(0xd8cfbd);
      return Math.floor(x * 2) % 2 ? hex(0x6cab4f) : hex(0x79b95a);
    }
    default: {
      const lane = inset(x, y, 7.7, 0.95, 11.3, 2.75);
      if (lane > 0 && lane < 0.08) return hex(0xf2c230);
      return x % 1 < 0.025 || y % 1 < 0.025 ? hex(0x7f878d) : hex(0xa3abb0);
    }
  }
}

/** How far inside a rectangle a point is, in metres; negative outside. */
function inset(
  x: number,
  y: number,
  left: number,
  bottom: number,
  right: number,
  top: number,
): number {
  return Math.min(x - left, right - x, y - bottom, top - y);
}

/** How bright the sun leaves each point of the floor, blurred so that shadows have soft edges. */
function lightMap(world: World): (x: number, y: number) => number {
  const columns = world.columns * CELL * GRID, rows = world.rows * CELL * GRID;
  const heights = new Float32Array(columns * rows);
  const letters = Object.values(SOLIDS);
  let highest = 0;
  for (let i = 0; i < heights.length; i++) {
    const x = (i % columns + 0.5) / GRID, y = (Math.floor(i / columns) + 0.5) / GRID;
    const cell = world.cellAt(x, y);
    let height = cell < FIRST_SOLID ? 0 : letters[cell - FIRST_SOLID]!.height;
    for (const round of world.rounds) {
      if ((x - round.x) ** 2 + (y - round.y) ** 2 >= round.radius ** 2) continue;
      height = Math.max(height, round.height);
    }
    heights[i] = height;
    highest = Math.max(highest, height);
  }
  const dx = Math.cos(world.sun), dy = Math.sin(world.sun);
  const sunny = heights.map((_, i) => {
    const column = i % columns, row = Math.floor(i / columns);
    for (let way = 0.5; way / GRID * SUN_SLOPE < highest; way++) {
      const c = Math.round(column + dx * way), r = Math.round(row + dy * way);
      if (c < 0 || r < 0 || c >= columns || r >= rows) break;
      if (heights[r * columns + c]! > way / GRID * SUN_SLOPE) return SHADOW;
    }
    return 1;
  });
  const corners = blur(blur(heights.map((h) => h > 0 ? 1 : 0), columns, 3), columns, 3);
  const light = blur(sunny, columns, 1).map((value, i) => value * (1 - 0.45 * corners[i]!));
  return (x, y) => {
    const fx = Math.max(0, Math.min(columns - 1.001, x * GRID - 0.5));
    const fy = Math.max(0, Math.min(rows - 1.001, y * GRID - 0.5));
    const column = Math.floor(fx), row = Math.floor(fy), at = row * columns + column;
    const a = fx - column, b = fy - row;
    return (light[at]! * (1 - a) + light[at + 1]! * a) * (1 - b) +
      (light[at + columns]! * (1 - a) + light[at + columns + 1]! * a) * b;
  };
}

/** The mean over a square that reaches `reach` samples to each side. */
function blur(values: Float32Array, columns: number, reach: number): Float32Array {
  const rows = values.length / columns;
  return values.map((_, i) => {
    const column = i % columns, row = Math.floor(i / columns);
    let sum = 0, count = 0;
    for (let r = Math.max(0, row - reach); r <= Math.min(rows - 1, row + reach); r++) {
      for (let c = Math.max(0, column - reach); c <= Math.min(columns - 1, column + reach); c++) {
        sum += values[r * columns + c]!;
        count++;
      }
    }
    return sum / count;
  });
}

function sizes(finest: Uint8Array, finestWidth: number): Uint8Array[] {
  const out = [finest];
  for (let level = 1; level < GROUND_LEVELS; level++) {
    const from = out[level - 1]!, width = finestWidth >> level;
    out.push(
      new Uint8Array(from.length >> 2).map((_, i) => {
        const at = Math.floor(i / width) * 4 * width + i % width * 2;
        return (from[at]! + from[at + 1]! + from[at + 2 * width]! + from[at + 2 * width + 1]! +
          2) >> 2;
      }),
    );
  }
  return out;
}
