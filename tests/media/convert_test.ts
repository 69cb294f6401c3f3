import assert from "node:assert/strict";
import { convertPixels } from "../../lib/media/convert.ts";
import { allocatePixels, type PixelFormat } from "../../lib/media/pixel_format.ts";
import { distance, noise, padded } from "./pictures.ts";

const FORMATS = ["I420", "NV12", "YUYV", "BGR", "RGB", "BGRA", "RGBA", "GRAY"] as const;
const SIZES = [[16, 8], [7, 5], [1, 1], [2, 1], [1, 2], [3, 3]] as const;

/** One colour all over, in any packed format. */
function colour(r: number, g: number, b: number, format: "BGR" | "RGBA" = "BGR") {
  const pixels = allocatePixels(format, 4, 4);
  const bytes = format === "BGR" ? [b, g, r] : [r, g, b, 255];
  pixels.planes[0]!.data.forEach((_, i, data) => data[i] = bytes[i % bytes.length]!);
  return pixels;
}

Deno.test("convertPixels() gives BT.601 limited range for known colours", () => {
  const known = [
    { rgb: [0, 0, 0], yuv: [16, 128, 128] },
    { rgb: [255, 255, 255], yuv: [235, 128, 128] },
    { rgb: [255, 0, 0], yuv: [82, 90, 240] },
    { rgb: [0, 255, 0], yuv: [145, 54, 34] },
    { rgb: [0, 0, 255], yuv: [41, 240, 110] },
  ] as const;
  for (const { rgb, yuv } of known) {
    const target = allocatePixels("I420", 4, 4);
    const [r, g, b] = rgb;
    convertPixels(colour(r, g, b), target);
    for (const [plane, level] of yuv.entries()) {
      const found = target.planes[plane]!.data[0]!;
      assert(Math.abs(found - level) <= 1, `${rgb} gives ${found} in plane ${plane}, not ${level}`);
    }
    const back = allocatePixels("BGR", 4, 4);
    convertPixels(target, back);
    assert(distance(back, colour(r, g, b)) <= 3, `${rgb} comes back as ${back.planes[0]!.data}`);
  }
});

Deno.test("convertPixels() converts every pair of formats in odd and even sizes", () => {
  for (const [width, height] of SIZES) {
    for (const from of FORMATS) {
      for (const to of FORMATS) {
        const target = allocatePixels(to, width, height);
        convertPixels(noise(from, width, height), target);
        assert(
          from === "GRAY" || width * height < 4 ||
            target.planes[0]!.data.some((level) => level > 0),
          `${from} to ${to}, ${width}x${height}`,
        );
      }
    }
  }
});

Deno.test("convertPixels() honours the strides of source and target", () => {
  for (const from of FORMATS) {
    for (const to of FORMATS) {
      const source = noise(from, 7, 5);
      const tight = allocatePixels(to, 7, 5);
      convertPixels(source, tight);
      const wide = padded(allocatePixels(to, 7, 5), 9);
      convertPixels(padded(source, 13), wide);
      assert.deepEqual(wide, padded(tight, 9), `${from} to ${to}`);
    }
  }
});

Deno.test("convertPixels() is without loss among packed formats and among 4:2:0 formats", () => {
  const lossless: [PixelFormat, PixelFormat][] = [
    ["BGR", "RGB"],
    ["BGR", "RGBA"],
    ["RGBA", "BGRA"],
    ["I420", "NV12"],
    ["I420", "YUYV"],
    ["GRAY", "BGR"],
  ];
  for (const [from, to] of lossless) {
    const source = noise(from, 7, 5);
    const there = allocatePixels(to, 7, 5);
    const back = allocatePixels(from, 7, 5);
    convertPixels(source, there);
    convertPixels(there, back);
    assert.equal(distance(source, back), 0, `${from} and ${to}`);
  }
});

Deno.test("convertPixels() makes alpha 255 where there was none and keeps it where there was", () => {
  const rgba = allocatePixels("RGBA", 2, 1);
  convertPixels(noise("I420", 2, 1), rgba);
  assert.equal(rgba.planes[0]!.data[3], 255);
  const source = noise("RGBA", 2, 1);
  const bgra = allocatePixels("BGRA", 2, 1);
  convertPixels(source, bgra);
  assert.equal(bgra.planes[0]!.data[7], source.planes[0]!.data[7]);
});

Deno.test("convertPixels() gives full-range grey from limited-range luma and from colours", () => {
  const cases = [[16, 0], [235, 255], [0, 0], [255, 255], [126, 128]] as const;
  for (const [luma, gray] of cases) {
    const source = allocatePixels("I420", 1, 1);
    source.planes[0]!.data[0] = luma;
    const target = allocatePixels("GRAY", 1, 1);
    convertPixels(source, target);
    assert.equal(target.planes[0]!.data[0], gray);
  }
  const target = allocatePixels("GRAY", 4, 4);
  convertPixels(colour(255, 255, 255), target);
  assert.equal(target.planes[0]!.data[0], 255);
  convertPixels(colour(255, 0, 0, "RGBA"), target);
  assert.equal(target.planes[0]!.data[0], 77); // 0.299 of 255
});

Deno.test("convertPixels() takes the mean of two rows for the chroma of YUYV", () => {
  const source = allocatePixels("YUYV", 2, 2);
  source.planes[0]!.data.set([10, 100, 20, 200, 30, 110, 40, 210]);
  const target = allocatePixels("I420", 2, 2);
  convertPixels(source, target);
  assert.deepEqual(target.planes.map(({ data }) => [...data]), [[10, 20, 30, 40], [105], [205]]);
});

Deno.test("convertPixels() refuses different sizes", () => {
  assert.throws(() => convertPixels(allocatePixels("I420", 4, 4), allocatePixels("BGR", 4, 5)), {
    name: "RangeError",
    message: "Cannot convert 4x4 into 4x5: sizes differ; resize first",
  });
});
