/** What is mended around werift's receiver; each test fails when it is no longer needed, or no longer done. */
import assert from "node:assert/strict";
import type * as Werift from "werift";
import { loadWerift } from "../../lib/connection/werift_engine.ts";
import { placeSenders } from "../../lib/connection/werift_negotiation.ts";
import { bypassReceiver } from "../../lib/connection/werift_receive.ts";

type Transceiver = InstanceType<typeof Werift.RTCRtpTransceiver>;

Deno.test("bypassReceiver() gives a lost picture to the sender it is about, not to the receiver", async () => {
  const werift = await loadWerift();
  const told: number[] = [];
  const transceiver = (ssrc: number) =>
    ({
      receiver: { handleRtcpPacket: () => {} },
      sender: { ssrc, handleRtcpPacket: () => told.push(ssrc) },
    }) as unknown as Transceiver;
  const all = [transceiver(10), transceiver(20)];
  for (const one of all) bypassReceiver(werift, one, () => all);
  const lost = new werift.RtcpPayloadSpecificFeedback({
    feedback: new werift.PictureLossIndication({ senderSsrc: 99, mediaSsrc: 20 }),
  });
  all[0]!.receiver.handleRtcpPacket(lost); // werift: the receiver of stream 99
  assert.deepEqual(told, [20]);
});

Deno.test("werift still takes a lost picture for one of who reports it", async () => {
  const werift = await loadWerift();
  const pc = new werift.RTCPeerConnection();
  try {
    const { router } = pc as unknown as {
      router: { ssrcTable: Record<number, unknown>; routeRtcp(packet: unknown): void };
    };
    const told: string[] = [];
    router.ssrcTable[99] = { handleRtcpPacket: () => told.push("who reports") };
    router.ssrcTable[20] = { handleRtcpPacket: () => told.push("who is meant") };
    router.routeRtcp(
      new werift.RtcpPayloadSpecificFeedback({
        feedback: new werift.PictureLossIndication({ senderSsrc: 99, mediaSsrc: 20 }),
      }),
    );
    assert.deepEqual(told, ["who reports"]);
  } finally {
    await pc.close();
  }
});

Deno.test("placeSenders() puts senders into sections in which the other end receives", () => {
  const section = (mid: string, direction: string) =>
    `m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:${mid}\r\na=${direction}\r\n`;
  const offer = "v=0\r\n" + section("a", "sendonly") + section("b", "recvonly") +
    section("c", "inactive") + section("d", "sendrecv");
  const senders = [0, 1, 2].map(() => ({ kind: "video", mid: null }) as unknown as Transceiver);
  placeSenders(senders, offer);
  assert.deepEqual(senders.map(({ mid }) => mid), ["b", "d", "unused-2"]);
});
