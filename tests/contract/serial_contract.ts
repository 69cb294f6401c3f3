/** What a SerialConnection promises, whatever is beneath it: a fake board, a pseudo-terminal, real wires. */
import assert from "node:assert/strict";
import { BufferFull, DeviceBusy, DeviceMissing, SubscriptionClosed } from "../../lib/errors.ts";
import { SerialConnection } from "../../lib/devices/serial_connection.ts";
import type { SerialConnectionOptions } from "../../lib/devices/serial_options.ts";
import type { SerialBackend } from "../../lib/devices/serial_port.ts";
import { Queue } from "../../lib/subscriptions/queue.ts";
import { encodePacket } from "../../lib/wire/packet_framer.ts";
import { inTime } from "./in_time.ts";

/** A serial line whose other end is ours. */
export interface SerialRig extends AsyncDisposable {
  /** The port that SerialConnection opens. */
  readonly url: string;
  /** Where it comes from. */
  readonly backend: SerialBackend;
  /** The other end says something. */
  write(bytes: Uint8Array): Promise<void>;
  /** The other end waits for so many bytes. */
  read(size: number): Promise<Uint8Array>;
  /** Pulls the plug. */
  unplug?(): Promise<void>;
  /** Plugs it in again, under the same name. */
  plug?(): Promise<void>;
}

