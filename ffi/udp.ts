/**
 * A shortcut to a UDP socket that Deno has open: datagrams are sent and received by direct calls of
 * the C library, 3 to 5 µs each instead of 25, while Deno goes on waiting for the socket and owns it.
 *
 * Deno does not tell the descriptor of its socket. It is found by asking each small number which
 * address it is bound to (getsockname(2), 1 µs each), and then duplicated (dup(2)): ours is closed by
 * us, and can never mean another file. Nothing waits in here and no thread is used: Deno says that a
 * first datagram came, {@linkcode UdpShortcut.receive} takes those behind it.
 *
 * ```c
 * struct sockaddr_in  { u16 family; be16 port; u8 addr[4]; u8 zero[8]; };                  // 16 bytes
 * struct sockaddr_in6 { u16 family; be16 port; u32 flowinfo; u8 addr[16]; u32 scope_id; }; // 28 bytes
 * ```
 */
import { cLibrary, openLibrary } from "./loader.ts";

const LIBC = cLibrary({
  // On macOS sockaddr and MSG_DONTWAIT differ, and nobody has tried it there.
  darwin: "nothing is lost but some speed",
  windows: "nothing is lost but some speed",
});

const SYMBOLS = {
  // int getsockname(int fd, struct sockaddr *addr, socklen_t *length);
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  // int getsockopt(int fd, int level, int name, void *value, socklen_t *length);
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  // int setsockopt(int fd, int level, int name, const void *value, socklen_t length);
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  // int dup(int fd);
  dup: { parameters: ["i32"], result: "i32" },
  // int close(int fd);
  close: { parameters: ["i32"], result: "i32" },
  // ssize_t sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *to, socklen_t);
  sendto: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"], result: "i32" },
  // ssize_t recvfrom(int fd, void *data, size_t size, int flags, struct sockaddr *from, socklen_t *);
  recvfrom: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "buffer"], result: "i32" },
  // int inet_pton(int family, const char *text, void *address);
  inet_pton: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  // const char *inet_ntop(int family, const void *address, char *text, socklen_t size);
  inet_ntop: { parameters: ["i32", "buffer", "buffer", "u32"], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

// Linux, asm-generic/socket.h and bits/socket.h
const AF_INET = 2, AF_INET6 = 10;
const SOL_SOCKET = 1, SO_TYPE = 3, SO_RCVBUF = 8, SOCK_DGRAM = 2;
const MSG_DONTWAIT = 0x40;

const DESCRIPTORS = 4096; // how far the search goes
const RECEIVE_BUFFER = 4 << 20; // bytes asked for; the kernel gives at most net.core.rmem_max
const SLAB = 1 << 16; // datagrams are cut from pieces of this size,
const DATAGRAM = 2048; // each can be so long: WebRTC keeps below 1500 (RFC 8261 section 5)
const DATAGRAM_SIZE = BigInt(DATAGRAM); // as a size_t

type Libc = Deno.DynamicLibrary<typeof SYMBOLS>;

/** Where a datagram came from or goes to: `["192.0.2.1", 5000]`. */
export type UdpAddress = [host: string, port: number];

let shared: Libc | null | undefined;

/** Opened once and kept: opening costs 3 ms, since Deno compiles a trampoline for each function. */
function library(): Libc | null {
  if (Deno.build.os !== "linux") return null;
  if (Deno.permissions.querySync({ name: "ffi" }).state !== "granted") return null;
  if (shared === undefined) {
    try {
      shared = openLibrary(LIBC, SYMBOLS);
    } catch {
      shared = null;
    }
  }
  return shared;
}

/** Direct sending and receiving on a socket that somebody else opened, waits for and closes. */
export class UdpShortcut implements Disposable {
  #libc: Libc | null;
  readonly #fd: number;
  readonly #family: number;
  #slab = new Uint8Array(SLAB);
  #used = 0;
  readonly #from = new Uint8Array(28);
  readonly #fromSize = new Uint32Array(1);
  #lastFrom = { raw: new Uint8Array(28), address: ["", 0] as UdpAddress };
  #lastTo = { host: "", port: 0, raw: new Uint8Array(0) };

  private constructor(libc: Libc, fd: number, family: number) {
    this.#libc = libc;
    this.#fd = fd;
    this.#family = family;
  }

  /**
   * The shortcut to this process's UDP socket that is bound to this local address; `null` where there
   * is none: not found, not Linux, or `--allow-ffi` not given. Never asks for a permission.
   */
  static find(host: string, port: number, family: "IPv4" | "IPv6"): UdpShortcut | null {
    const libc = library();
    if (libc === null) return null;
    const number = family === "IPv4" ? AF_INET : AF_INET6;
    const wanted = encodeAddress(libc, number, host, port);
    const fd = wanted ? search(libc, wanted, number) : -1;
    if (fd < 0) return null;
    const size = new Int32Array([RECEIVE_BUFFER]);
    libc.symbols.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, new Uint8Array(size.buffer), 4);
    return new UdpShortcut(libc, fd, number);
  }

  /**
   * Hands one datagram to the kernel.
   *
   * @returns false if it was not taken, for whatever reason (send buffer full, no route, not a
   * numeric address, closed): send it the long way, which waits or reports the error
   */
  send(data: Uint8Array<ArrayBuffer>, host: string, port: number): boolean {
    if (this.#libc === null) return false;
    const to = this.#lastTo;
    if (to.host !== host || to.port !== port) {
      const raw = encodeAddress(this.#libc, this.#family, host, port);
      if (raw === null) return false;
      this.#lastTo = { host, port, raw };
    }
    const { raw } = this.#lastTo;
    return this.#libc.symbols.sendto(
      this.#fd,
      data,
      BigInt(data.length),
      MSG_DONTWAIT,
      raw,
      raw.length,
    ) ===
      data.length;
  }

  /**
   * Takes the next datagram that is already here; never waits. The bytes are the caller's.
   *
   * @returns `null` when there is none
   */
  receive(): { data: Uint8Array<ArrayBuffer>; address: UdpAddress } | null {
    if (this.#libc === null) return null;
    if (this.#used + DATAGRAM > SLAB) {
      this.#slab = new Uint8Array(SLAB);
      this.#used = 0;
    }
    const room = this.#slab.subarray(this.#used, this.#used + DATAGRAM);
    this.#fromSize[0] = this.#from.length;
    const size = this.#libc.symbols.recvfrom(
      this.#fd,
      room,
      DATAGRAM_SIZE,
      MSG_DONTWAIT,
      this.#from,
      this.#fromSize,
    );
    if (size < 0) return null;
    this.#used += size + 7 & ~7;
    return { data: room.subarray(0, size), address: this.#decode() };
  }

  /** Closes our duplicate; Deno's socket stays. Idempotent. */
  close(): void {
    const libc = this.#libc;
    this.#libc = null;
    libc?.symbols.close(this.#fd);
  }

  /** As {@linkcode close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Nearly all datagrams come from one peer, so the text of the last address is kept. */
  #decode(): UdpAddress {
    const from = this.#from, last = this.#lastFrom;
    const size = this.#family === AF_INET ? 8 : 24;
    let same = true;
    for (let i = 2; i < size && same; i++) same = from[i] === last.raw[i];
    if (!same) {
      const port = (from[2] ?? 0) << 8 | (from[3] ?? 0);
      this.#lastFrom = { raw: from.slice(), address: [this.#text(), port] };
    }
    return this.#lastFrom.address;
  }

  #text(): string {
    if (this.#family === AF_INET) return this.#from.subarray(4, 8).join(".");
    const text = new Uint8Array(46); // INET6_ADDRSTRLEN
    this.#libc?.symbols.inet_ntop(AF_INET6, this.#from.subarray(8, 24), text, text.length);
    return new TextDecoder().decode(text.subarray(0, text.indexOf(0)));
  }
}

/** A `sockaddr` as in the file's head; `null` if the host is not a numeric address of this family. */
function encodeAddress(
  libc: Libc,
  family: number,
  host: string,
  port: number,
): Uint8Array<ArrayBuffer> | null {
  if (host.startsWith("fe80")) return null; // needs a zone, which only the long way may know
  const v4 = family === AF_INET;
  const raw = new Uint8Array(v4 ? 16 : 28);
  new Uint16Array(raw.buffer, 0, 1)[0] = family; // the machine's byte order
  new DataView(raw.buffer).setUint16(2, port);
  const text = new TextEncoder().encode(host + "\0");
  return libc.symbols.inet_pton(family, text, raw.subarray(v4 ? 4 : 8)) === 1 ? raw : null;
}

/** The duplicate of the descriptor bound to this address, or -1. */
function search(libc: Libc, wanted: Uint8Array<ArrayBuffer>, family: number): number {
  const address = new Uint8Array(128), size = new Uint32Array(1), type = new Uint32Array(1);
  const sizeBytes = new Uint8Array(size.buffer), typeBytes = new Uint8Array(type.buffer);
  const compared = family === AF_INET ? 8 : 24; // family, port, flow label (0), address
  for (let fd = 3; fd < DESCRIPTORS; fd++) {
    size[0] = address.length;
    if (libc.symbols.getsockname(fd, address, sizeBytes) !== 0) continue;
    if (wanted.subarray(0, compared).some((byte, i) => byte !== address[i])) continue;
    size[0] = 4;
    if (libc.symbols.getsockopt(fd, SOL_SOCKET, SO_TYPE, typeBytes, sizeBytes) !== 0) continue;
    if (type[0] === SOCK_DGRAM) return libc.symbols.dup(fd);
  }
  return -1;
}
