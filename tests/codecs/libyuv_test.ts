import assert from "node:assert/strict";
import { libyuvConverter, TOLERANCE } from "../../lib/codecs/libyuv.ts";
import { convertPixels } from "../../lib/media/convert.ts";
import { getPixelConverter } from "../../lib/media/converter.ts";
import { allocatePixels, type PixelFormat } from "../../lib/media/pixel_format.ts";
import { scalePixels } from "../../lib/media/scale.ts";
import { VideoFrame } from "../../lib/media/video_frame.ts";
import { distance, noise, padded } from "../media/pictures.ts";
import { testYuv } from "./libraries.ts";

const PACKED = ["BGR", "RGB", "BGRA", "RGBA"] as const;
const PAIRS: [PixelFormat, PixelFormat][] = [
  ...["NV12", "YUYV", ...PACKED].map((from) => [from, "I420"] as [PixelFormat, PixelFormat]),
  ...["NV12", "YUYV", ...PACKED].map((to) => ["I420", to] as [PixelFormat, PixelFormat]),
];

// First, so that nothing has opened libyuv before.
Deno.test({
  name: "libyuvConverter opens nothing, asks for nothing and declines without --allow-ffi",
  permissions: { ffi: false },
  fn() {
    assert.equal(getPixelConverter(), libyuvConverter);
    assert.equal(libyuvConverter.convert(noise("BGR", 8, 8), allocatePixels("I420", 8, 8)), false);
    assert.equal(libyuvConverter.scale(noise("I420", 8, 8), allocatePixels("I420", 5, 5)), false);
    const frame = new VideoFrame({ ...noise("BGR", 8, 8), timestampUs: 0 });
    assert.equal(frame.toI420().format, "I420");
  },
});

testYuv(
  "libyuvConverter.convert() agrees with TypeScript within 2 levels, sizes odd and even",
  () => {
    for (const [from, to] of PAIRS) {
      for (const [width, height] of [[64, 48], [63, 47], [5, 3], [2, 1], [1, 2], [1, 1]] as const) {
        if (to === "YUYV" && width % 2 === 1) continue;
        const source = noise(from, width, height, width);
        const theirs = allocatePixels(to, width, height);
        const ours = allocatePixels(to, width, height);
        assert(libyuvConverter.convert(source, theirs), `${from} to ${to} is declined`);
        convertPixels(source, ours);
        const levels = distance(theirs, ours);
        assert(levels <= TOLERANCE, `${from} to ${to}, ${width}x${height}: ${levels} levels apart`);
      }
    }
  },
);

testYuv("libyuvConverter.convert() agrees with TypeScript for every luma and chroma", () => {
  // 256 rows of luma, every fifth level of U and V.
  const source = allocatePixels("I420", 104, 104);
  for (let luma = 0; luma < 256; luma++) {
    source.planes[0]!.data.fill(luma);
    for (let i = 0; i < 52 * 52; i++) {
      source.planes[1]!.data[i] = Math.min(255, (i % 52) * 5);
      source.planes[2]!.data[i] = Math.min(255, Math.floor(i / 52) * 5);
    }
    const theirs = allocatePixels("BGR", 104, 104);
    const ours = allocatePixels("BGR", 104, 104);
    assert(libyuvConverter.convert(source, theirs));
    convertPixels(source, ours);
    assert(distance(theirs, ours) <= TOLERANCE, `luma ${luma}`);
  }
});

testYuv("libyuvConverter honours strides", () => {
  for (const [from, to] of PAIRS) {
    const source = noise(from, 22, 11);
    const tight = allocatePixels(to, 22, 11);
    libyuvConverter.convert(source, tight);
    const wide = padded(allocatePixels(to, 22, 11), 9);
    libyuvConverter.convert(padded(source, 13), wide);
    assert.deepEqual(wide, padded(tight, 9), `${from} to ${to}`);
  }
});

testYuv("libyuvConverter.scale() agrees with TypeScript within 2 levels at any ratio", () => {
  let state = 3;
  const side = (below: number, least = 4) =>
    least + (state = (Math.imul(state, 1103515245) + 12345) >>> 1) % below;
  const sizes = Array.from(
    { length: 150 },
    () => [side(150), side(150), side(200, 1), side(200, 1)],
  );
  const special = [
    [64, 48, 32, 24],
    [64, 48, 48, 36],
    [64, 48, 24, 18],
    [64, 48, 16, 12],
    [64, 48, 128, 96],
    [64, 48, 64, 24],
    [64, 48, 32, 48],
    [33, 21, 65, 41],
    [62, 48, 124, 16], // declined, as is the next
    [63, 600, 5, 1],
  ];
  for (const [width, height, newWidth, newHeight] of [...special, ...sizes] as number[][]) {
    const source = noise("I420", width!, height!, newWidth);
    const theirs = allocatePixels("I420", newWidth!, newHeight!);
    const ours = allocatePixels("I420", newWidth!, newHeight!);
    scalePixels(source, ours);
    if (!libyuvConverter.scale(source, theirs)) {
      assert(special.slice(-2).some((sizes) => sizes[0] === width), `${width}x${height}`);
      continue;
    }
    const levels = distance(theirs, ours);
    assert(
      levels <= TOLERANCE,
      `${width}x${height} to ${newWidth}x${newHeight}: ${levels} levels apart`,
    );
  }
});

testYuv("libyuvConverter declines what it does not know, and leaves it untouched", () => {
  for (const [from, to] of [["BGR", "RGB"], ["I420", "GRAY"], ["NV12", "BGR"]] as const) {
    const target = allocatePixels(to, 8, 8);
    assert.equal(libyuvConverter.convert(noise(from, 8, 8), target), false);
    assert(target.planes[0]!.data.every((level) => level === 0));
  }
  const odd = allocatePixels("YUYV", 7, 2);
  assert.equal(libyuvConverter.convert(noise("I420", 7, 2), odd), false);
});
