import assert from "node:assert/strict";
import { DataChannel, MAX_BUFFERED_AMOUNT } from "../../lib/connection/data_channel.ts";
import { BufferFull, SubscriptionClosed } from "../../lib/errors.ts";
import { Queue } from "../../lib/subscriptions/mod.ts";
import { FakeChannel, settle } from "./fake_channel.ts";

const KIB = 1024;

function attached(): { data: DataChannel; channel: FakeChannel } {
  const data = new DataChannel("test");
  const channel = new FakeChannel();
  data._attach(channel);
  return { data, channel };
}

/** The reports written to the console while the body runs. */
async function reports(body: () => Promise<void>): Promise<string> {
  const { error } = console;
  const lines: string[] = [];
  console.error = (...parts: unknown[]) => void lines.push(parts.map(String).join(" "));
  try {
    await body();
  } finally {
    console.error = error;
  }
  return lines.join("\n");
}

Deno.test("DataChannel sends what was put before it opened, in order, when it opens", async () => {
  const { data, channel } = attached();
  for (let i = 0; i < 100; i++) data.put_nowait(i);
  await settle();
  assert.equal(data.ready, false);
  assert.deepEqual(channel.sent, []);
  assert.ok(data.bufferedAmount > 0);
  channel.open();
  assert.equal(data.ready, true);
  await settle();
  assert.deepEqual(channel.sent, Array.from({ length: 100 }, (_, i) => i));
  assert.equal(data.bufferedAmount, 0);
});

Deno.test("DataChannel takes a channel that is open already", async () => {
  const data = new DataChannel("test");
  const channel = new FakeChannel();
  channel.state = "open";
  data.put_nowait("early");
  data._attach(channel);
  data.send("late");
  await settle();
  assert.deepEqual(channel.sent, ["early", "late"]);
});

Deno.test("DataChannel sends what was put as it was when it was put", async () => {
  const { data, channel } = attached();
  const value = { n: 1 };
  const bytes = Uint8Array.of(1);
  data.put_nowait(value);
  data.put_nowait(bytes);
  value.n = 2;
  bytes[0] = 2;
  channel.open();
  await settle();
  assert.deepEqual(channel.sent, [{ n: 1 }, Uint8Array.of(1)]);
});

Deno.test("DataChannel hands the transport no more than it takes", async () => {
  const { data, channel } = attached();
  channel.stuck = true;
  channel.open();
  const piece = new Uint8Array(60 * KIB);
  for (let i = 0; i < 100; i++) data.put_nowait(piece);
  await settle();
  const handed = channel.sent.length;
  assert.ok(handed >= 9 && handed <= 10, `${handed} pieces`);
  assert.equal(data.bufferedAmount, 100 * piece.length);
  channel.drain(530 * KIB); // still too much
  await settle();
  assert.equal(channel.sent.length, handed);
  channel.drain(100 * KIB);
  await settle();
  assert.ok(channel.sent.length > handed && channel.sent.length < 20);
  channel.stuck = false;
  channel.drain();
  await settle();
  assert.equal(channel.sent.length, 100);
  assert.equal(data.bufferedAmount, 0);
});

Deno.test("DataChannel.drained() resolves when most has left, and at once when little waits", async () => {
  const { data, channel } = attached();
  channel.stuck = true;
  channel.open();
  await data.drained();
  for (let i = 0; i < 5; i++) data.put_nowait(new Uint8Array(60 * KIB));
  let drained = 0;
  data.drained().then(() => drained++);
  data.drained().then(() => drained++);
  await settle();
  assert.equal(drained, 0);
  channel.drain(257 * KIB);
  await settle();
  assert.equal(drained, 0);
  channel.drain(256 * KIB);
  await settle();
  assert.equal(drained, 2);
});

Deno.test("DataChannel.put_nowait() throws BufferFull at 16 MiB, and takes more after draining", async () => {
  const { data, channel } = attached();
  channel.stuck = true;
  channel.open();
  const piece = new Uint8Array(64 * KIB);
  for (let i = 0; i < MAX_BUFFERED_AMOUNT / piece.length; i++) data.put_nowait(piece);
  assert.throws(() => data.put_nowait(Uint8Array.of(1)), (error: Error) => {
    assert.ok(error instanceof BufferFull);
    assert.equal(
      error.message,
      'Cannot send on channel "test": 16777216 bytes wait already; ' +
        "await drained() before sending more",
    );
    return true;
  });
  assert.equal(data.bufferedAmount, MAX_BUFFERED_AMOUNT);
  await settle();
  channel.stuck = false;
  channel.drain();
  await data.drained();
  data.put_nowait(piece);
});

