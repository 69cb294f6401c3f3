import assert from "node:assert/strict";
import {
  BufferFull,
  type DataChannel,
  NegotiationError,
  Queue,
  RTCConnection,
  SubscriptionClosed,
} from "../../mod.ts";
import { join, LOCAL, within, withPair } from "./pair.ts";

Deno.test("RTCConnection carries JSON of every kind both ways, in order", async () => {
  await withPair(async (a, b) => {
    const messages = [
      "hi",
      "",
      "ümlaut 🤖",
      0,
      -1.5,
      true,
      false,
      null,
      [],
      {},
      [1, [2, { three: 3 }]],
      { data: "ping", nested: { empty: "" } },
      "x".repeat(60_000),
    ];
    for (const [from, to] of [[a, b], [b, a]] as const) {
      const received = to.subscribe();
      for (const message of messages) from.put_nowait(message);
      for (const message of messages) {
        assert.deepEqual(await within(5000, received.get(), "a message"), message);
      }
    }
  });
});

Deno.test("RTCConnection carries every binary type intact, empty ones too", async () => {
  await withPair(async (a, b) => {
    const bytes = Uint8Array.from({ length: 64 }, (_, i) => i * 7);
    const views = [
      new Uint8Array(0),
      new ArrayBuffer(0),
      bytes,
      bytes.buffer,
      bytes.subarray(3, 9),
      new Uint8ClampedArray(bytes),
      new Int8Array(bytes.buffer),
      new Int16Array(bytes.buffer),
      new Uint16Array(bytes.buffer, 8, 4),
      new Int32Array(bytes.buffer),
      new Uint32Array(bytes.buffer),
      new BigInt64Array(bytes.buffer),
      new BigUint64Array(bytes.buffer),
      new Float32Array([1.5, -2, Infinity]),
      new Float64Array([Math.PI]),
      new DataView(bytes.buffer, 5, 11),
      new DataView(new ArrayBuffer(0)),
    ];
    const received = b.subscribe();
    for (const view of views) a.put_nowait(view);
    a.put_nowait("after them all");
    for (const view of views) {
      const wanted = view instanceof ArrayBuffer
        ? new Uint8Array(view)
        : new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
      const got = await within(5000, received.get(), view.constructor.name) as Uint8Array;
      assert.equal(Object.getPrototypeOf(got), Uint8Array.prototype);
      assert.deepEqual([...got], [...wanted], view.constructor.name);
    }
    assert.equal(await within(5000, received.get(), "the last message"), "after them all");
  });
});

Deno.test("RTCConnection.put_nowait() before it is open sends when it opens", async () => {
  await using a = new RTCConnection(LOCAL);
  await using b = new RTCConnection(LOCAL);
  a.put_nowait("first");
  b.put_nowait("second");
  const [atA, atB] = [a.subscribe(), b.subscribe()];
  await join(a, b);
  assert.equal(await within(5000, atB.get(), "the offerer's message"), "first");
  assert.equal(await within(5000, atA.get(), "the answerer's message"), "second");
});

Deno.test("RTCConnection.put_nowait() says what is wrong with a message", async () => {
  await withPair(async (a, b) => {
    assert.throws(
      () => a.put_nowait(undefined),
      /^TypeError: Cannot send the message: JSON has no/,
    );
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    assert.throws(
      () => a.put_nowait(circular),
      /^TypeError: Cannot send the message: it is not JSON/,
    );
    const received = b.subscribe();
    a.put_nowait("so that the channel is open");
    await within(5000, received.get(), "a message");
    assert.throws(
      () => a.put_nowait(new Uint8Array(262_145)),
      /^RangeError: Cannot send on channel "default": the message has 262145 bytes, and the other end accepts 262144; send it in parts$/,
    );
    a.put_nowait(new Uint8Array(262_144));
    assert.equal((await within(5000, received.get(), "the largest") as Uint8Array).length, 262_144);
  });
});

