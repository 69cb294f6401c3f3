/** Draws a {@linkcode World} in first person, straight into the planes of an I420 picture. */

import { CHROMA_AT, lightRow, LUMA_AT } from "./color.ts";
import { FloorDrawer } from "./floor_drawer.ts";
import { WALL_HEIGHT } from "./floor_plan.ts";
import { paintGround } from "./ground.ts";
import { MAX_HITS } from "./hits.ts";
import { fade, RayCaster } from "./rays.ts";
import { paintSky, type Sky, SKY_BITS } from "./sky.ts";
import { copyDown, drawStrip, fillStrip } from "./strips.ts";
import { LEVEL_START, LEVELS, TEXTURE_SIZE, TextureAtlas } from "./textures.ts";
import { EYE, viewOf } from "./view.ts";
import type { Pose, World } from "./world.ts";

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
  readonly #floor: FloorDrawer;
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
    const view = viewOf(width, height);
    this.width = width;
    this.height = height;
    this.#focal = view.focal;
    this.#horizon = view.horizon;
    this.#rays = new RayCaster(world, this.#atlas, width, view.focal);
    this.#atlas.seal();
    this.#floor = new FloorDrawer(paintGround(world), view);
    this.#sky = paintSky(world.seed, view.horizon, view.focal, world.sun);
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
    const { width } = this, size = width * this.height, quarter = size >> 2;
    const y = picture.subarray(0, size);
    const u = picture.subarray(size, size + quarter);
    const v = picture.subarray(size + quarter, size + 2 * quarter);
    this.#rays.cast(pose);
    this.#drawSky(pose, y, u, v);
    this.#floor.draw(pose, this.#rays.hits.wall, y, u, v);
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
      const color = hits.top[hit]!, over = lightRow(0.95 * fade(hits.near[hit]!));
      if (back < top) fillStrip(y, width, below, x, back, top, LUMA_AT[over + (color >> 16)]!);
      if (x & 1) continue;
      const coarse = level + 1 < LEVELS ? level + 1 : level, edge2 = TEXTURE_SIZE >> coarse;
      const from2 = hits.texture[hit]! + LEVEL_START[coarse]! + ((across * edge2) | 0) * edge2;
      const w = width >> 1, h = (below + 1) >> 1, x2 = x >> 1;
      drawStrip(u, w, h, x2, top / 2, bottom / 2, atlas.u, from2, edge2, CHROMA_AT, light);
      drawStrip(v, w, h, x2, top / 2, bottom / 2, atlas.v, from2, edge2, CHROMA_AT, light);
      if (back >= top) continue;
      fillStrip(u, w, h, x2, back / 2, top / 2, CHROMA_AT[over + (color >> 8 & 255)]!);
      fillStrip(v, w, h, x2, back / 2, top / 2, CHROMA_AT[over + (color & 255)]!);
    }
  }
}
