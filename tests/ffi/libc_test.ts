import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { formatIPv6, networkAddresses, parseSockaddr } from "../../ffi/libc.ts";

const unix = Deno.build.os !== "windows";

Deno.test({
  name: "networkAddresses() lists what the operating system lists (needs Linux or macOS)",
  ignore: !unix,
  fn() {
    const key = (entry: { name: string; family: string; address: string }) =>
      `${entry.name} ${entry.family} ${entry.address}`;
    const theirs = Object.entries(networkInterfaces()).flatMap(([name, list]) =>
      (list ?? []).map((entry) => key({ name, family: entry.family, address: entry.address }))
    );
    const ours = networkAddresses({ loopback: true }).map(key);
    assert.deepEqual(ours.sort(), theirs.sort());
  },
});

Deno.test({
  name:
    "networkAddresses() leaves loopback out unless there is nothing else (needs Linux or macOS)",
  ignore: !unix,
  fn() {
    const all = networkAddresses({ loopback: true });
    assert(all.length > 0);
    const outside = all.filter((entry) => !entry.loopback);
    assert.deepEqual(networkAddresses({ loopback: false }), outside);
    assert.deepEqual(networkAddresses(), outside.length > 0 ? outside : all);
    for (const { address, loopback } of all) {
      if (address.startsWith("127.") || address === "::1") assert(loopback, address);
    }
  },
});

Deno.test({
  name: "networkAddresses() needs --allow-ffi and no other permission (needs Linux or macOS)",
  ignore: !unix,
  permissions: { ffi: true },
  fn() {
    assert(networkAddresses({ loopback: true }).length > 0);
  },
});

Deno.test({
  name: "networkAddresses() throws Deno's own NotCapable when --allow-ffi is refused",
  ignore: !unix,
  permissions: { ffi: false },
  fn() {
    assert.throws(() => networkAddresses(), Deno.errors.NotCapable);
  },
});

Deno.test("parseSockaddr() reads sockaddr_in", () => {
  const bytes = new Uint8Array([2, 0, 0, 0, 192, 168, 1, 7, 0, 0, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual(parseSockaddr(bytes, "IPv4"), { family: "IPv4", address: "192.168.1.7" });
});

Deno.test("parseSockaddr() reads sockaddr_in6 with its scope", () => {
  const bytes = new Uint8Array(28);
  bytes.set([0xfe, 0x80], 8);
  bytes[23] = 1;
  bytes[24] = 3;
  assert.deepEqual(parseSockaddr(bytes, "IPv6"), {
    family: "IPv6",
    address: "fe80::1",
    scopeId: 3,
  });
});

Deno.test("parseSockaddr() takes a scope that a BSD kernel left inside a link-local address out of it", () => {
  const bytes = new Uint8Array(28);
  bytes.set([0xfe, 0x80, 0, 5], 8);
  bytes[23] = 1;
  assert.deepEqual(parseSockaddr(bytes, "IPv6"), {
    family: "IPv6",
    address: "fe80::1",
    scopeId: 5,
  });
});

Deno.test("parseSockaddr() gives no scope for a global address", () => {
  const bytes = new Uint8Array(28);
  bytes.set([0x20, 0x01, 0x0d, 0xb8, 0, 5], 8);
  assert.deepEqual(parseSockaddr(bytes, "IPv6"), { family: "IPv6", address: "2001:db8:5::" });
});

Deno.test("formatIPv6() writes the one form of RFC 5952", () => {
  const cases: [number[], string][] = [
    [[0, 0, 0, 0, 0, 0, 0, 0], "::"],
    [[0, 0, 0, 0, 0, 0, 0, 1], "::1"],
    [[0x2001, 0xdb8, 0, 1, 1, 1, 1, 1], "2001:db8:0:1:1:1:1:1"],
    [[0x2001, 0, 0, 1, 0, 0, 0, 1], "2001:0:0:1::1"],
    [[0x2001, 0xdb8, 0, 0, 1, 0, 0, 1], "2001:db8::1:0:0:1"],
    [[1, 2, 3, 4, 5, 6, 7, 0xABCD], "1:2:3:4:5:6:7:abcd"],
  ];
  for (const [groups, text] of cases) {
    assert.equal(formatIPv6(new Uint8Array(groups.flatMap((g) => [g >> 8, g & 255]))), text);
  }
});
