import assert from "node:assert/strict";
import {
  getPixelConverter,
  type PixelConverter,
  setPixelConverter,
} from "../../lib/media/converter.ts";
import { VideoFrame } from "../../lib/media/video_frame.ts";

function withConverter(converter: PixelConverter, run: () => void): void {
  const before = getPixelConverter();
  setPixelConverter(converter);
  try {
    run();
  } finally {
    setPixelConverter(before);
  }
}

const white = () =>
  VideoFrame.fromBGR({ data: new Uint8Array(48).fill(255), width: 4, height: 4 }, 0);

Deno.test("VideoFrame uses the converter that was set", () => {
  const seen: string[] = [];
  withConverter({
    convert(source, target) {
      seen.push(`${source.format} to ${target.format}`);
      target.planes[0]!.data.fill(99);
      return true;
    },
    scale(source, target) {
      seen.push(`${source.width}x${source.height} to ${target.width}x${target.height}`);
      return true;
    },
  }, () => {
    assert.equal(white().toI420().planes[0]!.data[0], 99);
    white().resize(2, 2);
  });
  assert.deepEqual(seen, ["BGR to I420", "BGR to I420", "4x4 to 2x2"]);
});

Deno.test("VideoFrame falls back on TypeScript for what the converter declines", () => {
  withConverter({ convert: () => false, scale: () => false }, () => {
    assert.equal(white().toI420().planes[0]!.data[0], 235);
    assert.equal(white().resize(2, 2).planes[0]!.data[0], 235);
  });
});