export interface SerialContractOptions {
  /** Ends the titles of tests that are left out here. */
  ignore?: string | false;
  /** Whether its plug can be pulled. */
  plug?: boolean;
  /** Bytes that go both ways. */
  bulk: number;
  /** How long things may take on this line. */
  deadlineMs?: number;
  /** The speed of the line. */
  baudrate?: number;
}

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Registers the suite. */
export function serialContract(
  name: string,
  open: () => Promise<SerialRig>,
  options: SerialContractOptions,
): void {
  const { deadlineMs = 20_000, baudrate = 115_200, bulk } = options;

  /** A test with a rig of its own; all that it waits for has a deadline. */
  const test = (
    title: string,
    body: (rig: SerialRig) => Promise<void>,
    needsPlug = false,
  ) =>
    (options.plug || !needsPlug) && Deno.test({
      name: `${name}: ${title}${options.ignore ? ` (${options.ignore})` : ""}`,
      ignore: Boolean(options.ignore),
      async fn() {
        await using rig = await open();
        await inTime(deadlineMs, () => body(rig));
      },
    });

  const connect = <const O extends SerialConnectionOptions>(rig: SerialRig, options: O) =>
    new SerialConnection(rig.url, { baudrate, ...options } as O, rig.backend);

  test("SerialConnection gives lines as bytes, and sends text and bytes", async (rig) => {
    await using conn = connect(rig, {});
    const lines = conn.subscribe();
    await conn.onReady();
    assert.equal(conn.isOpen, true);
    await rig.write(bytes("hello\r\nwor"));
    await rig.write(bytes("ld\n\0\xff\x11\x13\x03\x04\x1a\n"));
    assert.equal(text(await lines.get()), "hello");
    assert.equal(text(await lines.get()), "world");
    assert.deepEqual(await lines.get(), bytes("\0\xff\x11\x13\x03\x04\x1a"));
    conn.put_nowait("over\r\n");
    conn.put_nowait(new Uint8Array([0, 255, 3, 4, 17, 19]));
    assert.deepEqual(
      await rig.read(12),
      new Uint8Array([...bytes("over\r\n"), 0, 255, 3, 4, 17, 19]),
    );
  });

  test("SerialConnection reads and writes structs with keys, from the start byte on", async (rig) => {
    await using conn = connect(rig, {
      readFormat: "<BH",
      readKeys: ["sensor", "distance"],
      writeFormat: "<hB",
      writeKeys: ["speed", "light"],
      startByte: "S",
    });
    const messages = conn.subscribe();
    await conn.onReady();
    await rig.write(bytes("boot"));
    await rig.write(new Uint8Array([0x53, 12, 123, 0, 13, 0]));
    await rig.write(new Uint8Array([1]));
    const first = await messages.get();
    assert.equal(first.distance + 1, 124); // a number for the compiler as well
    assert.deepEqual([first, await messages.get()], [
      { sensor: 12, distance: 123 },
      { sensor: 13, distance: 256 },
    ]);
    assert.equal(conn.skipped, 4);
    conn.put_nowait({ speed: -23, light: 101 });
    conn.put_nowait([1, 2]);
    assert.deepEqual(await rig.read(6), new Uint8Array([0xe9, 0xff, 101, 1, 0, 2]));
  });

  test("SerialConnection finds step again when bytes of packets are lost", async (rig) => {
    await using conn = connect(rig, { readFormat: "<H", writeFormat: "<B", packets: true });
    const messages = conn.subscribe();
    await conn.onReady();
    const packet = (n: number) => encodePacket(new Uint8Array([n, 0]));
    await rig.write(packet(1).subarray(3)); // we came in the middle
    await rig.write(packet(2));
    await rig.write(packet(3).subarray(0, 4)); // its end was lost
    await rig.write(packet(4));
    await rig.write(packet(5));
    assert.deepEqual([await messages.get(), await messages.get(), await messages.get()], [
      ...[[2], [4], [5]],
    ]);
    assert.ok(conn.skipped > 0);
    conn.put_nowait([7]);
    assert.deepEqual(await rig.read(6), encodePacket(new Uint8Array([7])));
  });

  test(`SerialConnection carries ${bulk} bytes both ways at once without losing one`, async (rig) => {
    await using conn = connect(rig, { readFormat: null });
    const pieces = conn.subscribe();
    await conn.onReady();
    const there = noise(bulk, 1), back = noise(bulk, 2);
    const got = new Uint8Array(bulk), arrived = new Uint8Array(bulk);
    let gotBytes = 0, arrivedBytes = 0;
    const send = async () => {
      const writer = conn.writable.getWriter();
      for (let at = 0; at < bulk; at += 1000) {
        await writer.write(there.subarray(at, at + 1000));
      }
    };
    const answer = async () => {
      for (let at = 0; at < bulk; at += 4096) {
        await rig.write(back.subarray(at, at + 4096));
      }
    };
    const receive = async () => {
      while (gotBytes < bulk) {
        const piece = await pieces.get();
        got.set(piece, gotBytes);
        gotBytes += piece.length;
      }
    };
    const collect = async () => {
      while (arrivedBytes < bulk) {
        const piece = await rig.read(Math.min(500, bulk - arrivedBytes));
        arrived.set(piece, arrivedBytes);
        arrivedBytes += piece.length;
      }
    };
    await Promise.all([send(), answer(), receive(), collect()]);
    assert.ok(same(got, back), "what came in");
    assert.ok(same(arrived, there), "what went out");
  });

  test("SerialConnection.close() lets the last words out, ends all waiting and frees the port", async (rig) => {
    for (const word of ["stop 1", "stop 2"]) { // the second opening shows that it was freed
      const conn = connect(rig, {});
      await conn.onReady();
      const waiting = conn.get();
      const heard = rig.read(6);
      conn.put_nowait(word);
      await Promise.all([conn.close(), assert.rejects(waiting, SubscriptionClosed)]);
      assert.equal(text(await heard), word);
      assert.throws(
        () => conn.put_nowait("more"),
        /^SubscriptionClosed: Cannot put into SerialConn/,
      );
      await assert.rejects(conn.get(), SubscriptionClosed);
      assert.equal(conn.error, null);
      await conn.close();
    }
  });

  test("SerialConnection writes nothing before delayWriteStart, and then all of it", async (rig) => {
    const begin = performance.now();
    await using conn = connect(rig, { delayWriteStart: 0.3 });
    conn.put_nowait("early ");
    await conn.onReady();
    conn.put_nowait("bird");
    assert.equal(text(await rig.read(10)), "early bird");
    assert.ok(performance.now() - begin > 290);
  });

  test("SerialConnection drops what is wrong in a source, and goes on", async (rig) => {
    await using conn = connect(rig, { writeFormat: "<B" });
    const source = new Queue<number[]>();
    conn.putSubscription(source);
    const complaints: unknown[] = [];
    const { error } = console;
    console.error = (...words) => complaints.push(words);
    try {
      for (const value of [1, 256, -1, 2]) source.put_nowait([value]);
      assert.deepEqual(await rig.read(2), new Uint8Array([1, 2]));
    } finally {
      console.error = error;
    }
    assert.equal(conn.rejected, 2);
    assert.equal(complaints.length, 1);
    assert.throws(
      () => conn.put_nowait([256]),
      /^RangeError: Cannot pack value 0 of "<B": 256 does/,
    );
    assert.equal(conn.closed, false);
  });

  test("SerialConnection says busy when somebody has the port", async (rig) => {
    await using first = connect(rig, {});
    await first.onReady();
    const second = connect(rig, {});
    await assert.rejects(second.onReady(), DeviceBusy);
    await second;
    assert.equal(
      second.error?.message,
      `Cannot open serial port "${rig.url}": another program is using it (EBUSY); ` +
        `close that one ("fuser -v ${rig.url}" names it)`,
    );
    assert.equal(first.ready, true);
  });

  test("SerialConnection says that there is no such device, also with reconnect", async (rig) => {
    const conn = new SerialConnection("/dev/ttyNONE7", { reconnect: true }, rig.backend);
    await assert.rejects(conn.onReady(), DeviceMissing);
    assert.equal(
      conn.error?.message,
      'Cannot open serial port "/dev/ttyNONE7": there is no such device (ENOENT); ' +
        "plug the board in, or choose another: SerialConnection.list() names them",
    );
    assert.throws(() => conn.put_nowait("x"), SubscriptionClosed);
  });

  test("SerialConnection fails when it is unplugged, after what had come", async (rig) => {
    const conn = connect(rig, {});
    await conn.onReady();
    const lines = conn.subscribe();
    await rig.write(bytes("last\n"));
    assert.equal(text(await lines.get()), "last");
    await rig.unplug!();
    await assert.rejects(lines.get(), DeviceMissing);
    await conn;
    assert.match(
      conn.error?.message ?? "",
      /^Cannot use serial port ".*": it was unplugged \(\w+\); plug it in again, or give reconnect: true to/,
    );
    assert.equal(conn.isOpen, false);
  }, true);

  test("SerialConnection with reconnect comes back, and loses nothing that waited", async (rig) => {
    await using conn = connect(rig, { reconnect: true });
    await conn.onReady();
    const lines = conn.subscribe();
    conn.put_nowait("one\n");
    assert.equal(text(await rig.read(4)), "one\n");
    await rig.unplug!();
    while (conn.isOpen) await new Promise((resolve) => setTimeout(resolve, 10));
    conn.put_nowait("two\n");
    conn.put_nowait("three\n");
    await assert.rejects(conn.signals(), /it is not open; await onReady\(\)$/);
    await rig.plug!();
    assert.equal(text(await rig.read(10)), "two\nthree\n");
    await rig.write(bytes("back\n"));
    assert.equal(text(await lines.get()), "back");
    assert.equal(conn.error, null);
  }, true);

  // The last one: what it leaves on the line may trouble who comes next.
  test("SerialConnection never blocks, and says when too much waits", async (rig) => {
    await using conn = connect(rig, {});
    await conn.onReady();
    const piece = noise(65_536, 3);
    assert.throws(() => {
      for (let i = 0; i < 100; i++) conn.put_nowait(piece);
    }, BufferFull);
    assert.ok(conn.bufferedAmount > 900_000);
    const left = conn.drained();
    const closed = conn.close();
    await assert.rejects(left, SubscriptionClosed);
    const begin = performance.now();
    await closed;
    assert.ok(performance.now() - begin < 20_000); // the kernel may wait 30 s for a board that takes nothing
  });
}

/** Bytes that look random and depend on the seed alone. */
export function noise(size: number, seed: number): Uint8Array<ArrayBuffer> {
  let state = seed;
  return Uint8Array.from({ length: size }, () => {
    state = Math.imul(state, 1664525) + 1013904223 | 0;
    return state >>> 24;
  });
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