Deno.test("RTCConnection.put_nowait() throws BufferFull instead of growing, and drained() helps", async () => {
  await withPair(async (a, b) => {
    let bytes = 0;
    const arrived = Promise.withResolvers<void>();
    b.subscribe((message: unknown) => {
      if (message === "end") arrived.resolve();
      else bytes += (message as Uint8Array).length;
    });
    const piece = new Uint8Array(65_536);
    let sent = 0;
    assert.throws(() => {
      for (;;) {
        a.put_nowait(piece);
        sent += piece.length;
      }
    }, BufferFull);
    assert.ok(sent >= 15 * 1024 * 1024 && a.bufferedAmount <= 16 * 1024 * 1024);
    await within(60_000, a.drained(), "drained()");
    assert.ok(a.bufferedAmount < sent / 8);
    a.put_nowait("end");
    await within(60_000, arrived.promise, "the end");
    assert.equal(bytes, sent);
  });
});

Deno.test("RTCConnection closes at once when the other end closes", async () => {
  await withPair(async (a, b) => {
    const closed = within(1000, b.onClose(), "the other end's close");
    await a.close();
    await closed;
    assert.equal(b.error, null);
    assert.throws(
      () => b.put_nowait("late"),
      (error: Error) =>
        error instanceof SubscriptionClosed && /RTCConnection: it is closed/.test(error.message),
    );
    assert.throws(() => a.put_nowait("late"), SubscriptionClosed);
    await assert.rejects(b.get(), SubscriptionClosed);
    await assert.rejects(b.getLocalDescription(), SubscriptionClosed);
  });
});

Deno.test("RTCConnection.addDataChannel() refuses at once what would silence all channels later", async () => {
  await using a = new RTCConnection(LOCAL);
  await using b = new RTCConnection(LOCAL);
  assert.throws(() => a.addDataChannel("ü".repeat(32_768)), {
    name: "RangeError",
    message: "Cannot add a data channel: its name has 65536 bytes; at most 65535 fit",
  });
  for (const maxRetransmits of [-1, 0.5, NaN, 65_536]) {
    assert.throws(() => a.addDataChannel("unordered", { maxRetransmits }), {
      name: "RangeError",
      message: `Cannot add data channel "unordered": maxRetransmits is ${maxRetransmits}; ` +
        "give a whole number from 0 to 65535, or null",
    });
  }
  const longest = a.addDataChannel("x".repeat(65_535), { maxRetransmits: 65_535 });
  const received = b.subscribe();
  a.put_nowait("hello");
  await join(a, b);
  assert.equal(await within(5000, received.get(), "a message"), "hello");
  await within(5000, longest.onReady(), "the longest name");
});

Deno.test("RTCConnection is ready without conn.control, when that was closed before", async () => {
  await using a = new RTCConnection(LOCAL);
  await using b = new RTCConnection(LOCAL);
  await a.control.close();
  await within(5000, join(a, b), "a connection");
});

Deno.test("RTCConnection.addDataChannel() opens further channels from either end", async () => {
  await using a = new RTCConnection(LOCAL);
  await using b = new RTCConnection(LOCAL);
  const early = a.addDataChannel("früh – 早い"); // more bytes than characters
  const arrived = nextChannel(b);
  await join(a, b);
  const atB = (await within(5000, arrived, "the channel")).channel;
  assert.equal(atB.name, "früh – 早い");
  assert.equal(b.getDataChannel("früh – 早い"), atB);
  early.put_nowait("over the early channel");
  assert.equal(await within(5000, atB.get(), "its message"), "over the early channel");

  const atA = nextChannel(a);
  const late = b.addDataChannel("late", { ordered: false, maxRetransmits: 0 });
  late.put_nowait({ x: 1 });
  const { channel } = await within(5000, atA, "the late channel");
  assert.deepEqual(await within(5000, channel.get(), "its message"), { x: 1 });

  for (const name of ["default", "late"]) {
    assert.throws(() => b.addDataChannel(name), RangeError);
  }
  assert.throws(() => b.getDataChannel("default"), RangeError);
  await late.close();
  await within(5000, channel.onClose(), "the close of the channel");
  assert.throws(() => a.getDataChannel("late"), RangeError);
});

