import assert from "node:assert/strict";
import { readVp8Header } from "../../lib/codecs/vp8_header.ts";
import { RemoteProtocolError } from "../../lib/errors.ts";

const KEY = [0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01];

Deno.test("readVp8Header() reads the size of a key frame without its scaling bits", () => {
  const header = { keyFrame: true, width: 640, height: 480 };
  assert.deepEqual(readVp8Header(new Uint8Array(KEY)), header);
  assert.deepEqual(readVp8Header(new Uint8Array(KEY.with(7, 0x42).with(9, 0xc1))), header);
});

Deno.test("readVp8Header() tells other frames by their first bit", () => {
  assert.deepEqual(readVp8Header(new Uint8Array([0x11, 0, 0])), { keyFrame: false });
});

Deno.test("readVp8Header() refuses what is cut short or no key frame", () => {
  for (let length = 0; length < KEY.length; length++) {
    assert.throws(() => readVp8Header(new Uint8Array(KEY.slice(0, length))), RemoteProtocolError);
  }
  assert.throws(() => readVp8Header(new Uint8Array(KEY.with(4, 2))), {
    name: "RemoteProtocolError",
    message: "Cannot read a VP8 frame: the start code 9d 01 2a is missing; " +
      "ask the sender for a key frame",
  });
  assert.throws(() => readVp8Header(new Uint8Array(KEY.with(6, 0).with(7, 0))), {
    message: "Cannot read a VP8 frame: a picture of 0x480 is empty; ask the sender for a key frame",
  });
});