Deno.test("DataChannel.put_nowait() throws BufferFull at 65536 messages, however small", async () => {
  const { data, channel } = attached();
  for (let i = 0; i < 65_536; i++) data.put_nowait("");
  assert.throws(
    () => data.put_nowait(""),
    /^BufferFull: Cannot send on channel "test": 65536 messages wait already; await drained\(\) before sending more$/,
  );
  let drained = false;
  const waiting = data.drained().then(() => drained = true);
  await settle();
  assert.equal(drained, false); // they are few bytes, and yet they wait
  channel.open();
  await waiting;
  data.put_nowait("more");
  await settle();
  assert.equal(channel.sent.length, 65_537);
});

Deno.test("DataChannel.put_nowait() refuses what the other end does not accept", () => {
  const { data, channel } = attached();
  channel.open();
  data.put_nowait(new Uint8Array(65_536));
  assert.throws(
    () => data.put_nowait(new Uint8Array(65_537)),
    /^RangeError: Cannot send on channel "test": the message has 65537 bytes, and the other end accepts 65536; send it in parts$/,
  );
  assert.throws(() => data.put_nowait("x".repeat(65_535)), RangeError); // the quotes count
  assert.throws(() => data.put_nowait(undefined), TypeError);
  assert.equal(data.bufferedAmount, 65_536); // what was refused does not wait
});

Deno.test("DataChannel reports what was put too early to be refused, and sends the rest", async () => {
  const { data, channel } = attached();
  data.put_nowait(new Uint8Array(70_000));
  data.put_nowait("the rest");
  const reported = await reports(async () => {
    channel.open();
    await settle();
  });
  assert.match(reported, /a message for channel "test" was not sent[^]*70000 bytes/);
  assert.deepEqual(channel.sent, ["the rest"]);
  assert.equal(data.bufferedAmount, 0);
});

Deno.test("DataChannel reads a subscription only as fast as the transport takes", async () => {
  const { data, channel } = attached();
  channel.stuck = true;
  channel.open();
  let given = 0;
  data.putSubscription({
    get: () => Promise.resolve(given++ < 1_000 ? new Uint8Array(60 * KIB) : null),
  });
  await settle();
  assert.ok(given <= 11, `${given} values were taken`);
  await data.close();
});

Deno.test("DataChannel reports values of a subscription that cannot be sent, and goes on", async () => {
  const { data, channel } = attached();
  channel.open();
  const queue = new Queue<unknown>();
  data.putSubscription(queue);
  const reported = await reports(async () => {
    for (const value of [1, 10n, new Uint8Array(70_000), 2]) queue.put_nowait(value);
    await settle();
  });
  assert.match(reported, /BigInt[^]*70000 bytes/);
  assert.deepEqual(channel.sent, [1, 2]);
  assert.equal(data.subscription, queue);
});

Deno.test("DataChannel gives what arrives to its subscribers, whatever it is", async () => {
  const { data, channel } = attached();
  channel.open();
  const received = data.subscribe();
  channel.receive('{"a":1}');
  channel.receive("no json {");
  channel.receive(Uint8Array.of(0, 255));
  channel.receive("");
  assert.deepEqual(
    [await received.get(), await received.get(), await received.get(), await received.get()],
    [{ a: 1 }, "no json {", Uint8Array.of(0, 255), ""],
  );
});

Deno.test("DataChannel forgets the oldest message when nobody reads", async () => {
  const { data, channel } = attached();
  channel.open();
  const received = data.subscribe();
  for (let i = 0; i < 5_000; i++) channel.receive(`${i}`);
  assert.equal(await received.get(), 5_000 - 4_096);
});

Deno.test("DataChannel closes with the other end, and tells everybody who waits", async () => {
  const { data, channel } = attached();
  channel.stuck = true;
  channel.open();
  for (let i = 0; i < 50; i++) data.put_nowait(new Uint8Array(60 * KIB));
  await settle();
  const waiting = [data.get(), data.drained(), data.subscribe().get()];
  const refused = Promise.all(waiting.map((one) => assert.rejects(one, SubscriptionClosed)));
  channel.close();
  await refused;
  assert.equal(data.closed, true);
  assert.throws(() => data.put_nowait(1), /^SubscriptionClosed: .*DataChannel.*closed/);
  await assert.rejects(
    data.drained(),
    /^SubscriptionClosed: Cannot drain channel "test": it is closed$/,
  );
});

Deno.test("DataChannel.close() closes the channel, also one that comes later", async () => {
  const { data, channel } = attached();
  channel.open();
  await data.close();
  assert.equal(channel.state, "closed");
  const late = new DataChannel("late");
  await late.close();
  const lateChannel = new FakeChannel();
  late._attach(lateChannel);
  assert.equal(lateChannel.state, "closed");
});
