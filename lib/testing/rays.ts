/** Which walls and things each column of the picture shows: one ray a column through the plan. */

import { hex, lightRow, lumaOf, uOf, vOf } from "./color.ts";
import { CELL, ROOMS, SOLIDS, WALL_HEIGHT } from "./floor_plan.ts";
import { Hits, MAX_HITS } from "./hits.ts";
import type { TextureAtlas } from "./textures.ts";
import { FIRST_SOLID, type Pose, type World } from "./world.ts";

/** Casts the rays of a picture through a world. */
export class RayCaster {
  /** What the last {@linkcode cast} found. */
  readonly hits: Hits;
  readonly #world: World;
  readonly #width: number;
  readonly #focal: number;
  readonly #solids = Object.values(SOLIDS);
  readonly #solidTops: Int32Array;
  readonly #solidHeights: Float32Array;
  /** Address of each solid's texture as seen from each room. */
  readonly #faces: Int32Array;
  readonly #rounds: {
    x: number;
    y: number;
    r: number;
    height: number;
    turns: number;
    texture: number;
    top: number;
  }[];
  /** Light on faces towards east, west, north and south. */
  readonly #faceLight: readonly [number, number, number, number];

  /** Asks `atlas` for every texture that can be seen; `focal` is in pixels. */
  constructor(world: World, atlas: TextureAtlas, width: number, focal: number) {
    this.#world = world;
    this.#width = width;
    this.#focal = focal;
    this.hits = new Hits(width);
    this.#solidTops = Int32Array.from(this.#solids, (solid) => packed(solid.top));
    this.#solidHeights = Float32Array.from(this.#solids, (solid) => solid.height);
    this.#faces = this.#findFaces(atlas);
    this.#rounds = world.rounds.map((round) => ({
      x: round.x,
      y: round.y,
      r: round.radius,
      height: round.height,
      turns: round.turns / (2 * Math.PI),
      texture: atlas.start(round.texture, null),
      top: packed(round.top),
    }));
    const facing = (angle: number) => sunlight(Math.cos(angle - world.sun));
    this.#faceLight = [0, Math.PI, Math.PI / 2, -Math.PI / 2].map(facing) as [
      number,
      number,
      number,
      number,
    ];
  }

  /** Fills {@linkcode hits} with what is seen from `pose`. */
  cast(pose: Pose): void {
    const dirX = Math.cos(pose.heading), dirY = Math.sin(pose.heading);
    for (let x = 0; x < this.#width; x++) {
      const side = (x + 0.5 - this.#width / 2) / this.#focal;
      const rayX = dirX + dirY * side, rayY = dirY - dirX * side;
      this.#castGrid(x, pose, rayX, rayY, Math.hypot(1, side));
      this.#castRounds(x, pose, rayX, rayY, dirX, dirY, side);
    }
  }

  /** Steps from cell to cell (Amanatides and Woo, 1987) until a wall ends the view. */
  #castGrid(x: number, pose: Pose, rayX: number, rayY: number, stretch: number): void {
    const { hits } = this, { cells, columns } = this.#world;
    const stepX = rayX > 0 ? 1 : -1, stepY = rayY > 0 ? 1 : -1;
    const deltaX = CELL / Math.abs(rayX), deltaY = CELL / Math.abs(rayY);
    const column = Math.floor(pose.x / CELL), row = Math.floor(pose.y / CELL);
    let nextX = ((column + (rayX > 0 ? 1 : 0)) * CELL - pose.x) / rayX;
    let nextY = ((row + (rayY > 0 ? 1 : 0)) * CELL - pose.y) / rayY;
    const lightX = this.#faceLight[rayX > 0 ? 1 : 0]!, lightY = this.#faceLight[rayY > 0 ? 3 : 2]!;
    const slantX = stretch / Math.abs(rayX), slantY = stretch / Math.abs(rayY);
    let at = row * columns + column, depth = 0, count = 0, within = -1;
    let room = Math.min(this.#world.cellAt(pose.x, pose.y), ROOMS.length - 1);
    for (;;) {
      const crossesX = nextX < nextY;
      if (crossesX) {
        depth = nextX;
        nextX += deltaX;
        at += stepX;
      } else {
        depth = nextY;
        nextY += deltaY;
        at += stepY * columns;
      }
      const cell = cells[at];
      if (cell === undefined) break; // only from outside of the house
      if (cell < FIRST_SOLID) {
        room = cell;
        within = -1;
        continue;
      }
      if (cell === within) { // still in the same piece of furniture
        hits.far[x * MAX_HITS + count - 1] = nextX < nextY ? nextX : nextY;
        continue;
      }
      const solid = cell - FIRST_SOLID, height = this.#solidHeights[solid]!;
      const isWall = height >= WALL_HEIGHT;
      // Some room is kept for the round things, and always for the wall behind all furniture.
      if (!isWall && count >= MAX_HITS - 7) continue;
      within = cell;
      const hit = x * MAX_HITS + count++;
      const along = crossesX ? pose.y + depth * rayY : pose.x + depth * rayX;
      hits.near[hit] = depth;
      hits.far[hit] = nextX < nextY ? nextX : nextY;
      hits.height[hit] = height;
      hits.u[hit] = along - Math.floor(along);
      hits.slant[hit] = crossesX ? slantX : slantY;
      hits.texture[hit] = this.#faces[room * this.#solids.length + solid]!;
      hits.light[hit] = lightRow((crossesX ? lightX : lightY) * fade(depth));
      hits.top[hit] = this.#solidTops[solid]!;
      if (isWall) break;
    }
    hits.count[x] = count;
    hits.wall[x] = depth;
  }

  #castRounds(
    x: number,
    pose: Pose,
    rayX: number,
    rayY: number,
    dirX: number,
    dirY: number,
    side: number,
  ): void {
    const { hits } = this, wall = hits.wall[x]!, a = 1 + side * side;
    for (const round of this.#rounds) {
      const dx = round.x - pose.x, dy = round.y - pose.y;
      const ahead = dx * dirX + dy * dirY;
      if (ahead < 0) continue;
      const right = dx * dirY - dy * dirX, b = ahead + right * side;
      const inside = b * b - a * (dx * dx + dy * dy - round.r * round.r);
      if (inside <= 0) continue;
      const root = Math.sqrt(inside), near = (b - root) / a;
      if (near < 0.02 || (near > wall && round.height <= WALL_HEIGHT)) continue;
      const first = x * MAX_HITS;
      let count = hits.count[x]!;
      if (count === MAX_HITS) continue;
      let hit = first + count;
      for (; hit > first && hits.near[hit - 1]! > near; hit--) this.#copyHit(hit - 1, hit);
      const nx = (rayX * near - dx) / round.r, ny = (rayY * near - dy) / round.r;
      const u = Math.atan2(ny, nx) * round.turns + 8;
      hits.near[hit] = near;
      hits.far[hit] = (b + root) / a;
      hits.height[hit] = round.height;
      hits.u[hit] = u - Math.floor(u);
      hits.slant[hit] = 1.5;
      hits.texture[hit] = round.texture;
      const sun = this.#world.sun;
      hits.light[hit] = lightRow(sunlight(nx * Math.cos(sun) + ny * Math.sin(sun)) * fade(near));
      hits.top[hit] = round.top;
      hits.count[x] = ++count;
    }
  }

  #copyHit(from: number, to: number): void {
    const { hits } = this;
    hits.near[to] = hits.near[from]!;
    hits.far[to] = hits.far[from]!;
    hits.height[to] = hits.height[from]!;
    hits.u[to] = hits.u[from]!;
    hits.slant[to] = hits.slant[from]!;
    hits.texture[to] = hits.texture[from]!;
    hits.light[to] = hits.light[from]!;
    hits.top[to] = hits.top[from]!;
  }

  /** Looks from every piece of floor in four directions to learn which walls each room sees. */
  #findFaces(atlas: TextureAtlas): Int32Array {
    const { cells, columns } = this.#world;
    const faces = new Int32Array(ROOMS.length * this.#solids.length).fill(atlas.start("wall", 0));
    for (const [start, room] of cells.entries()) {
      if (room >= FIRST_SOLID) continue;
      for (const step of [1, -1, columns, -columns]) {
        let seenFrom = room;
        for (let at = start + step;; at += step) {
          const cell = cells[at] ?? FIRST_SOLID, solid = this.#solids[cell - FIRST_SOLID];
          if (cell < FIRST_SOLID) seenFrom = cell;
          if (!solid) continue;
          const wallLike = solid.height >= WALL_HEIGHT;
          faces[seenFrom * this.#solids.length + cell - FIRST_SOLID] = atlas.start(
            solid.texture,
            wallLike ? seenFrom : null,
          );
          if (wallLike) break;
        }
      }
    }
    return faces;
  }
}

/** How bright a surface is; `toSun` is the cosine of the angle between its normal and the sun. */
function sunlight(toSun: number): number {
  return 0.8 + 0.2 * toSun;
}

/** Far things are a little darker, which lets one see how far away a wall is. */
export function fade(depth: number): number {
  return 1.06 / (1 + depth * depth * 0.006 + depth * 0.02);
}

function packed(top: number): number {
  const color = hex(top);
  return lumaOf(color) << 16 | uOf(color) << 8 | vOf(color);
}
