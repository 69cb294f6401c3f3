/** Draws the floor in perspective, row by row, and only where no wall can hide it. */

import { CHROMA_AT, lightRow, LUMA_AT } from "./color.ts";
import { type Ground, GROUND_LEVELS, HEIGHT_BITS, TEXELS, WIDTH_BITS } from "./ground.ts";
import { fade } from "./rays.ts";
import { EYE, type View } from "./view.ts";
import type { Pose } from "./world.ts";

/** Draws the floor of one world into pictures of one size. */
export class FloorDrawer {
  readonly #ground: Ground;
  readonly #view: View;
  /** In each row, the first column in which the floor may show. */
  readonly #left: Int32Array;
  /** In each row, the column after the last one. */
  readonly #right: Int32Array;

  /** @param ground what {@linkcode paintGround} made */
  constructor(ground: Ground, view: View) {
    this.#ground = ground;
    this.#view = view;
    this.#left = new Int32Array(view.height);
    this.#right = new Int32Array(view.height);
  }

  /** Draws into the three planes; `walls` has the depth of the wall that ends each column. */
  draw(pose: Pose, walls: Float32Array, y: Uint8Array, u: Uint8Array, v: Uint8Array): void {
    this.#findEnds(walls);
    const { horizon, height } = this.#view, ground = this.#ground;
    for (let row = horizon; row < height; row++) {
      const left = this.#left[row]!, right = this.#right[row]!;
      if (left >= right) continue;
      this.#drawRow(y, row, left, right, pose, ground.luma, LUMA_AT, 0);
      if ((row & 1) === 0) continue; // the lower of two luma rows shows more
      this.#drawRow(u, row >> 1, left >> 1, (right + 1) >> 1, pose, ground.u, CHROMA_AT, 1);
      this.#drawRow(v, row >> 1, left >> 1, (right + 1) >> 1, pose, ground.v, CHROMA_AT, 1);
    }
  }

  /** A column shows floor from the foot of its wall down; a row has to reach from end to end. */
  #findEnds(walls: Float32Array): void {
    const { width, height, horizon, focal } = this.#view, left = this.#left, right = this.#right;
    left.fill(width);
    right.fill(0);
    for (let x = 0; x < width; x++) {
      const foot = Math.floor(horizon + EYE * focal / walls[x]!);
      if (foot >= height) continue;
      if (x < left[foot]!) left[foot] = x;
      right[foot] = x + 1;
    }
    for (let row = horizon + 1; row < height; row++) {
      if (left[row - 1]! < left[row]!) left[row] = left[row - 1]!;
      if (right[row - 1]! > right[row]!) right[row] = right[row - 1]!;
    }
  }

  /** Along a row the depth stays the same, so that one step fits all pixels. */
  #drawRow(
    plane: Uint8Array,
    row: number,
    left: number,
    right: number,
    pose: Pose,
    sizes: readonly Uint8Array[],
    table: Uint8Array,
    halved: 0 | 1,
  ): void {
    const width = this.#view.width >> halved, focal = this.#view.focal / (1 + halved);
    const dirX = Math.cos(pose.heading), dirY = Math.sin(pose.heading);
    const depth = EYE * focal / (row + 0.5 - this.#view.horizon / (1 + halved));
    // A pixel covers more floor along the view than across it; between the two is a good size.
    const across = depth / focal * (TEXELS >> halved), covers = across * Math.sqrt(depth / EYE);
    const level = covers < 1.4 ? 0 : covers < 2.8 ? 1 : covers < 5.6 ? 2 : GROUND_LEVELS - 1;
    const shift = level + halved, scale = (TEXELS / (1 << shift)) * 65536;
    const side = (left + 0.5 - width / 2) / focal;
    let x = ((pose.x + depth * (dirX + dirY * side)) * scale) | 0;
    let y = ((pose.y + depth * (dirY - dirX * side)) * scale) | 0;
    const stepX = (depth * dirY / focal * scale) | 0, stepY = (-depth * dirX / focal * scale) | 0;
    const texels = sizes[level]!, light = lightRow(fade(depth)), bits = WIDTH_BITS - shift;
    const maskX = (1 << bits) - 1, maskY = (1 << (HEIGHT_BITS - shift)) - 1;
    for (let at = row * width + left, end = row * width + right; at < end; at++) {
      plane[at] = table[light + texels[(((y >> 16) & maskY) << bits) | ((x >> 16) & maskX)]!]!;
      x = (x + stepX) | 0;
      y = (y + stepY) | 0;
    }
  }
}
