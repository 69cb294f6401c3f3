/** What a `FakeWebcam` sees: test cards, laid out as V4L2's formats are. */
import { allocatePixels, type PixelFormat } from "../media/pixel_format.ts";
import { testCard } from "../media/test_card.ts";
import { convertPixels } from "../media/convert.ts";
import type { FakePicture } from "./fake_webcam.ts";

const FORMATS: Readonly<Record<string, PixelFormat>> = {
  ...{ YUYV: "YUYV", NV12: "NV12", YU12: "I420", GREY: "GRAY" },
};

/** Bytes from row to row: rows are padded, as some drivers' are; 0 of compressed pictures. */
export function bytesPerLine(code: string, width: number): number {
  const even = width + (width & 1);
  return code in FORMATS ? (code === "YUYV" ? 2 : 1) * even + 32 : 0;
}

/** The most bytes that a picture can have. */
export function imageSize(code: string, width: number, height: number): number {
  const stride = bytesPerLine(code, width) || 2 * width;
  const half = code === "NV12" || code === "YU12" ? (height + 1) >> 1 : 0;
  return stride * (height + half);
}

/** The test card of that number. */
export function drawPicture({ number, fourcc, width, height }: FakePicture): Uint8Array {
  const format = FORMATS[fourcc];
  if (format === undefined) {
    throw new TypeError(`Cannot draw a picture in ${fourcc}: give FakeWebcam the option draw`);
  }
  const pixels = allocatePixels(format, width, height);
  convertPixels(testCard(number, { width, height }), pixels);
  const luma = bytesPerLine(fourcc, width);
  const bytes = new Uint8Array(imageSize(fourcc, width, height));
  let at = 0;
  for (const [index, { data, stride }] of pixels.planes.entries()) {
    const pitch = index > 0 && fourcc === "YU12" ? luma >> 1 : luma;
    for (let from = 0; from < data.length; from += stride, at += pitch) {
      bytes.set(data.subarray(from, from + stride), at);
    }
  }
  return bytes;
}
