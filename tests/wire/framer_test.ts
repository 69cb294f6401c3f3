import assert from "node:assert/strict";
import {
  FixedFramer,
  type Framer,
  LineFramer,
  RawFramer,
  StartFramer,
} from "../../lib/wire/framer.ts";
import { crc16, encodePacket, PacketFramer } from "../../lib/wire/packet_framer.ts";
import { seeded } from "./feed.ts";

const text = (bytes: Uint8Array) => new TextDecoder("latin1").decode(bytes);
const bytes = (text: string) => new TextEncoder().encode(text);

/** What comes out, and how much was dropped, when the stream is cut so. */
function feed(framer: Framer, stream: Uint8Array, sizes: () => number): [string[], number] {
  const out: string[] = [];
  for (let at = 0; at < stream.length;) {
    const end = at + sizes();
    out.push(...framer.push(stream.slice(at, end)).map(text));
    at = end;
  }
  return [out, framer.skipped];
}

const framers: [string, () => Framer][] = [
  ["LineFramer", () => new LineFramer(20)],
  ["FixedFramer", () => new FixedFramer(5)],
  ["StartFramer", () => new StartFramer(new Uint8Array([0xa5, 0xa5, 10]), new LineFramer(20))],
  ["PacketFramer", () => new PacketFramer()],
  ["PacketFramer of one size", () => new PacketFramer(3)],
];

for (const [name, make] of framers) {
  Deno.test(`${name} gives the same from any bytes, wherever they are cut`, () => {
    const next = seeded(7);
    for (let round = 0; round < 12; round++) {
      const stream = hostile(next);
      const whole = feed(make(), stream, () => stream.length);
      for (const size of [1, 2, 3, 7]) assert.deepEqual(feed(make(), stream, () => size), whole);
      assert.deepEqual(feed(make(), stream, () => next() % 9), whole); // empty pieces too
      for (let cut = 1; cut < Math.min(stream.length, 300); cut++) {
        let piece = 0;
        assert.deepEqual(feed(make(), stream, () => piece++ ? stream.length : cut), whole);
      }
    }
  });
}

/** Good packets, broken ones, sync words, lines and noise. */
function hostile(next: () => number): Uint8Array<ArrayBuffer> {
  const stream: number[] = [];
  while (stream.length < 400) {
    const packet = [...encodePacket(Uint8Array.from({ length: next() % 5 }, () => next() & 255))];
    const kind = next() % 6;
    if (kind === 0) packet.splice(next() % packet.length, 1);
    if (kind === 1) packet.splice(next() % packet.length, 0, [0xa5, 0x5a, 10, 13][next() % 4]!);
    if (kind === 2) packet[next() % packet.length]! ^= 1 << next() % 8;
    if (kind === 3) stream.push(0xa5, 0x5a, next() & 255);
    if (kind === 4) stream.push(...bytes("a line\r\n"), 0xa5, 0xa5, 10);
    stream.push(...packet);
  }
  return Uint8Array.from(stream);
}

Deno.test("RawFramer gives pieces as they come", () => {
  const framer = new RawFramer();
  assert.deepEqual(framer.push(bytes("abc")).map(text), ["abc"]);
  assert.deepEqual(framer.push(bytes("")), []);
});

Deno.test("LineFramer takes line ends of Unix and of Arduino's println away", () => {
  const framer = new LineFramer();
  assert.deepEqual(framer.push(bytes("one\ntwo\r\n\n\r\nfi")).map(text), ["one", "two", "", ""]);
  assert.deepEqual(framer.push(bytes("ve \r\r\n")).map(text), ["five \r"]);
});

Deno.test("LineFramer drops a line that is too long, keeps nothing of it, and goes on after it", () => {
  const framer = new LineFramer(8);
  assert.deepEqual(framer.push(bytes("12345678\r\n")).map(text), ["12345678"]);
  for (let i = 0; i < 1000; i++) assert.deepEqual(framer.push(bytes("never ending ")), []);
  assert.deepEqual(framer.push(bytes("\nnext\n123456789\nlast\n")).map(text), ["next", "last"]);
  assert.equal(framer.skipped, 13_000 + 1 + 10);
});

Deno.test("StartFramer drops what comes before the mark, and the mark, once", () => {
  const framer = new StartFramer(bytes("SS"), new FixedFramer(2));
  assert.deepEqual(framer.push(bytes("bootS")), []);
  assert.deepEqual(framer.push(bytes("tS")), []);
  assert.deepEqual(framer.push(bytes("SabSS")).map(text), ["ab", "SS"]);
  assert.equal(framer.skipped, 6);
});

Deno.test("FixedFramer refuses a size that never ends", () => {
  assert.throws(() => new FixedFramer(0), RangeError);
});

Deno.test("crc16() is CRC-16/MCRF4XX", () => {
  assert.equal(crc16(bytes("123456789")), 0x6f91); // the check value of the CRC catalogue
});

Deno.test("encodePacket() and PacketFramer carry every length", () => {
  const framer = new PacketFramer();
  for (let size = 0; size < 256; size++) {
    const payload = Uint8Array.from({ length: size }, (_, i) => i * 7);
    assert.deepEqual(framer.push(encodePacket(payload)), [payload]);
  }
  assert.equal(framer.skipped, 0);
  assert.throws(
    () => encodePacket(new Uint8Array(256)),
    /^RangeError: Cannot send 256 bytes as one/,
  );
  assert.throws(() => new PacketFramer(256), /^RangeError: Cannot use packets of 256 bytes/);
});

Deno.test("PacketFramer finds step again: one lost, added or changed byte costs one packet", () => {
  const next = seeded(3);
  for (let round = 0; round < 3000; round++) {
    const payloads = Array.from(
      { length: 5 },
      // Sync words inside of messages make it harder.
      () => Uint8Array.from({ length: 6 }, () => [0xa5, 0x5a, 6, next() & 255][next() % 4]!),
    );
    const packets = payloads.map((payload) => [...encodePacket(payload)]);
    const broken = packets[2]!, at = next() % broken.length;
    if (round % 3 === 0) broken.splice(at, 1);
    else if (round % 3 === 1) broken[at]! ^= 1 + next() % 255;
    else broken.splice(at, 0, next() & 255);
    const framer = new PacketFramer(6);
    const given = framer.push(Uint8Array.from(packets.flat())).map(text);
    const good = payloads.map(text);
    for (const index of [0, 1, 3, 4]) assert.ok(given.includes(good[index]!), `round ${round}`);
    for (const each of given) assert.ok(good.includes(each), `round ${round} made something up`);
  }
});
