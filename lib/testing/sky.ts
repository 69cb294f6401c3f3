/** What is far away: hills, clouds and the sun all the way round, which tell a driver the direction. */

import { hex, lumaOf, mix, type Rgb, uOf, vOf } from "./color.ts";
import { randomFrom, wavesFrom } from "./random.ts";

/** Columns of the panorama in one turn, as a power of two; chroma has half. */
export const SKY_BITS = 12;

const WHITE = hex(0xffffff), SUN = hex(0xfffbe6), GLOW = hex(0xfff3cf);
const SKY_FOOT = hex(0xd8ecf5), SKY_TOP = hex(0x4f9be0), SNOW = hex(0xf4f8fb);
const ROCK = hex(0x7f97b5), ROCK_FOOT = hex(0xb4c9d8);
const HILL_FOOT = hex(0x86b266), HILL_TOP = hex(0x5f9152);

/** The panorama column by column, from its upper edge down to the horizon. */
export interface Sky {
  /** Rows of luma in each column; chroma has half. */
  readonly rows: number;
  /** Y. */
  readonly luma: Uint8Array;
  /** U. */
  readonly u: Uint8Array;
  /** V. */
  readonly v: Uint8Array;
}

/**
 * Paints the panorama.
 * @param rows rows above the horizon, even
 * @param focal the picture's focal length in pixels
 * @param sun direction of the sun in radians
 */
export function paintSky(seed: number, rows: number, focal: number, sun: number): Sky {
  const random = randomFrom(seed ^ 0x5eed);
  const far = wavesFrom(random, 3, 6), near = wavesFrom(random, 2, 4);
  const clouds = Array.from({ length: 9 }, (_, i) => ({
    angle: (i + random() * 0.7) / 9 * 2 * Math.PI,
    up: 0.3 + random() * 0.18,
    wide: 0.12 + random() * 0.12,
    high: 0.014 + random() * 0.014,
  }));
  const colorsAt = (angle: number): (up: number) => Rgb => {
    const hills = 0.085 + 0.035 * near(angle), mountains = 0.15 + 0.07 * far(angle);
    const sunX = turnBetween(angle, sun);
    const here = clouds.map((cloud) => {
      const x = turnBetween(angle, cloud.angle) / cloud.wide;
      return { ...cloud, x, bulge: Math.cos(x * 7 + cloud.angle * 9) };
    }).filter(({ x }) => x > -1 && x < 1);
    return (up) => {
      if (up < hills) return mix(HILL_FOOT, HILL_TOP, up / hills);
      const snow = mountains - up;
      if (snow >= 0) {
        if (mountains > 0.165 && snow < 0.028) return SNOW;
        return mix(ROCK, ROCK_FOOT, 1 - up / mountains);
      }
      const toSun = Math.sqrt(sunX * sunX + (up - 0.36) * (up - 0.36));
      let color = mix(GLOW, mix(SKY_FOOT, SKY_TOP, up * 1.9), 0.35 + toSun * 1.6);
      for (const cloud of here) {
        const y = (up - cloud.up) / cloud.high;
        const inside = 1 - cloud.x * cloud.x - y * y / (y > 0 ? 5 + 2.25 * cloud.bulge : 1);
        if (inside > 0) color = mix(color, WHITE, inside * 2.2);
      }
      return toSun < 0.075 ? mix(SUN, color, (toSun - 0.05) / 0.025) : color;
    };
  };
  const columns = 1 << SKY_BITS, halfRows = rows >> 1;
  const luma = new Uint8Array(columns * rows);
  const u = new Uint8Array(columns * rows >> 2), v = new Uint8Array(columns * rows >> 2);
  // One colour for four texels, which is as fine as the picture shows it.
  for (let column = 0; column < columns; column += 2) {
    const colorAt = colorsAt((column + 0.5) / columns * 2 * Math.PI);
    for (let row = 0; row < rows; row += 2) {
      const color = colorAt((rows - row - 1) / focal);
      const at = column * rows + row;
      luma[at] = lumaOf(color);
      luma[at + 1] = luma[at + rows] = luma[at + rows + 1] = luma[at]!;
      const half = (column >> 1) * halfRows + (row >> 1);
      u[half] = uOf(color);
      v[half] = vOf(color);
    }
  }
  return { rows, luma, u, v };
}

/** From `b` to `a` the short way round. */
function turnBetween(a: number, b: number): number {
  const turn = (a - b) % (2 * Math.PI);
  return turn > Math.PI ? turn - 2 * Math.PI : turn < -Math.PI ? turn + 2 * Math.PI : turn;
}
