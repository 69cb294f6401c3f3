import assert from "node:assert/strict";
import { LibraryProtocol, MAX_COMMAND_AGE_MS } from "../../lib/wire/library_channel.ts";
import { mutate, seeded } from "./feed.ts";

Deno.test("LibraryProtocol answers a ping with both clocks, and measures the answer", () => {
  const left = new LibraryProtocol();
  const right = new LibraryProtocol();
  assert.equal(left.roundTripMs, null);
  const ping = left.ping(100.5);
  assert.equal(ping, '["ping",100.5]');
  const { reply, command } = right.receive(ping, 7_000);
  assert.equal(reply, '["pong",100.5,7000]');
  assert.equal(command, undefined);
  assert.deepEqual(left.receive(reply!, 112.5), {});
  assert.equal(left.roundTripMs, 12);
  assert.equal(right.roundTripMs, null);
});

Deno.test("LibraryProtocol.roundTripMs is the mean at first, and smoothed later", () => {
  const protocol = new LibraryProtocol();
  const samples = [10, 20, 30, 40, 50, 60, 70, 80];
  for (const sample of samples) protocol.receive(`["pong",0,0]`, sample);
  assert.ok(Math.abs(protocol.roundTripMs! - 45) < 1e-9);
  protocol.receive(`["pong",0,0]`, 45 + 80);
  assert.ok(Math.abs(protocol.roundTripMs! - 55) < 1e-9);
  protocol.receive(`["pong",1000,0]`, 10); // from the future: no sample
  assert.ok(Math.abs(protocol.roundTripMs! - 55) < 1e-9);
});

Deno.test("LibraryProtocol delivers commands of any value, the newest only", () => {
  const from = new LibraryProtocol();
  const to = new LibraryProtocol();
  const [one, two, three] = [{ x: 1 }, null, [1, "ü"]].map((value, i) => from.command(value, i));
  assert.equal(one, '["control",1,0,{"x":1}]');
  assert.deepEqual(to.receive(one!, 50), { command: { value: { x: 1 } } });
  assert.deepEqual(to.receive(three!, 52), { command: { value: [1, "ü"] } });
  assert.deepEqual(to.receive(two!, 53), {}); // overtaken
  assert.deepEqual(to.receive(three!, 54), {}); // twice
  const newest = from.command(undefined, 3);
  assert.deepEqual(to.receive(newest, 55), { command: { value: null } });
});

Deno.test("LibraryProtocol drops what took half a second longer than the quickest message", () => {
  const from = new LibraryProtocol();
  const to = new LibraryProtocol();
  const skewMs = 1_000_000;
  assert.ok(to.receive(from.command("quick", 0), skewMs + 20).command);
  const onTime = from.command("on time", 1_000);
  assert.ok(to.receive(onTime, skewMs + 1_020 + MAX_COMMAND_AGE_MS).command);
  const late = from.command("late", 2_000);
  assert.deepEqual(to.receive(late, skewMs + 2_021 + MAX_COMMAND_AGE_MS), {});
  // A late one is not remembered as the newest: what comes after it in time is.
  assert.ok(to.receive(from.command("next", 3_000), skewMs + 3_020).command);
});

Deno.test("LibraryProtocol knows the offset of the clocks from pings, before any command", () => {
  const from = new LibraryProtocol();
  const to = new LibraryProtocol();
  to.receive(from.ping(0), 10);
  assert.deepEqual(to.receive(from.command("late", 100), 111 + MAX_COMMAND_AGE_MS), {});
});

Deno.test("LibraryProtocol follows clocks that drift apart", () => {
  const from = new LibraryProtocol();
  const to = new LibraryProtocol();
  let delivered = 0;
  const hours = 4;
  for (let sentMs = 0; sentMs < hours * 3_600_000; sentMs += 1_000) {
    // The receiver's clock is fast by 0.1 ms in a second.
    if (to.receive(from.command("go", sentMs), sentMs * 1.0001 + 20).command) delivered++;
  }
  assert.equal(delivered, hours * 3_600);
});

/** One ping of `from`, answered after so long, to a clock that is ahead by `aheadMs`. */
function exchange(
  from: LibraryProtocol,
  to: LibraryProtocol,
  at: { sentMs: number; thereMs: number; backMs: number; aheadMs: number },
) {
  const { reply } = to.receive(from.ping(at.sentMs), at.sentMs + at.thereMs + at.aheadMs);
  from.receive(reply!, at.sentMs + at.thereMs + at.backMs);
}

