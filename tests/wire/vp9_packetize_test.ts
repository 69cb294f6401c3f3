import assert from "node:assert/strict";
import { packetizeVp9, readVp9Descriptor, Vp9Depacketizer } from "../../lib/wire/vp9_rtp.ts";

Deno.test("packetizeVp9() writes what Vp9Depacketizer reads, and marks begin and end", () => {
  const frame = Uint8Array.from({ length: 2_500 }, (_, i) => i);
  for (const keyFrame of [true, false]) {
    const payloads = packetizeVp9(frame, keyFrame, 0x1_2345, 1_000);
    assert.equal(payloads.length, 3);
    const reader = new Vp9Depacketizer();
    const parts = payloads.map((payload, i) => {
      const { start, end, pictureId, interPredicted, flexible } = readVp9Descriptor(payload);
      assert.deepEqual([start, end, pictureId], [i === 0, i === 2, 0x2345]);
      assert.deepEqual([interPredicted, flexible], [!keyFrame, false]);
      assert.ok(payload.length <= 1_000);
      return reader.read(payload);
    });
    assert.equal(parts[0]!.keyFrame, keyFrame);
    assert.deepEqual(parts.flatMap(({ pieces }) => pieces.flatMap((p) => [...p])), [...frame]);
  }
});

Deno.test("packetizeVp9() refuses payloads without room", () => {
  assert.throws(() => packetizeVp9(new Uint8Array(1), true, 0, 3), RangeError);
});
