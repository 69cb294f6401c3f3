import assert from "node:assert/strict";
import type { PixelFormat } from "../../lib/media/pixel_format.ts";
import { allocatePixels } from "../../lib/media/pixel_format.ts";
import { VideoFrame } from "../../lib/media/video_frame.ts";
import { noise, padded } from "./pictures.ts";

const gray = (width: number, height: number) => ({
  data: new Uint8Array(width * height),
  width,
  height,
});

Deno.test("VideoFrame wraps its planes without copying them", () => {
  const pixels = allocatePixels("I420", 5, 3);
  const frame = new VideoFrame({ ...pixels, timestampUs: 7 });
  assert.equal(frame.width, 5);
  assert.equal(frame.height, 3);
  assert.equal(frame.format, "I420");
  assert.equal(frame.timestampUs, 7);
  assert.equal(frame.planes[0]!.data, pixels.planes[0]!.data);
  assert.deepEqual(frame.planes.map(({ data, stride }) => [data.length, stride]), [
    [15, 5],
    [6, 3],
    [6, 3],
  ]);
});

Deno.test("VideoFrame refuses planes that are too small, with the bytes that it needs", () => {
  const planes = [{ data: new Uint8Array(29), stride: 10 }];
  assert.throws(
    () => new VideoFrame({ width: 10, height: 3, format: "GRAY", planes, timestampUs: 0 }),
    {
      name: "RangeError",
      message:
        "Cannot make a 10x3 GRAY frame: plane 0 has 29 bytes; give 30 (3 rows with a stride of 10)",
    },
  );
});

Deno.test("VideoFrame takes a last row without padding and refuses a stride below a row", () => {
  const make = (stride: number) =>
    new VideoFrame({
      width: 10,
      height: 3,
      format: "GRAY",
      planes: [{ data: new Uint8Array(2 * 16 + 10), stride }],
      timestampUs: 0,
    });
  assert.equal(make(16).planes[0]!.stride, 16);
  assert.throws(() => make(9), {
    name: "RangeError",
    message:
      "Cannot make a 10x3 GRAY frame: plane 0 has a stride of 9 bytes; give at least the 10 bytes of a row",
  });
});

Deno.test("VideoFrame refuses wrong sizes, formats, plane counts and times", () => {
  const planes = [{ data: new Uint8Array(100), stride: 10 }];
  const init = { width: 10, height: 10, format: "GRAY" as PixelFormat, planes, timestampUs: 0 };
  for (const width of [0, -1, 1.5, NaN, 16384, Infinity]) {
    assert.throws(() => new VideoFrame({ ...init, width }), RangeError);
  }
  assert.throws(() => new VideoFrame({ ...init, width: 0 }), {
    message:
      "Cannot make a frame of 0x10: width and height must be whole numbers; give 1 to 16383 of each",
  });
  assert.throws(() => new VideoFrame({ ...init, format: "YV12" as PixelFormat }), {
    name: "TypeError",
    message: 'Cannot use pixel format "YV12": unknown; ' +
      "use I420, NV12, YUYV, BGR, RGB, BGRA, RGBA or GRAY",
  });
  assert.throws(() => new VideoFrame({ ...init, format: "I420" }), {
    name: "TypeError",
    message: "Cannot make a I420 frame: 1 planes given; give 3",
  });
  assert.throws(() => new VideoFrame({ ...init, timestampUs: NaN }), RangeError);
});

Deno.test("VideoFrame.fromBGR() takes arrays with a shape or with width and height", () => {
  const data = new Uint8Array(2 * 3 * 3);
  const shaped = VideoFrame.fromBGR({ data, shape: [2, 3, 3] }, 1);
  const sized = VideoFrame.fromBGR({ data, width: 3, height: 2 }, 1);
  for (const frame of [shaped, sized]) {
    assert.deepEqual([frame.width, frame.height, frame.format], [3, 2, "BGR"]);
    assert.equal(frame.planes[0]!.data, data);
  }
});

