import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import * as werift from "werift";
import { PacketCrypto } from "../../ffi/crypto.ts";
import { repeatRtpPacket, sendRtpFrame } from "../../lib/connection/werift_fast_rtp.ts";
import { probePeer } from "../../lib/connection/werift_liveness.ts";
import { quickenOpening } from "../../lib/connection/werift_opening.ts";
import { lastHeard, packetCrypto, quickenRecords } from "../../lib/connection/werift_records.ts";
import { quickenSockets } from "../../lib/connection/werift_sockets.ts";
import { within } from "./pair.ts";

// What werift does by itself, read before it is changed.
const startSource = werift.RTCDtlsTransport.prototype.start.toString();
const connectSource = werift.Connection.prototype.connect.toString();
const parts = quickenOpening(werift);
const installed = [quickenSockets(werift), quickenRecords(werift)];

// The handshake's own timers run out up to a second after it (werift's Flight.transmit).
const slack = { sanitizeOps: false, sanitizeResources: false };

Deno.test("quickenOpening() finds all that it changes in the pinned werift, and once", () => {
  assert.deepEqual(parts, ["checks", "repeat", "dtls"]);
  assert.deepEqual(installed, [true, true]);
  assert.deepEqual(quickenOpening(werift), []);
});

Deno.test("quickenOpening() is still needed: werift sleeps before its first messages", () => {
  assert.match(startSource, /await setTimeout\d*\(100\)/);
  assert.match(connectSource, /setTimeout\(20\)/);
});

const noCrypto = (() => {
  const crypto = PacketCrypto.open();
  crypto?.close();
  return crypto === null;
})();

interface End {
  pc: werift.RTCPeerConnection;
  dtls: werift.RTCDtlsTransport;
  channel: Promise<werift.RTCDataChannel>;
}

function end(): End {
  const pc = new werift.RTCPeerConnection({
    iceServers: [],
    iceUseIpv4: false,
    iceUseIpv6: false,
    iceAdditionalHostAddresses: ["127.0.0.1"],
  });
  const own = pc.createDataChannel("test", { negotiated: true, id: 7 });
  const channel = new Promise<werift.RTCDataChannel>((done) => {
    own.stateChanged.subscribe((state) => {
      if (state === "open") done(own);
    });
  });
  return { pc, dtls: pc.sctpTransport!.dtlsTransport, channel };
}

async function withPair(body: (a: End, b: End) => Promise<void>): Promise<void> {
  const [a, b] = [end(), end()];
  try {
    await a.pc.setLocalDescription(await a.pc.createOffer());
    await b.pc.setRemoteDescription(a.pc.localDescription!);
    await b.pc.setLocalDescription(await b.pc.createAnswer());
    await a.pc.setRemoteDescription(b.pc.localDescription!);
    await body(a, b);
  } finally {
    await Promise.all([a.pc.close(), b.pc.close()]);
  }
}

async function echo(a: End, b: End, text: string): Promise<void> {
  const [from, to] = await within(8_000, Promise.all([a.channel, b.channel]), "opening");
  const heard = new Promise((done) => to.onMessage.once(done));
  from.send(text);
  assert.equal(await within(2_000, heard, "a message"), text);
}

Deno.test({
  ...slack,
  name: "a pair opens and talks both ways over the short path",
  fn: () =>
    withPair(async (a, b) => {
      await echo(a, b, "there");
      await echo(b, a, "and back");
      const crypto = PacketCrypto.open();
      assert.equal(packetCrypto(a.dtls) === null, crypto === null);
      crypto?.close();
      assert.ok(lastHeard(a.dtls) > 0);
    }),
});

Deno.test({
  ...slack,
  name: "a pair opens although each DTLS message comes twice, and again later",
  async fn() {
    const protocol = werift.StunProtocol.prototype as unknown as {
      datagramReceived(data: Buffer, address: [string, number]): void;
    };
    const received = protocol.datagramReceived;
    protocol.datagramReceived = function (data, address): void {
      const again = data[0] === 22 ? [Buffer.from(data), Buffer.from(data)] : []; // handshake
      received.call(this, data, address);
      if (again[0]) received.call(this, again[0], address);
      if (again[1]) queueMicrotask(() => received.call(this, again[1]!, address));
    };
    try {
      await withPair(async (a, b) => {
        await echo(a, b, "once");
        await echo(b, a, "each");
      });
    } finally {
      protocol.datagramReceived = received;
    }
  },
});

