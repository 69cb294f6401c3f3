/** What strangers may send: nothing throws, nothing hangs, and memory stays bounded. */
import assert from "node:assert/strict";
import { CHUNK, makeChunk, makeParameter } from "../../../lib/wire/sctp/chunks.ts";
import { packetChecksum } from "../../../lib/wire/sctp/crc32c.ts";
import { PacketWriter } from "../../../lib/wire/sctp/packet.ts";
import { bytes, Pair, seeded } from "./harness.ts";

const ROUNDS = 100;
const RELIABLE = { ordered: true, maxRetransmits: null };

interface Spy {
  pair: Pair;
  /** Sends the right end a packet with these chunks, as the left end would. */
  inject(...chunks: Uint8Array[]): void;
  /** The next TSN that the right end expects. */
  tsn: number;
}

/** A connected pair whose right end can be lied to. */
function lie(options = {}): Spy {
  let tag = 0;
  let tsn = 0;
  const pair = new Pair(
    {
      filter: (from, packet) => {
        const view = new DataView(packet.buffer);
        if (from === "left") {
          if (packet[12] === CHUNK.init) tsn = view.getUint32(28);
          else tag = view.getUint32(4);
        }
        return true;
      },
    },
    {},
    options,
  ).connect();
  return {
    pair,
    tsn,
    inject: (...chunks) => {
      const out = new PacketWriter(5000, 5000, 65_536);
      out.begin(tag);
      for (const chunk of chunks) out.append(chunk);
      pair.right.sctp.receive(out.finish(true), pair.nowMs);
      if (pair.right.reads) pair.right.take();
      while (pair.right.sctp.transmit(pair.nowMs) !== null);
    },
  };
}

function data(tsn: number, ssn: number, flags: number, user: Uint8Array, streamId = 1): Uint8Array {
  const value = new Uint8Array(12 + user.length);
  const view = new DataView(value.buffer);
  view.setUint32(0, tsn >>> 0);
  view.setUint16(4, streamId);
  view.setUint16(6, ssn);
  view.setUint32(8, 53);
  value.set(user, 12);
  return makeChunk(CHUNK.data, flags, value);
}

const BEGIN = 2, END = 1, UNORDERED = 4;

Deno.test("SctpAssociation ignores garbage", () => {
  const { pair } = lie();
  const random = seeded(7);
  for (let i = 0; i < 5000; i++) {
    pair.right.sctp.receive(
      Uint8Array.from({ length: random() % 100 }, () => random()),
      pair.nowMs,
    );
  }
  assert.equal(pair.right.sctp.dropped, 5000);
  pair.left.sctp.send(1, 51, bytes(10, 1), RELIABLE);
  pair.runUntil(() => pair.right.messages.length === 1);
});

Deno.test("SctpAssociation ignores chunks cut short and filled with nonsense, under a right checksum", () => {
  const random = seeded(11);
  const types = [...Object.values(CHUNK), 12, 13, 63, 64, 127, 128, 192, 193, 255];
  for (let round = 0; round < 60; round++) {
    const { pair, inject, tsn } = lie();
    const started = performance.now();
    for (let i = 0; i < 200 && pair.right.sctp.state === "established"; i++) {
      const chunks = Array.from({ length: 1 + random() % 4 }, () => {
        const value = Uint8Array.from({ length: random() % 60 }, () => random() % 4 ? 0 : random());
        if (value.length >= 4 && random() % 2) {
          new DataView(value.buffer).setUint32(0, tsn + random() % 20);
        }
        return makeChunk(types[random() % types.length]!, random() & 0xff, value);
      });
      inject(...chunks);
      pair.run(random() % 3);
    }
    assert.ok(performance.now() - started < 2000);
  }
});

Deno.test("SctpAssociation outlives packets in which bits were turned, under a right checksum", () => {
  for (let seed = 1; seed <= ROUNDS; seed++) {
    const random = seeded(seed);
    let turning = false;
    const pair = new Pair({
      seed,
      loss: 0.02,
      filter: (_, packet) => {
        if (!turning || random() % 8 > 0) return true;
        const turned = 1 + random() % 3;
        for (let i = 0; i < turned; i++) {
          const at = random() % 2
            ? 12 + random() % Math.min(packet.length - 12, 48)
            : random() % packet.length;
          packet[at] = random() % 3 ? packet[at]! ^ (1 << random() % 8) : random();
        }
        new DataView(packet.buffer).setUint32(8, packetChecksum(packet), true);
        return true;
      },
    }).connect();
    turning = true;
    const { left, right } = pair;
    for (let i = 0; i < 40; i++) {
      for (const end of [left, right]) {
        if (end.sctp.state !== "established") continue;
        end.sctp.send(i % 4, 53, bytes(1 + random() % 4000, i), {
          ordered: i % 3 > 0,
          maxRetransmits: i % 2 ? null : 0,
        });
        if (i % 10 === 9) end.sctp.resetStreams([i % 4]);
      }
      pair.run(5);
    }
    const before = left.sentPackets + right.sentPackets;
    pair.run(20_000);
    assert.ok(left.sentPackets + right.sentPackets - before < 5000, `seed ${seed} is a storm`);
  }
});

