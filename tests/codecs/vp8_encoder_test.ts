import assert from "node:assert/strict";
import { createVideoDecoder } from "../../lib/codecs/choose.ts";
import { Vp8Encoder } from "../../lib/codecs/vp8_encoder.ts";
import { SubscriptionClosed } from "../../lib/errors.ts";
import type { PixelFormat } from "../../lib/media/pixel_format.ts";
import { readTestCard, testCard } from "../../lib/media/test_card.ts";
import { grainyCard, psnr } from "../media/pictures.ts";
import { testVpx } from "./libraries.ts";

const SMALL = { width: 320, height: 240, fps: 30 };
const card = (n: number) => testCard(n, SMALL);

testVpx("Vp8Encoder.encode() gives pictures that decode to what went in", async () => {
  using encoder = new Vp8Encoder({ width: 640, height: 480, fps: 30, bitrate: 1_000_000 });
  using decoder = createVideoDecoder();
  for (let n = 0; n < 30; n++) {
    const frame = testCard(n);
    const chunk = await encoder.encode(frame);
    assert(chunk !== null, `frame ${n} was dropped`);
    assert.equal(chunk.codec, "VP8");
    assert.equal(chunk.timestampUs, frame.timestampUs);
    assert.deepEqual([chunk.width, chunk.height], [640, 480]);
    const picture = await decoder.decode(chunk);
    assert.equal(readTestCard(picture!), n);
    assert(psnr(frame, picture!) > 40, `frame ${n}: ${psnr(frame, picture!)} dB`);
  }
});

testVpx(
  "Vp8Encoder.encode() makes exactly the asked frames key frames, and the first",
  async () => {
    using encoder = new Vp8Encoder(SMALL);
    const keys: number[] = [];
    for (let n = 0; n < 60; n++) {
      const chunk = await encoder.encode(card(n), { keyFrame: [17, 18, 40].includes(n) });
      if (chunk?.keyFrame) keys.push(n);
    }
    assert.deepEqual(keys, [0, 17, 18, 40]);
  },
);

testVpx("Vp8Encoder makes no key frame by itself when the picture changes altogether", async () => {
  using encoder = new Vp8Encoder(SMALL);
  for (let n = 0; n < 20; n++) {
    const chunk = await encoder.encode(n % 2 === 0 ? card(n) : grainyCard(1000 * n));
    assert.equal(chunk?.keyFrame ?? false, n === 0);
  }
});

testVpx(
  "Vp8Encoder makes a key frame when keyFrameIntervalMs of frame time have passed",
  async () => {
    const keys = async (keyFrameIntervalMs: number) => {
      using encoder = new Vp8Encoder({ ...SMALL, keyFrameIntervalMs });
      const found: number[] = [];
      for (let n = 0; n < 65; n++) {
        if ((await encoder.encode(card(n), { keyFrame: n === 10 }))?.keyFrame) found.push(n);
      }
      return found;
    };
    assert.deepEqual(await keys(1000), [0, 10, 40]);
    assert.deepEqual(await keys(0), [0, 10]);
  },
);

testVpx("Vp8Encoder.setBitrate() is followed within a second, down and up", async () => {
  using encoder = new Vp8Encoder({ ...SMALL, bitrate: 1_000_000 });
  let n = 0;
  const second = async () => {
    let bytes = 0;
    const end = n + 30;
    for (; n < end; n++) {
      bytes += (await encoder.encode(grainyCard(n)))?.data.length ?? 0;
    }
    return bytes * 8;
  };
  await second();
  const before = await second();
  encoder.setBitrate(250_000);
  assert.equal(encoder.bitrate, 250_000);
  await second();
  const low = await second();
  encoder.setBitrate(1_000_000);
  await second();
  const after = await second();
  const near = (rate: number, wanted: number) =>
    assert(rate > 0.6 * wanted && rate < 1.35 * wanted, `${rate} bit/s instead of ${wanted}`);
  near(before, 1_000_000);
  near(low, 250_000);
  near(after, 1_000_000);
});

testVpx(
  "Vp8Encoder.encode() drops frames, as null, when the rate leaves no other way",
  async () => {
    using encoder = new Vp8Encoder({ ...SMALL, bitrate: 30_000 });
    let dropped = 0;
    for (let n = 0; n < 60; n++) if (await encoder.encode(grainyCard(n)) === null) dropped++;
    assert(dropped > 5, `${dropped} of 60 dropped`);
  },
);

testVpx("Vp8Encoder.encode() makes up for an asked key frame that was dropped", async () => {
  using encoder = new Vp8Encoder({ ...SMALL, bitrate: 30_000 });
  for (let n = 0; n < 90; n++) {
    const asked = n >= 30 && n % 10 === 0;
    let chunk = await encoder.encode(grainyCard(n), { keyFrame: asked });
    while (asked && chunk === null) chunk = await encoder.encode(grainyCard(++n));
    if (asked) assert(chunk?.keyFrame, `frame ${n} is no key frame`);
  }
});

testVpx("Vp8Encoder.encode() starts anew with a key frame when the size changes", async () => {
  using encoder = new Vp8Encoder(SMALL);
  using decoder = createVideoDecoder();
  for (
    const [width, height] of [[320, 240], [160, 120], [641, 479], [320, 240], [1, 1], [17, 33]]
  ) {
    for (const first of [true, false]) {
      const frame = testCard(3, { width: width!, height: height! });
      const chunk = await encoder.encode(frame);
      assert.equal(chunk!.keyFrame, first);
      const picture = await decoder.decode(chunk!);
      assert.deepEqual([picture!.width, picture!.height], [width, height]);
      if (width! > 100) assert(psnr(frame, picture!) > 30, `${width}x${height}`);
    }
  }
});

