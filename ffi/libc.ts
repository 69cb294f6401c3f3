/**
 * The C library: the addresses of the network interfaces, asked from getifaddrs(3) because
 * `Deno.networkInterfaces()` needs `--allow-sys` and a robot runs with `--allow-net --allow-ffi`.
 *
 * ```c
 * struct ifaddrs {                // <ifaddrs.h>; offsets on 64-bit Linux (glibc, musl) and macOS
 *   struct ifaddrs  *ifa_next;    //  0
 *   char            *ifa_name;    //  8
 *   unsigned int     ifa_flags;   // 16
 *   struct sockaddr *ifa_addr;    // 24, null for interfaces without an address
 *   ...
 * };
 * struct sockaddr_in  { family; in_port_t sin_port; struct in_addr sin_addr; };     // address at 4
 * struct sockaddr_in6 { family; in_port_t sin6_port; uint32_t sin6_flowinfo;        // address at 8
 *                       struct in6_addr sin6_addr; uint32_t sin6_scope_id; };       // scope at 24
 * // family: Linux `sa_family_t` is a u16 at 0; macOS has `u8 sa_len` at 0 and `u8 sa_family` at 1
 * ```
 */

import { SystemCallError } from "../lib/errors.ts";
import { cLibrary, homebrewPaths, type LibraryHost, libraryHost, openLibrary } from "./loader.ts";

/** One address of one network interface that is up. */
export interface NetworkAddress {
  /** The interface, such as `eth0`. */
  readonly name: string;
  /** Which protocol the address belongs to. */
  readonly family: "IPv4" | "IPv6";
  /** The address as text, without a zone: `192.168.1.7`, `fe80::1`. */
  readonly address: string;
  /** The interface's number for a link-local IPv6 address; absent where there is none. */
  readonly scopeId?: number;
  /** True if only this machine itself can reach it. */
  readonly loopback: boolean;
}

const LIBC = cLibrary({
  darwinPaths: ["/usr/lib/libSystem.B.dylib", ...homebrewPaths("libSystem.dylib")],
  darwin: "libSystem.B.dylib is part of macOS, please report the version",
  windows: "Windows has no getifaddrs, run this with --allow-sys or on Linux or macOS",
});

const SYMBOLS = {
  // int getifaddrs(struct ifaddrs **ifap);
  getifaddrs: { parameters: ["buffer"], result: "i32" },
  // void freeifaddrs(struct ifaddrs *ifa);
  freeifaddrs: { parameters: ["pointer"], result: "void" },
} as const satisfies Deno.ForeignLibraryInterface;

/** Opened once and kept: opening costs 2 ms, since Deno compiles a trampoline for each function. */
let libc: Deno.DynamicLibrary<typeof SYMBOLS> | undefined;

const IFF_UP = 0x1; // <net/if.h>, the same on Linux and macOS
const IFF_LOOPBACK = 0x8;
const AF_INET = 2; // <sys/socket.h>
const AF_INET6: Readonly<Record<LibraryHost, number>> = { linux: 10, darwin: 30, windows: 23 };

/**
 * The IPv4 and IPv6 addresses of the interfaces that are up. Loopback addresses are left out unless
 * there is nothing else (`loopback: "auto"`), always or never included with `true` and `false`.
 *
 * Needs `--allow-ffi` and nothing more. Asks the system anew at each call.
 *
 * @throws {SystemCallError} when getifaddrs fails
 * @example
 * ```ts ignore
 * const hosts = networkAddresses().map(({ address }) => address); // ["192.168.1.7", "fe80::1"]
 * ```
 */
export function networkAddresses(
  options: { loopback?: boolean | "auto" } = {},
): NetworkAddress[] {
  const all = readInterfaces();
  const mode = options.loopback ?? "auto";
  if (mode === true) return all;
  const outside = all.filter((entry) => !entry.loopback);
  return outside.length === 0 && mode === "auto" ? all : outside;
}

