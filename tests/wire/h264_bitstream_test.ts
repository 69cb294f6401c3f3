import assert from "node:assert/strict";
import {
  isIdrFrame,
  joinNalUnits,
  NAL,
  nalType,
  profileLevelId,
  readSps,
  splitNalUnits,
  unescapeNal,
} from "../../lib/wire/h264_bitstream.ts";

const bytes = (hex: string) =>
  Uint8Array.from(hex.split(/\s+/).filter(Boolean), (byte) => parseInt(byte, 16));
const hex = (units: readonly Uint8Array[]) =>
  units.map((unit) => [...unit].map((byte) => byte.toString(16).padStart(2, "0")).join(" "));

/** Made by x264 as `ffmpeg -f lavfi -i testsrc2 -c:v libx264` with the profile in the name. */
const SPS = {
  baseline: "67 42 c0 1e d9 00 a0 3d b0 11 00 00 03 00 01 00 00 03 00 3c 0f 16 2e 48",
  main1080: "67 4d 40 28 ec a0 3c 01 13 f2 e0 22 00 00 03 00 02 00 00 03 00 78 1e 30 63 2c",
  high322x242: "67 64 00 0d ac d9 41 50 87 88 88 c0 44 00 00 03 00 04 00 00 03 00 f0 3c 50 a6 58",
  high422: "67 7a 00 0d bc d9 41 50 87 88 8f c0 44 00 00 03 00 04 00 00 03 00 f0 3c 50 a6 58",
  high444: "67 f4 00 0d 91 9b 28 28 3f 60 22 00 00 03 00 02 00 00 03 00 78 1e 28 53 2c",
  interlaced1080: "67 64 00 28 ac d9 40 78 04 4f de 02 20 00 00 03 00 20 00 00 07 83 e2 c5 b2 c0",
} as const;

Deno.test("splitNalUnits() takes start codes of three and four bytes, and trailing zeros away", () => {
  const annexB = bytes("00 00 00 01 67 42 00 00 01 68 ce 00 00 00 00 01 65 88 80 00 00");
  assert.deepEqual(hex(splitNalUnits(annexB)), ["67 42", "68 ce", "65 88 80"]);
});

Deno.test("splitNalUnits() finds a start code at every position", () => {
  for (let before = 0; before < 7; before++) {
    const annexB = bytes(`00 00 01 65 ${"ff ".repeat(before)} 00 00 01 41 9a`);
    const units = splitNalUnits(annexB);
    assert.deepEqual(hex(units).at(-1), "41 9a", `${before} bytes before it`);
    assert.equal(units.length, 2);
  }
});

Deno.test("splitNalUnits() leaves out empty units and what no start code stands before", () => {
  assert.deepEqual(splitNalUnits(new Uint8Array(0)), []);
  assert.deepEqual(splitNalUnits(bytes("65 88 80 00 00")), []);
  assert.deepEqual(hex(splitNalUnits(bytes("ff 00 00 01 00 00 01 65 00 00 01"))), ["65"]);
});

Deno.test("splitNalUnits() gives views, and joinNalUnits() undoes it", () => {
  const annexB = bytes("00 00 00 01 67 42 00 00 00 01 65 88 80 01 00 01 00 00 03 01");
  const units = splitNalUnits(annexB);
  assert.equal(units[0]!.buffer, annexB.buffer);
  assert.deepEqual(joinNalUnits(units), annexB);
});

Deno.test("isIdrFrame() is true only with an IDR slice", () => {
  assert.equal(isIdrFrame(splitNalUnits(bytes("00 00 01 67 42 00 00 01 65 88"))), true);
  assert.equal(isIdrFrame(splitNalUnits(bytes("00 00 01 67 42 00 00 01 41 9a"))), false);
  assert.equal(nalType(bytes("65")), NAL.idr);
  assert.equal(nalType(bytes("")), 0);
});

Deno.test("unescapeNal() removes 03 after two zeros, and only there", () => {
  assert.deepEqual(
    hex([unescapeNal(bytes("67 00 00 03 00 00 03 01 00 03 03 00 00 03"))]),
    ["67 00 00 00 00 01 00 03 03 00 00"],
  );
});

Deno.test("readSps() reads what x264 writes for each profile", () => {
  const found = Object.entries(SPS).map(([name, sps]) => {
    const { width, height, codedWidth, codedHeight, chromaFormat, bitDepth } = readSps(bytes(sps));
    return `${name} ${width}x${height} in ${codedWidth}x${codedHeight} ${chromaFormat} ${bitDepth}`;
  });
  assert.deepEqual(found, [
    "baseline 640x480 in 640x480 1 8",
    "main1080 1920x1080 in 1920x1088 1 8",
    "high322x242 322x242 in 336x256 1 8",
    "high422 322x242 in 336x256 2 8",
    "high444 320x240 in 320x240 3 8",
    "interlaced1080 1920x1080 in 1920x1088 1 8",
  ]);
});

Deno.test("profileLevelId() is what SDP calls profile-level-id", () => {
  assert.equal(profileLevelId(readSps(bytes(SPS.baseline))), "42c01e");
  assert.equal(profileLevelId(readSps(bytes(SPS.high422))), "7a000d");
});

Deno.test("readSps() refuses what is cut off, at every byte up to the end of the size", () => {
  const sps = bytes(SPS.baseline);
  for (let length = 1; length < 9; length++) {
    assert.throws(() => readSps(sps.subarray(0, length)), {
      name: "RemoteProtocolError",
      message: "Cannot read an H.264 sequence parameter set: it ends too early; " +
        "ask the sender for a key frame",
    });
  }
  assert.equal(readSps(bytes(`${SPS.baseline} 00 ff`)).width, 640); // trailing data is no matter
});

Deno.test("readSps() refuses other units, empty pictures and endless numbers", () => {
  const refusal = (sps: string, why: string) =>
    assert.throws(() => readSps(bytes(sps)), {
      message:
        `Cannot read an H.264 sequence parameter set: ${why}; ask the sender for a key frame`,
    });
  refusal("", "it is a NAL unit of type 0");
  refusal("68 ce", "it is a NAL unit of type 8");
  refusal("67 42 c0 1e 00 00 00 00 00 00 00", "a number is too long");
  // 16x16 with 8 pairs of columns cut away: 1 1 1 010 0 1 1 1 1 1 0001001 1 1 1
  refusal("67 42 c0 1e f4 f8 9f 80", "a picture of 0x16 is empty");
});

Deno.test("readSps() throws only RemoteProtocolError, whatever the bytes", () => {
  let state = 7;
  const random = () => (state = (Math.imul(state, 1103515245) + 12345) | 0) >>> 16 & 255;
  for (let round = 0; round < 2000; round++) {
    const sps = bytes(Object.values(SPS)[round % 6]!);
    for (let i = 0; i < 3; i++) sps[1 + random() % (sps.length - 1)] = random();
    try {
      const { width, height } = readSps(sps);
      assert(width > 0 && height > 0);
    } catch (error) {
      assert.equal((error as Error).name, "RemoteProtocolError", String(error));
    }
  }
});
