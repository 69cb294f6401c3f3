/** A machine of the local network that tells which address is behind its name, as browsers do. */
import { Buffer } from "node:buffer";
import { createSocket } from "node:dgram";

const GROUP = "224.0.0.251";

/** Packs an answer. @param pointed whether the record's name points to the one in the question */
export function mdnsAnswer(name: string, address: string, pointed = false): Uint8Array {
  const written = name.split(".").flatMap((label) => [
    label.length,
    ...new TextEncoder().encode(label),
  ]);
  const question = pointed ? [...written, 0, 0, 1, 0, 1] : [];
  const owner = pointed ? [0xc0, 12] : [...written, 0];
  const data = address.includes(":")
    ? address.split(":").flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 255])
    : address.split(".").map(Number);
  const type = data.length === 4 ? 1 : 28;
  const record = [...owner, 0, type, 0x80, 1, 0, 0, 0, 120, 0, data.length, ...data];
  return Uint8Array.from([
    ...[0, 0, 0x84, 0, 0, pointed ? 1 : 0, 0, 1, 0, 0, 0, 0, ...question, ...record],
  ]);
}

/** Answers, by default on the loopback interface, to all who listen; closed by `close()`. */
export async function startResponder(
  names: Readonly<Record<string, string>>,
  { port = 0, deafTo = 0, network = "127.0.0.1" } = {},
): Promise<{ port: number; asked: number; close(): Promise<void> }> {
  const socket = createSocket({ type: "udp4", reuseAddr: true });
  const responder = {
    port: 0,
    asked: 0,
    close: () => new Promise<void>((done) => socket.close(() => done())),
  };
  socket.on("message", (packet) => {
    const text = packet.toString("latin1").toLowerCase();
    if ((packet[2]! & 0x80) !== 0 || ++responder.asked <= deafTo) return;
    for (const [name, address] of Object.entries(names)) {
      if (!text.includes(name.split(".")[0]!)) continue;
      socket.send(Buffer.from(mdnsAnswer(name, address)), responder.port, GROUP);
    }
  });
  await new Promise<void>((done) => socket.bind({ address: "0.0.0.0", port }, () => done()));
  responder.port = socket.address().port;
  socket.addMembership(GROUP, network);
  socket.setMulticastInterface(network);
  return responder;
}
