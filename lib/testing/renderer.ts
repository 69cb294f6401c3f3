/** Draws a {@linkcode World} in first person, straight into the planes of an I420 picture. */

import { CHROMA_AT, lightRow, LUMA_AT } from "./color.ts";
import { WALL_HEIGHT } from "./floor_plan.ts";
import {
  type Ground,
  GROUND_LEVELS,
  HEIGHT_BITS,
  paintGround,
  TEXELS,
  WIDTH_BITS,
} from "./ground.ts";
import { fade, MAX_HITS, RayCaster } from "./rays.ts";
import { paintSky, type Sky, SKY_BITS } from "./sky.ts";
import { LEVEL_START, LEVELS, TEXTURE_SIZE, TextureAtlas } from "./textures.ts";
import type { Pose, World } from "./world.ts";

/** Height of the camera over the floor in metres. */
const EYE = 0.46;
/** Half of the horizontal angle of view: 76° in all. */
const HALF_VIEW = 38 * Math.PI / 180;
/** The camera looks a little down: the horizon is above the middle. */
const HORIZON = 0.43;

/** Draws the pictures of one size; the textures of a world are painted once, when it is made. */
export class Renderer {
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
  readonly #focal: number;
  readonly #horizon: number;
  readonly #atlas = new TextureAtlas();
  readonly #rays: RayCaster;
  readonly #ground: Ground;
  readonly #sky: Sky;
  /** Column of the sky straight ahead of each column of the picture, relative to the heading. */
  readonly #skyOffset: Int32Array;
  /** Of each hit of the column at hand: the row below which something nearer hides it. */
  readonly #limits = new Int32Array(MAX_HITS);