testVpx("Vp8Encoder.encode() takes frames of every format", async () => {
  using encoder = new Vp8Encoder(SMALL);
  using decoder = createVideoDecoder();
  const formats: PixelFormat[] = ["NV12", "YUYV", "BGR", "RGB", "BGRA", "RGBA", "GRAY"];
  for (const [n, format] of formats.entries()) {
    const picture = await decoder.decode((await encoder.encode(card(n).convert(format)))!);
    assert.equal(readTestCard(picture!), n, format);
  }
});

testVpx("Vp8Encoder.encode() takes timestamps that stand still or go back", async () => {
  using encoder = new Vp8Encoder(SMALL);
  for (const n of [5, 5, 4, 900, 901, 0]) {
    const chunk = await encoder.encode(card(n));
    assert.equal(chunk!.timestampUs, card(n).timestampUs);
  }
});

testVpx("Vp8Encoder.encode() queues calls and keeps their order", async () => {
  using encoder = new Vp8Encoder(SMALL);
  using decoder = createVideoDecoder();
  const chunks = await Promise.all(Array.from({ length: 20 }, (_, n) => encoder.encode(card(n))));
  const pictures = await Promise.all(chunks.map((chunk) => decoder.decode(chunk!)));
  assert.deepEqual(pictures.map((picture) => readTestCard(picture!)), [...pictures.keys()]);
});

testVpx("Vp8Encoder.encode() reads a frame's memory before it returns, when idle", async () => {
  using encoder = new Vp8Encoder(SMALL);
  using decoder = createVideoDecoder();
  const frame = card(77);
  const pending = encoder.encode(frame);
  for (const { data } of frame.planes) data.fill(0);
  assert.equal(readTestCard((await decoder.decode((await pending)!))!), 77);
});

testVpx("Vp8Encoder.close() lets the frame in work end and refuses those in line", async () => {
  const encoder = new Vp8Encoder(SMALL);
  const inWork = encoder.encode(card(0));
  const inLine = encoder.encode(card(1));
  encoder.close();
  encoder.close();
  assert.equal((await inWork)!.keyFrame, true);
  await assert.rejects(inLine, SubscriptionClosed);
  await assert.rejects(encoder.encode(card(2)), {
    name: "SubscriptionClosed",
    message: "Cannot use this Vp8Encoder: it was closed; make a new one",
  });
});

testVpx("Vp8Encoder closes at the end of `using`", async () => {
  let kept: Vp8Encoder;
  {
    using encoder = new Vp8Encoder(SMALL);
    kept = encoder;
  }
  await assert.rejects(kept.encode(card(0)), SubscriptionClosed);
});

testVpx("Vp8Encoder refuses sizes and rates that make no sense", () => {
  assert.throws(() => new Vp8Encoder({ ...SMALL, width: 0 }), RangeError);
  assert.throws(() => new Vp8Encoder({ ...SMALL, keyFrameIntervalMs: -1 }), RangeError);
  assert.throws(() => new Vp8Encoder({ ...SMALL, bitrate: NaN }), RangeError);
  assert.throws(() => new Vp8Encoder({ ...SMALL, fps: 0 }), {
    name: "RangeError",
    message: "Cannot make a Vp8Encoder: 0 frames a second; give a number above 0",
  });
  using encoder = new Vp8Encoder(SMALL);
  assert.throws(() => encoder.setBitrate(0), {
    name: "RangeError",
    message: "Cannot encode with 0 bits a second: no such rate; give a number above 0",
  });
});

testVpx("Vp8Encoder takes 1 Mbit/s for 640x480 at 30 frames a second unless told otherwise", () => {
  using encoder = new Vp8Encoder({ width: 640, height: 480, fps: 30 });
  assert.equal(encoder.bitrate, 1_014_000);
});

testVpx("Vp8Encoder leaves the event loop free", async () => {
  using encoder = new Vp8Encoder({ width: 1280, height: 720, fps: 30 });
  const frame = testCard(0, { width: 1280, height: 720 });
  await encoder.encode(frame);
  const { port1, port2 } = new MessageChannel();
  let turns = 0;
  let encoding = true;
  port1.onmessage = () => {
    turns++;
    if (encoding) port2.postMessage(null);
  };
  port2.postMessage(null);
  await encoder.encode(frame, { keyFrame: true });
  encoding = false;
  port1.close();
  assert(turns >= 2, `the event loop turned ${turns} times while a frame was encoded`);
});

testVpx("Vp8Encoder and Vp8Decoder keep memory flat, also when made anew", async () => {
  const frames = Array.from({ length: 16 }, (_, n) => testCard(n, { width: 160, height: 120 }));
  const work = async (count: number) => {
    for (let made = 0; made < 4; made++) {
      using encoder = new Vp8Encoder({ width: 160, height: 120, fps: 30 });
      using decoder = createVideoDecoder();
      for (let n = 0; n < count / 4; n++) {
        const chunk = await encoder.encode(frames[n % 16]!);
        if (chunk) await decoder.decode(chunk);
      }
    }
  };
  await work(400);
  const before = Deno.memoryUsage().rss;
  await work(2000);
  const grown = (Deno.memoryUsage().rss - before) / 2 ** 20;
  assert(grown < 48, `${grown.toFixed(1)} MiB more after 2000 frames`);
});
