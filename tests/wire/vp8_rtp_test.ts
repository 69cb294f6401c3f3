import assert from "node:assert/strict";
import { packetizeVp8 } from "../../lib/wire/vp8_rtp.ts";
import { randomBytes, seeded } from "./feed.ts";

/** Reads a payload as a receiver does (RFC 7741, section 4.2), with all fields that may be there. */
function read(
  payload: Uint8Array,
): { begins: boolean; pictureId: number | null; data: Uint8Array } {
  let at = 0;
  const first = payload[at++]!;
  let pictureId: number | null = null;
  if (first & 0x80) {
    const fields = payload[at++]!;
    if (fields & 0x80) {
      const high = payload[at++]!;
      pictureId = high & 0x80 ? ((high & 0x7f) << 8) | payload[at++]! : high;
    }
    if (fields & 0x40) at++;
    if (fields & 0x30) at++;
  }
  assert.equal(first & 0x0f, 0); // partition 0
  return { begins: (first & 0x10) !== 0, pictureId, data: payload.subarray(at) };
}

Deno.test("packetizeVp8() writes the descriptor of RFC 7741, section 4.2", () => {
  const [first, second] = packetizeVp8(Uint8Array.of(1, 2, 3), 0x1234, 6);
  assert.deepEqual([...first!], [0x90, 0x80, 0x92, 0x34, 1, 2]);
  assert.deepEqual([...second!], [0x80, 0x80, 0x92, 0x34, 3]);
});

Deno.test("packetizeVp8() cuts into the fewest payloads, of sizes that differ by one at most", () => {
  const next = seeded(3);
  for (let i = 0; i < 2_000; i++) {
    const frame = new Uint8Array(next() % 20_000);
    const maxBytes = 5 + next() % 1_500;
    const sizes = packetizeVp8(frame, i, maxBytes).map((payload) => payload.length);
    assert.equal(sizes.length, Math.max(1, Math.ceil(frame.length / (maxBytes - 4))));
    assert.ok(Math.max(...sizes) <= maxBytes);
    assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1, `${frame.length} in ${maxBytes}`);
  }
});

Deno.test("packetizeVp8()'s payloads give the frame back; only the first begins it", () => {
  for (const frame of randomBytes(500, 4)) {
    for (const maxBytes of [5, 6, 9, 64, 1_140]) {
      const parts = packetizeVp8(frame, 7, maxBytes).map(read);
      assert.deepEqual(parts.flatMap(({ data }) => [...data]), [...frame]);
      assert.deepEqual(parts.map(({ begins }) => begins), parts.map((_, i) => i === 0));
      assert.ok(parts.every(({ pictureId }) => pictureId === 7));
    }
  }
});

Deno.test("packetizeVp8() sends an empty frame as one payload", () => {
  assert.deepEqual(packetizeVp8(new Uint8Array(0), 0, 100).map((p) => [...p]), [[
    0x90,
    0x80,
    0x80,
    0,
  ]]);
});

Deno.test("packetizeVp8() counts pictures in 15 bits", () => {
  const idOf = (pictureId: number) => read(packetizeVp8(Uint8Array.of(1), pictureId, 100)[0]!);
  for (const id of [0, 127, 128, 0x7ffe, 0x7fff]) assert.equal(idOf(id).pictureId, id);
  assert.equal(idOf(0x8000).pictureId, 0);
  assert.equal(idOf(0x8001).pictureId, 1);
});

Deno.test("packetizeVp8() copies the frame", () => {
  const frame = Uint8Array.of(1, 2, 3);
  const [payload] = packetizeVp8(frame, 0, 100);
  frame.fill(0);
  assert.deepEqual([...payload!.subarray(4)], [1, 2, 3]);
});

Deno.test("packetizeVp8() refuses payloads without room", () => {
  assert.throws(
    () => packetizeVp8(Uint8Array.of(1), 0, 4),
    /^RangeError: Cannot packetize VP8: 4 bytes leave no room for data$/,
  );
});