function readInterfaces(): NetworkAddress[] {
  const host = libraryHost();
  const { symbols } = libc ??= openLibrary(LIBC, SYMBOLS);
  const head = new BigUint64Array(1);
  if (symbols.getifaddrs(head) !== 0) {
    throw new SystemCallError(
      "Cannot list network addresses: getifaddrs failed; see that the process may open netlink sockets",
      "GETIFADDRS",
    );
  }
  const unsafeHead = Deno.UnsafePointer.create(head[0] ?? 0n);
  try {
    return walk(unsafeHead, host);
  } finally {
    if (unsafeHead !== null) symbols.freeifaddrs(unsafeHead);
  }
}

/** Follows `ifa_next`; the list is the system's and lives until freeifaddrs. */
function walk(unsafeHead: Deno.PointerValue, host: LibraryHost): NetworkAddress[] {
  const found: NetworkAddress[] = [];
  let unsafeEntry = unsafeHead;
  while (unsafeEntry !== null) {
    const entry = new Deno.UnsafePointerView(unsafeEntry);
    unsafeEntry = entry.getPointer(0);
    const flags = entry.getUint32(16);
    const unsafeName = entry.getPointer(8);
    const unsafeAddress = entry.getPointer(24);
    if ((flags & IFF_UP) === 0 || unsafeAddress === null || unsafeName === null) continue;
    const head = new Uint8Array(2);
    Deno.UnsafePointerView.copyInto(unsafeAddress, head);
    const family = familyOf(head, host);
    if (family === null) continue;
    const sockaddr = new Uint8Array(family === "IPv4" ? 16 : 28); // sizeof sockaddr_in, sockaddr_in6
    Deno.UnsafePointerView.copyInto(unsafeAddress, sockaddr);
    found.push({
      name: Deno.UnsafePointerView.getCString(unsafeName),
      ...parseSockaddr(sockaddr, family),
      loopback: (flags & IFF_LOOPBACK) !== 0,
    });
  }
  return found;
}

function familyOf(head: Uint8Array, host: LibraryHost): "IPv4" | "IPv6" | null {
  const number = host === "darwin" ? head[1] : (head[0] ?? 0) | ((head[1] ?? 0) << 8);
  if (number === AF_INET) return "IPv4";
  return number === AF_INET6[host] ? "IPv6" : null;
}

/** The address within a `sockaddr_in` (16 bytes) or `sockaddr_in6` (28 bytes); see the file's head. */
export function parseSockaddr(
  bytes: Uint8Array,
  family: "IPv4" | "IPv6",
): { family: "IPv4" | "IPv6"; address: string; scopeId?: number } {
  if (family === "IPv4") return { family, address: bytes.subarray(4, 8).join(".") };
  const address = bytes.slice(8, 24);
  let scopeId = new DataView(bytes.buffer, bytes.byteOffset).getUint32(24, true);
  const linkLocal = address[0] === 0xfe && ((address[1] ?? 0) & 0xc0) === 0x80; // fe80::/10, RFC 4291 2.4
  if (linkLocal) {
    // BSD kernels (KAME, so macOS too) keep the scope in the third and fourth byte of the address.
    const embedded = ((address[2] ?? 0) << 8) | (address[3] ?? 0);
    if (scopeId === 0) scopeId = embedded;
    address[2] = address[3] = 0;
  }
  const text = formatIPv6(address);
  return scopeId === 0 ? { family, address: text } : { family, address: text, scopeId };
}

/** Sixteen bytes as text, in the one form of RFC 5952: lower case, longest run of zeros as `::`. */
export function formatIPv6(bytes: Uint8Array): string {
  const groups = Array.from(
    { length: 8 },
    (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0),
  );
  let best = { start: -1, length: 1 }; // a single zero group is not shortened (RFC 5952 4.2.2)
  for (let start = 0; start < 8; start++) {
    let end = start;
    while (end < 8 && groups[end] === 0) end++;
    if (end - start > best.length) best = { start, length: end - start };
  }
  const hex = groups.map((group) => group.toString(16));
  if (best.start < 0) return hex.join(":");
  return `${hex.slice(0, best.start).join(":")}::${hex.slice(best.start + best.length).join(":")}`;
}
