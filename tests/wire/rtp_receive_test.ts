import assert from "node:assert/strict";
import { PacketOrder, type SequencedPacket } from "../../lib/wire/rtp_receive.ts";

interface Numbered extends SequencedPacket {
  readonly key?: boolean;
}

function packet(sequence: number, more: Partial<Numbered> = {}): Numbered {
  return {
    sequence: sequence & 0xffff,
    timestamp: 0,
    marker: false,
    payload: new Uint8Array(10),
    ...more,
  };
}

function takeAll(order: PacketOrder<Numbered>): (number | string)[] {
  const all: (number | string)[] = [];
  for (let next = order.take(); next; next = order.take()) {
    if (next.afterLoss) all.push("loss");
    all.push(next.packet.sequence);
  }
  return all;
}

Deno.test("PacketOrder puts packets in order, over the end of the numbers", () => {
  const order = new PacketOrder<Numbered>();
  order.receive(packet(65_534), 0);
  for (const n of [0, 65_535, 2, 1, 3]) order.receive(packet(n), 1);
  assert.deepEqual(takeAll(order), [65_534, 65_535, 0, 1, 2, 3]);
  assert.equal(order.nextDueMs, Infinity);
});

Deno.test("PacketOrder gives each packet once", () => {
  const order = new PacketOrder<Numbered>();
  for (const n of [5, 5, 6, 8, 8, 5, 7, 7]) order.receive(packet(n), 0);
  assert.deepEqual(takeAll(order), [5, 6, 7, 8]);
  for (const n of [5, 6, 7, 8]) order.receive(packet(n), 0);
  assert.deepEqual(takeAll(order), []);
  assert.equal(order.stats.duplicates + order.stats.late, 8);
});

Deno.test("PacketOrder asks for what is missing, and again after a round trip and a half", () => {
  const order = new PacketOrder<Numbered>({ roundTripMs: 100 });
  order.receive(packet(1), 0);
  order.receive(packet(4), 1_000);
  assert.deepEqual(order.due(1_005), [], "packets may only have changed places");
  assert.equal(order.nextDueMs, 1_010);
  assert.deepEqual(order.due(1_010), [2, 3]);
  assert.deepEqual(order.due(1_100), []);
  assert.equal(order.nextDueMs, 1_160);
  order.receive(packet(2), 1_120);
  assert.deepEqual(order.due(1_160), [3]);
  order.receive(packet(3), 1_200);
  assert.deepEqual(takeAll(order), [1, 2, 3, 4]);
  assert.deepEqual([order.stats.recovered, order.stats.nacked, order.stats.lost], [2, 3, 0]);
});

Deno.test("PacketOrder asks at once when three packets came after the missing one", () => {
  const order = new PacketOrder<Numbered>();
  order.receive(packet(1), 0);
  for (const n of [3, 4, 5]) order.receive(packet(n), 0);
  assert.deepEqual(order.due(0), [2]);
});

Deno.test("PacketOrder gives up after a while, and says that something was lost", () => {
  const order = new PacketOrder<Numbered>({ maxWaitMs: 300 });
  order.receive(packet(1), 0);
  order.receive(packet(3), 0);
  assert.deepEqual(takeAll(order), [1]);
  for (let ms = 0; ms < 300; ms += 10) order.due(ms);
  assert.deepEqual(takeAll(order), []);
  order.due(300);
  assert.deepEqual(takeAll(order), ["loss", 3]);
  order.receive(packet(2), 301);
  order.receive(packet(4), 302);
  assert.deepEqual(takeAll(order), [4]);
  assert.equal(order.stats.lost, 1);
});

Deno.test("PacketOrder lets go of what was lost before a whole key frame", () => {
  const order = new PacketOrder<Numbered>({ startsKeyFrame: ({ key }) => key ?? false });
  order.receive(packet(1), 0);
  order.receive(packet(3, { timestamp: 1 }), 0);
  order.receive(packet(5, { timestamp: 2, key: true }), 1);
  order.receive(packet(7, { timestamp: 2, marker: true }), 1);
  assert.deepEqual(takeAll(order), [1]);
  order.receive(packet(6, { timestamp: 2 }), 2);
  assert.deepEqual(takeAll(order), ["loss", 5, 6, 7]);
  assert.equal(order.nextDueMs, Infinity);
});

