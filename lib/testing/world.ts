/** What is where: walls, furniture, round things, and where a circle can stand. */

import { CELL, LANDMARKS, PLAN, ROOMS, type Round, SOLIDS } from "./floor_plan.ts";
import { randomFrom } from "./random.ts";

/** Where something is and which way it looks. */
export interface Pose {
  /** Metres east of the south-west corner. */
  readonly x: number;
  /** Metres north of the south-west corner. */
  readonly y: number;
  /** Radians counter-clockwise from east, in 0..2π. */
  readonly heading: number;
}

const SOLID_NAMES = Object.keys(SOLIDS);
/** Cells below this number are floor (the number of the room), from it on they are solid. */
export const FIRST_SOLID = 8;

/** The simulated house. Everything in it follows from the seed. */
export class World {
  /** Cells from west to east. */
  readonly columns: number;
  /** Cells from south to north. */
  readonly rows: number;
  /** `cells[row * columns + column]`: a room's number, or {@linkcode FIRST_SOLID} + index of the solid. */
  readonly cells: Uint8Array;
  /** Everything round, landmarks first. */
  readonly rounds: readonly Round[];
  /** Where the robot begins. */
  readonly start: Pose = { x: 1.5, y: 5.4, heading: 0 };
  /** Which way the sun is: radians counter-clockwise from east. */
  readonly sun: number;
  /** What the world was made from. */
  readonly seed: number;

  /** @param seed any number; the same one always makes the same world */
  constructor(seed: number) {
    this.seed = seed;
    this.rows = PLAN.length;
    this.columns = PLAN[0]!.length;
    this.cells = new Uint8Array(this.rows * this.columns);
    for (const [i, line] of PLAN.entries()) {
      for (let column = 0; column < this.columns; column++) {
        const letter = line[column]!;
        const room = ROOMS.indexOf(letter);
        this.cells[(this.rows - 1 - i) * this.columns + column] = room >= 0
          ? room
          : FIRST_SOLID + SOLID_NAMES.indexOf(letter);
      }
    }
    const random = randomFrom(seed);
    this.sun = 2.2 + random() * 0.7;
    this.rounds = LANDMARKS; // barrels keep clear of these
    this.rounds = [...LANDMARKS, ...this.#barrels(random)];
  }

  /** The cell at a point; outside is wall. */
  cellAt(x: number, y: number): number {
    const column = Math.floor(x / CELL), row = Math.floor(y / CELL);
    if (column < 0 || row < 0 || column >= this.columns || row >= this.rows) return FIRST_SOLID;
    return this.cells[row * this.columns + column]!;
  }

  /** Whether a circle can stand here without touching anything. */
  isFree(x: number, y: number, radius: number): boolean {
    const low = Math.floor((x - radius) / CELL), high = Math.floor((x + radius) / CELL);
    const bottom = Math.floor((y - radius) / CELL), top = Math.floor((y + radius) / CELL);
    for (let row = bottom; row <= top; row++) {
      for (let column = low; column <= high; column++) {
        if (this.#isFloor(column, row)) continue;
        const dx = x - Math.max(column * CELL, Math.min(x, (column + 1) * CELL));
        const dy = y - Math.max(row * CELL, Math.min(y, (row + 1) * CELL));
        if (dx * dx + dy * dy < radius * radius) return false;
      }
    }
    for (const round of this.rounds) {
      const reach = round.radius + radius;
      if ((x - round.x) ** 2 + (y - round.y) ** 2 < reach * reach) return false;
    }
    return true;
  }

  #isFloor(column: number, row: number): boolean {
    return column >= 0 && row >= 0 && column < this.columns && row < this.rows &&
      this.cells[row * this.columns + column]! < FIRST_SOLID;
  }

  /** A few loose things, another place for each seed, where they leave every way open. */
  #barrels(random: () => number): Round[] {
    const kinds = [
      { radius: 0.17, height: 0.5, texture: "barrel", turns: 2, top: 0x2c5f9e },
      { radius: 0.15, height: 0.45, texture: "cone", turns: 1, top: 0xd8541c },
    ];
    const out: Round[] = [];
    for (let tries = 0; out.length < 8 && tries < 300; tries++) {
      const round = {
        ...kinds[out.length % kinds.length]!,
        x: CELL + random() * (this.columns - 2) * CELL,
        y: CELL + random() * (this.rows - 2) * CELL,
      };
      const room = this.cellAt(round.x, round.y);
      // The living room stays as it is: from the start one looks through it into the kitchen.
      if (room === 0 || !this.isFree(round.x, round.y, round.radius + 0.05)) continue;
      // Half a metre on every side, or next to the wall: the robot always gets past.
      const crowded = !this.isFree(round.x, round.y, round.radius + 0.6);
      const others = out.some((o) => Math.hypot(o.x - round.x, o.y - round.y) < 1.1);
      if (!crowded && !others) out.push(round);
    }
    return out;
  }
}
