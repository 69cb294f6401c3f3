import assert from "node:assert/strict";
import { bytes, Pair, seeded } from "./harness.ts";

const RELIABLE = { ordered: true, maxRetransmits: null };
const UNORDERED = { ordered: false, maxRetransmits: null };
const CONTROL = { ordered: false, maxRetransmits: 0 };

/** A `random32` whose second number, the first TSN, is given. */
function startingAt(tsn: number): () => number {
  let call = 0;
  const rest = seeded(tsn);
  return () => call++ === 1 ? tsn : rest();
}

for (const loss of [0, 0.01, 0.1, 0.3]) {
  for (const ordered of [true, false]) {
    Deno.test(`SctpAssociation carries ${ordered ? "ordered" : "unordered"} messages intact over ${loss * 100} % loss`, () => {
      for (let seed = 1; seed <= 5; seed++) {
        const pair = new Pair({ seed, loss, duplicate: loss / 2, jitterMs: loss > 0 ? 10 : 0 });
        pair.connect();
        const random = seeded(seed);
        const lengths = Array.from(
          { length: 300 },
          (_, i) => 1 + random() % (i % 20 ? 300 : 50_000),
        );
        lengths.forEach((length, i) => {
          const data = bytes(length + 4, i);
          new DataView(data.buffer).setUint32(0, i);
          pair.left.sctp.send(i % 3, 53, data, { ordered, maxRetransmits: null });
          pair.right.sctp.send(i % 3, 53, data, { ordered, maxRetransmits: null });
        });
        pair.runUntil(() => pair.right.messages.length >= 300 && pair.left.messages.length >= 300);
        for (const end of [pair.left, pair.right]) {
          const seen = new Set<number>();
          const last = [-1, -1, -1];
          for (const { data, streamId, ppid } of end.messages) {
            const i = new DataView(data.buffer).getUint32(0);
            assert.equal(ppid, 53);
            assert.equal(streamId, i % 3);
            assert.ok(!seen.has(i));
            seen.add(i);
            if (ordered) assert.ok(i > last[streamId]!);
            last[streamId] = i;
            const sent = bytes(lengths[i]! + 4, i);
            assert.deepEqual(data.subarray(4), sent.subarray(4));
          }
          assert.equal(seen.size, 300);
        }
        pair.run(30_000);
        assert.equal(pair.left.sctp.nextTimeout(), null, "nothing is left to do");
        assert.equal(pair.right.sctp.nextTimeout(), null);
        assert.equal(pair.left.sctp.bufferedAmount, 0);
      }
    });
  }
}

Deno.test("SctpAssociation goes on when its numbers wrap around", () => {
  for (const tsn of [0xfffffff0, 0xffffffff, 0x7ffffff0, 0]) {
    const pair = new Pair({ loss: 0.1, jitterMs: 8, seed: 3 }, { random32: startingAt(tsn) }, {
      random32: startingAt(tsn),
    }).connect();
    for (let i = 0; i < 100; i++) pair.left.sctp.send(1, 51, bytes(2000, i), RELIABLE);
    pair.runUntil(() => pair.right.messages.length === 100);
    pair.right.messages.forEach(({ data }, i) => assert.deepEqual(data, bytes(2000, i)));
  }
});

Deno.test("SctpAssociation delivers the 70000th ordered message, after stream numbers wrapped around", () => {
  const pair = new Pair({ loss: 0.01, delayMs: 1 }).connect();
  let next = 0;
  pair.right.onEvent = (event) => {
    if (event.type === "message") {
      assert.equal(new DataView(event.data.buffer).getUint32(0), next++);
    }
  };
  for (let i = 0; i < 70_000; i++) {
    const data = new Uint8Array(4);
    new DataView(data.buffer).setUint32(0, i);
    pair.left.sctp.send(9, 53, data, RELIABLE);
  }
  pair.runUntil(() => next === 70_000);
});

