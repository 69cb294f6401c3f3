import assert from "node:assert/strict";
import {
  createVideoDecoder,
  createVideoEncoder,
  registerVideoCodec,
  videoCodecs,
} from "../../lib/codecs/choose.ts";
import { defaultBitrate, type VideoDecoder, type VideoEncoder } from "../../lib/codecs/codec.ts";
import type { VideoCodecName } from "../../lib/media/encoded.ts";
import { testAvcodec, testVpx, testX264 } from "./libraries.ts";

const SMALL = { width: 64, height: 48, fps: 30 };

testVpx("createVideoEncoder() and createVideoDecoder() make VP8 unless told otherwise", () => {
  using encoder = createVideoEncoder(SMALL);
  using decoder = createVideoDecoder();
  assert.equal(encoder.codec, "VP8");
  assert.equal(decoder.codec, "VP8");
  assert.equal(videoCodecs()[0], "VP8");
  assert.equal(videoCodecs("encode")[0], "VP8");
});

testX264("createVideoEncoder() makes H.264 where x264 is", () => {
  assert(videoCodecs("encode").includes("H264"));
  using encoder = createVideoEncoder({ ...SMALL, codec: "H264" });
  assert.equal(encoder.codec, "H264");
});

testAvcodec("createVideoDecoder() makes H.264 where libavcodec is", () => {
  assert(videoCodecs().includes("H264"));
  using decoder = createVideoDecoder({ codec: "H264" });
  assert.equal(decoder.codec, "H264");
});

Deno.test("createVideoEncoder() refuses a codec that is not built in, naming those that are", () => {
  assert.throws(() => createVideoEncoder({ ...SMALL, codec: "AV1" as VideoCodecName }), {
    name: "TypeError",
    message: 'Cannot use codec "AV1": it is not built in; use one of VP8, H264, VP9',
  });
});

Deno.test("registerVideoCodec() adds a codec, and videoCodecs() asks it once whether it works", () => {
  const encoder = { codec: "VP8" } as VideoEncoder;
  const decoder = { codec: "VP8" } as VideoDecoder;
  const name = "fake" as VideoCodecName;
  const asked: string[] = [];
  const factory = {
    encoder: () => encoder,
    decoder: () => decoder,
    works(use: "encode" | "decode") {
      asked.push(use);
      return use === "decode";
    },
  };
  registerVideoCodec(name, factory);
  assert.equal(createVideoEncoder({ ...SMALL, codec: name }), encoder);
  assert.equal(createVideoDecoder({ codec: name }), decoder);
  for (let i = 0; i < 2; i++) {
    assert.equal(videoCodecs().at(-1), name);
    assert(!videoCodecs("encode").includes(name));
  }
  assert.deepEqual(asked, ["decode", "encode"]);
});

Deno.test({
  name: "videoCodecs() names all codecs and asks for nothing where it may not look",
  permissions: { ffi: false },
  fn() {
    assert.deepEqual(videoCodecs("encode").slice(0, 3), ["VP8", "H264", "VP9"]);
  },
});

Deno.test("defaultBitrate() grows with size and rate", () => {
  assert.equal(defaultBitrate(640, 480, 30), 1_014_000);
  assert.equal(defaultBitrate(1280, 720, 30), 3_041_000);
  assert.equal(defaultBitrate(64, 48, 5), 100_000);
});

Deno.test({
  name: "createVideoEncoder() rethrows a refused permission as it is",
  permissions: { ffi: false },
  fn() {
    assert.throws(() => createVideoEncoder(SMALL), Deno.errors.NotCapable);
  },
});
