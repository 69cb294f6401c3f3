import assert from "node:assert/strict";
import { AvEncoderContext } from "../../ffi/avcodec_encoder.ts";
import { H264Decoder } from "../../lib/codecs/h264_decoder.ts";
import { H264Encoder } from "../../lib/codecs/h264_encoder.ts";
import { RemoteProtocolError, SubscriptionClosed } from "../../lib/errors.ts";
import type { EncodedVideo } from "../../lib/media/encoded.ts";
import { readTestCard, testCard } from "../../lib/media/test_card.ts";
import { testAvcodec, testX264 } from "./libraries.ts";

const SMALL = { width: 320, height: 240, fps: 30 };

async function encoded(count: number): Promise<EncodedVideo[]> {
  using encoder = new H264Encoder(SMALL);
  const chunks: EncodedVideo[] = [];
  for (let n = 0; n < count; n++) chunks.push((await encoder.encode(testCard(n, SMALL)))!);
  return chunks;
}

const withData = (chunk: EncodedVideo, data: Uint8Array): EncodedVideo => ({ ...chunk, data });

testX264("H264Decoder.decode() gives I420 without padding, and the chunk's time", async () => {
  using decoder = new H264Decoder();
  const [chunk] = await encoded(1);
  const frame = await decoder.decode({ ...chunk!, timestampUs: 42 });
  assert.equal(frame!.format, "I420");
  assert.equal(frame!.timestampUs, 42);
  assert.deepEqual(frame!.planes.map(({ stride }) => stride), [320, 160, 160]);
});

testX264("H264Decoder.decode() gives frames that later ones do not overwrite", async () => {
  using decoder = new H264Decoder();
  const frames = [];
  for (const chunk of await encoded(10)) frames.push(await decoder.decode(chunk));
  assert.deepEqual(frames.map((frame) => readTestCard(frame!)), [...frames.keys()]);
});

testX264("H264Decoder.decode() refuses garbage and is usable afterwards", async () => {
  using decoder = new H264Decoder();
  const [key, delta] = await encoded(2);
  await assert.rejects(decoder.decode(delta!), RemoteProtocolError); // nothing to build on
  assert.equal(readTestCard((await decoder.decode(key!))!), 0);
  await assert.rejects(decoder.decode(withData(key!, new Uint8Array(0))), {
    name: "RemoteProtocolError",
    message: "Cannot decode an H.264 frame: there are no bytes; ask the sender for a key frame",
  });
  await assert.rejects(decoder.decode(withData(key!, new Uint8Array(500))), RemoteProtocolError);
  const cut = decoder.decode(withData(key!, key!.data.slice(0, 12)));
  await assert.rejects(cut, (error) =>
    error instanceof RemoteProtocolError &&
    error.message.startsWith('Cannot decode an H.264 frame: libavcodec says "'));
  assert.equal(readTestCard((await decoder.decode(key!))!), 0);
  assert.equal(readTestCard((await decoder.decode(delta!))!), 1);
});

testX264("H264Decoder.decode() survives bytes that were changed at random", async () => {
  using decoder = new H264Decoder();
  const chunks = await encoded(8);
  let state = 1;
  const random = (below: number) => (state = (Math.imul(state, 1103515245) + 12345) >>> 1) % below;
  for (let round = 0; round < 300; round++) {
    const chunk = chunks[round % 8]!;
    const data = chunk.data.slice(0, random(4) === 0 ? random(chunk.data.length) : undefined);
    for (let i = 0; i < 3 && data.length > 0; i++) {
      const at = random(data.length);
      // The size of a key frame stays: whoever changes that only makes this test slow.
      if (at < 6 || at > 9) data[at] = random(256);
    }
    await decoder.decode(withData(chunk, data)).catch((error) => {
      assert(error instanceof RemoteProtocolError, String(error));
    });
  }
  assert.equal(readTestCard((await decoder.decode(chunks[0]!))!), 0);
});

testX264("H264Decoder.decode() refuses a key frame that asks for more than maxPixels", async () => {
  using decoder = new H264Decoder({ maxPixels: 320 * 240 - 1 });
  const [key] = await encoded(1);
  // What the chunk says of its size need not be true.
  for (const chunk of [key!, { ...key!, width: 1, height: 1 }]) {
    await assert.rejects(decoder.decode(chunk), {
      name: "RemoteProtocolError",
      message: "Cannot decode an H.264 frame: 320x240 is more than 76799 pixels; " +
        "ask the sender for a smaller picture or raise maxPixels",
    });
  }
  using lower = new H264Decoder({ maxPixels: 100 });
  await assert.rejects(lower.decode({ ...key!, width: 1, height: 1 }), RemoteProtocolError);
});

