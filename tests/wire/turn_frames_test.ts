import assert from "node:assert/strict";
import { readChannelData, TurnStreamReader, writeChannelData } from "../../lib/wire/turn_frames.ts";

const frame = (channel: number, data: number[], padded: boolean) => {
  const into = new Uint8Array(64).fill(0xff);
  return into.subarray(0, writeChannelData(into, channel, Uint8Array.from(data), padded));
};
const STUN = Uint8Array.from([0x01, 0x13, 0, 8, ...new Array(16).fill(1), ...new Array(8).fill(2)]);

Deno.test("writeChannelData() writes number, length and data, padded only for streams", () => {
  assert.deepEqual([...frame(0x4001, [7, 8, 9], false)], [0x40, 1, 0, 3, 7, 8, 9]);
  assert.deepEqual([...frame(0x4001, [7, 8, 9], true)], [0x40, 1, 0, 3, 7, 8, 9, 0]);
  assert.deepEqual([...frame(0x4fff, [], true)], [0x4f, 0xff, 0, 0]);
  assert.equal(writeChannelData(new Uint8Array(6), 0x4000, new Uint8Array(3), false), 0);
});

Deno.test("readChannelData() gives back what was written, and null for anything else", () => {
  for (const padded of [true, false]) {
    const read = readChannelData(frame(0x4002, [1, 2, 3, 4, 5], padded));
    assert.equal(read?.channel, 0x4002);
    assert.deepEqual([...read!.data], [1, 2, 3, 4, 5]);
  }
  for (const none of [[], [0x40, 0, 0], [0x40, 0, 0, 1], [...STUN], [0x80, 0, 0, 0]]) {
    assert.equal(readChannelData(Uint8Array.from(none)), null);
  }
});

Deno.test("TurnStreamReader gives the same messages wherever the stream is cut", () => {
  const messages = [frame(0x4000, [1, 2, 3], true), STUN, frame(0x4001, [], true), STUN];
  const whole = Uint8Array.from(messages.flatMap((message) => [...message]));
  for (let size = 1; size <= whole.length; size++) {
    const reader = new TurnStreamReader();
    const found: number[][] = [];
    for (let at = 0; at < whole.length; at += size) {
      // The piece's memory is used again, as a socket's may be.
      const piece = whole.slice(at, at + size);
      found.push(...reader.push(piece).map((message) => [...message]));
      piece.fill(0xee);
    }
    assert.deepEqual(found, messages.map((message) => [...message]), `pieces of ${size}`);
  }
});

Deno.test("TurnStreamReader throws when the stream is not TURN", () => {
  const reader = new TurnStreamReader();
  assert.equal(reader.push(STUN).length, 1);
  assert.throws(() => reader.push(Uint8Array.from([0x80, 0, 0, 0])), {
    name: "SyntaxError",
    message: "Cannot read the TURN stream: this is no message",
  });
});
