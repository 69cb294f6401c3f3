/** Frames cut into packets and put together again, whole, damaged and invented. */
import assert from "node:assert/strict";
import { RemoteProtocolError } from "../../lib/errors.ts";
import type { VideoCodecName } from "../../lib/media/encoded.ts";
import { type AssembledFrame, FrameAssembler } from "../../lib/wire/frame_assembler.ts";
import { joinNalUnits } from "../../lib/wire/h264_bitstream.ts";
import { H264Depacketizer, H264Packetizer } from "../../lib/wire/h264_rtp.ts";
import { beginsKeyFrame, depacketizerOf } from "../../lib/wire/rtp_formats.ts";
import { packetizeVp8, readVp8Descriptor, Vp8Depacketizer } from "../../lib/wire/vp8_rtp.ts";
import { readVp9Descriptor, Vp9Depacketizer } from "../../lib/wire/vp9_rtp.ts";

let state = 1;
const random = (below: number): number =>
  Math.floor((state = Math.imul(state, 48271) >>> 0) / 2 ** 32 * below);
const bytes = (length: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length }, () => random(256));

/** Packets of a frame at a time, as an assembler gets them. */
function feed(
  assembler: FrameAssembler,
  payloads: readonly Uint8Array[],
  timestamp: number,
  options: { lostAt?: number; marker?: boolean } = {},
): AssembledFrame[] {
  let afterLoss = false;
  return payloads.flatMap((payload, i) => {
    if (i === options.lostAt) {
      afterLoss = true;
      return [];
    }
    const marker = (options.marker ?? true) && i === payloads.length - 1;
    const frames = assembler.push({
      packet: { sequence: 0, timestamp, marker, payload },
      afterLoss,
    });
    afterLoss = false;
    return frames;
  });
}

function vp8Frame(length: number, key: boolean): Uint8Array<ArrayBuffer> {
  const frame = bytes(length);
  frame[0] = frame[0]! & 0xfe | (key ? 0 : 1);
  return frame;
}

/** An access unit: parameter sets and an IDR slice, or one slice. */
function h264Frame(length: number, key: boolean, sets = true): Uint8Array<ArrayBuffer> {
  const slice = new Uint8Array(length).fill(0xab);
  slice[0] = key ? 0x65 : 0x41;
  slice[1] = 0x88;
  const [sps, pps] = [
    Uint8Array.of(0x67, 0x42, 0xe0, 0x1f, 0x8d, 0x68),
    Uint8Array.of(0x68, 0xce, 6),
  ];
  return joinNalUnits(key && sets ? [sps, pps, slice] : [slice]);
}

/** RFC 9628 in flexible mode, cut after every `room` bytes. */
function packetizeVp9(frame: Uint8Array, pictureId: number, key: boolean, room: number) {
  const payloads: Uint8Array[] = [];
  for (let from = 0; from < frame.length; from += room) {
    const part = frame.subarray(from, from + room);
    const ends = from + room >= frame.length;
    const flags = 0x90 | (key ? 0 : 0x40) | (from === 0 ? 8 : 0) | (ends ? 4 : 0);
    const head = [flags, 0x80 | pictureId >> 8, pictureId & 255, ...(key ? [] : [1 << 1])];
    payloads.push(Uint8Array.from([...head, ...part]));
  }
  return payloads;
}

Deno.test("Vp8Depacketizer gives back every frame, at every cut", () => {
  for (const length of [1, 2, 3, 9, 10, 99, 1_000, 5_000]) {
    for (const maxBytes of [5, 6, 17, 100, 1_140]) {
      const assembler = new FrameAssembler(new Vp8Depacketizer());
      const frames = [vp8Frame(length, true), vp8Frame(length + 1, false)];
      const got = frames.flatMap((frame, i) =>
        feed(assembler, packetizeVp8(frame, i, maxBytes), i * 3_000)
      );
      assert.deepEqual(got.map(({ data }) => data), frames);
      assert.deepEqual(got.map(({ keyFrame }) => keyFrame), [true, false]);
      assert.deepEqual(got.map(({ timestamp }) => timestamp), [0, 3_000]);
    }
  }
});