Deno.test("PacketOrder begins anew when the numbers jump, not for one odd packet", () => {
  const order = new PacketOrder<Numbered>();
  order.receive(packet(100), 0);
  order.receive(packet(30_000), 0); // a stray
  order.receive(packet(101), 0);
  assert.deepEqual(takeAll(order), [100, 101]);
  order.receive(packet(30_001), 0);
  order.receive(packet(30_002), 0);
  order.receive(packet(30_003), 0);
  assert.deepEqual(takeAll(order), ["loss", 30_001, 30_002, 30_003]);
});

Deno.test("PacketOrder holds no more packets and bytes than it may", () => {
  const order = new PacketOrder<Numbered>({ maxPackets: 50, maxBytes: 100_000 });
  order.receive(packet(0), 0);
  takeAll(order);
  for (let n = 2; n < 200; n++) {
    order.receive(packet(n), 0);
    takeAll(order);
    assert.ok(order.held <= 50, `${order.held} packets`);
  }
  const large = new PacketOrder<Numbered>({ maxPackets: 1_000, maxBytes: 10_000 });
  large.receive(packet(0), 0);
  for (let n = 2; n < 50; n++) {
    large.receive(packet(n, { payload: new Uint8Array(1_000) }), 0);
    assert.ok(large.held <= 12, `${large.held} packets, and nobody takes them`);
  }
});

Deno.test("PacketOrder survives any numbers and times, and its own stay bounded", () => {
  let state = 1;
  const random = (below: number) =>
    Math.floor((state = Math.imul(state, 48271) >>> 0) / 2 ** 32 * below);
  for (let round = 0; round < 30; round++) {
    const order = new PacketOrder<Numbered>({
      maxPackets: 64,
      startsKeyFrame: ({ key }) => key ?? false,
    });
    let [at, nowMs] = [random(65_536), 0];
    for (let i = 0; i < 2_000; i++) {
      at += random(20) === 0 ? random(65_536) : random(7) - 2;
      nowMs += random(30);
      const [timestamp, marker, key] = [at >> 3, random(8) === 0, random(20) === 0];
      order.receive(packet(at, { timestamp, marker, key }), nowMs);
      if (random(3) > 0) takeAll(order);
      const asked = order.due(nowMs);
      assert.ok(asked.every((n) => n >= 0 && n < 65_536) && asked.length <= 250);
      assert.ok(order.held <= 65, `${order.held} are held`);
    }
  }
});

Deno.test("PacketOrder recovers 10 % loss when the sender sends again what is asked for", () => {
  let state = 3;
  const lost = () => (state = Math.imul(state, 48271) >>> 0) / 2 ** 32 < 0.1;
  const order = new PacketOrder<Numbered>();
  const inFlight: { atMs: number; n: number }[] = [];
  const got: (number | string)[] = [];
  for (let nowMs = 0, n = 0; n < 3_000; nowMs += 2) {
    const first = n === 0;
    if (nowMs % 4 === 0 && (!lost() || first)) inFlight.push({ atMs: nowMs + 25, n });
    if (nowMs % 4 === 0) n++;
    for (const { n } of inFlight.filter(({ atMs }) => atMs <= nowMs)) {
      order.receive(packet(n), nowMs);
    }
    inFlight.splice(0, inFlight.findLastIndex(({ atMs }) => atMs <= nowMs) + 1);
    for (const asked of order.due(nowMs)) {
      if (!lost()) inFlight.push({ atMs: nowMs + 50, n: asked });
    }
    inFlight.sort((a, b) => a.atMs - b.atMs);
    got.push(...takeAll(order));
  }
  assert.equal(got.filter((n) => n === "loss").length, 0);
  assert.deepEqual(got, Array.from({ length: got.length }, (_, i) => i));
  assert.ok(got.length > 2_900);
  assert.ok(order.stats.nacked < order.stats.recovered * 1.5, JSON.stringify(order.stats));
});
