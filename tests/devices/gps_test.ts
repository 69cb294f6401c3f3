import assert from "node:assert/strict";
import { GPS } from "../../lib/devices/gps.ts";
import { DeviceMissing, SubscriptionClosed } from "../../lib/errors.ts";
import { Queue } from "../../lib/subscriptions/queue.ts";
import { ManualClock } from "../../lib/testing/clock.ts";
import { FakeGPS } from "../../lib/testing/fake_gps.ts";
import { FakeSerialBoard } from "../../lib/testing/fake_serial.ts";

/** Lets what was put run through. */
const settle = () => new Promise((resolve) => setTimeout(resolve));

Deno.test("GPS gives the fixes of a receiver, and remembers the latest", async () => {
  const clock = new ManualClock();
  await using receiver = new FakeGPS({ clock, seed: 5, speed: 2 });
  await using gps = new GPS(receiver);
  assert.deepEqual([gps.latitude, gps.longitude, gps.altitude, gps.speed], [
    null,
    null,
    null,
    null,
  ]);
  assert.equal(gps.quality, "none");
  const fixes = gps.subscribe();
  for (let second = 0; second < 100; second++) {
    clock.advance(1000);
    await settle();
    if (second < 1) continue;
    while (fixes.size > 1) await fixes.get();
    const fix = await fixes.get();
    const { latitude, longitude, altitude } = receiver.position;
    assert.ok(Math.abs(fix.latitude - latitude) < 2e-7, `${fix.latitude} ${latitude}`);
    assert.ok(Math.abs(fix.longitude - longitude) < 2e-7);
    assert.ok(Math.abs(gps.altitude! - altitude) <= 0.051);
    assert.equal(gps.timestampMs, Date.UTC(2026, 0, 1, 12, 0, second + 1));
    assert.equal(gps.latitude, fix.latitude);
  }
  assert.ok(Math.abs(gps.speed! - 2) < 0.001);
  assert.ok(gps.course! >= 0 && gps.course! < 360.05);
  assert.equal(gps.satellites, 9);
  assert.equal(gps.quality, "gps");
  assert.equal(gps.broken, 0);
});

Deno.test("GPS counts broken lines, keeps the last position when the sky is lost, and goes on", async () => {
  const clock = new ManualClock();
  await using receiver = new FakeGPS({ clock });
  await using gps = new GPS(receiver);
  clock.advance(3000);
  receiver.say("$GPGGA,garbage*00\r\n");
  receiver.say("\xff\xfe");
  receiver.loseSky();
  clock.advance(2000);
  await settle();
  assert.equal(gps.broken, 2);
  assert.equal(gps.quality, "none");
  assert.notEqual(gps.latitude, null);
  receiver.loseSky(false);
  const next = gps.get();
  clock.advance(2000);
  assert.equal((await next).quality, "gps");
});

Deno.test("GPS with a filter takes what passes it", async () => {
  const clock = new ManualClock();
  await using receiver = new FakeGPS({ clock });
  await using gps = new GPS(receiver, { filter: (fix) => fix.timestampMs! % 10_000 === 0 });
  const fixes = gps.subscribe();
  clock.advance(25_000);
  await settle();
  assert.equal(fixes.size, 2);
  assert.equal(gps.timestampMs! % 10_000, 0);
});

Deno.test("GPS listens to a serial port of its own, at 9600 baud, and closes it", async () => {
  const board = new FakeSerialBoard({ splitReads: 7 });
  const clock = new ManualClock();
  await using receiver = new FakeGPS({ clock });
  receiver.subscribe((line) => board.write(line));
  const gps = new GPS(board.url, {}, board);
  await gps.onReady();
  assert.equal(board.settings?.baudrate, 9600);
  const fix = gps.get();
  clock.advance(3000);
  assert.equal((await fix).satellites, 9);
  await gps.close();
  assert.equal(board.settings, null);
  await assert.rejects(gps.get(), SubscriptionClosed);
});

Deno.test("GPS fails with its port", async () => {
  const board = new FakeSerialBoard();
  const absent = new GPS("/dev/ttyNONE", {}, board);
  await assert.rejects(absent.onReady(), DeviceMissing);
  const gps = new GPS(board.url, {}, board);
  await gps.onReady();
  const waiting = gps.get();
  board.unplug();
  await assert.rejects(waiting, DeviceMissing);
  await gps;
  assert.ok(gps.error instanceof DeviceMissing);
});

Deno.test("GPS reads any source of lines, and ends with it", async () => {
  const lines = new Queue<Uint8Array | string>();
  const gps = new GPS(lines);
  assert.equal(gps.ready, true);
  lines.put_nowait(new TextEncoder().encode("no sentence"));
  lines.close();
  await gps;
  assert.equal(gps.broken, 1);
  assert.equal(gps.error, null);
});
