import assert from "node:assert/strict";
import { H264Decoder } from "../../lib/codecs/h264_decoder.ts";
import { H264Encoder } from "../../lib/codecs/h264_encoder.ts";
import { SubscriptionClosed } from "../../lib/errors.ts";
import type { PixelFormat } from "../../lib/media/pixel_format.ts";
import { readTestCard, testCard } from "../../lib/media/test_card.ts";
import { VideoFrame } from "../../lib/media/video_frame.ts";
import {
  isIdrFrame,
  NAL,
  nalType,
  profileLevelId,
  readSps,
  splitNalUnits,
} from "../../lib/wire/h264_bitstream.ts";
import { grainyCard, noise, psnr } from "../media/pictures.ts";
import { testX264 } from "./libraries.ts";

const SMALL = { width: 320, height: 240, fps: 30 };
const card = (n: number) => testCard(n, SMALL);

testX264("H264Encoder.encode() gives pictures that decode to what went in", async () => {
  using encoder = new H264Encoder({ width: 640, height: 480, fps: 30, bitrate: 1_000_000 });
  using decoder = new H264Decoder();
  for (let n = 0; n < 30; n++) {
    const frame = testCard(n);
    const chunk = await encoder.encode(frame);
    assert(chunk !== null, `frame ${n} was dropped`);
    assert.equal(chunk.codec, "H264");
    assert.equal(chunk.timestampUs, frame.timestampUs);
    assert.deepEqual([chunk.width, chunk.height], [640, 480]);
    const picture = await decoder.decode(chunk);
    assert.equal(readTestCard(picture!), n);
    assert(psnr(frame, picture!) > 40, `frame ${n}: ${psnr(frame, picture!)} dB`);
  }
});

testX264(
  "H264Encoder.encode() makes exactly the asked frames key frames, and the first",
  async () => {
    using encoder = new H264Encoder(SMALL);
    const keys: number[] = [];
    for (let n = 0; n < 60; n++) {
      const chunk = await encoder.encode(card(n), { keyFrame: [17, 18, 40].includes(n) });
      if (chunk?.keyFrame) keys.push(n);
    }
    assert.deepEqual(keys, [0, 17, 18, 40]);
  },
);

testX264(
  "H264Encoder makes no key frame by itself when the picture changes altogether",
  async () => {
    using encoder = new H264Encoder(SMALL);
    for (let n = 0; n < 20; n++) {
      const chunk = await encoder.encode(n % 2 === 0 ? card(n) : grainyCard(1000 * n));
      assert.equal(chunk?.keyFrame ?? false, n === 0);
    }
  },
);

