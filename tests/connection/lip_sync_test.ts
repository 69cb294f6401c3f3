/** Sound and picture in step: what the reports say by which a receiver plays them together. */
import assert from "node:assert/strict";
import type * as Werift from "werift";
import { hostAddresses } from "../../lib/connection/werift_addresses.ts";
import { loadWerift } from "../../lib/connection/werift_engine.ts";
import { FakeCamera, FakeMicrophone } from "../../lib/testing.ts";
import { RTCConnection } from "../../mod.ts";
import { testOpus } from "../codecs/opus_library.ts";
import { withFakeEncoders } from "./fake_codec.ts";
import { LOCAL, within } from "./pair.ts";

const NTP_EPOCH_MS = 2_208_988_800_000; // 1900 to 1970, RFC 868

/** A foreign peer that receives a sound and a video. */
async function listener(): Promise<Werift.RTCPeerConnection> {
  const werift = await loadWerift();
  const pc = new werift.RTCPeerConnection({
    iceServers: [],
    bundlePolicy: "max-bundle",
    iceUseIpv4: false,
    iceUseIpv6: false,
    iceAdditionalHostAddresses: hostAddresses(),
    codecs: { video: [werift.useVP8()], audio: [werift.useOPUS()] },
  });
  pc.createDataChannel("default");
  pc.addTransceiver("audio", { direction: "recvonly" });
  pc.addTransceiver("video", { direction: "recvonly" });
  return pc;
}

testOpus("RTCConnection reports sound and picture on one clock, under one name", async () => {
  await withFakeEncoders(async () => {
    const werift = await loadWerift();
    const pc = await listener();
    await using robot = new RTCConnection(LOCAL);
    await using camera = new FakeCamera({ width: 64, height: 64 });
    await using microphone = new FakeMicrophone();
    robot.video.putSubscription(camera);
    robot.audio.putSubscription(microphone);
    try {
      await pc.setLocalDescription(await pc.createOffer());
      const { type, sdp } = pc.localDescription!;
      const answer = await robot.getLocalDescription({ type, sdp });
      const streams = [...answer.sdp.matchAll(/^a=msid:(\S+)/mg)].map(([, id]) => id);
      assert.deepEqual(streams, ["rtcbot", "rtcbot"]);
      const names = new Set([...answer.sdp.matchAll(/ cname:(\S+)/g)].map(([, name]) => name));
      assert.equal(names.size, 1);
      const rates = new Map(
        answer.sdp.split(/^m=/m).slice(1, 3).map((section) => [
          Number(/^a=ssrc:(\d+)/m.exec(section)![1]),
          section.startsWith("audio") ? 48_000 : 90_000,
        ]),
      );
      const seen = new Map<number, { epochMs: number; rtpTimestamp: number }[]>();
      const arrivals = new Map<number, { epochMs: number; timestamp: number }[]>();
      const enough = Promise.withResolvers<void>();
      await pc.setRemoteDescription(answer);
      pc.dtlsTransports[0]!.onRtp.subscribe(({ header: { ssrc, timestamp } }) => {
        const epochMs = performance.timeOrigin + performance.now();
        arrivals.set(ssrc, [...arrivals.get(ssrc) ?? [], { epochMs, timestamp }]);
      });
      pc.dtlsTransports[0]!.onRtcp.subscribe((packet) => {
        if (packet.type === werift.RtcpSourceDescriptionPacket.type) {
          const { chunks } = packet as Werift.RtcpSourceDescriptionPacket;
          for (const { items } of chunks) assert.ok(names.has(items[0]!.text));
        }
        if (packet.type !== werift.RtcpSrPacket.type) return;
        const { ssrc, senderInfo: { ntpTimestamp, rtpTimestamp } } = packet as Werift.RtcpSrPacket;
        const epochMs = Number(ntpTimestamp >> 32n) * 1000 +
          Number(ntpTimestamp & 0xffffffffn) / 2 ** 32 * 1000 - NTP_EPOCH_MS;
        const nowMs = performance.timeOrigin + performance.now();
        assert.ok(Math.abs(epochMs - nowMs) < 500, `${epochMs - nowMs} ms from now`);
        const captured = { epochMs, rtpTimestamp };
        seen.set(ssrc, [...seen.get(ssrc) ?? [], captured]);
        if (seen.size === 2 && [...seen.values()].every(({ length }) => length >= 3)) {
          enough.resolve();
        }
      });
      await within(15_000, enough.promise, "three reports of each");
      // When it was captured, as the last report has it, and when it came: over loopback, at once. A
      // frame of sound begins 20 ms before it is over.
      for (const [ssrc, rateHz] of rates) {
        const { epochMs, rtpTimestamp } = seen.get(ssrc)!.at(-1)!;
        const delays = arrivals.get(ssrc)!.map(({ epochMs: atMs, timestamp }) =>
          atMs - (epochMs + (timestamp - rtpTimestamp | 0) * 1000 / rateHz)
        );
        const least = Math.min(...delays) - (rateHz === 48_000 ? 20 : 0);
        assert.ok(least > -5 && least < 20, `at ${rateHz} Hz the quickest took ${least} ms`);
      }
    } finally {
      await pc.close();
    }
  });
});
