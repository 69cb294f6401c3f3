/**
 * Pixels at 640x480, in TypeScript: what a robot pays for each frame where libyuv is missing.
 * When it was chosen: YUYV to I420 0.35 ms, BGR to I420 1.0, I420 to BGR 1.8, scaling 2.2.
 */

import { convertPixels } from "../../lib/media/convert.ts";
import { allocatePixels, type PixelFormat } from "../../lib/media/pixel_format.ts";
import { scalePixels } from "../../lib/media/scale.ts";

for (
  const [from, to] of [["YUYV", "I420"], ["BGR", "I420"], ["I420", "BGR"], ["NV12", "I420"]] as [
    PixelFormat,
    PixelFormat,
  ][]
) {
  const source = allocatePixels(from, 640, 480);
  const target = allocatePixels(to, 640, 480);
  Deno.bench(`${from} to ${to}`, { group: "conversion" }, () => convertPixels(source, target));
}

const large = allocatePixels("I420", 640, 480);
const small = allocatePixels("I420", 320, 240);
Deno.bench("I420 640x480 to 320x240", { group: "scaling" }, () => scalePixels(large, small));
Deno.bench("I420 320x240 to 640x480", { group: "scaling" }, () => scalePixels(small, large));