Deno.test("SctpAssociation ignores every beginning of every packet of a conversation", () => {
  const packets: Uint8Array[] = [];
  const pair = new Pair({
    loss: 0.1,
    filter: (from, packet) => from === "right" || packets.push(packet) > 0,
  }).connect();
  for (let i = 0; i < 10; i++) {
    pair.left.sctp.send(1, 51, bytes(100 + i * 300, i), RELIABLE);
    pair.left.sctp.send(2, 51, bytes(100 + i * 300, i), { ordered: false, maxRetransmits: 0 });
  }
  pair.run(500);
  pair.left.sctp.resetStreams([1]);
  pair.run(3000);
  const before = pair.right.messages.length;
  for (const packet of packets) {
    for (let length = 0; length < Math.min(packet.length, 80); length++) {
      pair.right.sctp.receive(packet.subarray(0, length), pair.nowMs);
    }
    const broken = packet.slice();
    broken[packet.length - 1]! ^= 1;
    pair.right.sctp.receive(broken, pair.nowMs);
  }
  pair.right.take();
  assert.equal(pair.right.messages.length, before);
  assert.equal(pair.right.sctp.state, "established");
});

Deno.test("SctpAssociation holds no more than its window of messages that wait for one", () => {
  const { pair, inject, tsn } = lie({ receiveWindow: 100_000, maxMessageSize: 20_000 });
  for (let i = 1; i <= 2000; i++) inject(data(tsn + i, i, BEGIN | END, bytes(1000, i)));
  assert.equal(pair.right.sctp.state, "established");
  assert.equal(pair.right.messages.length, 0);
  inject(data(tsn, 0, BEGIN | END, bytes(1000, 0)));
  assert.ok(pair.right.messages.length > 70 && pair.right.messages.length < 100);
});

Deno.test("SctpAssociation ends when a peer fills twice its window in order", () => {
  const { pair, inject, tsn } = lie({ receiveWindow: 100_000, maxMessageSize: 20_000 });
  for (let i = 0; i < 500 && pair.right.sctp.state === "established"; i++) {
    inject(data(tsn + i, i + 1, BEGIN | END, bytes(1000, i))); // number 0 never comes
  }
  const last = pair.right.events.at(-1);
  assert.ok(last?.type === "closed" && last.error?.name === "RemoteProtocolError");
  assert.match(
    last.error.message,
    /^Cannot go on with the data channels: the peer sent \d+ bytes, which is twice/,
  );
});

Deno.test("SctpAssociation counts a flood of tiny fragments at its price", () => {
  const { pair, inject, tsn } = lie({ receiveWindow: 100_000, maxMessageSize: 20_000 });
  let taken = 0;
  for (let i = 0; i < 5000 && pair.right.sctp.state === "established"; i++) {
    inject(data(tsn + 2 * i, 0, BEGIN | UNORDERED, bytes(1, i)));
    taken++;
  }
  assert.ok(taken === 5000, "every second chunk is missing, so most were dropped");
  assert.equal(pair.right.sctp.state, "established");
});

Deno.test("SctpAssociation ends when a message is longer than announced", () => {
  const { pair, inject, tsn } = lie({ maxMessageSize: 3000 });
  for (let i = 0; i < 4; i++) inject(data(tsn + i, 0, i === 0 ? BEGIN : 0, bytes(1000, i)));
  const last = pair.right.events.at(-1);
  assert.ok(last?.type === "closed");
  assert.equal(
    last.error?.message,
    "Cannot go on with the data channels: the peer sent a message of 4000 bytes or more; 3000 were announced",
  );
});

Deno.test("SctpAssociation ends when a fragment lies inside another message", () => {
  const { pair, inject, tsn } = lie();
  inject(data(tsn, 0, BEGIN, bytes(10, 1), 1));
  inject(data(tsn + 1, 0, END, bytes(10, 1), 2));
  assert.equal(pair.right.sctp.state, "closed");
});

