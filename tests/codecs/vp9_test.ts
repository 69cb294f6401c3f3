import assert from "node:assert/strict";
import { Vp9Decoder } from "../../lib/codecs/vp9_decoder.ts";
import { Vp9Encoder } from "../../lib/codecs/vp9_encoder.ts";
import { RemoteProtocolError, SubscriptionClosed } from "../../lib/errors.ts";
import type { EncodedVideo } from "../../lib/media/encoded.ts";
import { readTestCard, testCard } from "../../lib/media/test_card.ts";
import { grainyCard, psnr } from "../media/pictures.ts";
import { testVpx } from "./libraries.ts";

const SMALL = { width: 320, height: 240, fps: 30 };

async function encoded(count: number): Promise<EncodedVideo[]> {
  using encoder = new Vp9Encoder(SMALL);
  const chunks: EncodedVideo[] = [];
  for (let n = 0; n < count; n++) chunks.push((await encoder.encode(testCard(n, SMALL)))!);
  return chunks;
}

const withData = (chunk: EncodedVideo, data: Uint8Array): EncodedVideo => ({ ...chunk, data });

testVpx("Vp9Encoder.encode() gives pictures that decode to what went in", async () => {
  using encoder = new Vp9Encoder(SMALL);
  using decoder = new Vp9Decoder();
  const keys: number[] = [];
  for (let n = 0; n < 20; n++) {
    const frame = testCard(n, SMALL);
    const chunk = await encoder.encode(frame, { keyFrame: n === 7 });
    assert.equal(chunk!.codec, "VP9");
    if (chunk!.keyFrame) keys.push(n);
    const picture = await decoder.decode(chunk!);
    assert.equal(picture!.timestampUs, frame.timestampUs);
    assert.equal(readTestCard(picture!), n);
    assert(psnr(frame, picture!) > 35, `frame ${n}: ${psnr(frame, picture!)} dB`);
  }
  assert.deepEqual(keys, [0, 7]);
});

testVpx("Vp9Encoder.setBitrate() is followed", async () => {
  using encoder = new Vp9Encoder({ ...SMALL, bitrate: 800_000 });
  const found: number[] = [];
  let n = 0;
  for (const bitrate of [800_000, 250_000]) {
    encoder.setBitrate(bitrate);
    let bytes = 0;
    for (let i = 0; i < 60; i++) {
      const length = (await encoder.encode(grainyCard(n++)))?.data.length ?? 0;
      if (i >= 30) bytes += length;
    }
    found.push(bytes * 8 / bitrate);
  }
  assert(found.every((share) => share > 0.6 && share < 1.4), `${found} of what was asked for`);
});

testVpx("Vp9Encoder.encode() starts anew with a key frame when the size changes", async () => {
  using encoder = new Vp9Encoder(SMALL);
  using decoder = new Vp9Decoder();
  for (const [width, height] of [[320, 240], [161, 119], [320, 240]] as const) {
    for (const first of [true, false]) {
      const chunk = await encoder.encode(testCard(3, { width, height }));
      assert.equal(chunk!.keyFrame, first);
      const picture = await decoder.decode(chunk!);
      assert.deepEqual([picture!.width, picture!.height], [width, height]);
    }
  }
});

testVpx("Vp9Decoder.decode() refuses garbage and is usable afterwards", async () => {
  using decoder = new Vp9Decoder();
  const [key, delta] = await encoded(2);
  await assert.rejects(decoder.decode(delta!), {
    name: "RemoteProtocolError",
    message: "Cannot decode a VP9 frame: no key frame came before it; " +
      "ask the sender for a key frame",
  });
  assert.equal(readTestCard((await decoder.decode(key!))!), 0);
  for (const data of [new Uint8Array(0), new Uint8Array(500), key!.data.slice(0, 12)]) {
    await assert.rejects(decoder.decode(withData(key!, data)), RemoteProtocolError);
  }
  assert.equal(readTestCard((await decoder.decode(key!))!), 0);
  assert.equal(readTestCard((await decoder.decode(delta!))!), 1);
});

testVpx("Vp9Decoder.decode() survives bytes that were changed at random", async () => {
  using decoder = new Vp9Decoder({ maxPixels: 1 << 18 });
  const chunks = await encoded(8);
  let state = 1;
  const random = (below: number) => (state = (Math.imul(state, 1103515245) + 12345) >>> 1) % below;
  for (let round = 0; round < 300; round++) {
    const chunk = chunks[round % 8]!;
    const data = chunk.data.slice(0, random(4) === 0 ? random(chunk.data.length) : undefined);
    for (let i = 0; i < 3 && data.length > 0; i++) data[random(data.length)] = random(256);
    await decoder.decode(withData(chunk, data)).catch((error) => {
      assert(error instanceof RemoteProtocolError, String(error));
    });
  }
  assert.equal(readTestCard((await decoder.decode(chunks[0]!))!), 0);
});

testVpx("Vp9Decoder.decode() refuses a frame that asks for more than maxPixels", async () => {
  using decoder = new Vp9Decoder({ maxPixels: 320 * 240 - 1 });
  const [key] = await encoded(1);
  await assert.rejects(decoder.decode({ ...key!, width: 1, height: 1 }), {
    name: "RemoteProtocolError",
    message: "Cannot decode a VP9 frame: 320x240 is more than 76799 pixels; " +
      "ask the sender for a smaller picture or raise maxPixels",
  });
});

testVpx("Vp9Decoder.decode() looks at no frame that is hidden behind the first", async () => {
  const [key] = await encoded(1);
  using encoder = new Vp9Encoder({ ...SMALL, width: 640, height: 480 });
  const large = (await encoder.encode(testCard(0)))!;
  using decoder = new Vp9Decoder({ maxPixels: 320 * 240 });
  const picture = await decoder.decode(
    withData(key!, Uint8Array.from([...key!.data, ...large.data])),
  );
  assert.deepEqual([picture!.width, picture!.height], [320, 240]);
});

testVpx("Vp9Decoder.close() refuses what comes later", async () => {
  const decoder = new Vp9Decoder();
  decoder.close();
  decoder.close();
  const [key] = await encoded(1);
  await assert.rejects(decoder.decode(key!), SubscriptionClosed);
});
