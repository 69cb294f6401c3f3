import assert from "node:assert/strict";
import { allocatePixels, type Pixels } from "../../lib/media/pixel_format.ts";
import { scalePixels } from "../../lib/media/scale.ts";
import { noise, padded } from "./pictures.ts";

function row(...levels: number[]): Pixels {
  const pixels = allocatePixels("GRAY", levels.length, 1);
  pixels.planes[0]!.data.set(levels);
  return pixels;
}

function scaled(source: Pixels, width: number, height: number): number[] {
  const target = allocatePixels(source.format, width, height);
  scalePixels(source, target);
  return [...target.planes[0]!.data];
}

Deno.test("scalePixels() keeps a plain picture plain at every size", () => {
  for (let width = 1; width < 40; width += 3) {
    for (let height = 1; height < 40; height += 4) {
      const source = allocatePixels("I420", 17, 13);
      for (const { data } of source.planes) data.fill(77);
      const target = allocatePixels("I420", width, height);
      scalePixels(source, target);
      for (const { data } of target.planes) assert(data.every((level) => level === 77));
    }
  }
});

Deno.test("scalePixels() averages boxes when both sides shrink to less than half", () => {
  const source = allocatePixels("GRAY", 6, 3);
  source.planes[0]!.data.set([0, 30, 60, 90, 90, 90, 0, 30, 60, 90, 90, 90, 0, 30, 60, 90, 90, 90]);
  assert.deepEqual(scaled(source, 2, 1), [30, 90]);
});

Deno.test("scalePixels() takes the mean of 2x2 pixels for half the size", () => {
  const source = allocatePixels("GRAY", 4, 2);
  source.planes[0]!.data.set([0, 20, 100, 120, 40, 60, 140, 160]);
  assert.deepEqual(scaled(source, 2, 1), [30, 130]);
});

Deno.test("scalePixels() goes from the first to the last pixel when it grows", () => {
  assert.deepEqual(scaled(row(0, 100, 200), 5, 1).map((level) => Math.round(level / 10) * 10), [
    0,
    30, // 2 * growth minus one is libyuv's doubling, at quarter pixels
    80,
    130,
    200,
  ]);
  const seven = scaled(row(0, 100, 200), 7, 1);
  assert.equal(seven[0], 0);
  assert(seven.every((level, i) => i === 0 || level >= seven[i - 1]!));
  assert(seven[6]! >= 198);
});

Deno.test("scalePixels() samples quarter pixels when it doubles", () => {
  assert.deepEqual(scaled(row(0, 100), 4, 1), [0, 25, 75, 100]);
});

Deno.test("scalePixels() honours strides", () => {
  const source = noise("I420", 31, 23);
  const tight = allocatePixels("I420", 20, 17);
  scalePixels(source, tight);
  const wide = padded(allocatePixels("I420", 20, 17), 5);
  scalePixels(padded(source, 7), wide);
  assert.deepEqual(wide, padded(tight, 5));
});

Deno.test("scalePixels() stays within the levels that it was given, for any size", () => {
  const source = noise("GRAY", 33, 21);
  for (const plane of source.planes) plane.data.forEach((v, i, d) => d[i] = 50 + v % 100);
  for (const [width, height] of [[1, 1], [16, 10], [24, 15], [32, 40], [66, 42], [65, 41]]) {
    const levels = scaled(source, width!, height!);
    assert(Math.min(...levels) >= 50 && Math.max(...levels) < 150, `${width}x${height}`);
  }
});

Deno.test("scalePixels() refuses packed formats", () => {
  assert.throws(() => scalePixels(allocatePixels("BGR", 4, 4), allocatePixels("BGR", 2, 2)), {
    name: "TypeError",
    message: "Cannot scale BGR into BGR: only I420 and GRAY can be scaled; convert first",
  });
});