Deno.test({
  ...slack,
  name: "no two different DTLS records of a connection are sealed under one number",
  async fn() {
    const protocol = werift.StunProtocol.prototype as unknown as {
      datagramReceived(data: Buffer, address: [string, number]): void;
    };
    const received = protocol.datagramReceived;
    const ends: unknown[] = [], sealed = new Map<string, string>(), twice: string[] = [];
    protocol.datagramReceived = function (data, address): void {
      if (!ends.includes(this)) ends.push(this);
      const dtls = (data[0] ?? 0) >= 20 && (data[0] ?? 0) < 64; // RFC 7983 section 7
      for (let at = 0; dtls && at + 13 <= data.length; at += 13 + data.readUInt16BE(at + 11)) {
        const [epoch, number] = [data.readUInt16BE(at + 3), data.readUIntBE(at + 5, 6)];
        if (epoch === 0) continue;
        const name = `${ends.indexOf(this)}: ${number}`;
        const record = data.toString("hex", at, at + 13 + data.readUInt16BE(at + 11));
        // The same bytes again, when an answer was late, tell nobody anything.
        if ((sealed.get(name) ?? record) !== record) twice.push(name);
        sealed.set(name, record);
      }
      received.call(this, data, address);
    };
    try {
      await withPair(async (a, b) => {
        for (let i = 0; i < 12; i++) {
          await echo(a, b, `message ${i}`);
          await echo(b, a, `answer ${i}`);
        }
      });
    } finally {
      protocol.datagramReceived = received;
    }
    assert.ok(sealed.size > 24);
    assert.deepEqual(twice, []);
  },
});

Deno.test({
  ...slack,
  name: "a peer without messages hears at once that the other one closed",
  ignore: noCrypto,
  fn: () =>
    withPair(async (a, b) => {
      await echo(a, b, "there");
      b.pc.sctpTransport!.dtlsTransport.dataReceiver = () => {}; // so that no SCTP ABORT is read
      const closed = new Promise((done) => {
        b.dtls.onStateChange.subscribe((state) => state === "closed" && done(state));
      });
      await a.dtls.stop();
      assert.equal(await within(1_000, closed, "the end"), "closed");
    }),
});

for (const role of ["offerer", "answerer"] as const) {
  Deno.test({
    ...slack,
    name: `a peer with a certificate that is not its own is refused (${role})`,
    async fn() {
      const other = await werift.CipherContext.createSelfSignedCertificateWithKey(
        { signature: 3, hash: 4 },
        23,
      );
      await withPair(async (a, b) => {
        const [liar, victim] = role === "offerer" ? [a, b] : [b, a];
        const { certPem, signatureHash } = liar.dtls.localCertificate!;
        // The right certificate, so that the fingerprint fits, with another one's key.
        const forged = new werift.RTCCertificate(other.keyPem, certPem, signatureHash);
        liar.dtls.localCertificate = forged;
        const failed = new Promise((done) => {
          victim.dtls.onStateChange.subscribe((state) => state === "failed" && done(state));
          victim.channel.then(() => done("open"));
        });
        assert.equal(await within(5_000, failed, "a decision"), "failed");
      });
    },
  });
}

Deno.test({
  ...slack,
  name: "probePeer() is answered by a peer and moves lastHeard(); a closed one cannot be asked",
  fn: () =>
    withPair(async (a, b) => {
      await echo(a, b, "there");
      const before = lastHeard(a.dtls);
      assert.equal(probePeer(a.dtls), true);
      const answered = (async () => {
        while (lastHeard(a.dtls) === before) await new Promise((done) => setTimeout(done, 1));
      })();
      await within(2_000, answered, "an answer");
      await a.pc.close();
      assert.equal(probePeer(a.dtls), false);
    }),
});

const ids = { mid: 1, time: 2, number: 3 };