Deno.test("SctpAssociation is made when both ends begin at once", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const pair = new Pair({ seed, loss: seed > 1 ? 0.3 : 0, jitterMs: 20 }, {}, { client: true });
    pair.connect();
    pair.left.sctp.send(1, 51, bytes(10, 1), RELIABLE);
    pair.right.sctp.send(1, 51, bytes(10, 2), RELIABLE);
    pair.runUntil(() => pair.left.messages.length === 1 && pair.right.messages.length === 1);
    assert.equal(pair.left.events.filter(({ type }) => type === "established").length, 1);
  }
});

Deno.test("SctpAssociation sends what was given to it before it was established", () => {
  const pair = new Pair();
  pair.left.sctp.send(0, 51, bytes(5, 1), RELIABLE);
  assert.equal(pair.left.sctp.bufferedAmount, 5);
  pair.connect();
  pair.runUntil(() => pair.right.messages.length === 1);
  assert.equal(pair.left.sctp.bufferedAmount, 0);
});

Deno.test("SctpAssociation answers an echo with one packet that acknowledges too", () => {
  const pair = new Pair().connect();
  pair.run(1000);
  pair.right.onEvent = (event) => {
    if (event.type === "message") pair.right.sctp.send(1, 51, event.data, RELIABLE);
  };
  let echoes = 0;
  pair.left.onEvent = (event) => {
    if (event.type === "message" && ++echoes < 100) {
      pair.left.sctp.send(1, 51, event.data, RELIABLE);
    }
  };
  const before = pair.left.sentPackets + pair.right.sentPackets;
  pair.left.sctp.send(1, 51, bytes(50, 1), RELIABLE);
  pair.runUntil(() => echoes === 100);
  assert.equal(pair.left.sentPackets + pair.right.sentPackets - before, 200);
});

Deno.test("SctpAssociation repairs the last message before a pause within 200 ms", () => {
  let lose = false;
  const pair = new Pair({
    filter: (from) => !(from === "left" && lose && !(lose = false)),
  }).connect();
  pair.left.sctp.send(1, 51, bytes(50, 1), RELIABLE);
  pair.runUntil(() => pair.right.messages.length === 1);
  pair.run(1000);
  lose = true;
  const from = pair.nowMs;
  pair.left.sctp.send(1, 51, bytes(50, 2), RELIABLE);
  pair.runUntil(() => pair.right.messages.length === 2);
  assert.ok(pair.nowMs - from < 200, `${pair.nowMs - from} ms`);
});

Deno.test("SctpAssociation gives up unreliable messages, and only those", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const pair = new Pair({ seed, loss: 0.2, jitterMs: 5 }).connect();
    for (let i = 0; i < 500; i++) {
      const data = bytes(i % 7 === 0 ? 5000 : 100, i);
      new DataView(data.buffer).setUint32(0, i);
      pair.left.sctp.send(1, 53, data, CONTROL);
      pair.left.sctp.send(2, 53, data, RELIABLE);
      pair.left.sctp.send(3, 53, data, { ordered: true, maxRetransmits: 0 });
      pair.left.sctp.send(4, 53, data, { ordered: true, maxRetransmits: 2 });
      pair.run(2);
    }
    pair.run(60_000);
    assert.equal(pair.left.sctp.nextTimeout(), null);
    const numbers = (id: number) =>
      pair.right.messages.filter(({ streamId }) => streamId === id)
        .map(({ data }) => new DataView(data.buffer).getUint32(0));
    assert.deepEqual(numbers(2), Array.from({ length: 500 }, (_, i) => i));
    for (const id of [1, 3, 4]) {
      const got = numbers(id);
      assert.equal(new Set(got).size, got.length);
      assert.ok(got.length > (id === 4 ? 400 : 250), `${got.length} on stream ${id}`);
      assert.ok(got.length < 500 || id === 4);
      if (id !== 1) assert.deepEqual(got, [...got].sort((a, b) => a - b));
    }
    for (const { data } of pair.right.messages) {
      const i = new DataView(data.buffer).getUint32(0);
      assert.deepEqual(data.subarray(4), bytes(i % 7 === 0 ? 5000 : 100, i).subarray(4));
    }
  }
});