Deno.test("SctpAssociation puts fragments together in every order of arrival", () => {
  const random = seeded(5);
  for (let round = 0; round < 50; round++) {
    const { pair, inject, tsn } = lie();
    const count = 2 + random() % 30;
    const order = Array.from({ length: count }, (_, i) => ({ i, at: random() }))
      .sort((a, b) => a.at - b.at);
    for (const { i } of order) {
      const flags = (i === 0 ? BEGIN : 0) | (i === count - 1 ? END : 0) |
        (round % 2 ? UNORDERED : 0);
      inject(data(tsn + i, 0, flags, Uint8Array.of(i, i)));
      if (random() % 3 === 0) inject(data(tsn + i, 0, flags, Uint8Array.of(i, i)));
    }
    assert.deepEqual(
      pair.right.messages.map(({ data }) => [...data]),
      [Array.from({ length: count }, (_, i) => [i, i]).flat()],
    );
  }
});

Deno.test("SctpAssociation takes a FORWARD TSN of many streams in little time", () => {
  const { pair, inject, tsn } = lie();
  const started = performance.now();
  for (let round = 0; round < 200; round++) {
    const value = new Uint8Array(4 + 4 * 290);
    const view = new DataView(value.buffer);
    view.setUint32(0, (tsn + round * 1000) >>> 0);
    for (let i = 0; i < 290; i++) {
      view.setUint16(4 + 4 * i, i);
      view.setUint16(6 + 4 * i, (round + 1) * 30_000);
    }
    inject(makeChunk(CHUNK.forwardTsn, 0, value));
  }
  assert.equal(pair.right.sctp.state, "established");
  assert.ok(performance.now() - started < 2000);
});

Deno.test("SctpAssociation answers heartbeats, and reports unknown chunks that ask for it", () => {
  const replies: Uint8Array[] = [];
  const { pair, inject } = lie();
  pair.left.reads = false;
  const { sctp } = pair.right;
  const transmit = sctp.transmit.bind(sctp);
  sctp.transmit = (nowMs) => {
    const packet = transmit(nowMs);
    if (packet !== null) replies.push(packet);
    return packet;
  };
  inject(makeChunk(CHUNK.heartbeat, 0, makeParameter(1, bytes(8, 1))));
  assert.equal(replies[0]![12], CHUNK.heartbeatAck);
  assert.deepEqual(replies[0]!.subarray(16), makeParameter(1, bytes(8, 1)));
  inject(makeChunk(0xc5, 0, bytes(4, 1)), makeChunk(CHUNK.heartbeat, 0));
  assert.deepEqual([replies[1]![12], replies[1]![13 + 3]], [CHUNK.error, 0]);
  inject(makeChunk(0x3f, 0, bytes(4, 1)), makeChunk(CHUNK.heartbeat, 0)); // stops there, says nothing
  assert.equal(replies.length, 2);
});

Deno.test("SctpAssociation takes nothing under another tag", () => {
  const { pair, inject, tsn } = lie();
  const out = new PacketWriter(5000, 5000, 200);
  out.begin(12345);
  out.append(makeChunk(CHUNK.abort, 0));
  pair.right.sctp.receive(out.finish(true), pair.nowMs);
  assert.equal(pair.right.sctp.state, "established");
  inject(data(tsn, 0, BEGIN | END, bytes(1, 1)));
  inject(makeChunk(CHUNK.abort, 0));
  assert.equal(pair.right.sctp.state, "closed");
});

Deno.test("SctpAssociation closes after a SHUTDOWN, when its last data arrived", () => {
  let lost = true;
  const { pair, inject } = lie();
  pair.link = { filter: (from) => from === "left" || !lost };
  pair.right.sctp.send(1, 51, bytes(10, 1), RELIABLE);
  pair.run(10);
  inject(makeChunk(CHUNK.shutdown, 0, new Uint8Array(4))); // acknowledges nothing that was sent
  assert.equal(pair.right.sctp.state, "closing");
  assert.throws(() => pair.right.sctp.send(1, 51, bytes(10, 1), RELIABLE), {
    name: "ConnectionLost",
  });
  lost = false;
  pair.runUntil(() => pair.left.messages.length === 1);
  pair.run(1000);
  inject(makeChunk(CHUNK.shutdownComplete, 0));
  assert.deepEqual(pair.right.events.at(-1), { type: "closed" });
});
