import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { PeerChannel } from "../../lib/connection/peer.ts";
import { SctpDriver } from "../../lib/connection/sctp_driver.ts";
import { decodeMessage, encodeMessage } from "../../lib/wire/message.ts";
import { settle } from "./fake_channel.ts";

/** A driver, and the packets that it sent. */
function makeDriver(client: boolean): { driver: SctpDriver; packets: Uint8Array<ArrayBuffer>[] } {
  const packets: Uint8Array<ArrayBuffer>[] = [];
  const driver = new SctpDriver({
    localPort: 5000,
    maxMessageSize: 262_144,
    sendPacket: (packet) => void packets.push(new Uint8Array(packet)),
    closed: () => {},
    isDtlsClient: () => client,
  });
  return { driver, packets };
}

/** Carries packets both ways until there are no more. */
async function exchange(a: ReturnType<typeof makeDriver>, b: ReturnType<typeof makeDriver>) {
  for (let quiet = 0; quiet < 3; quiet++) {
    for (const packet of a.packets.splice(0)) {
      b.driver.receive(packet);
      quiet = 0;
    }
    for (const packet of b.packets.splice(0)) {
      a.driver.receive(packet);
      quiet = 0;
    }
    await settle();
  }
}

Deno.test("SctpDriver keeps packets that come before it is started, though their memory is used again", () => {
  const early = makeDriver(true);
  const late = makeDriver(false);
  early.driver.start(5000);
  const [init] = early.packets.splice(0);
  assert.equal(init![12], 1); // INIT (RFC 9260, section 3.3.2) behind the common header
  const memory = Buffer.from(init!);
  late.driver.receive(memory);
  memory.fill(0);
  assert.equal(late.packets.length, 0);
  late.driver.start(5000);
  const kinds = late.packets.map((packet) => packet[12]);
  assert.ok(kinds.includes(2), `INIT ACK is not among the chunks ${kinds}`);
  early.driver.close();
  late.driver.close();
});

Deno.test("SctpDriver opens channels and carries messages, whoever is started first", async () => {
  const a = makeDriver(true);
  const b = makeDriver(false);
  const remote = Promise.withResolvers<PeerChannel>();
  const messages: unknown[] = [];
  b.driver.channels.onChannel = (channel) => {
    channel.listener = {
      opened() {},
      message: (message) => void messages.push(decodeMessage(message)),
      drained() {},
      closed: () => void messages.push("closed"),
    };
    remote.resolve(channel);
  };
  const channel = a.driver.channels.create({ label: "x", ordered: true, maxRetransmits: null });
  a.driver.start(5000);
  b.driver.start(5000);
  await exchange(a, b);
  for (const value of ["", "text", { n: 1 }, new Uint8Array(0), new Uint8Array(50_000)]) {
    channel.send(encodeMessage(value));
  }
  await exchange(a, b);
  assert.equal((await remote.promise).label, "x");
  assert.deepEqual(messages, ["", "text", { n: 1 }, new Uint8Array(0), new Uint8Array(50_000)]);
  channel.close();
  await exchange(a, b);
  assert.equal(messages.at(-1), "closed");
  a.driver.close();
  b.driver.close();
});