  /**
   * @param width even, pixels
   * @param height even, pixels
   * @throws RangeError when a size is odd or not between 16 and 4096
   */
  constructor(world: World, width: number, height: number) {
    for (const [name, size] of [["width", width], ["height", height]] as const) {
      if (!Number.isInteger(size) || size % 2 !== 0 || size < 16 || size > 4096) {
        throw new RangeError(
          `Cannot draw pictures with ${name} ${size}: it must be even and from 16 to 4096`,
        );
      }
    }
    this.width = width;
    this.height = height;
    this.#focal = width / 2 / Math.tan(HALF_VIEW);
    this.#horizon = Math.round(height * HORIZON / 2) * 2;
    this.#rays = new RayCaster(world, this.#atlas, width, this.#focal);
    this.#atlas.seal();
    this.#ground = paintGround(world);
    this.#sky = paintSky(world.seed, this.#horizon, this.#focal, world.sun);
    this.#skyOffset = Int32Array.from({ length: width }, (_, x) => {
      const angle = Math.atan((width / 2 - x - 0.5) / this.#focal);
      return Math.round(angle / (2 * Math.PI) * (1 << SKY_BITS));
    });
  }

  /** How many bytes a picture has: Y, then U, then V, without padding. */
  get byteLength(): number {
    return this.width * this.height * 3 / 2;
  }

  /** Draws what is seen from `pose` over all of `picture` (by default a new one) and returns it. */
  render(pose: Pose, picture: Uint8Array = new Uint8Array(this.byteLength)): Uint8Array {
    const { width, height } = this, size = width * height, quarter = size >> 2;
    const y = picture.subarray(0, size);
    const u = picture.subarray(size, size + quarter);
    const v = picture.subarray(size + quarter, size + 2 * quarter);
    this.#rays.cast(pose);
    this.#drawSky(pose, y, u, v);
    const first = this.#firstGroundRow() & ~1;
    drawGround(
      y,
      width,
      first,
      height,
      this.#horizon,
      this.#focal,
      pose,
      this.#ground.luma,
      LUMA_AT,
      0,
    );
    const half = [width >> 1, first >> 1, height >> 1, this.#horizon / 2, this.#focal / 2] as const;
    drawGround(u, ...half, pose, this.#ground.u, CHROMA_AT, 1);
    drawGround(v, ...half, pose, this.#ground.v, CHROMA_AT, 1);
    for (let x = 0; x < width; x++) this.#drawHits(x, y, u, v);
    return picture;
  }

  #drawSky(pose: Pose, y: Uint8Array, u: Uint8Array, v: Uint8Array): void {
    const { width } = this, sky = this.#sky, { rows } = sky, mask = (1 << SKY_BITS) - 1;
    const ahead = Math.round(pose.heading / (2 * Math.PI) * (1 << SKY_BITS));
    for (let x = 0; x < width; x++) {
      const wallTop = this.#horizon - (WALL_HEIGHT - EYE) * this.#focal / this.#rays.hits.wall[x]!;
      const end = Math.max(0, Math.min(rows, Math.ceil(wallTop) + 1));
      const column = (ahead + this.#skyOffset[x]!) & mask;
      copyDown(sky.luma, column * rows, y, x, width, end);
      if (x & 1) continue;
      const from = (column >> 1) * (rows >> 1), halfEnd = Math.min(rows >> 1, (end >> 1) + 1);
      copyDown(sky.u, from, u, x >> 1, width >> 1, halfEnd);
      copyDown(sky.v, from, v, x >> 1, width >> 1, halfEnd);
    }
  }

  /** The uppermost row in which floor can be seen. */
  #firstGroundRow(): number {
    let farthest = 0;
    for (const depth of this.#rays.hits.wall) if (depth > farthest) farthest = depth;
    return Math.max(this.#horizon, Math.floor(this.#horizon + EYE * this.#focal / farthest));
  }

  /** Draws one column's walls and things over sky and floor, the farthest first. */
  #drawHits(x: number, y: Uint8Array, u: Uint8Array, v: Uint8Array): void {
    const hits = this.#rays.hits, { width, height } = this, atlas = this.#atlas;
    const focal = this.#focal, horizon = this.#horizon, first = x * MAX_HITS;
    // Everything stands on the floor, so the nearer hides the farther from its upper edge down.
    const limits = this.#limits;
    let limit = height;
    for (let hit = first; hit < first + hits.count[x]!; hit++) {
      limits[hit - first] = limit;
      const top = horizon - (hits.height[hit]! - EYE) * focal / hits.near[hit]!;
      limit = Math.max(0, Math.min(limit, Math.ceil(top) + 2));
    }
    for (let hit = first + hits.count[x]! - 1; hit >= first; hit--) {
      const scale = focal / hits.near[hit]!, tall = hits.height[hit]!;
      const top = horizon - (tall - EYE) * scale, bottom = horizon + EYE * scale;
      const texels = TEXTURE_SIZE / scale * (0.5 + 0.5 * Math.min(hits.slant[hit]!, 5));
      const level = texels < 1.3 ? 0 : texels < 2.6 ? 1 : texels < 5.2 ? 2 : texels < 10.4 ? 3 : 4;
      const light = hits.light[hit]!, across = hits.u[hit]!;
      const edge = TEXTURE_SIZE >> level;
      const from = hits.texture[hit]! + LEVEL_START[level]! + ((across * edge) | 0) * edge;
      const below = limits[hit - first]!;
      drawStrip(y, width, below, x, top, bottom, atlas.luma, from, edge, LUMA_AT, light);
      const back = tall < EYE ? horizon - (tall - EYE) * focal / hits.far[hit]! : top;
      const color = hits.top[hit]!;
      if (back < top) fillStrip(y, width, below, x, back, top, LUMA_AT[light + (color >> 16)]!);
      if (x & 1) continue;
      const coarse = level + 1 < LEVELS ? level + 1 : level, edge2 = TEXTURE_SIZE >> coarse;
      const from2 = hits.texture[hit]! + LEVEL_START[coarse]! + ((across * edge2) | 0) * edge2;
      const w = width >> 1, h = (below + 1) >> 1, x2 = x >> 1;
      drawStrip(u, w, h, x2, top / 2, bottom / 2, atlas.u, from2, edge2, CHROMA_AT, light);
      drawStrip(v, w, h, x2, top / 2, bottom / 2, atlas.v, from2, edge2, CHROMA_AT, light);
      if (back >= top) continue;
      fillStrip(u, w, h, x2, back / 2, top / 2, CHROMA_AT[light + (color >> 8 & 255)]!);
      fillStrip(v, w, h, x2, back / 2, top / 2, CHROMA_AT[light + (color & 255)]!);
    }
  }
}

/** Copies a column of the panorama into a column of the picture. */
function copyDown(
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
 * Draws a vertical strip of a texture from `top` to `bottom`, in the first `rows` rows. Pixels that it covers in part are mixed
 * with what is there already: edges do not crawl when the robot moves.
 */
function drawStrip(
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
function fillStrip(
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

/** Draws rows of floor: along a row the depth stays the same, so that one step fits all pixels. */
function drawGround(
  plane: Uint8Array,
  width: number,
  first: number,
  rows: number,
  horizon: number,
  focal: number,
  pose: Pose,
  sizes: readonly Uint8Array[],
  table: Uint8Array,
  halved: number,
): void {
  const dirX = Math.cos(pose.heading), dirY = Math.sin(pose.heading);
  for (let row = first; row < rows; row++) {
    const depth = EYE * focal / (row + 0.5 - horizon);
    // A pixel covers more floor along the view than across it; between the two is a good size.
    const across = depth / focal * (TEXELS >> halved), along = across * depth / EYE;
    const covers = Math.sqrt(across * along);
    const level = Math.min(
      GROUND_LEVELS - 1,
      covers < 1.4 ? 0 : covers < 2.8 ? 1 : covers < 5.6 ? 2 : 3,
    );
    const shift = level + halved, scale = (TEXELS / (1 << shift)) * 65536;
    const side = (0.5 - width / 2) / focal;
    let x = ((pose.x + depth * (dirX + dirY * side)) * scale) | 0;
    let y = ((pose.y + depth * (dirY - dirX * side)) * scale) | 0;
    const stepX = (depth * dirY / focal * scale) | 0, stepY = (-depth * dirX / focal * scale) | 0;
    const texels = sizes[level]!, light = lightRow(fade(depth));
    const bits = WIDTH_BITS - shift,
      maskX = (1 << bits) - 1,
      maskY = (1 << (HEIGHT_BITS - shift)) - 1;
    for (let at = row * width, end = at + width; at < end; at++) {
      plane[at] = table[light + texels[(((y >> 16) & maskY) << bits) | ((x >> 16) & maskX)]!]!;
      x = (x + stepX) | 0;
      y = (y + stepY) | 0;
    }
  }
}
