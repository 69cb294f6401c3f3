import assert from "node:assert/strict";
import {
  closeData,
  FrameError,
  type FrameEvent,
  FrameReader,
  writeFrame,
} from "../../lib/signaling/service/frames.ts";

const MASK = [0x12, 0x34, 0x56, 0x78];
const utf8 = new TextEncoder();

/** A client's frame; `length` announces something else than there is. */
function frame(first: number, data: Uint8Array, length = data.length): Uint8Array {
  const extra = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const bytes = new Uint8Array(6 + extra + data.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = first;
  bytes[1] = 0x80 | (extra === 0 ? length : extra === 2 ? 126 : 127);
  if (extra === 2) view.setUint16(2, length);
  if (extra === 8) view.setBigUint64(2, BigInt(length));
  bytes.set(MASK, 2 + extra);
  data.forEach((byte, i) => bytes[6 + extra + i] = byte ^ MASK[i & 3]!);
  return bytes;
}

const text = (words: string, first = 0x81) => frame(first, utf8.encode(words));

function join(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

function read(pieces: Iterable<Uint8Array>, maxBytes = 100_000): FrameEvent[] {
  const reader = new FrameReader(maxBytes);
  return [...pieces].flatMap((piece) => [...reader.read(piece)]);
}

Deno.test("FrameReader reads messages, fragments and control frames wherever the input is cut", () => {
  const long = "ü🤖".repeat(400); // 2 bytes of length
  const huge = new Uint8Array(70_000).map((_, i) => i); // 8 bytes of length
  const input = join(
    text("hello"),
    text(""),
    text("one ", 0x01),
    frame(0x89, utf8.encode("ping")), // between two fragments
    text("and ", 0x00),
    text("two", 0x80),
    text(long),
    frame(0x82, huge),
    frame(0x8a, new Uint8Array(0)),
    frame(0x88, closeData(4001, "bye")),
  );
  const wanted: FrameEvent[] = [
    { kind: "message", data: "hello" },
    { kind: "message", data: "" },
    { kind: "ping", data: utf8.encode("ping") },
    { kind: "message", data: "one and two" },
    { kind: "message", data: long },
    { kind: "message", data: huge },
    { kind: "pong", data: new Uint8Array(0) },
    { kind: "close", code: 4001 },
  ];
  assert.deepEqual(read([input]), wanted);
  assert.deepEqual(read(Array.from(input, (byte) => Uint8Array.of(byte))), wanted);
  for (const size of [2, 3, 7, 1000]) {
    const pieces = [];
    for (let at = 0; at < input.length; at += size) pieces.push(input.subarray(at, at + size));
    assert.deepEqual(read(pieces), wanted);
  }
});

Deno.test("FrameReader refuses what is larger than allowed by its header, whole or in fragments", () => {
  const tooLarge = (pieces: Uint8Array[]) =>
    assert.throws(
      () => read(pieces, 10),
      (error) => error instanceof FrameError && error.code === 1009,
    );
  assert.deepEqual(read([text("0123456789")], 10), [{ kind: "message", data: "0123456789" }]);
  tooLarge([text("0123456789x")]);
  tooLarge([frame(0x81, new Uint8Array(0), 2 ** 40)]);
  tooLarge([text("01234", 0x01), text("01234", 0x00), text("x", 0x00)]);
});

Deno.test("FrameReader refuses what RFC 6455 does not allow", () => {
  const masked = text("a");
  const unmasked = masked.slice();
  unmasked[1]! &= 0x7f;
  const cases: [string, Uint8Array, number][] = [
    ["an extension's bit", text("a", 0xc1), 1002],
    ["no mask", unmasked, 1002],
    ["opcode 3", text("a", 0x83), 1002],
    ["opcode 11", text("a", 0x8b), 1002],
    ["a fragmented ping", text("a", 0x09), 1002],
    ["a long ping", frame(0x89, new Uint8Array(126)), 1002],
    ["a continuation of nothing", text("a", 0x80), 1002],
    ["a message within a message", join(text("a", 0x01), text("b")), 1002],
    ["text that is no UTF-8", frame(0x81, Uint8Array.of(0xff)), 1007],
  ];
  for (const [what, bytes, code] of cases) {
    assert.throws(
      () => read([bytes]),
      (error) => error instanceof FrameError && error.code === code,
      what,
    );
  }
});

Deno.test("writeFrame() writes frames that are not masked, of every length", () => {
  assert.deepEqual([...writeFrame("text", utf8.encode("hi"))], [0x81, 2, 0x68, 0x69]);
  assert.deepEqual([...writeFrame("close", closeData(1001, ""))], [0x88, 2, 3, 233]);
  assert.deepEqual([...writeFrame("ping", new Uint8Array(126)).slice(0, 4)], [0x89, 126, 0, 126]);
  const head = [...writeFrame("pong", new Uint8Array(65_536)).slice(0, 10)];
  assert.deepEqual(head, [0x8a, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
});
