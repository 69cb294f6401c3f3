import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import dgram from "node:dgram";
import { UdpShortcut } from "../../ffi/udp.ts";

const ignore = Deno.build.os !== "linux";
const hint = ignore ? " (Linux only)" : "";

async function bound(type: "udp4" | "udp6", address: string): Promise<dgram.Socket> {
  const socket = dgram.createSocket(type);
  await new Promise<void>((done) => {
    socket.once("listening", () => done());
    socket.bind({ address, port: 0 });
  });
  return socket;
}

const closed = (socket: dgram.Socket) => new Promise<void>((done) => socket.close(() => done()));
const message = (socket: dgram.Socket) =>
  new Promise<[Buffer, dgram.RemoteInfo]>((done) =>
    socket.once("message", (data, from) => done([data, from]))
  );

for (
  const [type, family, address] of [["udp4", "IPv4", "127.0.0.1"], ["udp6", "IPv6", "::1"]] as const
) {
  Deno.test({
    name: `UdpShortcut.send() arrives from the port of Deno's socket, ${family}${hint}`,
    ignore,
    async fn() {
      const a = await bound(type, address), b = await bound(type, address);
      using shortcut = UdpShortcut.find(address, a.address().port, family)!;
      const arrived = message(b);
      assert.equal(shortcut.send(new Uint8Array([1, 2, 3]), address, b.address().port), true);
      const [data, from] = await arrived;
      assert.deepEqual([...data], [1, 2, 3]);
      assert.equal(from.port, a.address().port);
      await Promise.all([closed(a), closed(b)]);
    },
  });

  Deno.test({
    name:
      `UdpShortcut.receive() takes what is behind the first datagram, in order, ${family}${hint}`,
    ignore,
    async fn() {
      const a = await bound(type, address), b = await bound(type, address);
      using out = UdpShortcut.find(address, a.address().port, family)!;
      using shortcut = UdpShortcut.find(address, b.address().port, family)!;
      const seen: (number | undefined)[] = [];
      const all = new Promise<void>((done) =>
        b.on("message", (data) => {
          seen.push(data[0]);
          for (let next; (next = shortcut.receive()) !== null;) {
            seen.push(next.data[0]);
            assert.deepEqual(next.address, [address, a.address().port]);
            assert.equal(next.data.length, 2);
          }
          if (seen.length === 100) done();
        })
      );
      for (let i = 0; i < 100; i++) out.send(new Uint8Array([i, 7]), address, b.address().port);
      await all;
      assert.deepEqual(seen, Array.from({ length: 100 }, (_, i) => i));
      await Promise.all([closed(a), closed(b)]);
    },
  });
}

Deno.test({
  name: `UdpShortcut.find() gives null for an address that no socket here has${hint}`,
  ignore,
  fn() {
    assert.equal(UdpShortcut.find("0.0.0.0", 1, "IPv4"), null);
  },
});

Deno.test({
  name: `UdpShortcut.send() is false for a name, a wrong family and after close()${hint}`,
  ignore,
  async fn() {
    const socket = await bound("udp4", "127.0.0.1");
    const shortcut = UdpShortcut.find("127.0.0.1", socket.address().port, "IPv4")!;
    const data = Uint8Array.from(Buffer.from("x"));
    assert.equal(shortcut.send(data, "localhost", 9), false);
    assert.equal(shortcut.send(data, "::1", 9), false);
    assert.equal(shortcut.send(data, "fe80::1", 9), false);
    shortcut.close();
    shortcut.close();
    assert.equal(shortcut.send(data, "127.0.0.1", 9), false);
    assert.equal(shortcut.receive(), null);
    await closed(socket);
  },
});
