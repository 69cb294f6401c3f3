/** What a receiver of media reports, read back by another implementation: werift's. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { loadWerift } from "../../lib/connection/werift_engine.ts";
import { readMediaSections } from "../../lib/wire/media_sections.ts";
import { Reception } from "../../lib/wire/reception.ts";
import { encodeNack, encodePli, encodeReceiverReport } from "../../lib/wire/rtcp.ts";
import { TransportFeedback } from "../../lib/wire/transport_feedback.ts";

// deno-lint-ignore no-explicit-any
async function parse(bytes: Uint8Array): Promise<any> {
  const { RtcpPacketConverter } = await loadWerift();
  const packets = RtcpPacketConverter.deSerialize(Buffer.from(bytes));
  assert.equal(packets.length, 1);
  return packets[0];
}

Deno.test("encodeNack() names exactly the numbers, over the end of them", async () => {
  for (const lost of [[5], [5, 6, 21, 22], [65_530, 65_535, 0, 1, 300], [1, 18, 35]]) {
    const { feedback } = await parse(encodeNack(1, 0xdeadbeef, lost));
    assert.equal(feedback.mediaSourceSsrc, 0xdeadbeef);
    assert.deepEqual(
      [...feedback.lost].map((n: number) => n & 0xffff).sort(),
      [...lost].sort(),
    );
  }
  assert.equal(encodeNack(1, 2, [5, 6, 21]).length, 16);
});

Deno.test("encodePli() names the stream", async () => {
  const { feedback } = await parse(encodePli(1, 77));
  assert.deepEqual([feedback.senderSsrc, feedback.mediaSsrc], [1, 77]);
});

Deno.test("Reception reports loss, jitter and the last sender report (RFC 3550)", async () => {
  const reception = new Reception(9);
  for (let i = 0; i < 100; i++) {
    if (i % 4 === 3) continue;
    const late = i % 2 ? 10 : 0;
    reception.receive(65_500 + i & 0xffff, i * 900, i * 10 + late);
  }
  reception.senderReport(0x1234_5678_9abc_def0n, 990);
  const report = reception.report(1_490);
  assert.equal(report.packetsLost, 24); // the last one of the hundred is not missed yet
  assert.equal(report.fractionLost, Math.floor(24 * 256 / 99));
  assert.equal(report.highestSequence, 0x10000 + (65_500 + 98 & 0xffff));
  assert.ok(report.jitter > 200 && report.jitter < 900, `jitter ${report.jitter}`);
  assert.deepEqual([report.lastReport, report.sinceLastReport], [0x5678_9abc, 32_768]);
  assert.equal(reception.report(1_500).fractionLost, 0);

  const { reports } = await parse(encodeReceiverReport(1, [report]));
  assert.equal(reports[0].ssrc, 9);
  assert.deepEqual(
    [reports[0].packetsLost, reports[0].fractionLost, reports[0].highestSequence],
    [24, report.fractionLost, report.highestSequence],
  );
  assert.deepEqual([reports[0].lsr, reports[0].dlsr], [0x5678_9abc, 32_768]);
});

/** When each number came, by the report alone; undefined for lost ones. */
async function arrivals(bytes: Uint8Array): Promise<Map<number, number | undefined>> {
  const { feedback } = await parse(bytes);
  const times = new Map<number, number | undefined>();
  const statuses: number[] = [];
  for (const chunk of feedback.packetChunks) {
    if (chunk.packetStatus !== undefined) {
      for (let i = 0; i < chunk.runLength; i++) statuses.push(chunk.packetStatus);
    } else statuses.push(...chunk.symbolList);
  }
  let us = feedback.referenceTime * 64_000;
  const deltas = [...feedback.recvDeltas];
  for (const [i, status] of statuses.slice(0, feedback.packetStatusCount).entries()) {
    const number = feedback.baseSequenceNumber + i & 0xffff;
    if (status === 0) times.set(number, undefined);
    else times.set(number, us += deltas.shift().delta);
  }
  assert.equal(deltas.length, 0);
  return times;
}

Deno.test("TransportFeedback reports what came and what did not, over the end of the numbers", async () => {
  const feedback = new TransportFeedback();
  const came = new Map<number, number>();
  let ms = 1_000_000;
  for (let i = 0; i < 60; i++) {
    ms += i === 30 ? 150 : i % 7;
    if (i % 5 === 2 || i > 40 && i < 52) continue;
    const number = 65_510 + i & 0xffff;
    came.set(number, ms);
    feedback.receive(number, ms);
  }
  const [report, ...more] = feedback.report(1, 2);
  assert.equal(more.length, 0);
  const times = await arrivals(report!);
  const first = came.get(65_510)! - times.get(65_510)! / 1_000;
  for (let i = 0; i < 60; i++) {
    const number = 65_510 + i & 0xffff;
    const expected = came.get(number);
    const reported = times.get(number);
    if (expected === undefined) assert.equal(reported, undefined, `${i} was lost`);
    else assert.ok(Math.abs(expected - reported! / 1_000 - first) <= 0.3, `${i}: ${reported}`);
  }
});

Deno.test("TransportFeedback begins where the last report ended, and cuts what does not fit in one", async () => {
  const feedback = new TransportFeedback();
  feedback.receive(10, 0);
  feedback.report(1, 2);
  feedback.receive(13, 5);
  const times = await arrivals(feedback.report(1, 2)[0]!);
  assert.deepEqual([...times.keys()], [11, 12, 13]);
  feedback.receive(20_000, 50); // far off: what is between is not told one by one
  feedback.receive(20_001, 60_000);
  const reports = feedback.report(1, 2);
  assert.equal(reports.length, 2);
  assert.deepEqual([...(await arrivals(reports[0]!)).keys()], [20_000]);
  assert.deepEqual([...(await arrivals(reports[1]!)).keys()], [20_001]);
  assert.deepEqual(feedback.report(1, 2), []);
});

Deno.test("readMediaSections() reads what routes packets", () => {
  const sdp = [
    ..."v=0|m=video 9 UDP/TLS/RTP/SAVPF 96 97|a=mid:v|a=sendonly|a=msid:stream track".split("|"),
    ..."a=ssrc-group:FID 11 12|a=ssrc:11 cname:x|a=ssrc:12 cname:x".split("|"),
    ..."m=audio 0 UDP/TLS/RTP/SAVPF 111|a=sendrecv|m=application 9 UDP/DTLS/SCTP x|a=mid:d".split(
      "|",
    ),
  ].join("\r\n");
  const [video, audio, data] = readMediaSections(sdp);
  assert.deepEqual(video, {
    kind: "video",
    mid: "v",
    sends: true,
    receives: false,
    ssrcs: [11],
    retransmits: new Map([[12, 11]]),
    payloadTypes: [96, 97],
    streamId: "stream",
  });
  assert.deepEqual([audio?.kind, audio?.mid, audio?.sends], ["audio", null, false]);
  assert.equal(data?.mid, "d");
  assert.deepEqual(readMediaSections(""), []);
});
