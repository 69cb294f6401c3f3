import assert from "node:assert/strict";
import { ControlChannel } from "../../lib/connection/control_channel.ts";
import { SubscriptionClosed } from "../../lib/errors.ts";
import { FakeChannel, settle } from "./fake_channel.ts";

function opened(): { control: ControlChannel; channel: FakeChannel } {
  const control = new ControlChannel();
  const channel = new FakeChannel();
  control._attach(channel);
  channel.open();
  return { control, channel };
}

/** The values of the commands that were sent. */
function commands(channel: FakeChannel): unknown[] {
  return (channel.sent as unknown[][]).filter(([kind]) => kind === "control").map((m) => m[3]);
}

Deno.test("ControlChannel sends a command at once", async () => {
  const { control, channel } = opened();
  control.put_nowait({ forward: 1 });
  await settle();
  const [[kind, seq, timeMs, value]] = channel.sent as [[string, number, number, unknown]];
  assert.deepEqual([kind, seq, value], ["control", 1, { forward: 1 }]);
  assert.ok(Math.abs(timeMs - performance.now()) < 10_000);
});

Deno.test("ControlChannel sends only the newest of what was put before it was open", async () => {
  const control = new ControlChannel();
  const channel = new FakeChannel();
  for (let i = 0; i < 10; i++) control.put_nowait(i);
  control._attach(channel);
  await settle();
  assert.deepEqual(channel.sent, []);
  channel.open();
  await settle();
  assert.deepEqual(commands(channel), [9]);
});

Deno.test("ControlChannel never queues behind what has not left; the newest leaves when it can", async () => {
  const { control, channel } = opened();
  channel.stuck = true;
  for (let i = 0; i < 10; i++) {
    control.put_nowait(i);
    await settle();
  }
  assert.deepEqual(commands(channel), [0]);
  control._ping();
  assert.equal(channel.sent.length, 1); // nor does anything else wait in line
  channel.drain(10);
  assert.deepEqual(commands(channel), [0]);
  channel.drain();
  assert.deepEqual(commands(channel), [0, 9]); // a stop that was said once arrives
  channel.drain();
  assert.deepEqual(commands(channel), [0, 9]);
});

Deno.test("ControlChannel says of a held command when it was meant", async () => {
  const { control, channel } = opened();
  channel.stuck = true;
  control.put_nowait("first");
  await settle();
  control.put_nowait("held");
  await settle();
  const meantMs = performance.now();
  while (performance.now() < meantMs + 5) await settle();
  channel.drain();
  assert.ok((channel.sent as [string, number, number][])[1]![2] <= meantMs);
});

Deno.test("ControlChannel answers a ping in the same turn, and measures the round trip", () => {
  const { control, channel } = opened();
  channel.receive('["ping",123.5]');
  const [[kind, t, t2]] = channel.sent as [[string, number, number]];
  assert.deepEqual([kind, t], ["pong", 123.5]);
  assert.ok(Math.abs(t2 - performance.now()) < 10_000);
  assert.equal(control.rttMs, null);
  control._ping();
  const [, ping] = channel.sent as [unknown, [string, number]];
  channel.receive(JSON.stringify(["pong", ping[1], 0]));
  assert.ok(control.rttMs! >= 0 && control.rttMs! < 10_000);
});

Deno.test("ControlChannel delivers the newest command, and drops what is late or was overtaken", async () => {
  const { control, channel } = opened();
  const received: unknown[] = [];
  control.subscribe((value) => void received.push(value));
  const now = performance.now();
  channel.receive(JSON.stringify(["control", 1, now, "a"]));
  channel.receive(JSON.stringify(["control", 3, now, "c"]));
  channel.receive(JSON.stringify(["control", 2, now, "b"]));
  channel.receive(JSON.stringify(["control", 4, now - 600, "old"]));
  channel.receive(JSON.stringify(["control", 5, now, null]));
  await settle();
  assert.deepEqual(received, ["a", "c", null]);
});

Deno.test("ControlChannel keeps only the newest command for who is slow", async () => {
  const { control, channel } = opened();
  const slow = control.subscribe();
  for (let seq = 1; seq <= 5; seq++) channel.receive(JSON.stringify(["control", seq, 0, seq]));
  assert.equal(await slow.get(), 5);
});

Deno.test("ControlChannel ignores garbage and binary data", async () => {
  const { control, channel } = opened();
  control.subscribe(() => assert.fail("a command"));
  for (const text of ["", "{", "[]", '["control"]', '["control",1,"x",1]', "[".repeat(60_000)]) {
    channel.receive(text);
  }
  channel.receive(new TextEncoder().encode('["ping",1]'));
  await settle();
  assert.deepEqual(channel.sent, []);
});

Deno.test("ControlChannel reports a command that is not JSON, and sends the next", async () => {
  const { control, channel } = opened();
  const { error } = console;
  const reported: string[] = [];
  console.error = (...parts: unknown[]) => void reported.push(parts.map(String).join(" "));
  try {
    control.put_nowait(1n);
    await settle();
  } finally {
    console.error = error;
  }
  control.put_nowait("next");
  await settle();
  assert.match(reported.join("\n"), /a command was not sent[^]*BigInt/);
  assert.deepEqual(commands(channel), ["next"]);
});

Deno.test("ControlChannel closes with its channel, and its channel with it", async () => {
  const first = opened();
  const waiting = assert.rejects(first.control.get(), SubscriptionClosed);
  first.channel.close();
  await waiting;
  assert.ok(first.control.closed);
  assert.throws(() => first.control.put_nowait(1), SubscriptionClosed);
  const second = opened();
  await second.control.close();
  assert.equal(second.channel.state, "closed");
});

Deno.test("ControlChannel answers how old a picture was, once it knows the other clock", () => {
  const takenMs = performance.now();
  const control = new ControlChannel((timestamp) => timestamp === 90_000 ? takenMs : null);
  const channel = new FakeChannel();
  control._attach(channel);
  channel.open();
  const ages = () => (channel.sent as unknown[][]).filter(([kind]) => kind === "age");
  const aheadMs = 1_000_000;
  const shown = (timestamp: number, afterMs: number) =>
    channel.receive(JSON.stringify(["shown", timestamp, takenMs + aheadMs + afterMs]));
  shown(90_000, 40);
  assert.deepEqual([ages(), control._pictureAgeMs], [[], null]);
  const nowMs = performance.now();
  channel.receive(JSON.stringify(["pong", nowMs, nowMs + aheadMs]));
  shown(93_000, 40); // a picture that we do not know
  assert.deepEqual(ages(), []);
  shown(90_000, 40);
  const [[, ageMs]] = ages() as [[string, number]];
  // The pong came a little after it was "sent".
  assert.ok(ageMs >= 39 && ageMs < 60, `${ageMs}`);
  assert.equal(control._pictureAgeMs, ageMs);
  shown(90_000, -500); // nobody sees the future
  assert.deepEqual(ages()[1], ["age", 0]);
});