Deno.test("RTCConnection.putSubscription() sends what a source gives", async () => {
  await withPair(async (a, b) => {
    const queue = new Queue<number>();
    a.putSubscription(queue);
    assert.equal(a.subscription, queue);
    const received = b.subscribe();
    for (let i = 0; i < 100; i++) queue.put_nowait(i);
    for (let i = 0; i < 100; i++) {
      assert.equal(await within(5000, received.get(), `message ${i}`), i);
    }
    a.put_nowait("direct");
    assert.equal(a.subscription, null);
    assert.equal(await within(5000, received.get(), "the direct one"), "direct");
  });
});

Deno.test("RTCConnection.control delivers commands and measures the round trip", async () => {
  await withPair(async (a, b) => {
    const commands = b.control.subscribe();
    await Promise.all([a.control.onReady(), b.control.onReady()]);
    a.control.put_nowait({ forward: 1, leftright: -0.5 });
    assert.deepEqual(await within(5000, commands.get(), "the command"), {
      forward: 1,
      leftright: -0.5,
    });
    const deadline = performance.now() + 5000;
    while (a.rttMs === null && performance.now() < deadline) {
      await new Promise((done) => setTimeout(done, 20));
    }
    assert.ok(a.rttMs !== null && a.rttMs < 1000);
  });
});

Deno.test("RTCConnection refuses what is no description, each time with one sentence", async () => {
  const refused: [unknown, RegExp][] = [
    [null, /^Cannot read the offer: it is not an object/],
    ["offer", /^Cannot read the offer: it is not an object/],
    [{}, /its "type" is not "offer"/],
    [{ type: "answer", sdp: "v=0\r\n" }, /its "type" is not "offer"/],
    [{ type: "offer" }, /its "sdp" is not a string/],
    [{ type: "offer", sdp: "" }, /does not begin with "v=0"/],
    [{ type: "offer", sdp: "x".repeat(100_000) }, /has 100000 characters; at most 65536 are read/],
    [{ type: "offer", sdp: "v=0\r\ns=-\r\n" }, /has no media section/],
  ];
  for (const [offer, sentence] of refused) {
    await using conn = new RTCConnection(LOCAL);
    await assert.rejects(conn.getLocalDescription(offer), (error: Error) => {
      assert.ok(error instanceof NegotiationError, error.stack);
      assert.match(error.message, sentence);
      return true;
    });
  }
});

Deno.test("RTCConnection says when its calls come in the wrong order", async () => {
  await using conn = new RTCConnection(LOCAL);
  await using other = new RTCConnection(LOCAL);
  const answer = await other.getLocalDescription(await conn.getLocalDescription());
  await assert.rejects(
    conn.getLocalDescription(),
    /was described already; make a new RTCConnection/,
  );
  await conn.setRemoteDescription(answer);
  await assert.rejects(conn.setRemoteDescription(answer), /no offer was made/);
});

Deno.test("RTCConnection fails when the other end does not come", async () => {
  await using offerer = new RTCConnection(LOCAL);
  await using conn = new RTCConnection({ ...LOCAL, connectTimeoutMs: 300 });
  await conn.getLocalDescription(await offerer.getLocalDescription());
  const error = await within(5000, conn.onError(), "the error");
  assert.match(String(error?.message), /^Cannot connect: the other end did not come within 0.3 s/);
  assert.ok(conn.closed);
});

/** In an object, since a channel that is awaited is awaited until it closes. */
function nextChannel(conn: RTCConnection): Promise<{ channel: DataChannel }> {
  return new Promise((resolve) => conn.onDataChannel((channel) => resolve({ channel })));
}
