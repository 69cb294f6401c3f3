import assert from "node:assert/strict";
import { crc32c, packetChecksum } from "../../../lib/wire/sctp/crc32c.ts";
import { Fifo } from "../../../lib/wire/sctp/fifo.ts";
import { PacketReader, PacketWriter } from "../../../lib/wire/sctp/packet.ts";
import { Rto } from "../../../lib/wire/sctp/rto.ts";
import { ssnDistance, tsnAdd, tsnDistance } from "../../../lib/wire/sctp/serial.ts";
import { TsnTracker } from "../../../lib/wire/sctp/tsn_tracker.ts";
import { seeded } from "./harness.ts";

Deno.test("crc32c() gives the values of RFC 3720, appendix B.4", () => {
  assert.equal(crc32c(new TextEncoder().encode("123456789")), 0xe3069283);
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assert.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
  assert.equal(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e);
  assert.equal(crc32c(new Uint8Array()), 0);
});

Deno.test("packetChecksum() counts the checksum's own field as zeros", () => {
  const packet = Uint8Array.from({ length: 61 }, (_, i) => i * 7);
  const blank = packet.slice();
  blank.fill(0, 8, 12);
  assert.equal(packetChecksum(packet), crc32c(blank));
});

Deno.test("tsnDistance() and ssnDistance() compare across the wrap-around", () => {
  assert.equal(tsnDistance(0xffffffff, 1), 2);
  assert.equal(tsnDistance(1, 0xffffffff), -2);
  assert.equal(tsnAdd(0xffffffff, 1), 0);
  assert.equal(tsnAdd(0, -1), 0xffffffff);
  assert.equal(ssnDistance(0xffff, 2), 3);
  assert.equal(ssnDistance(2, 0xffff), -3);
});

Deno.test("Fifo gives everything back in order", () => {
  const fifo = new Fifo<number>();
  let next = 0;
  for (let i = 0; i < 10_000; i++) {
    fifo.push(i);
    if (i % 3 === 0) assert.equal(fifo.shift(), next++);
  }
  assert.equal(fifo.length, 10_000 - next);
  while (fifo.length > 0) {
    assert.equal(fifo.peek(), next);
    assert.equal(fifo.shift(), next++);
  }
  assert.equal(next, 10_000);
  assert.equal(fifo.shift(), undefined);
});

Deno.test("Rto stays between its bounds", () => {
  const rto = new Rto({ initialMs: 500, minMs: 200, maxMs: 1000 });
  assert.equal(rto.currentMs, 500);
  rto.measure(10);
  assert.equal(rto.currentMs, 200);
  rto.measure(400);
  assert.ok(rto.currentMs > 400);
  for (let i = 0; i < 5; i++) rto.backOff();
  assert.equal(rto.currentMs, 1000);
});

Deno.test("PacketReader refuses lengths that contradict each other", () => {
  const out = new PacketWriter(1, 2, 100);
  out.begin(3);
  out.view.setUint32(out.open(10, 0, 5), 7);
  const packet = out.finish(true);
  assert.equal(packet.length, 24);
  assert.ok(new PacketReader(packet).intact);
  for (let length = 0; length < 21; length++) {
    assert.throws(() => new PacketReader(packet.subarray(0, length)), {
      name: "RemoteProtocolError",
    });
  }
  for (const length of [0, 3, 13, 0xffff]) {
    new DataView(packet.buffer).setUint16(14, length);
    assert.throws(() => new PacketReader(packet), { name: "RemoteProtocolError" });
  }
});

Deno.test("TsnTracker reports what came, whatever the order", () => {
  for (let seed = 1; seed <= 100; seed++) {
    const random = seeded(seed);
    const first = (0xffffff80 + random() % 200) >>> 0;
    const tracker = new TsnTracker(first);
    const came = new Set<number>();
    for (let i = 0; i < 150; i++) {
      const at = random() % 120;
      assert.equal(tracker.add(tsnAdd(first, at)), !came.has(at));
      came.add(at);
    }
    let through = 0;
    while (came.has(through)) through++;
    assert.equal(tracker.cumulative, tsnAdd(first, through - 1));
    const out = new PacketWriter(1, 2, 1200);
    assert.ok(tracker.writeSack(out, 99));
    const reported = new Set<number>();
    const gaps = out.view.getUint16(12 + 12);
    for (let g = 0; g < gaps; g++) {
      const from = out.view.getUint16(28 + 4 * g), to = out.view.getUint16(30 + 4 * g);
      for (let i = from; i <= to; i++) reported.add(through - 1 + i);
    }
    assert.deepEqual(
      [...reported].sort((a, b) => a - b),
      [...came].filter((at) => at > through).sort((a, b) => a - b),
    );
  }
});

Deno.test("TsnTracker remembers a bounded number of holes", () => {
  const tracker = new TsnTracker(0);
  let taken = 0;
  for (let i = 1; i < 10_000; i += 2) if (tracker.add(i)) taken++;
  assert.ok(taken <= 250);
  assert.equal(tracker.add(100_000), false);
  assert.ok(tracker.forward(10_000));
  assert.equal(tracker.hasGaps, false);
  assert.ok(tracker.add(10_001));
  assert.equal(tracker.cumulative, 10_001);
});
