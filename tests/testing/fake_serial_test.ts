import assert from "node:assert/strict";
import { SerialConnection } from "../../lib/devices/serial_connection.ts";
import { FakeSerialBoard } from "../../lib/testing/fake_serial.ts";
import { serialContract, type SerialRig } from "../contract/serial_contract.ts";

function rig(splitReads: number): SerialRig {
  const board = new FakeSerialBoard({ splitReads });
  return {
    url: board.url,
    backend: board,
    // deno-lint-ignore require-await
    write: async (bytes) => board.write(bytes),
    read: (size) => board.read(size),
    // deno-lint-ignore require-await
    unplug: async () => board.unplug(),
    // deno-lint-ignore require-await
    plug: async () => board.plug(),
    [Symbol.asyncDispose]: async () => {},
  };
}

serialContract("FakeSerialBoard", () => Promise.resolve(rig(Infinity)), {
  plug: true,
  bulk: 262_144,
});
serialContract("FakeSerialBoard, byte by byte", () => Promise.resolve(rig(1)), {
  plug: true,
  bulk: 20_000,
});

Deno.test("FakeSerialBoard can refuse, with the sentences of the system", async () => {
  const board = new FakeSerialBoard({ baudrates: [9600, 115_200] });
  board.refuse("denied");
  const denied = new SerialConnection(board.url, {}, board);
  await denied;
  assert.equal(
    denied.error?.message,
    'Cannot open serial port "/dev/ttyFAKE0": permission denied (EACCES); add yourself to the ' +
      'group "dialout" (sudo usermod -aG dialout $USER) and log in again',
  );
  board.refuse(null);
  const tooFast = new SerialConnection(board.url, { baudrate: 1_000_000 }, board);
  await tooFast;
  assert.match(
    tooFast.error?.message ?? "",
    /it cannot do 1000000 baud 8N1 \(EINVAL\); choose a baud/,
  );
});

Deno.test("FakeSerialBoard sees how the line is set, and the control lines", async () => {
  const board = new FakeSerialBoard();
  assert.deepEqual(await SerialConnection.list(board), [
    { url: "/dev/ttyFAKE0", id: null, name: "Fake board" },
  ]);
  const conn = new SerialConnection(board.url, { baudrate: 9600, parity: "even" }, board);
  await conn.onReady();
  assert.equal(board.settings?.baudrate, 9600);
  assert.equal(board.settings?.parity, "even");
  await conn.setSignals({ dtr: false });
  assert.deepEqual(board.outputs, { dtr: false, rts: true });
  board.setSignals({ cts: false });
  assert.deepEqual(await conn.signals(), { cts: false, dsr: true, dcd: false, ri: false });
  await conn.close();
  assert.equal(board.settings, null);
  board.unplug();
  assert.deepEqual(await SerialConnection.list(board), []);
});

Deno.test("SerialConnection sends a message again that was cut off by pulling the plug", async () => {
  const board = new FakeSerialBoard();
  await using conn = new SerialConnection(board.url, { reconnect: true }, board);
  await conn.onReady();
  const long = "x".repeat(5000) + "\n"; // the line holds 4096
  conn.put_nowait(long);
  while (board.unread < 4096) await new Promise((resolve) => setTimeout(resolve));
  board.unplug();
  board.plug();
  assert.equal(new TextDecoder().decode(await board.read(5001)), long);
  assert.equal(board.opened, 2);
});

Deno.test("SerialConnection refuses options that cannot be meant so", () => {
  const board = new FakeSerialBoard();
  const make = (options: object) => () => new SerialConnection(board.url, options, board);
  assert.throws(make({ readFormat: "<Z" }), SyntaxError);
  assert.throws(
    make({ readFormat: "\n", packets: true }),
    /^TypeError: Cannot read lines as packets/,
  );
  assert.throws(make({ readKeys: ["a"] }), /^TypeError: Cannot use keys without a struct/);
  assert.throws(make({ readFormat: "<hh", readKeys: ["a"] }), /it has 2 and there are 1 keys/);
  assert.throws(make({ readFormat: "" }), RangeError);
  assert.throws(
    make({ writeFormat: "300s", packets: true }),
    /^RangeError: Cannot send 300 bytes as/,
  );
  assert.throws(
    make({ readFormat: "300s", packets: true }),
    /^RangeError: Cannot use packets of 300/,
  );
  assert.throws(make({ startByte: 256 }), /^RangeError: Cannot wait for the byte 256/);
  assert.throws(make({ baudrate: 0 }), /^RangeError: Cannot use baudrate 0 on a serial port; give/);
  assert.throws(make({ dataBits: 9 }), RangeError);
  assert.throws(make({ parity: "mark" }), RangeError);
  assert.throws(make({ stopBits: 1.5 }), RangeError);
  assert.throws(make({ flowControl: "xonxoff" }), RangeError);
  assert.throws(make({ delayWriteStart: -1 }), /^RangeError: Cannot wait -1 s before writing/);
  assert.equal(board.opened, 0);
});
