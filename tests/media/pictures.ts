/** Pictures and measures for the tests of pixels and codecs. */

import { allocatePixels, type PixelFormat, type Pixels } from "../../lib/media/pixel_format.ts";
import { testCard } from "../../lib/media/test_card.ts";
import type { VideoFrame } from "../../lib/media/video_frame.ts";

/** The same hard-to-compress bytes for the same seed. */
export function noise(format: PixelFormat, width: number, height: number, seed = 1): Pixels {
  const pixels = allocatePixels(format, width, height);
  let state = seed;
  for (const { data } of pixels.planes) {
    for (let i = 0; i < data.length; i++) {
      state = (Math.imul(state, 1103515245) + 12345) | 0;
      data[i] = state >>> 16;
    }
  }
  return pixels;
}

/** The same pixels in planes whose rows have padding of so many bytes. */
export function padded(pixels: Pixels, padding: number): Pixels {
  return {
    ...pixels,
    planes: pixels.planes.map(({ data, stride }) => {
      const rows = data.length / stride;
      const wide = new Uint8Array(rows * (stride + padding)).fill(0xee);
      for (let y = 0; y < rows; y++) {
        wide.set(data.subarray(y * stride, (y + 1) * stride), y * (stride + padding));
      }
      return { data: wide, stride: stride + padding };
    }),
  };
}

/** The largest difference of any two bytes. */
export function distance(a: Pixels, b: Pixels): number {
  let most = 0;
  for (const [index, { data }] of a.planes.entries()) {
    const other = b.planes[index]!.data;
    for (let i = 0; i < data.length; i++) most = Math.max(most, Math.abs(data[i]! - other[i]!));
  }
  return most;
}

/** Peak signal-to-noise ratio of the luma of two I420 frames without padding, in dB. */
export function psnr(a: Pixels, b: Pixels): number {
  const [one, other] = [a.planes[0]!.data, b.planes[0]!.data];
  let sum = 0;
  for (let i = 0; i < one.length; i++) sum += (one[i]! - other[i]!) ** 2;
  return sum === 0 ? Infinity : 10 * Math.log10(255 ** 2 / (sum / one.length));
}

/** A test card with grain all over it: takes as many bits as it is given. */
export function grainyCard(n: number, width = 320, height = 240): VideoFrame {
  const card = testCard(n, { width, height });
  const luma = card.planes[0]!.data;
  let state = n + 1;
  for (let i = 0; i < luma.length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) | 0;
    luma[i] = Math.min(255, luma[i]! + ((state >>> 16) & 31));
  }
  return card;
}
