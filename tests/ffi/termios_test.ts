import assert from "node:assert/strict";
import { Tty, type TtySettings } from "../../ffi/termios.ts";
import { hasPty, openPty } from "../devices/pty.ts";

const SETTINGS: TtySettings = {
  baudrate: 115_200,
  dataBits: 8,
  parity: "none",
  stopBits: 1,
  flowControl: "none",
};

/** A test on a new pseudo-terminal: `near` is the port, `far` the other end. */
function test(name: string, body: (near: Tty, far: Tty, path: string) => Promise<void>): void {
  Deno.test({
    name: `${name} (needs Linux)`,
    ignore: !hasPty,
    async fn() {
      const { master, path } = openPty();
      const near = Tty.open(path);
      try {
        await body(near, master, path);
      } finally {
        await Promise.all([near.close(), master.close()]);
      }
    },
  });
}

async function stty(path: string): Promise<string> {
  const { stdout } = await new Deno.Command("stty", { args: ["-a", "-F", path] }).output();
  return new TextDecoder().decode(stdout);
}

test("Tty.configure() sets what stty sees, any speed too", async (near, _far, path) => {
  assert.equal(near.configure({ ...SETTINGS, baudrate: 9600 }), 9600);
  const plain = await stty(path);
  for (const off of ["-echo", "-icanon", "-isig", "-opost", "-ixon", "-icrnl", "-cstopb"]) {
    assert.ok(plain.includes(` ${off}`) || plain.includes(`\n${off}`), off);
  }
  assert.match(plain, /-crtscts/);
  assert.match(plain, /min = 1; time = 0/);
  for (const baudrate of [250_000, 31_250, 123_457, 3_000_000]) {
    assert.equal(near.configure({ ...SETTINGS, baudrate }), baudrate);
  }
  // A pty is always 8N, but keeps the rest.
  near.configure({ ...SETTINGS, stopBits: 2, parity: "odd", flowControl: "hardware" });
  const other = await stty(path);
  assert.match(other, / cstopb/);
  assert.match(other, / crtscts/);
  assert.match(other, / parodd/);
});

test("Tty carries every byte as it is, and gives null when there is nothing", async (near, far) => {
  near.configure(SETTINGS);
  assert.equal(near.read(), null);
  const all = Uint8Array.from({ length: 256 }, (_, i) => i);
  assert.equal(near.write(all), 256);
  assert.deepEqual(far.read(), all);
  assert.equal(far.write(all), 256);
  assert.equal((await near.wait({ read: true, write: false })).readable, true);
  assert.deepEqual(near.read(100), all.subarray(0, 100));
  assert.deepEqual(near.read(), all.subarray(100));
});

test("Tty.write() never blocks: it takes nothing when the line is full", async (near) => {
  near.configure(SETTINGS);
  const piece = new Uint8Array(4096);
  let written = 0;
  for (let taken = 1; taken > 0; written += taken) taken = near.write(piece);
  assert.ok(written > 0 && written < 1 << 20);
  const { readable, writable, hungUp } = await near.wait({ read: true, write: false });
  assert.deepEqual({ readable, writable, hungUp }, {
    readable: false,
    writable: false,
    hungUp: false,
  });
});

test("Tty.wake() ends a wait, also when it comes before it", async (near) => {
  near.configure(SETTINGS);
  const nothing = { readable: false, writable: false, hungUp: false };
  near.wake();
  near.wake();
  assert.deepEqual(await near.wait({ read: true, write: false }), nothing);
  const waiting = near.wait({ read: true, write: false });
  near.wake();
  assert.deepEqual(await waiting, nothing);
});

test("Tty tells when the other end is gone", async (near, far) => {
  near.configure(SETTINGS);
  await far.close();
  assert.equal((await near.wait({ read: true, write: false })).hungUp, true);
  assert.throws(() => near.read(), { code: "EIO" });
  assert.throws(() => near.write(new Uint8Array(1)), { code: "EIO" });
});

test("Tty.close() ends a wait, and every call after it throws", async (near) => {
  const waiting = near.wait({ read: true, write: false });
  await Promise.all([near.close(), waiting, near.close()]);
  assert.throws(() => near.read(), { code: "EBADF" });
  assert.throws(() => near.write(new Uint8Array(1)), { code: "EBADF" });
  await assert.rejects(near.wait({ read: true, write: true }), { code: "EBADF" });
  near.wake();
});

test("Tty.open() takes a line for itself, and gives it back", async (near, _far, path) => {
  assert.throws(() => Tty.open(path), { code: "EBUSY" });
  await near.close();
  await Tty.open(path).close();
});

test("Tty.signals() says that a pseudo-terminal has none", (near) => {
  assert.throws(() => near.signals(), /^SystemCallError: Cannot read the control lines: .* ENOTTY/);
  assert.throws(() => near.setSignals({ dtr: true }), { code: "ENOTTY" });
  near.setSignals({});
  return Promise.resolve();
});

Deno.test({
  name: "Tty.open() gives the system's code for what is no terminal (needs Linux)",
  ignore: !hasPty,
  async fn() {
    assert.throws(() => Tty.open("/dev/ttyNONE7"), { code: "ENOENT" });
    assert.throws(() => Tty.open("/dev/null"), { code: "ENOTTY" });
    assert.throws(() => Tty.open("/tmp"), { code: "EISDIR" });
    const file = await Deno.makeTempFile();
    assert.throws(() => Tty.open(file), { code: "ENOTTY" });
    await Deno.remove(file);
  },
});