for (const profile of [1, 7] as const) {
  Deno.test({
    ...slack,
    ignore: noCrypto,
    name: `sendRtpFrame() sends what werift can open, profile ${profile}${
      noCrypto ? " (needs libcrypto: sudo apt install libssl3)" : ""
    }`,
    fn: () =>
      withPair(async (a, b) => {
        await echo(a, b, "there");
        const key = (n: number, length: number) => Buffer.alloc(length, n);
        const keys = {
          localMasterKey: key(1, 16),
          localMasterSalt: key(2, profile === 7 ? 12 : 14),
          remoteMasterKey: key(1, 16),
          remoteMasterSalt: key(2, profile === 7 ? 12 : 14),
        };
        const session = new werift.SrtpSession({ keys, profile });
        a.dtls.srtp = session;
        const packets: Buffer[] = [];
        const received = b.dtls.iceTransport.connection.onData.subscribe((data) => {
          if ((data[0] ?? 0) >= 128) packets.push(Buffer.from(data));
        });
        const sender = Object.assign(new werift.RTCRtpSender("video"), {
          dtlsTransport: a.dtls,
          codec: { payloadType: 96 },
          mid: "v0",
          headerExtensions: [
            { id: ids.mid, uri: "urn:ietf:params:rtp-hdrext:sdes:mid" },
            {
              id: ids.time,
              uri: "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
            },
            {
              id: ids.number,
              uri: "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
            },
          ],
        }) as unknown as {
          stop(): void;
          handleRtcpPacket(packet: werift.RtcpPacket): void;
          rtpCache: werift.RtpPacket[];
        };
        const payloads = [Uint8Array.of(1, 2, 3), new Uint8Array(1_140).fill(9)];
        // Over the end of the 16-bit numbers, so that the rollover counter counts.
        for (const sequence of [65_534, 0, 2]) {
          assert.equal(sendRtpFrame(werift, sender, payloads, 90_000 + sequence, sequence), true);
        }
        const all = (async () => {
          while (packets.length < 6) await new Promise((done) => setTimeout(done, 1));
        })();
        await within(2_000, all, "six packets");
        // What a viewer has lost comes again: the same payload behind its number (RFC 4588 section 4).
        Object.assign(sender, { rtxPayloadType: 97 });
        const lost = new werift.GenericNack({ senderSsrc: 1, mediaSourceSsrc: 2, lost: [65_535] });
        sender.handleRtcpPacket(new werift.RtcpTransportLayerFeedback({ feedback: lost }));
        const seventh = (async () => {
          while (packets.length < 7) await new Promise((done) => setTimeout(done, 1));
        })();
        await within(2_000, seventh, "the retransmission");
        const rtx = werift.RtpPacket.deSerialize(session.decrypt(packets.pop()!));
        assert.equal(rtx.header.payloadType, 97);
        assert.equal(rtx.payload.readUInt16BE(0), 65_535);
        assert.deepEqual([...rtx.payload.subarray(2)], [...payloads[1]!]);
        // Our own way to send it again; it has a number of its own on the transport.
        const sentAgain: [number, number][] = [];
        const lostPacket = { payload: payloads[1]!, timestamp: 7, sequence: 65_535, marker: true };
        const told = (wide: number, bytes: number) => sentAgain.push([wide, bytes]);
        assert.equal(repeatRtpPacket(sender, lostPacket, told), true);
        const eighth = (async () => {
          while (packets.length < 7) await new Promise((done) => setTimeout(done, 1));
        })();
        await within(2_000, eighth, "our retransmission");
        const size = packets.at(-1)!.length;
        const ours = werift.RtpPacket.deSerialize(session.decrypt(packets.pop()!));
        assert.deepEqual(sentAgain, [[7, size + 28]]);
        assert.equal(ours.header.payloadType, 97);
        assert.equal(ours.header.sequenceNumber, rtx.header.sequenceNumber + 1 & 0xffff);
        assert.equal(
          ours.header.extensions.find((e) => e.id === ids.number)!.payload.readUInt16BE(),
          7,
        );
        assert.deepEqual([...ours.payload], [0xff, 0xff, ...payloads[1]!]);
        received.unSubscribe();
        sender.stop();
        const opened = packets.map((packet) =>
          werift.RtpPacket.deSerialize(session.decrypt(packet))
        );
        assert.deepEqual(opened.map((p) => p.header.sequenceNumber), [65_534, 65_535, 0, 1, 2, 3]);
        assert.deepEqual(opened.map((p) => p.header.marker), [
          false,
          true,
          false,
          true,
          false,
          true,
        ]);
        assert.deepEqual([...opened[0]!.payload], [1, 2, 3]);
        assert.equal(opened[5]!.payload.length, 1_140);
        assert.equal(opened[2]!.header.timestamp, 90_000);
        const value = (id: number) =>
          opened.map((p) => p.header.extensions.find((e) => e.id === id)!);
        assert.equal(value(ids.mid)[0]!.payload.toString(), "v0");
        assert.deepEqual(value(ids.number).map((e) => e.payload.readUInt16BE()), [
          1,
          2,
          3,
          4,
          5,
          6,
        ]);
        // Seconds of the clock that everybody has, modulo 64 (abs-send-time is 6.18 fixed point).
        const seconds = value(ids.time)[5]!.payload.readUIntBE(0, 3) / 2 ** 18;
        const drift = (Date.now() / 1_000 + 2_208_988_800) % 64 - seconds;
        assert.ok(Math.abs((drift + 96) % 64 - 32) < 5, `abs-send-time is ${drift} s off`);
        // What werift sends again upon a NACK is the same packet.
        const again = sender.rtpCache[65_535 % 128]!;
        assert.equal(again.header.sequenceNumber, 65_535);
        assert.equal(again.payload.length, 1_140);
        assert.equal(again.header.serialize(again.header.serializeSize).length, 12 + 4 + 12);
      }),
  });
}
