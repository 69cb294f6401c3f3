/** What the walls and the furniture look like: one small painter for each texture. */

import { hex, mix, type Rgb, shade } from "./color.ts";

/**
 * The colour at `u` (0..1 from left to right) and `v` (0..1 from top to bottom), on top of the
 * wall's own colour where there is one. Large flat areas and no noise: a video codec has to carry it.
 */
export type Painter = (u: number, v: number, wall: Rgb) => Rgb;

const WHITE = hex(0xf4f1ea), INK = hex(0x2b2d33), WOOD = hex(0xa9713f), LEAF = hex(0x4f9a44);
const BOOKS = [0xb6443c, 0x2f6f8f, 0xd9a441, 0x5a8f5a, 0x7a4f8f, 0xd97b3f, 0x35506e, 0xe8dcc0];

/** How the walls look from each room: living room, kitchen, garden, workshop. */
export const WALLS: readonly Painter[] = [
  (u, v) => { // warm plaster over a wooden base
    if (v > 0.92) return hex(0x7c4f2e);
    if (v > 0.6) return line(u, 4, 0.06) ? hex(0x9c6236) : v < 0.63 ? hex(0xc98d55) : hex(0xb97a45);
    return u % 0.5 < 0.25 ? hex(0xf0cf94) : hex(0xeac585);
  },
  (u, v) => { // tiles to the shoulder, mint above
    if (v > 0.94) return hex(0x5a6b70);
    if (v < 0.42) return hex(0xa9dccb);
    if (v < 0.46) return hex(0x2f8f85);
    return line(u, 4, 0.04) || line(v, 8, 0.06) ? hex(0xb9cdd0) : hex(0xeaf3f2);
  },
  (u, v) => { // brick
    const course = Math.floor(v * 10);
    const along = (u * 4 + (course % 2) * 0.5) % 1;
    if (along < 0.05 || v * 10 % 1 < 0.12) return hex(0xd9c3ad);
    return shade(
      hex(0xb5583f),
      0.94 + 0.06 * ((course * 7 + Math.floor(u * 4 + (course % 2) / 2) * 5) % 4),
    );
  },
  (u, v) => { // painted steel with a hazard band
    if (v > 0.9) return hex(0x3d4a57);
    if (v > 0.55 && v < 0.65) return (u * 4 + v * 5.2) % 1 < 0.5 ? hex(0xf2c230) : INK;
    return u % 0.25 < 0.02 ? hex(0x4e749c) : v < 0.55 ? hex(0x7ba6d0) : hex(0x6590bc);
  },
];

