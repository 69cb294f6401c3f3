/** Pseudo-terminals: a serial line in the kernel whose other end is ours. */
import { Tty } from "../../ffi/termios.ts";
import type { SerialBackend } from "../../lib/devices/serial_port.ts";
import type { SerialRig } from "../contract/serial_contract.ts";

const SYMBOLS = {
  // int posix_openpt(int flags);
  posix_openpt: { parameters: ["i32"], result: "i32" },
  // int grantpt(int fd);
  grantpt: { parameters: ["i32"], result: "i32" },
  // int unlockpt(int fd);
  unlockpt: { parameters: ["i32"], result: "i32" },
  // int ptsname_r(int fd, char *name, size_t size);
  ptsname_r: { parameters: ["i32", "buffer", "usize"], result: "i32" },
} as const;

const O_RDWR = 2, O_NOCTTY = 0o400, O_NONBLOCK = 0o4000, O_CLOEXEC = 0o2000000;

/** Whether this system has them. */
export const hasPty = Deno.build.os === "linux";

/** A new pair: our end, and the path of the other. */
export function openPty(): { master: Tty; path: string } {
  const libc = Deno.dlopen("libc.so.6", SYMBOLS);
  try {
    const { posix_openpt, grantpt, unlockpt, ptsname_r } = libc.symbols;
    const fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    const name = new Uint8Array(64);
    if (fd < 0 || grantpt(fd) !== 0 || unlockpt(fd) !== 0 || ptsname_r(fd, name, 64n) !== 0) {
      throw new Error("Cannot make a pseudo-terminal");
    }
    const path = new TextDecoder().decode(name.subarray(0, name.indexOf(0)));
    const master = Tty.fromDescriptor(fd);
    // Raw from the beginning, or what is written before it is opened would be echoed.
    const slave = Deno.openSync(path, { read: true, write: true });
    const { code } = new Deno.Command("stty", { args: ["-F", path, "raw", "-echo"] }).outputSync();
    if (code !== 0) throw new Error("stty failed");
    slave.close();
    return { master, path };
  } finally {
    libc.close();
  }
}

/** A line that is plugged in under a name of its own, in a folder that is removed in the end. */
export async function openPtyRig(backend: SerialBackend): Promise<SerialRig & { master: Tty }> {
  const folder = await Deno.makeTempDir({ prefix: "serial" });
  const url = `${folder}/board`;
  let end = openPty();
  await Deno.symlink(end.path, url);
  return {
    url,
    backend,
    get master() {
      return end.master;
    },
    write: (bytes) => writeAll(end.master, bytes),
    read: (size) => readExactly(end.master, size),
    async unplug() {
      await Deno.remove(url);
      await end.master.close();
    },
    async plug() {
      end = openPty();
      await Deno.symlink(end.path, url);
    },
    async [Symbol.asyncDispose]() {
      await end.master.close();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Hands all bytes over, waiting for room. */
export async function writeAll(tty: Tty, bytes: Uint8Array): Promise<void> {
  let rest = Uint8Array.from(bytes);
  while (rest.length > 0) {
    rest = rest.subarray(tty.write(rest.subarray(0, 4096)));
    await breath();
  }
}

/** Waits for so many bytes. An end that nobody has open is no failure: somebody will open it. */
export async function readExactly(tty: Tty, size: number): Promise<Uint8Array<ArrayBuffer>> {
  const all = new Uint8Array(size);
  for (let at = 0; at < size;) {
    let piece: Uint8Array | null = null;
    try {
      piece = tty.read(size - at);
    } catch {
      // EIO: the other end is closed just now
    }
    if (piece === null) {
      await breath();
      continue;
    }
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** Both directions are polled for by hand, since a Tty waits for one at a time. */
function breath(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}