testX264("H264Decoder.close() lets the frame in work end and refuses the rest", async () => {
  const [key, delta] = await encoded(2);
  const decoder = new H264Decoder();
  const inWork = decoder.decode(key!);
  const inLine = decoder.decode(delta!);
  decoder.close();
  decoder.close();
  assert.equal(readTestCard((await inWork)!), 0);
  await assert.rejects(inLine, SubscriptionClosed);
  await assert.rejects(decoder.decode(key!), {
    message: "Cannot use this H264Decoder: it was closed; make a new one",
  });
});

/** One black picture of 16x16 by x264, without its version. */
const STREAMS = {
  high: "00 00 00 01 67 64 00 0a ac b2 3d 80 88 00 00 03 00 08 00 00 03 01 e0 78 91 32 40 " +
    "00 00 00 01 68 eb c3 cb 22 c0 00 00 01 65 88 84 09 ff fe f5 b1 7c 0a 6a e9 eb 81",
  /** Says that two frames may come before the one that they are shown after. */
  reordered: "00 00 00 01 67 64 00 0a ac d9 5e c0 44 00 00 03 00 04 00 00 03 00 f0 3c 48 96 58 " +
    "00 00 00 01 68 eb e3 cb 22 c0 00 00 01 65 88 84 00 27 ff fe f5 b1 7c 0a 6a e9 eb 81",
  high444: "00 00 00 01 67 f4 00 0a 91 96 9e c0 44 00 00 03 00 04 00 00 03 00 f0 3c 48 9a 80 " +
    "00 00 00 01 68 ce 0f 19 20 00 00 01 65 88 84 3a 24 50 00 12 05 f0",
};

const chunkOf = (hex: string): EncodedVideo => ({
  codec: "H264",
  data: Uint8Array.from(hex.split(" "), (byte) => parseInt(byte, 16)),
  keyFrame: true,
  timestampUs: 0,
  width: 16,
  height: 16,
});

testAvcodec("H264Decoder.decode() decodes the high profile at once", async () => {
  using decoder = new H264Decoder();
  const picture = await decoder.decode(chunkOf(STREAMS.high));
  assert.deepEqual([picture!.width, picture!.height], [16, 16]);
  assert.deepEqual(picture!.planes.map(({ data }) => data[0]), [16, 128, 128]);
});

testAvcodec(
  "H264Decoder.decode() gives each picture its own time if frames are reordered",
  async () => {
    using decoder = new H264Decoder();
    const times: (number | undefined)[] = [];
    for (const timestampUs of [100, 200, 300, 400.5]) {
      const frame = await decoder.decode({ ...chunkOf(STREAMS.reordered), timestampUs });
      times.push(frame?.timestampUs);
    }
    const shown = times.filter((time) => time !== undefined);
    assert(shown.length > 0);
    assert.deepEqual(shown, [100, 200, 300, 400.5].slice(0, shown.length));
  },
);

testAvcodec("H264Decoder.decode() refuses pixels that are not 4:2:0, and goes on", async () => {
  using decoder = new H264Decoder();
  await assert.rejects(
    decoder.decode(chunkOf(STREAMS.high444)),
    (error) =>
      error instanceof RemoteProtocolError &&
      error.message.startsWith("Cannot show a frame: its pixels are not 4:2:0 of 8 bits"),
  );
  assert.equal((await decoder.decode(chunkOf(STREAMS.high)))!.width, 16);
});

testAvcodec("H264Decoder.decode() wants a key frame again after an error", async () => {
  using decoder = new H264Decoder();
  await decoder.decode(chunkOf(STREAMS.high));
  await assert.rejects(decoder.decode(chunkOf("00 00 00 01 65 88 84 ff ff")), RemoteProtocolError);
  await assert.rejects(decoder.decode(chunkOf("00 00 00 01 41 9a 21 6c")), RemoteProtocolError);
  assert.equal((await decoder.decode(chunkOf(STREAMS.high)))!.width, 16);
});

testX264("H264Decoder.decode() brings luma from 0 to 255 into 16 to 235", async () => {
  const context = new AvEncoderContext({
    name: "libx264",
    frameName: "an H.264 frame",
    width: 64,
    height: 64,
    options: { time_base: "1/30", tune: "zerolatency", "x264-params": "fullrange=on:qp=1" },
  });
  using decoder = new H264Decoder();
  try {
    for (const [luma, expected] of [[0, 16], [255, 235], [128, 126]] as const) {
      context.pixels.fill(luma, 0, 64 * 64);
      context.pixels.fill(128 + 64, 64 * 64);
      const { data } = (await context.encode(BigInt(luma), true))!;
      const frame = await decoder.decode({ ...chunkOf("00"), data });
      const found = frame!.planes.map(({ data }) => data[100]!);
      assert(Math.abs(found[0]! - expected) <= 1, `luma ${found[0]} instead of ${expected}`);
      assert(Math.abs(found[1]! - (128 + 56)) <= 1, `chroma ${found[1]}`);
    }
  } finally {
    context.free();
  }
});
