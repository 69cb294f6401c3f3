/** The Arduino sketches of the tutorials, compiled, and run in an emulated Uno at the other end of the line. */
import assert from "node:assert/strict";
import { SerialConnection } from "../../lib/devices/serial_connection.ts";
import { encodePacket, PacketFramer } from "../../lib/wire/packet_framer.ts";
import { Struct } from "../../lib/wire/struct.ts";
import type { Tty } from "../../ffi/termios.ts";
import { openPty, writeAll } from "./pty.ts";
import { ArduinoBuild, missingToCompile, SKETCHES } from "../../scripts/arduino_build.ts";

const DEADLINE_MS = 60_000;

const qemu = await new Deno.Command("qemu-system-avr", { args: ["--version"], stdout: "null" })
  .output().then(({ success }) => success, () => false);
const missing = await missingToCompile() ?? (qemu ? null : "needs apt install qemu-system-misc");
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

let built: Promise<{ folder: string; build: ArduinoBuild }> | undefined;

async function emulatedCore(): Promise<{ folder: string; build: ArduinoBuild }> {
  const folder = await Deno.makeTempDir({ prefix: "arduino" });
  const build = new ArduinoBuild(folder);
  await build.core({ emulated: true });
  return { folder, build };
}

/**
 * A board that runs this sketch. Between it and the port is a wire of ours, which carries nothing before
 * somebody has opened the port: a real board starts anew then.
 */
async function board(sketch: string) {
  const { build } = await (built ??= emulatedCore());
  const program = await build.sketch(sketch);
  const near = openPty(), far = openPty();
  const child = new Deno.Command("qemu-system-avr", {
    args: [
      ...["-machine", "uno", "-bios", program, "-display", "none", "-monitor", "none"],
      ...["-chardev", `serial,id=usb,path=${far.path}`, "-serial", "chardev:usb"],
    ],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const over = new AbortController();
  const late = setTimeout(() => child.kill("SIGKILL"), DEADLINE_MS);
  const wires: Promise<void>[] = [];
  return {
    url: near.path,
    /** Puts the plug in. */
    connect() {
      wires.push(carry(near.master, far.master, over.signal));
      wires.push(carry(far.master, near.master, over.signal));
    },
    async [Symbol.asyncDispose]() {
      clearTimeout(late);
      over.abort();
      await Promise.all(wires);
      try {
        child.kill("SIGKILL");
      } catch {
        // it has ended by itself
      }
      await child.status;
      await Promise.all([near.master.close(), far.master.close()]);
    },
  };
}

async function carry(from: Tty, to: Tty, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    let piece: Uint8Array<ArrayBuffer> | null = null;
    try {
      piece = from.read();
    } catch {
      // EIO: nobody has it open just now
    }
    if (piece) await writeAll(to, piece);
    else await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

function test(sketch: string, title: string, body: () => Promise<void>): void {
  const name = `arduino/${sketch}: ${title}${missing ? ` (${missing})` : ""}`;
  Deno.test({ name, ignore: missing !== null, fn: body });
}

test("lines", "says back every line", async () => {
  await using uno = await board("lines");
  await using conn = new SerialConnection(uno.url);
  await conn.onReady();
  uno.connect();
  const lines = conn.subscribe();
  conn.put_nowait("left 3\nright 4\r\n");
  const heard: string[] = [];
  while (heard.length < 2) {
    const line = text(await lines.get());
    if (line !== "ready") heard.push(line);
  }
  assert.deepEqual(heard, ["I heard: left 3", "I heard: right 4"]);
});

test("struct_read", "sends structs after its start byte", async () => {
  await using uno = await board("struct_read");
  await using conn = new SerialConnection(uno.url, {
    readFormat: "<BH",
    readKeys: ["sensor", "distance"],
    startByte: "S",
  });
  await conn.onReady();
  uno.connect();
  const messages = conn.subscribe();
  const first = await messages.get();
  const second = await messages.get();
  assert.deepEqual([first.sensor, second.sensor], [1, 1]);
  assert.equal(second.distance, first.distance + 1);
});

test("struct_write", "understands structs", async () => {
  await using uno = await board("struct_write");
  await using conn = new SerialConnection(uno.url, {
    writeFormat: "<hB",
    writeKeys: ["speed", "light"],
  });
  await conn.onReady();
  uno.connect();
  conn.put_nowait({ speed: -23, light: 101 });
  assert.equal(text(await conn.get()), "speed -23 light 101");
  conn.put_nowait([300, 0]);
  assert.equal(text(await conn.get()), "speed 300 light 0");
});

test("struct_both", "answers a struct with a struct", async () => {
  await using uno = await board("struct_both");
  await using conn = new SerialConnection(uno.url, {
    writeFormat: "<HB",
    writeKeys: ["value1", "value2"],
    readFormat: "<BH",
    readKeys: ["value1", "value2"],
  });
  await conn.onReady();
  uno.connect();
  for (const value1 of [1003, 0, 65535]) {
    conn.put_nowait({ value1, value2: 2 });
    assert.deepEqual(await conn.get(), { value1: 2, value2: value1 });
  }
});

test("packets", "drives, and stops its motors when the robot falls silent", async () => {
  await using uno = await board("packets");
  await using conn = new SerialConnection(uno.url, {
    packets: true,
    writeFormat: "<hh",
    writeKeys: ["left", "right"],
    readFormat: "<hhI",
    readKeys: ["left", "right", "ms"],
  });
  await conn.onReady();
  uno.connect();
  const states = conn.subscribe();
  for (let round = 0; round < 2; round++) {
    conn.put_nowait({ left: 200, right: -100 });
    let state = await states.get();
    while (state.left === 0) state = await states.get();
    assert.deepEqual([state.left, state.right], [200, -100]);
    const driving = state.ms;
    while (state.left !== 0) state = await states.get();
    assert.equal(state.right, 0);
    assert.ok(state.ms > driving && state.ms - driving < 2000, `${state.ms - driving} ms`);
  }
});

test("packets", "finds step again behind noise and broken packets", async () => {
  await using uno = await board("packets");
  await using conn = new SerialConnection(uno.url, { readFormat: null });
  await conn.onReady();
  uno.connect();
  const pieces = conn.subscribe();
  const control = new Struct("<hh"), status = new Struct("<hhI");
  const good = encodePacket(control.pack([123, 45]));
  const changed = good.slice();
  changed[4]! ^= 0x10;
  const framer = new PacketFramer(status.size);
  // Each round has a bad beginning of another kind, and one good packet behind it.
  for (
    const bad of [good.slice(0, 5), changed, Uint8Array.of(0xa5, 0x5a, 4, 0xa5), good.slice(1)]
  ) {
    const left = 100 + bad.length;
    conn.put_nowait(bad);
    conn.put_nowait(encodePacket(control.pack([left, 0])));
    for (let seen = false; !seen;) {
      for (const message of framer.push(await pieces.get())) {
        seen ||= status.unpack(message)[0] === left;
      }
    }
  }
});

test("*", "all of them compile, and the temporary folder is removed", async () => {
  const { folder, build } = await (built ??= emulatedCore());
  for (const sketch of SKETCHES) await build.sketch(sketch);
  await Deno.remove(folder, { recursive: true });
});