Deno.test("readVp8Descriptor() reads every field, and refuses a descriptor that is cut off", () => {
  const whole = Uint8Array.of(0xb3, 0xf0, 0x92, 0x34, 0x56, 0xb7, 0xff);
  const descriptor = readVp8Descriptor(whole);
  assert.deepEqual(descriptor, {
    nonReference: true,
    start: true,
    partition: 3,
    pictureId: 0x1234,
    tl0PicIdx: 0x56,
    temporalLayer: 2,
    layerSync: true,
    keyIdx: 0x17,
    length: 6,
  });
  for (let end = 0; end < 6; end++) {
    assert.throws(() => readVp8Descriptor(whole.subarray(0, end)), RemoteProtocolError);
  }
  assert.equal(readVp8Descriptor(Uint8Array.of(0x90, 0x80, 0x12, 0)).pictureId, 0x12);
  assert.equal(readVp8Descriptor(Uint8Array.of(0x10, 0)).pictureId, null);
});

Deno.test("readVp9Descriptor() reads both modes, layers and the scalability structure", () => {
  // I P L F B, picture 0x1234, layer (tid 1, sid 1, D), two references
  const flexible = readVp9Descriptor(Uint8Array.of(0xf8, 0x92, 0x34, 0x23, 3 << 1 | 1, 5 << 1, 0));
  assert.deepEqual(
    [flexible.pictureId, flexible.temporalLayer, flexible.spatialLayer, flexible.interLayer],
    [0x1234, 1, 1, true],
  );
  assert.deepEqual([flexible.references, flexible.flexible, flexible.start], [[3, 5], true, true]);
  assert.equal(flexible.length, 6);
  // not flexible: L, B, E, V; one layer with its size, a group of two pictures with one and no reference
  const structure = [0x18, 0x02, 0x80, 0x01, 0xe0, 2, 1 << 2, 1, 0];
  const whole = Uint8Array.of(0x2e, 0x00, 0x07, ...structure);
  const fixed = readVp9Descriptor(Uint8Array.of(...whole, 0xff));
  assert.deepEqual(fixed.sizes, [{ width: 640, height: 480 }]);
  assert.deepEqual([fixed.tl0PicIdx, fixed.length, fixed.end], [7, whole.length, true]);
  for (let end = 0; end < whole.length; end++) {
    assert.throws(() => readVp9Descriptor(whole.subarray(0, end)), RemoteProtocolError);
  }
});

Deno.test("Vp9Depacketizer gives back every picture, at every cut", () => {
  for (const room of [1, 7, 100, 2_000]) {
    const assembler = new FrameAssembler(new Vp9Depacketizer());
    const frames = [bytes(1_000), bytes(333), bytes(1)];
    const got = frames.flatMap((frame, i) =>
      feed(assembler, packetizeVp9(frame, i, i === 0, room), i)
    );
    assert.deepEqual(got.map(({ data }) => data), frames);
    assert.deepEqual(got.map(({ keyFrame }) => keyFrame), [true, false, false]);
  }
});

Deno.test("H264Depacketizer gives back every frame, at every cut", () => {
  for (const length of [2, 50, 1_000, 20_000]) {
    for (const maxBytes of [20, 21, 100, 1_140, 65_000]) {
      const [packetizer, assembler] = [
        new H264Packetizer(),
        new FrameAssembler(new H264Depacketizer()),
      ];
      const frames = [h264Frame(length, true), h264Frame(length + 3, false)];
      const got = frames.flatMap((frame, i) => {
        const payloads = packetizer.packetize(frame, maxBytes);
        assert.ok(payloads.every((payload) => payload.length <= maxBytes));
        return feed(assembler, payloads, i);
      });
      assert.deepEqual(got.map(({ data }) => data), frames, `${length} in ${maxBytes}`);
      assert.deepEqual(got.map(({ keyFrame }) => keyFrame), [true, false]);
    }
  }
});

Deno.test("H264Packetizer puts small units together and cuts large ones (RFC 6184 section 5.7)", () => {
  const payloads = new H264Packetizer().packetize(h264Frame(3_000, true), 1_140);
  assert.equal(payloads[0]![0], 0x60 | 24); // parameter sets in a STAP-A
  const parts = payloads.slice(1);
  assert.equal(parts.length, 3);
  assert.deepEqual(parts.map((part) => [part[0], part[1]]), [
    [0x60 | 28, 0x80 | 5],
    [0x60 | 28, 5],
    [0x60 | 28, 0x40 | 5],
  ]);
});

Deno.test("H264Packetizer and H264Depacketizer repeat parameter sets before key frames without", () => {
  const [first, bare] = [h264Frame(100, true), h264Frame(3_000, true, false)];
  const whole = h264Frame(3_000, true);
  const packetizer = new H264Packetizer();
  packetizer.packetize(first, 1_000);
  const assembler = new FrameAssembler(new H264Depacketizer());
  assert.deepEqual(feed(assembler, packetizer.packetize(bare, 1_000), 0)[0]?.data, whole);

  const depacketizer = new FrameAssembler(new H264Depacketizer());
  feed(depacketizer, new H264Packetizer().packetize(first, 1_000), 1);
  const [frame] = feed(depacketizer, new H264Packetizer().packetize(bare, 1_000), 2);
  assert.deepEqual(frame?.data, whole);
  // Without any, there is nothing to decode with.
  const blind = new FrameAssembler(new H264Depacketizer());
  assert.deepEqual(feed(blind, new H264Packetizer().packetize(bare, 1_000), 2), []);
  assert.ok(blind.needsKeyFrame);
});

