/** All wall and furniture textures in one atlas, each in five sizes so that far walls do not shimmer. */

import { lumaOf, type Rgb, uOf, vOf } from "./color.ts";
import { type Painter, PAINTERS, WALLS } from "./paint.ts";

/** The edge of a texture at level 0, in texels; each level has half of the one before. */
export const TEXTURE_SIZE = 128;
/** How many sizes each texture has. */
export const LEVELS = 5;

/** Where each level begins within a texture. */
export const LEVEL_START: Int32Array = new Int32Array(LEVELS + 1);
for (let i = 0; i < LEVELS; i++) {
  LEVEL_START[i + 1] = LEVEL_START[i]! + (TEXTURE_SIZE >> i) ** 2;
}
const TEXTURE_BYTES = LEVEL_START[LEVELS]!;

/**
 * Textures by name. They are kept column by column (`u * size + v`), the way walls are drawn, in
 * three arrays for Y, U and V with the same addresses.
 */
export class TextureAtlas {
  /** Y of every texel. */
  luma: Uint8Array = new Uint8Array(0);
  /** U of every texel. */
  u: Uint8Array = new Uint8Array(0);
  /** V of every texel. */
  v: Uint8Array = new Uint8Array(0);
  readonly #starts = new Map<string, number>();
  readonly #painted: Uint8Array[][] = [];

  /**
   * The address of a texture. What hangs on a wall looks different in each room; for what stands on
   * its own `room` is `null`.
   */
  start(name: string, room: number | null): number {
    const key = `${name} ${room}`;
    let start = this.#starts.get(key);
    if (start === undefined) {
      start = this.#painted.length * TEXTURE_BYTES;
      this.#painted.push(paintAll(PAINTERS[name]!, room === null ? null : WALLS[room]!));
      this.#starts.set(key, start);
    }
    return start;
  }

  /** Joins what was asked for so far; to be called once, before drawing. */
  seal(): void {
    const [luma, u, v] = [0, 1, 2].map((plane) => {
      const out = new Uint8Array(this.#painted.length * TEXTURE_BYTES);
      this.#painted.forEach((planes, i) => out.set(planes[plane]!, i * TEXTURE_BYTES));
      return out;
    });
    this.luma = luma!;
    this.u = u!;
    this.v = v!;
    this.#painted.length = 0;
  }
}

function paintAll(paint: Painter, wall: Painter | null): Uint8Array[] {
  const planes = [0, 1, 2].map(() => new Uint8Array(TEXTURE_BYTES));
  const black: Rgb = [0, 0, 0];
  for (let column = 0; column < TEXTURE_SIZE; column++) {
    for (let row = 0; row < TEXTURE_SIZE; row++) {
      const u = (column + 0.5) / TEXTURE_SIZE, v = (row + 0.5) / TEXTURE_SIZE;
      const color = paint(u, v, wall ? wall(u, v, black) : black);
      const at = column * TEXTURE_SIZE + row;
      planes[0]![at] = lumaOf(color);
      planes[1]![at] = uOf(color);
      planes[2]![at] = vOf(color);
    }
  }
  for (const plane of planes) {
    for (let level = 1; level < LEVELS; level++) halve(plane, level);
  }
  return planes;
}

/** Makes a level out of the one before: each texel is the mean of four. */
function halve(plane: Uint8Array, level: number): void {
  const size = TEXTURE_SIZE >> level, from = LEVEL_START[level - 1]!, to = LEVEL_START[level]!;
  for (let column = 0; column < size; column++) {
    for (let row = 0; row < size; row++) {
      const at = from + column * 4 * size + row * 2;
      const sum = plane[at]! + plane[at + 1]! + plane[at + 2 * size]! + plane[at + 2 * size + 1]!;
      plane[to + column * size + row] = (sum + 2) >> 2;
    }
  }
}
