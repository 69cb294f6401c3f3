/** What the columns of a picture show, as flat arrays: written by the rays, read by the renderer. */

/** The most things that one column shows behind each other. */
export const MAX_HITS = 16;

/**
 * What the rays of one picture met, nearest first: hit `i` of column `x` is at `x * MAX_HITS + i`.
 * The last hit of a column is, or lies behind, the wall that ends its view.
 */
export class Hits {
  /** Hits in each column. */
  readonly count: Uint8Array;
  /** Depth of the wall that ends the view, for each column. */
  readonly wall: Float32Array;
  /** Depth (distance along the view, metres) where the ray enters. */
  readonly near: Float32Array;
  /** Depth where it leaves again, for what can be looked down on. */
  readonly far: Float32Array;
  /** Metres. */
  readonly height: Float32Array;
  /** Where across the texture, 0..1. */
  readonly u: Float32Array;
  /** How much the surface is turned away: 1 seen straight on, more at a slant. */
  readonly slant: Float32Array;
  /** Address of the texture in the atlas. */
  readonly texture: Int32Array;
  /** Row of the light tables. */
  readonly light: Int32Array;
  /** Colour of the upper side as `y << 16 | u << 8 | v`. */
  readonly top: Int32Array;

  /** @param width columns of the picture */
  constructor(width: number) {
    const n = width * MAX_HITS;
    this.count = new Uint8Array(width);
    this.wall = new Float32Array(width);
    this.near = new Float32Array(n);
    this.far = new Float32Array(n);
    this.height = new Float32Array(n);
    this.u = new Float32Array(n);
    this.slant = new Float32Array(n);
    this.texture = new Int32Array(n);
    this.light = new Int32Array(n);
    this.top = new Int32Array(n);
  }
}