for (const codec of ["VP8", "VP9", "H264"] as const) {
  Deno.test(`FrameAssembler gives nothing of ${codec} after a loss until a key frame is whole`, () => {
    const packetizer = new H264Packetizer();
    const payloads = (i: number, key: boolean) =>
      codec === "VP8"
        ? packetizeVp8(vp8Frame(500, key), i, 100)
        : codec === "VP9"
        ? packetizeVp9(bytes(500), i, key, 100)
        : packetizer.packetize(h264Frame(500, key), 100);
    for (const lostAt of [0, 2]) {
      const assembler = new FrameAssembler(depacketizerOf(codec));
      assert.equal(feed(assembler, payloads(0, false), 0).length, 0, "nothing without a key frame");
      assert.equal(feed(assembler, payloads(1, true), 1).length, 1);
      assert.equal(feed(assembler, payloads(2, false), 2).length, 1);
      assert.equal(feed(assembler, payloads(3, false), 3, { lostAt }).length, 0);
      assert.ok(assembler.needsKeyFrame);
      assert.equal(feed(assembler, payloads(4, false), 4).length, 0);
      // The first packet of H.264's is parameter sets, which are known already.
      const whole = codec === "H264" && lostAt === 0 ? 1 : 0;
      assert.equal(feed(assembler, payloads(5, true), 5, { lostAt }).length, whole);
      const [frame] = feed(assembler, payloads(6, true), 6);
      assert.ok(frame?.keyFrame && !assembler.needsKeyFrame);
    }
    assert.ok(beginsKeyFrame(codec, payloads(7, true)[0]!));
    assert.ok(!beginsKeyFrame(codec, payloads(7, true)[1]!));
    assert.ok(!beginsKeyFrame(codec, payloads(8, false)[0]!));
  });
}

Deno.test("FrameAssembler ends frames without markers, and passes empty packets by", () => {
  const assembler = new FrameAssembler(new Vp8Depacketizer());
  const frames = [vp8Frame(300, true), vp8Frame(200, false), vp8Frame(100, false)];
  const got = frames.flatMap((frame, i) => {
    const padding = { sequence: 0, timestamp: i, marker: false, payload: new Uint8Array(0) };
    assert.deepEqual(assembler.push({ packet: padding, afterLoss: false }), []);
    return feed(assembler, packetizeVp8(frame, i, 64), i, { marker: false });
  });
  assert.deepEqual(got.map(({ data }) => data), frames.slice(0, 2));
});

Deno.test("FrameAssembler lets go of frames that are too large", () => {
  const assembler = new FrameAssembler(new Vp8Depacketizer(), 1_000);
  assert.equal(feed(assembler, packetizeVp8(vp8Frame(1_001, true), 0, 100), 0).length, 0);
  assert.equal(feed(assembler, packetizeVp8(vp8Frame(1_000, true), 1, 100), 1).length, 1);
});

for (const codec of ["VP8", "VP9", "H264"] as VideoCodecName[]) {
  Deno.test(`FrameAssembler makes frames or nothing of any bytes as ${codec}`, () => {
    const assembler = new FrameAssembler(depacketizerOf(codec), 10_000);
    const depacketizer = depacketizerOf(codec);
    for (let i = 0; i < 20_000; i++) {
      const payload = bytes(random(4) === 0 ? random(2_000) : random(12));
      if (random(3) === 0) payload[0] = [0x10, 0x90, 0x88, 0x7c, 0x65, 0x67, 0x78][random(7)]!;
      beginsKeyFrame(codec, payload);
      try {
        depacketizer.read(payload, random(2) === 0);
      } catch (error) {
        assert.ok(error instanceof RemoteProtocolError, String(error));
        assert.match(error.message, /^Cannot read an? (VP8|VP9|H\.264) packet: .+; ask the sender/);
      }
      const packet = { sequence: 0, timestamp: i >> random(4), marker: random(3) === 0, payload };
      for (const { data } of assembler.push({ packet, afterLoss: random(50) === 0 })) {
        assert.ok(data.length > 0 && data.length <= 10_000);
      }
    }
  });
}