testX264(
  "H264Encoder makes a key frame when keyFrameIntervalMs of frame time have passed",
  async () => {
    const keys = async (keyFrameIntervalMs: number) => {
      using encoder = new H264Encoder({ ...SMALL, keyFrameIntervalMs });
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

testX264("H264Encoder.setBitrate() is followed within a second, down and up", async () => {
  using encoder = new H264Encoder({ ...SMALL, bitrate: 1_000_000 });
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

/** Nothing of one frame is in the next one. */
const flicker = (n: number) => {
  const { planes } = noise("I420", 320, 240, n + 1);
  return new VideoFrame({ ...SMALL, format: "I420", planes, timestampUs: card(n).timestampUs });
};

testX264(
  "H264Encoder.encode() drops frames, as null, until a large one has had its time",
  async () => {
    using encoder = new H264Encoder({ ...SMALL, bitrate: 10_000 });
    const sizes: number[] = [];
    for (let n = 0; n < 30; n++) sizes.push((await encoder.encode(flicker(n)))?.data.length ?? 0);
    assert(sizes[0]! > 900, `${sizes[0]} bytes`);
    assert.equal(sizes[1], 0);
    assert(sizes.slice(3).every((size) => size > 0), sizes.join());
  },
);

testX264("H264Encoder.encode() never drops an asked key frame", async () => {
  using encoder = new H264Encoder({ ...SMALL, bitrate: 30_000 });
  for (let n = 0; n < 90; n++) {
    const asked = n % 20 === 10;
    const chunk = await encoder.encode(flicker(n), { keyFrame: asked });
    if (asked) assert(chunk?.keyFrame, `frame ${n} is no key frame`);
  }
});

testX264("H264Encoder keeps the rate when frames come faster or slower than was said", async () => {
  for (const fps of [10, 60]) {
    using encoder = new H264Encoder({ ...SMALL, bitrate: 500_000 });
    let bytes = 0;
    for (let n = 0; n < 5 * fps; n++) {
      const { planes } = grainyCard(n);
      const timestampUs = n * 1e6 / fps;
      const frame = new VideoFrame({ ...SMALL, format: "I420", planes, timestampUs });
      const chunk = await encoder.encode(frame);
      if (n >= 2 * fps) bytes += chunk?.data.length ?? 0;
    }
    const rate = bytes * 8 / 3;
    assert(rate > 400_000 && rate < 600_000, `${rate} bit/s at ${fps} frames a second`);
  }
});

testX264(
  "H264Encoder.encode() gives Annex B of constrained baseline that is not reordered",
  async () => {
    using encoder = new H264Encoder({ width: 640, height: 480, fps: 30 });
    for (let n = 0; n < 6; n++) {
      const chunk = await encoder.encode(testCard(n), { keyFrame: n === 3 });
      assert.deepEqual([...chunk!.data.subarray(0, 4)], [0, 0, 0, 1]);
      const units = splitNalUnits(chunk!.data);
      const types = units.map(nalType).filter((type) => type !== NAL.sei);
      assert.deepEqual(types, n % 3 === 0 ? [NAL.sps, NAL.pps, NAL.idr] : [NAL.slice]);
      assert.equal(isIdrFrame(units), chunk!.keyFrame);
      if (n > 0) continue;
      const sps = readSps(units.find((unit) => nalType(unit) === NAL.sps)!);
      assert.equal(profileLevelId(sps).slice(0, 3), "42c"); // constraint_set1: constrained
      assert(sps.level <= 31, `level ${sps.level}`);
      assert.deepEqual([sps.width, sps.height, sps.referenceFrames], [640, 480, 1]);
    }
  },
);

testX264(
  "H264Encoder.encode() starts anew with a key frame when the size changes, without odd rows",
  async () => {
    using encoder = new H264Encoder(SMALL);
    using decoder = new H264Decoder();
    for (
      const [width, height] of [[320, 240], [160, 120], [641, 479], [320, 240], [1, 1], [17, 33], [
        48,
        3,
      ]]
    ) {
      for (const first of [true, false]) {
        const frame = testCard(3, { width: width!, height: height! });
        const chunk = await encoder.encode(frame);
        assert.equal(chunk!.keyFrame, first);
        const picture = await decoder.decode(chunk!);
        const even = [Math.max(2, width! & ~1), Math.max(2, height! & ~1)];
        assert.deepEqual([picture!.width, picture!.height], even);
        assert.deepEqual([chunk!.width, chunk!.height], even);
        if (width! > 100) assert.equal(readTestCard(picture!), 3, `${width}x${height}`);
      }
    }
  },
);

testX264("H264Encoder.encode() takes frames of every format", async () => {
  using encoder = new H264Encoder(SMALL);
  using decoder = new H264Decoder();
  const formats: PixelFormat[] = ["NV12", "YUYV", "BGR", "RGB", "BGRA", "RGBA", "GRAY"];
  for (const [n, format] of formats.entries()) {
    const picture = await decoder.decode((await encoder.encode(card(n).convert(format)))!);
    assert.equal(readTestCard(picture!), n, format);
  }
});

testX264("H264Encoder.encode() takes timestamps that stand still or go back", async () => {
  using encoder = new H264Encoder(SMALL);
  for (const n of [5, 5, 4, 900, 901, 0]) {
    const chunk = await encoder.encode(card(n));
    assert.equal(chunk!.timestampUs, card(n).timestampUs);
  }
});

testX264("H264Encoder.encode() queues calls and keeps their order", async () => {
  using encoder = new H264Encoder(SMALL);
  using decoder = new H264Decoder();
  const chunks = await Promise.all(Array.from({ length: 20 }, (_, n) => encoder.encode(card(n))));
  const pictures = await Promise.all(chunks.map((chunk) => decoder.decode(chunk!)));
  assert.deepEqual(pictures.map((picture) => readTestCard(picture!)), [...pictures.keys()]);
});

testX264("H264Encoder.encode() reads a frame's memory before it returns, when idle", async () => {
  using encoder = new H264Encoder(SMALL);
  using decoder = new H264Decoder();
  const frame = card(77);
  const pending = encoder.encode(frame);
  for (const { data } of frame.planes) data.fill(0);
  assert.equal(readTestCard((await decoder.decode((await pending)!))!), 77);
});

testX264("H264Encoder.close() lets the frame in work end and refuses those in line", async () => {
  const encoder = new H264Encoder(SMALL);
  const inWork = encoder.encode(card(0));
  const inLine = encoder.encode(card(1));
  encoder.close();
  encoder.close();
  assert.equal((await inWork)!.keyFrame, true);
  await assert.rejects(inLine, SubscriptionClosed);
  await assert.rejects(encoder.encode(card(2)), {
    name: "SubscriptionClosed",
    message: "Cannot use this H264Encoder: it was closed; make a new one",
  });
});

testX264("H264Encoder closes at the end of `using`", async () => {
  let kept: H264Encoder;
  {
    using encoder = new H264Encoder(SMALL);
    kept = encoder;
  }
  await assert.rejects(kept.encode(card(0)), SubscriptionClosed);
});

testX264("H264Encoder refuses sizes and rates that make no sense", () => {
  assert.throws(() => new H264Encoder({ ...SMALL, width: 0 }), RangeError);
  assert.throws(() => new H264Encoder({ ...SMALL, keyFrameIntervalMs: -1 }), RangeError);
  assert.throws(() => new H264Encoder({ ...SMALL, bitrate: NaN }), RangeError);
  assert.throws(() => new H264Encoder({ ...SMALL, fps: 0 }), {
    name: "RangeError",
    message: "Cannot make a H264Encoder: 0 frames a second; give a number above 0",
  });
  using encoder = new H264Encoder(SMALL);
  assert.throws(() => encoder.setBitrate(0), {
    name: "RangeError",
    message: "Cannot encode with 0 bits a second: no such rate; give a number above 0",
  });
});

testX264(
  "H264Encoder takes 1 Mbit/s for 640x480 at 30 frames a second unless told otherwise",
  () => {
    using encoder = new H264Encoder({ width: 640, height: 480, fps: 30 });
    assert.equal(encoder.bitrate, 1_014_000);
  },
);

testX264("H264Encoder leaves the event loop free", async () => {
  using encoder = new H264Encoder({ width: 1280, height: 720, fps: 30 });
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

testX264("H264Encoder and H264Decoder keep memory flat, also when made anew", async () => {
  const frames = Array.from({ length: 16 }, (_, n) => testCard(n, { width: 160, height: 120 }));
  const work = async (count: number) => {
    for (let made = 0; made < 4; made++) {
      using encoder = new H264Encoder({ width: 160, height: 120, fps: 30 });
      using decoder = new H264Decoder();
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