Deno.test("LibraryProtocol tells by its own clock when the other end displayed a picture", () => {
  const robot = new LibraryProtocol(), page = new LibraryProtocol();
  const aheadMs = 5_000_000.25;
  const shown = page.shown(4_294_967_295, aheadMs + 1_000);
  assert.equal(shown, '["shown",4294967295,5001000.25]');
  assert.deepEqual(robot.receive(shown, 0), {}); // nothing is known of the page's clock
  exchange(robot, page, { sentMs: 0, thereMs: 40, backMs: 60, aheadMs });
  exchange(robot, page, { sentMs: 500, thereMs: 5, backMs: 5, aheadMs }); // the shortest counts
  exchange(robot, page, { sentMs: 1_000, thereMs: 90, backMs: 10, aheadMs });
  assert.deepEqual(robot.receive(shown, 2_000), {
    shown: { timestamp90kHz: 4_294_967_295, shownMs: 1_000 },
  });
  assert.equal(robot.pictureAgeMs(2_000), null);
  assert.deepEqual(page.receive(robot.age(63.5, 2_000), 7_000), {});
  assert.deepEqual(page.receive(robot.age(60.5, 2_250), 7_250), {});
  assert.deepEqual([robot.pictureAgeMs(2_500), page.pictureAgeMs(7_500)], [62, 62]);
  assert.equal(page.pictureAgeMs(9_100), 60.5);
  assert.equal(page.pictureAgeMs(10_000), null); // it is hidden, or stands still
});

Deno.test("LibraryProtocol knows the other clock to half of the shortest round trip, as it drifts", () => {
  const robot = new LibraryProtocol(), page = new LibraryProtocol();
  const next = seeded(9);
  for (let sentMs = 0; sentMs < 600_000; sentMs += 500) {
    const aheadMs = 1_000 + sentMs * 0.0001;
    exchange(robot, page, {
      sentMs,
      thereMs: 4 + next() / 2 ** 27,
      backMs: 4 + next() / 2 ** 27,
      aheadMs,
    });
    const { shown } = robot.receive(page.shown(0, sentMs + 1_000 + sentMs * 0.0001), sentMs);
    // Half of the round trip at most, and what drifts in the window of one minute.
    if (sentMs > 60_000) assert.ok(Math.abs(shown!.shownMs - sentMs) < 17, `${shown!.shownMs}`);
  }
});

Deno.test("LibraryProtocol ignores what it does not know", () => {
  const protocol = new LibraryProtocol();
  const ignored = [
    "",
    "null",
    "1",
    '"ping"',
    "{}",
    '{"0":"ping","1":1}',
    "[]",
    "[[]]",
    '["ping"]',
    '["ping","1"]',
    '["ping",null]',
    '["pong",1e999]',
    '["control",1,null,{}]',
    '["control","1",1,{}]',
    '["control",1e999,1,{}]',
    '["later",1,2,3]',
    '["shown",1,2]',
    '["shown",-1,2]',
    '["shown",1.5,2]',
    '["shown",4294967296,2]',
    '["shown",1,"2"]',
    '["age"]',
    '["age",-1]',
    '["age",1e9]',
    '["age","1"]',
    '["ping",1',
    "[".repeat(100_000),
  ];
  for (const text of ignored) assert.deepEqual(protocol.receive(text, 0), {}, text.slice(0, 40));
  assert.equal(protocol.roundTripMs, null);
});

Deno.test("LibraryProtocol reads its messages cut anywhere, changed anywhere, and random ones", () => {
  const from = new LibraryProtocol();
  const next = seeded(5);
  const whole = [
    from.ping(12.25),
    '["pong",12.25,90]',
    from.command({ forward: 0.5 }, 13),
    from.shown(123_456, 14.5),
    from.age(45.5, 0),
  ];
  for (const text of whole) {
    for (let end = 0; end < text.length; end++) {
      assert.deepEqual(new LibraryProtocol().receive(text.slice(0, end), 20), {});
    }
    assert.deepEqual(new LibraryProtocol().receive(`${text},`, 20), {});
    for (let i = 0; i < 3_000; i++) {
      const protocol = new LibraryProtocol();
      protocol.receive('["pong",1,2]', 3);
      const asked = protocol.receive(mutate(text, next, 1 + i % 3), 20);
      const { reply, command, shown } = asked;
      assert.ok(shown === undefined || Number.isFinite(shown.shownMs + shown.timestamp90kHz));
      const ageMs = protocol.pictureAgeMs(20) ?? 0;
      assert.ok(ageMs >= 0 && ageMs <= 60_000);
      if (reply !== undefined) assert.match(reply, /^\["pong",-?[\d.e+-]+,20\]$/);
      if (command !== undefined) assert.ok("value" in command);
    }
  }
});

Deno.test("LibraryProtocol.command() says when a value is not JSON", () => {
  assert.throws(() => new LibraryProtocol().command(1n, 0), TypeError);
});
