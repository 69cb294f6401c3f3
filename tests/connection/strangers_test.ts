/** Datagrams of strangers at the ports of a connection, before, while and after it opens. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { RTCConnection } from "../../mod.ts";
import { LOCAL, within } from "./pair.ts";

interface Place {
  address: string;
  port: number;
  ufrag: string;
  password: string;
}

/** Where an end listens, from its description. */
function places(sdp: string): Place[] {
  const ufrag = sdp.match(/a=ice-ufrag:(\S+)/)![1]!;
  const password = sdp.match(/a=ice-pwd:(\S+)/)![1]!;
  return [...sdp.matchAll(/a=candidate:\S+ 1 udp \d+ (\d+\.\d+\.\d+\.\d+) (\d+) typ host/gi)]
    .map(([, address, port]) => ({ address: address!, port: Number(port), ufrag, password }));
}

let seed = 1;
const random = (below: number) => (seed = (seed * 48271) % 2147483647) % below;
const bytes = (length: number) => Uint8Array.from({ length }, () => random(256));

/** A binding request with the right name, asking to be nominated, without a valid password. */
function forgedCheck({ ufrag }: Place, integrity: boolean): Uint8Array {
  const name = new TextEncoder().encode(`${ufrag}:abcd`);
  const attribute = (type: number, value: Uint8Array) => {
    const out = new Uint8Array(4 + ((value.length + 3) & ~3));
    new DataView(out.buffer).setUint16(0, type);
    new DataView(out.buffer).setUint16(2, value.length);
    out.set(value, 4);
    return out;
  };
  const parts = [
    attribute(0x0006, name),
    attribute(0x0024, bytes(4)), // PRIORITY
    attribute(0x0025, new Uint8Array(0)), // USE-CANDIDATE
    attribute(0x802a, bytes(8)), // ICE-CONTROLLING
    ...(integrity ? [attribute(0x0008, bytes(20))] : []),
  ];
  const body = parts.reduce((n, part) => n + part.length, 0);
  const out = new Uint8Array(20 + body);
  const view = new DataView(out.buffer);
  view.setUint16(0, 0x0001);
  view.setUint16(2, body);
  view.setUint32(4, 0x2112a442);
  out.set(bytes(12), 8);
  let at = 20;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** All that might upset a parser: STUN, DTLS, RTP and RTCP that begin well, and plain noise. */
function garbage(place: Place): Uint8Array {
  const datagram = bytes(8 + random(1400));
  switch (random(6)) {
    case 0:
      return forgedCheck(place, random(2) === 0);
    case 1:
      datagram.set([0, 1, 0, random(256), 0x21, 0x12, 0xa4, 0x42]); // STUN
      return datagram;
    case 2:
      datagram.set([20 + random(4), 0xfe, 0xfd, 0, random(2)]); // DTLS
      return datagram;
    case 3:
      datagram[0] = 0x80 | random(64); // RTP
      return datagram;
    case 4:
      datagram.set([0x81, 200 + random(8)]); // RTCP
      return datagram;
    default:
      return datagram;
  }
}

async function pester(targets: Place[], count: number): Promise<void> {
  const socket = createSocket("udp4");
  try {
    for (let i = 0; i < count; i++) {
      const place = targets[i % targets.length]!;
      await new Promise((done) => socket.send(garbage(place), place.port, place.address, done));
    }
  } finally {
    await new Promise<void>((done) => socket.close(() => done()));
  }
}

Deno.test("a connection opens and talks while strangers pester its ports", async () => {
  await using a = new RTCConnection(LOCAL);
  await using b = new RTCConnection(LOCAL);
  const offer = await a.getLocalDescription();
  await pester(places(offer.sdp), 300);
  const answer = await b.getLocalDescription(offer);
  const targets = [...places(offer.sdp), ...places(answer.sdp)];
  assert.ok(targets.length >= 2);
  const pestering = pester(targets, 1500);
  await a.setRemoteDescription(answer);
  await within(10_000, Promise.all([a.onReady(), b.onReady()]), "the opening");
  const received = b.subscribe();
  for (let i = 0; i < 200; i++) a.put_nowait(i);
  for (let i = 0; i < 200; i++) assert.equal(await within(10_000, received.get(), "a message"), i);
  await pestering;
  a.put_nowait("still here");
  assert.equal(await within(10_000, received.get(), "the last message"), "still here");
});

Deno.test("a stranger that knows the name but not the password is not answered", async () => {
  await using a = new RTCConnection(LOCAL);
  const offer = await a.getLocalDescription();
  const [place] = places(offer.sdp);
  const socket = createSocket("udp4");
  let answers = 0;
  socket.on("message", () => answers++);
  try {
    for (let i = 0; i < 20; i++) {
      const check = forgedCheck(place!, i % 2 === 0);
      await new Promise((done) => socket.send(check, place!.port, place!.address, done));
    }
    // What was sent before is handled before: a true request comes back when all others were read.
    await using b = new RTCConnection(LOCAL);
    await a.setRemoteDescription(await b.getLocalDescription(offer));
    await within(10_000, a.onReady(), "the opening");
    assert.equal(answers, 0);
  } finally {
    await new Promise<void>((done) => socket.close(() => done()));
  }
});
