import assert from "node:assert/strict";
import {
  createVideoDecoder,
  createVideoEncoder,
  registerVideoCodec,
  videoCodecs,
} from "../../lib/codecs/choose.ts";
import { defaultBitrate, type VideoDecoder, type VideoEncoder } from "../../lib/codecs/codec.ts";
import { testVpx } from "./libraries.ts";

const SMALL = { width: 64, height: 48, fps: 30 };

testVpx("createVideoEncoder() and createVideoDecoder() make VP8 unless told otherwise", () => {
  using encoder = createVideoEncoder(SMALL);
  using decoder = createVideoDecoder();
  assert.equal(encoder.codec, "VP8");
  assert.equal(decoder.codec, "VP8");
});

Deno.test("createVideoEncoder() refuses a codec that is not built in, naming those that are", () => {
  assert.throws(() => createVideoEncoder({ ...SMALL, codec: "VP9" }), {
    name: "TypeError",
    message: 'Cannot use codec "VP9": it is not built in; use one of VP8',
  });
});

Deno.test("registerVideoCodec() adds a codec", () => {
  const encoder = { codec: "H264" } as VideoEncoder;
  const decoder = { codec: "H264" } as VideoDecoder;
  registerVideoCodec("H264", { encoder: () => encoder, decoder: () => decoder });
  assert.equal(createVideoEncoder({ ...SMALL, codec: "H264" }), encoder);
  assert.equal(createVideoDecoder({ codec: "H264" }), decoder);
  assert.deepEqual(videoCodecs(), ["VP8", "H264"]);
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
