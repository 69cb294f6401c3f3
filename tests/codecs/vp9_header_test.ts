import assert from "node:assert/strict";
import { readVp9Header } from "../../lib/codecs/vp9_header.ts";

/** Bytes of groups of bits, filled up with zeros. */
function frame(bits: string): Uint8Array {
  const digits = bits.replaceAll(/[^01]/g, "");
  const bytes = digits.match(/.{1,8}/g) ?? [];
  return Uint8Array.from(bytes, (byte) => parseInt(byte.padEnd(8, "0"), 2));
}

const SYNC = "01001001 10000011 01000010";
const binary = (value: number) => value.toString(2).padStart(16, "0");
const size = (width: number, height: number) => binary(width - 1) + binary(height - 1);
/** Profile 0: marker, profile, show_existing, key, shown, not resilient; BT.601 of studio range. */
const key = (width: number, height: number) =>
  frame(`10 00 0 0 1 0 ${SYNC} 001 0 ${size(width, height)}`);

Deno.test("readVp9Header() reads a key frame's size in every profile", () => {
  const expected = { keyFrame: true, sizes: [{ width: 640, height: 480 }] };
  assert.deepEqual(readVp9Header(key(640, 480)), expected);
  for (
    const [profile, colors] of [
      ["10", "001 0 000"], // 1: subsampling and a reserved bit
      ["10", "111 0"], // 1, RGB
      ["01", "1 001 0"], // 2: ten or twelve bits
      ["11 0", "1 001 0 000"], // 3: a reserved bit after the profile
    ]
  ) {
    const data = frame(`10 ${profile} 0 0 1 0 ${SYNC} ${colors} ${size(640, 480)}`);
    assert.deepEqual(readVp9Header(data), expected, profile);
  }
});

Deno.test("readVp9Header() reads the size of inter and intra-only frames that have one", () => {
  const references = "00000001 000 0 001 0 010 0";
  const inter = (rest: string) => readVp9Header(frame(`10 00 0 1 1 0 00 ${references} ${rest}`));
  assert.deepEqual(inter("1"), { keyFrame: false, sizes: [] });
  assert.deepEqual(inter("01"), { keyFrame: false, sizes: [] });
  assert.deepEqual(inter(`000 ${size(9000, 8000)}`).sizes, [{ width: 9000, height: 8000 }]);
  const intraOnly = frame(`10 00 0 1 0 0 1 00 ${SYNC} 11111111 ${size(320, 240)}`);
  assert.deepEqual(readVp9Header(intraOnly), {
    keyFrame: false,
    sizes: [{ width: 320, height: 240 }],
  });
  assert.deepEqual(readVp9Header(frame("10 00 1 010")), { keyFrame: false, sizes: [] });
});

Deno.test("readVp9Header() reads all frames of a superframe", () => {
  const [one, other] = [key(640, 480), key(1280, 720)];
  const marker = 0b110_00_001; // lengths of one byte, two frames
  const index = [marker, one.length, other.length, marker];
  const data = Uint8Array.from([...one, ...other, ...index]);
  assert.deepEqual(readVp9Header(data), {
    keyFrame: true,
    sizes: [{ width: 640, height: 480 }, { width: 1280, height: 720 }],
  });
  data[data.length - 2] = 200;
  assert.throws(() => readVp9Header(data), {
    name: "RemoteProtocolError",
    message: "Cannot read a VP9 frame: the frames are longer than the superframe; " +
      "ask the sender for a key frame",
  });
});

Deno.test("readVp9Header() refuses what is cut off or no VP9", () => {
  const whole = key(640, 480);
  for (let length = 0; length < whole.length; length++) {
    assert.throws(() => readVp9Header(whole.subarray(0, length)), {
      name: "RemoteProtocolError",
      message: `Cannot read a VP9 frame: ${length} bytes are too few; ` +
        "ask the sender for a key frame",
    });
  }
  assert.throws(() => readVp9Header(new Uint8Array(20)), /the frame marker is missing/);
  whole[1] = 0;
  assert.throws(() => readVp9Header(whole), /the sync code 49 83 42 is missing/);
});
