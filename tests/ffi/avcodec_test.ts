import assert from "node:assert/strict";
import {
  type AvSymbols,
  checkAvcodec,
  FRAME,
  LIBAVCODEC,
  openAvcodec,
  PACKET,
} from "../../ffi/avcodec.ts";
import { AvDecoderContext } from "../../ffi/avcodec_decoder.ts";
import { AvEncoderContext, findEncoder } from "../../ffi/avcodec_encoder.ts";
import { openLibrary } from "../../ffi/loader.ts";
import { testAvcodec, testX264 } from "../codecs/libraries.ts";

const SETTINGS = {
  name: "libx264",
  frameName: "an H.264 frame",
  width: 64,
  height: 48,
  options: { time_base: "1/30", tune: "zerolatency" },
};
const NOPTS = -0x8000000000000000n;

/** What checkAvcodec calls, as a library of this version with `pict_type` at 124 or elsewhere. */
function fakeAvcodec({ major = 59, pictTypeAt = 124, sizeAt = PACKET.size, strideAt = 64 } = {}) {
  const [packet, frame, pixels] = [512, 512, 8192].map((size) => new Uint8Array(size));
  const packetView = new DataView(packet!.buffer);
  const frameView = new DataView(frame!.buffer);
  const pointerTo = (bytes: Uint8Array) => Deno.UnsafePointer.of(bytes as Uint8Array<ArrayBuffer>);
  const address = Deno.UnsafePointer.value(pointerTo(pixels!));
  return {
    avcodec_version: () => major << 16 | 37 << 8 | 100,
    av_packet_alloc() {
      packetView.setBigInt64(PACKET.pts, NOPTS, true);
      packetView.setBigInt64(PACKET.dts, NOPTS, true);
      return pointerTo(packet!);
    },
    av_new_packet(_packet: unknown, size: number) {
      packetView.setBigUint64(PACKET.data, address, true);
      packetView.setInt32(sizeAt, size, true);
      return 0;
    },
    av_packet_free() {},
    av_frame_alloc() {
      frame!.fill(0);
      frameView.setBigInt64(FRAME.pts, NOPTS, true);
      frameView.setInt32(FRAME.format, -1, true);
      if (pictTypeAt === 124) frameView.setInt32(120, 1, true); // key_frame
      frameView.setInt32(pictTypeAt + 8, 1, true); // sample_aspect_ratio.den
      return pointerTo(frame!);
    },
    av_frame_get_buffer() {
      for (const [plane, stride] of [128, 64, 64].entries()) {
        frameView.setBigUint64(FRAME.data + 8 * plane, address, true);
        frameView.setInt32(strideAt + 4 * plane, stride, true);
      }
      return 0;
    },
    av_frame_free() {},
  } as unknown as AvSymbols;
}

Deno.test("checkAvcodec() finds pict_type with and without key_frame before it", () => {
  assert.equal(checkAvcodec(fakeAvcodec()).pictTypeOffset, 124);
  assert.equal(checkAvcodec(fakeAvcodec({ major: 62, pictTypeAt: 120 })).pictTypeOffset, 120);
  assert.equal(checkAvcodec(fakeAvcodec()).version, "59.37.100");
});

Deno.test("checkAvcodec() refuses versions that are not known, and structs that have moved", () => {
  const refusal = (fake: Parameters<typeof fakeAvcodec>[0], state: string) =>
    assert.throws(() => checkAvcodec(fakeAvcodec(fake)), {
      name: "LibraryMissing",
      message: `Cannot use libavcodec ${state}; install one of ffmpeg 4 to 8`,
    });
  refusal({ major: 57 }, "57.37.100: its interface is not known to us");
  refusal({ major: 64 }, "64.37.100: its interface is not known to us");
  refusal({ sizeAt: 36 }, "59.37.100: its packets are laid out differently");
  refusal({ strideAt: 72 }, "59.37.100: its frames are laid out differently");
  refusal({ pictTypeAt: 128 }, "59.37.100: its frames are laid out differently");
});

Deno.test("a missing libavcodec is named with its package", () => {
  const candidates = { ...LIBAVCODEC.candidates, linux: ["libnosuch.so.1"] };
  assert.throws(() => openLibrary({ ...LIBAVCODEC, candidates }, {}, { host: "linux" }), {
    name: "LibraryMissing",
    message: "Cannot load libavcodec: not found on this machine; " +
      'install it with "sudo apt install ffmpeg" (Debian and Ubuntu; ffmpeg elsewhere)',
  });
});

testAvcodec("findEncoder() names an encoder that libavcodec was built without", () => {
  const library = openAvcodec();
  assert.throws(() => findEncoder(library, "libnosuch"), {
    name: "LibraryMissing",
    message: `Cannot encode by libnosuch: libavcodec ${library.version} was built without it; ` +
      "install the ffmpeg of Debian, Ubuntu, Homebrew or RPM Fusion, or use VP8",
  });
});

testX264("AvEncoderContext refuses settings that libavcodec or x264 refuses", () => {
  const options = { ...SETTINGS.options, pixel_format: "rgb24" };
  assert.throws(() => new AvEncoderContext({ ...SETTINGS, options }), {
    name: "SystemCallError",
    message: /^Cannot start the encoder libx264: libavcodec says ".+"; see that memory, size/,
  });
  assert.throws(() => new AvEncoderContext({ ...SETTINGS, options: { nosuch: "1" } }), {
    name: "SystemCallError",
    message: /^Cannot set nosuch of libx264 to 1: libavcodec says "Invalid argument"; /,
  });
});

testX264("AvEncoderContext.configure() is false for what cannot be changed", () => {
  const context = new AvEncoderContext(SETTINGS);
  assert.equal(context.configure({ b: "100000" }), true);
  assert.equal(context.configure({ nosuch: "1" }), false);
  context.free();
});

testX264("AvEncoderContext and AvDecoderContext give pictures and their times back", async () => {
  const encoder = new AvEncoderContext(SETTINGS);
  const decoder = new AvDecoderContext("h264", "an H.264 frame", { flags: "+low_delay" });
  encoder.pixels.fill(90, 0, 64 * 48).fill(128, 64 * 48);
  for (const [pts, key] of [[1n, false], [2n, false], [3n, true]] as const) {
    const packet = await encoder.encode(pts, key);
    assert.equal(packet!.keyFrame, pts !== 2n);
    const picture = await decoder.decode(packet!.data, 1000n * pts);
    assert.equal(picture!.pts, 1000n * pts);
    assert.deepEqual([picture!.width, picture!.height, picture!.fullRange], [64, 48, false]);
    assert(Math.abs(picture!.data[100]! - 90) <= 2, `luma ${picture!.data[100]}`);
  }
  encoder.free();
  decoder.free();
});