Deno.test("SctpAssociation never lets a command wait for a lost one on an unreliable unordered channel", () => {
  const pair = new Pair({ seed: 4, loss: 0.3, delayMs: 5 }).connect();
  const sentAt: number[] = [];
  let worst = 0;
  pair.right.onEvent = (event) => {
    if (event.type !== "message") return;
    worst = Math.max(worst, pair.nowMs - sentAt[new DataView(event.data.buffer).getUint32(0)]!);
  };
  for (let i = 0; i < 1000; i++) {
    const data = new Uint8Array(4);
    new DataView(data.buffer).setUint32(0, i);
    sentAt.push(pair.nowMs);
    pair.left.sctp.send(1000, 53, data, CONTROL);
    pair.run(20);
  }
  assert.ok(worst < 6, `${worst} ms`);
});

Deno.test("SctpAssociation lets a small message pass a bulk of others, at once with priority", () => {
  const order = (priority: boolean): number => {
    const pair = new Pair().connect();
    pair.left.sctp.setPriority(7, priority);
    for (let i = 0; i < 200; i++) pair.left.sctp.send(1, 53, bytes(20_000, i), RELIABLE);
    for (let i = 0; i < 5; i++) pair.left.sctp.send(7, 51, bytes(20, i), RELIABLE);
    pair.runUntil(() => pair.right.messages.length === 205);
    return pair.right.messages.map(({ streamId }) => streamId).lastIndexOf(7);
  };
  assert.ok(order(false) <= 10);
  assert.equal(order(true), 4);
});

Deno.test("SctpAssociation stops for a reader that does not read, and goes on when it does", () => {
  const pair = new Pair({}, {}, { maxMessageSize: 10_000, receiveWindow: 100_000 }).connect();
  pair.right.reads = false;
  for (let i = 0; i < 100; i++) pair.left.sctp.send(1, 53, bytes(10_000, i), RELIABLE);
  pair.run(60_000);
  assert.ok(pair.left.sctp.bufferedAmount > 850_000, `${pair.left.sctp.bufferedAmount}`);
  assert.equal(pair.left.sctp.state, "established");
  pair.right.reads = true;
  pair.right.take();
  const from = pair.nowMs;
  pair.runUntil(() => pair.right.messages.length === 100);
  assert.ok(pair.nowMs - from < 500, `${pair.nowMs - from} ms`);
  pair.right.messages.forEach(({ data }, i) => assert.deepEqual(data, bytes(10_000, i)));
});

Deno.test("SctpAssociation.resetStreams() ends a stream after its messages, and the number can be used again", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const pair = new Pair({ seed, loss: seed > 1 ? 0.2 : 0, jitterMs: 10 }).connect();
    const order: string[] = [];
    const resets: number[] = [];
    pair.right.onEvent = (event) => {
      order.push(event.type);
      if (event.type === "reset") {
        resets.push(...event.streamIds);
        pair.right.sctp.resetStreams(event.streamIds);
      }
    };
    for (let i = 0; i < 20; i++) pair.left.sctp.send(5, 53, bytes(3000, i), RELIABLE);
    pair.left.sctp.send(6, 53, bytes(30, 1), RELIABLE);
    pair.left.sctp.send(8, 53, bytes(30_000, 1), RELIABLE);
    pair.left.sctp.resetStreams([5, 6]);
    pair.left.sctp.send(5, 53, bytes(10, 99), RELIABLE); // for the next channel of that number
    pair.runUntil(() => order.filter((type) => type === "message").length === 23);
    const before = order.slice(0, order.lastIndexOf("reset"));
    assert.ok(before.filter((type) => type === "message").length >= 21);
    assert.ok(order.lastIndexOf("message") > order.indexOf("reset"));
    pair.run(20_000);
    assert.ok(order.includes("resetDone") && pair.left.has("resetDone"));
    assert.deepEqual(resets.toSorted(), [5, 6]);
    assert.equal(pair.left.sctp.nextTimeout(), null);
    assert.equal(pair.right.sctp.nextTimeout(), null);
  }
});