Deno.test("VideoFrame.fromBGR() refuses a wrong number of bytes or channels", () => {
  assert.throws(() => VideoFrame.fromBGR({ data: new Uint8Array(17), shape: [2, 3, 3] }, 0), {
    name: "RangeError",
    message: "Cannot make a 3x2 BGR frame: the array has 17 bytes; give 18",
  });
  assert.throws(() => VideoFrame.fromBGR({ data: new Uint8Array(24), shape: [2, 3, 4] }, 0), {
    name: "RangeError",
    message: "Cannot make a BGR frame: the array has 4 channels; give 3",
  });
});

Deno.test("VideoFrame.toBGR() and friends give shape (height, width, channels) in fresh memory", () => {
  const frame = new VideoFrame({ ...noise("I420", 5, 3), timestampUs: 0 });
  assert.deepEqual(frame.toBGR().shape, [3, 5, 3]);
  assert.deepEqual(frame.toRGB().shape, [3, 5, 3]);
  assert.deepEqual(frame.toRGBA().shape, [3, 5, 4]);
  assert.deepEqual(frame.toGray().shape, [3, 5, 1]);
  assert.equal(frame.toBGR().data.length, 45);
  const bgr = VideoFrame.fromBGR(frame.toBGR(), 0);
  assert.notEqual(bgr.toBGR().data, bgr.planes[0]!.data);
  assert.deepEqual(bgr.toBGR().data, bgr.planes[0]!.data);
});

Deno.test("VideoFrame.toBGR() drops the padding of rows", () => {
  const tight = noise("BGR", 5, 3);
  const frame = new VideoFrame({ ...padded(tight, 11), timestampUs: 0 });
  assert.deepEqual(frame.toBGR().data, tight.planes[0]!.data);
});

Deno.test("VideoFrame.toI420(), gray() and resize() return the frame itself when nothing changes", () => {
  const yuv = new VideoFrame({ ...noise("I420", 6, 4), timestampUs: 0 });
  assert.equal(yuv.toI420(), yuv);
  assert.equal(yuv.resize(6, 4), yuv);
  const grey = VideoFrame.fromGray(gray(6, 4), 0);
  assert.equal(grey.gray(), grey);
});

Deno.test("VideoFrame.resize() keeps the time, and GRAY stays GRAY", () => {
  const grey = VideoFrame.fromGray(gray(6, 4), 5).resize(3, 2);
  assert.deepEqual([grey.format, grey.width, grey.height, grey.timestampUs], ["GRAY", 3, 2, 5]);
  const bgr = VideoFrame.fromBGR({ data: new Uint8Array(72), width: 6, height: 4 }, 9).resize(3, 2);
  assert.deepEqual([bgr.format, bgr.width, bgr.height, bgr.timestampUs], ["I420", 3, 2, 9]);
  assert.throws(() => bgr.resize(0, 5), RangeError);
});

Deno.test("VideoFrame.clone() stands alone and has no padding", () => {
  const tight = noise("NV12", 5, 3);
  const source = padded(tight, 3);
  const copy = new VideoFrame({ ...source, timestampUs: 4 }).clone();
  source.planes[0]!.data.fill(0);
  assert.deepEqual(copy.planes.map(({ data }) => data), tight.planes.map(({ data }) => data));
  assert.deepEqual(copy.planes.map(({ stride }) => stride), [5, 6]);
  assert.equal(copy.timestampUs, 4);
});

Deno.test("VideoFrame.fromI420() finds the planes of odd sizes", () => {
  const pixels = noise("I420", 5, 3);
  const data = new Uint8Array(pixels.planes.flatMap((plane) => [...plane.data]));
  const frame = VideoFrame.fromI420({ data, width: 5, height: 3 }, 0);
  assert.deepEqual(
    frame.planes.map((plane) => [...plane.data]),
    pixels.planes.map((plane) => [...plane.data]),
  );
});