/** Everything that is not a plain wall. */
export const PAINTERS: Readonly<Record<string, Painter>> = {
  wall: (_u, _v, wall) => wall,
  frame: (u, v) => v < 0.06 || u % 0.25 < 0.04 || u % 0.25 > 0.21 ? hex(0xd8d2c6) : WHITE,
  sunset: picture((u, v) => {
    if (v > 0.68) return mix(hex(0x2c6e91), hex(0x123f5c), (v - 0.68) * 3);
    if (Math.hypot(u - 0.5, (v - 0.66) * 0.6) < 0.17) return hex(0xfff0b0);
    return mix(hex(0x7d3c6e), hex(0xff9a4a), v * 1.4);
  }),
  circles: picture((u, v) => {
    const inside = (x: number, y: number, r: number) => Math.hypot(u - x, (v - y) * 0.66) < r;
    if (inside(0.34, 0.4, 0.2)) return hex(0xd8402f);
    if (inside(0.68, 0.58, 0.16)) return hex(0x2458a6);
    return inside(0.5, 0.75, 0.09) ? hex(0xf0b429) : hex(0xf3ead7);
  }),
  mountains: picture((u, v) => {
    if (v > 0.8 - Math.abs(((u * 2.2 + 0.3) % 1) - 0.5) * 0.3) return hex(0x2f6b4a);
    const peak = 0.25 + Math.abs(((u * 1.3 + 0.35) % 1) - 0.5) * 0.9;
    return v > peak ? v < peak + 0.12 ? WHITE : hex(0x6d7fa3) : hex(0xbfe0f2);
  }),
  window: (u, v, wall) => {
    if (u < 0.08 || u > 0.92 || v < 0.1 || v > 0.66) return wall;
    if (v > 0.62) return hex(0xffffff);
    if (u < 0.13 || u > 0.87 || v < 0.14 || Math.abs(u - 0.5) < 0.02) return WHITE;
    if (v > 0.5 + 0.04 * Math.sin(u * 9)) return hex(0x7fb069);
    return mix(hex(0x7cc0ee), hex(0xd9f0fb), (v - 0.14) * 2.6);
  },
  bolt: (u, v, wall) => { // above the dock: half a metre wide
    const x = (u % 0.5) * 2 - 0.5, y = (v - 0.38) / 0.2;
    if (Math.hypot(x * 0.5, (v - 0.38) * 1.3) > 0.2) return wall;
    const upper = y > -0.75 && y < 0.15 && x > -0.22 - y * 0.2 && x < 0.16 - y * 0.12;
    const lower = y >= -0.1 && y < 0.85 && x > -0.12 - y * 0.05 && x < 0.26 - y * 0.36;
    return upper || lower ? hex(0xfff6c2) : hex(0x1fae5e);
  },
  books: (u, v) => {
    const shelf = v * 4 % 1, row = Math.floor(v * 4);
    if (shelf > 0.88 || v < 0.03 || u < 0.03 || u > 0.97) return hex(0x6b4424);
    const n = Math.floor(u * 14) + row * 5;
    if (shelf < 0.12 + (n * 37 % 5) * 0.04) return hex(0x3a2615);
    if (u * 14 % 1 < 0.1) return hex(0x3a2615);
    return shelf > 0.6 && shelf < 0.68 ? hex(0xf0e2c0) : hex(BOOKS[n * 5 % BOOKS.length]!);
  },
  sofa: (u, v) => {
    if (v > 0.9) return hex(0x3a2a20);
    return u % 0.5 < 0.03 || v < 0.08
      ? hex(0x2d6b73)
      : v > 0.5 && v < 0.54
      ? hex(0x2d6b73)
      : hex(0x469aa3);
  },
  table: (_u, v) => v < 0.3 ? hex(0xc9935c) : hex(0x6d4425),
  cupboard: (u, v) => {
    if (v < 0.08) return hex(0x4a4f55);
    if (v > 0.9) return hex(0x5b5148);
    const door = u * 2 % 1;
    if (door < 0.03 || door > 0.97) return hex(0x9db8b5);
    return door > 0.82 && door < 0.88 && v > 0.25 && v < 0.45 ? INK : hex(0xf7faf8);
  },
  fridge: (u, v) =>
    v > 0.36 && v < 0.38 ? hex(0x9aa4aa) : u % 0.5 < 0.06 ? hex(0xb9c3c9) : hex(0xe5ebee),
  crate: (u, v) => {
    const x = u * 2 % 1, edge = Math.min(x, 1 - x, v, 1 - v);
    if (edge < 0.1) return hex(0x8a5a2b);
    return Math.abs(x - v) < 0.08
      ? hex(0x9a6733)
      : v * 4 % 1 < 0.08
      ? hex(0xa87640)
      : hex(0xcb9856);
  },
  hedge: (u, v) =>
    mix(hex(0x2f6d33), LEAF, 0.5 + 0.5 * Math.sin(u * 25.13) * Math.sin(v * 12 + 1) - v * 0.3),
  dock: (u, v) => {
    const x = Math.abs((u % 0.5) * 4 - 1);
    if (v < 0.14) return hex(0x35d07f);
    if (x < 0.12 && v > 0.35 && v < 0.8) return hex(0xf2c230);
    return x > 0.9 ? hex(0xe8edf0) : hex(0x2b3036);
  },
  pillar: (u, v) =>
    v < 0.07 || v > 0.93 ? hex(0xd9d3c4) : u % 0.5 < 0.1 ? hex(0xcfc8b8) : hex(0xf3eee2),
  plant: (u, v) => {
    if (v > 0.7) return v < 0.75 ? hex(0xd97f52) : hex(0xc2673c);
    return mix(hex(0x2f7a3a), hex(0x6cbb55), 0.5 + 0.5 * Math.sin(u * 18.85 + v * 14));
  },
  fountain: (u, v) => v < 0.2 ? hex(0xe6e1d6) : u * 2 % 1 < 0.06 ? hex(0x9c978c) : hex(0xc4beb1),
  tower: (u, v) => {
    if (v < 0.1) return hex(0x3a3f47);
    if (v < 0.2) return u % 0.5 < 0.36 ? hex(0xffe9a0) : hex(0x3a3f47);
    return v * 5 % 1 < 0.5 ? hex(0xd5352c) : WHITE;
  },
  silo: (u, v) => v < 0.12 ? hex(0x2458a6) : (v * 3 + u) % 1 < 0.4 ? hex(0x2e6fc4) : hex(0xeaf0f6),
  barrel: (_u, v) => v % 0.36 < 0.06 ? hex(0x1f4674) : v > 0.45 && v < 0.66 ? WHITE : hex(0x2f6fb8),
  cone: (_u, v) => v > 0.9 ? INK : v % 0.42 > 0.24 ? WHITE : hex(0xf06a24),
};

/** A framed picture that hangs on the room's wall. */
function picture(paint: (u: number, v: number) => Rgb): Painter {
  return (u, v, wall) => {
    if (u < 0.08 || u > 0.92 || v < 0.1 || v > 0.62) return wall;
    if (u < 0.12 || u > 0.88 || v < 0.135 || v > 0.585) return WOOD;
    return paint((u - 0.12) / 0.76, (v - 0.135) / 0.45);
  };
}

/** Whether `t` lies on one of `count` evenly spaced lines. */
function line(t: number, count: number, thickness: number): boolean {
  return t * count % 1 < thickness;
}
