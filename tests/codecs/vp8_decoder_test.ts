import assert from "node:assert/strict";
import { Vp8Decoder } from "../../lib/codecs/vp8_decoder.ts";
import { Vp8Encoder } from "../../lib/codecs/vp8_encoder.ts";
import { RemoteProtocolError, SubscriptionClosed } from "../../lib/errors.ts";
import type { EncodedVideo } from "../../lib/media/encoded.ts";
import { readTestCard, testCard } from "../../lib/media/test_card.ts";
import { testVpx } from "./libraries.ts";

const SMALL = { width: 320, height: 240, fps: 30 };

async function encoded(count: number): Promise<EncodedVideo[]> {
  using encoder = new Vp8Encoder(SMALL);
  const chunks: EncodedVideo[] = [];
  for (let n = 0; n < count; n++) chunks.push((await encoder.encode(testCard(n, SMALL)))!);
  return chunks;
}

const withData = (chunk: EncodedVideo, data: Uint8Array): EncodedVideo => ({ ...chunk, data });

testVpx("Vp8Decoder.decode() gives I420 without padding, and the chunk's time", async () => {
  using decoder = new Vp8Decoder();
  const [chunk] = await encoded(1);
  const frame = await decoder.decode({ ...chunk!, timestampUs: 42 });
  assert.equal(frame!.format, "I420");
  assert.equal(frame!.timestampUs, 42);
  assert.deepEqual(frame!.planes.map(({ stride }) => stride), [320, 160, 160]);
});

testVpx("Vp8Decoder.decode() gives frames that later ones do not overwrite", async () => {
  using decoder = new Vp8Decoder();
  const frames = [];
  for (const chunk of await encoded(10)) frames.push(await decoder.decode(chunk));
  assert.deepEqual(frames.map((frame) => readTestCard(frame!)), [...frames.keys()]);
});

testVpx("Vp8Decoder.decode() refuses garbage and is usable afterwards", async () => {
  using decoder = new Vp8Decoder();
  const [key, delta] = await encoded(2);
  await assert.rejects(decoder.decode(delta!), RemoteProtocolError); // nothing to build on
  assert.equal(readTestCard((await decoder.decode(key!))!), 0);
  await assert.rejects(decoder.decode(withData(key!, new Uint8Array(0))), {
    name: "RemoteProtocolError",
    message: "Cannot read a VP8 frame: 0 bytes are too few; ask the sender for a key frame",
  });
  await assert.rejects(decoder.decode(withData(key!, new Uint8Array(500))), RemoteProtocolError);
  const cut = decoder.decode(withData(key!, key!.data.slice(0, 12)));
  await assert.rejects(cut, (error) =>
    error instanceof RemoteProtocolError &&
    error.message.startsWith("Cannot decode a VP8 frame: libvpx says VPX_CODEC_"));
  assert.equal(readTestCard((await decoder.decode(key!))!), 0);
  assert.equal(readTestCard((await decoder.decode(delta!))!), 1);
});

testVpx("Vp8Decoder.decode() survives bytes that were changed at random", async () => {
  using decoder = new Vp8Decoder();
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

testVpx("Vp8Decoder.decode() refuses a key frame that asks for more than maxPixels", async () => {
  using decoder = new Vp8Decoder({ maxPixels: 320 * 240 - 1 });
  const [key] = await encoded(1);
  await assert.rejects(decoder.decode(key!), {
    name: "RemoteProtocolError",
    message: "Cannot decode a VP8 frame: 320x240 is more than 76799 pixels; " +
      "ask the sender for a smaller picture or raise maxPixels",
  });
});

testVpx("Vp8Decoder.close() lets the frame in work end and refuses the rest", async () => {
  const [key, delta] = await encoded(2);
  const decoder = new Vp8Decoder();
  const inWork = decoder.decode(key!);
  const inLine = decoder.decode(delta!);
  decoder.close();
  decoder.close();
  assert.equal(readTestCard((await inWork)!), 0);
  await assert.rejects(inLine, SubscriptionClosed);
  await assert.rejects(decoder.decode(key!), {
    message: "Cannot use this Vp8Decoder: it was closed; make a new one",
  });
});