Deno.test("SctpAssociation.abort() tells the peer", () => {
  const pair = new Pair().connect();
  pair.left.sctp.abort();
  assert.equal(pair.left.sctp.state, "closed");
  pair.run(100);
  assert.deepEqual(pair.right.events.at(-1), { type: "closed" });
  assert.deepEqual(pair.left.events.at(-1), { type: "closed" });
  assert.throws(() => pair.left.sctp.send(1, 51, bytes(1, 1), RELIABLE), {
    name: "ConnectionLost",
    message: "Cannot send on stream 1: the association is closed; make a new connection",
  });
  assert.equal(pair.left.sctp.nextTimeout(), null);
});

Deno.test("SctpAssociation says that the peer is lost when nothing is answered", () => {
  const pair = new Pair().connect();
  pair.link = { loss: 1 };
  pair.left.sctp.send(1, 51, bytes(1, 1), RELIABLE);
  const from = pair.nowMs;
  pair.runUntil(() => pair.left.has("closed"));
  const last = pair.left.events.at(-1);
  assert.ok(last?.type === "closed" && last.error?.name === "ConnectionLost");
  assert.ok(pair.nowMs - from < 60_000);
});

Deno.test("SctpAssociation goes on soon after the link was gone for ten seconds", () => {
  const pair = new Pair().connect();
  for (let i = 0; i < 50; i++) pair.left.sctp.send(1, 51, bytes(2000, i), RELIABLE);
  pair.link = { loss: 1 };
  pair.run(10_000);
  pair.link = {};
  const from = pair.nowMs;
  pair.runUntil(() => pair.right.messages.length === 50);
  assert.ok(pair.nowMs - from < 2500, `${pair.nowMs - from} ms`);
});

Deno.test("SctpAssociation delivers unordered messages past a hole", () => {
  let lost = 0;
  const pair = new Pair({}).connect();
  pair.link = { filter: (from) => !(from === "left" && lost++ === 0) };
  pair.left.sctp.send(1, 51, bytes(1000, 1), UNORDERED);
  pair.left.sctp.send(1, 51, bytes(1000, 2), UNORDERED);
  pair.run(10);
  assert.deepEqual(pair.right.messages.map(({ data }) => data[0]), [bytes(1, 2)[0]]);
  pair.run(1000);
  assert.equal(pair.right.messages.length, 2);
});

Deno.test("SctpAssociation.send() refuses an empty message", () => {
  const pair = new Pair();
  assert.throws(() => pair.left.sctp.send(1, 51, new Uint8Array(), RELIABLE), {
    name: "RangeError",
    message:
      "Cannot send the SCTP message: it has no bytes; send one and a PPID that says it is empty",
  });
});

Deno.test("SctpAssociation answers an INIT that comes before start()", () => {
  const pair = new Pair({}, {}, { client: true });
  pair.left.sctp.start(pair.nowMs);
  pair.runUntil(() => pair.left.has("established") && pair.right.has("established"));
  pair.right.sctp.start(pair.nowMs);
  assert.equal(pair.right.sctp.state, "established");
  pair.right.sctp.send(1, 51, bytes(3, 1), RELIABLE);
  pair.runUntil(() => pair.left.messages.length === 1);
});

Deno.test("SctpAssociation fills a path with a long round trip", () => {
  const pair = new Pair({ delayMs: 25 }).connect();
  for (let i = 0; i < 300; i++) pair.left.sctp.send(1, 53, bytes(16_000, i), RELIABLE);
  const from = pair.nowMs;
  pair.runUntil(() => pair.right.messages.length === 300);
  assert.ok(pair.nowMs - from < 1000, `${pair.nowMs - from} ms`);
});
