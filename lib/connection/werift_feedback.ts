/** What a viewer reports of the video that it receives, out of werift's readings of RTCP. */
import type * as Werift from "werift";
import type { PacketArrivals } from "./bandwidth_estimator.ts";

/** Who wants to know. */
export interface FeedbackListener {
  /** Transport-wide feedback: of all packets of the transport, also of other senders'. */
  arrivals(arrivals: PacketArrivals): void;
  /** The viewer's own estimate, in bits a second. */
  remb(bitrate: number): void;
  /** A receiver report: the part that was lost since the last one, and the round trip if it tells. */
  report(fractionLost: number, roundTripMs: number | null): void;
  /** Packets that are missed, by their RTP numbers. */
  lost(sequences: readonly number[]): void;
  /** The picture is lost. */
  keyFrame(): void;
}

/** Full Intra Request (RFC 5104, section 4.3.1), which werift hands on without a reading of its own. */
const FIR_FORMAT = 4;
/** draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1: units of the reference time. */
const REFERENCE_MS = 64;
/** The same, section 3.1.1 and 3.1.2: packet status symbols. */
const SMALL_DELTA = 1, LARGE_DELTA = 2;

/** Tells the listener all that arrives for a sender, as long as both live. */
export function listenForFeedback(
  werift: typeof Werift,
  sender: Werift.RTCRtpSender,
  dtls: Werift.RTCDtlsTransport,
  listener: FeedbackListener,
): void {
  sender.senderBWE.receiveTWCC = () => {}; // werift's own estimate, which nobody asks for
  dtls.onRtcp.subscribe((packet) => {
    if (packet.type !== werift.RtcpTransportLayerFeedback.type) return;
    const { feedback } = packet as Werift.RtcpTransportLayerFeedback;
    if (feedback instanceof werift.TransportWideCC) listener.arrivals(readArrivals(feedback));
  });
  sender.onPictureLossIndication.subscribe(() => listener.keyFrame());
  sender.onGenericNack.subscribe(({ lost }) => listener.lost(lost));
  sender.onRtcp.subscribe((packet) => {
    if (packet.type === werift.RtcpPayloadSpecificFeedback.type) {
      const { feedback } = packet as Werift.RtcpPayloadSpecificFeedback;
      if (feedback?.count === FIR_FORMAT) listener.keyFrame();
      if (feedback instanceof werift.ReceiverEstimatedMaxBitrate) {
        listener.remb(Number(feedback.bitrate));
      }
    } else if (
      packet.type === werift.RtcpRrPacket.type || packet.type === werift.RtcpSrPacket.type
    ) {
      const { reports } = packet as Werift.RtcpRrPacket;
      const report = reports.find(({ ssrc }) => ssrc === sender.ssrc);
      const { rtt } = sender as unknown as { rtt?: number };
      if (report) listener.report(report.fractionLost / 256, rtt ? rtt * 1_000 : null);
    }
  });
}

/** When which packet arrived; werift's own reading leaves out half of the forms of the report. */
export function readArrivals(feedback: Werift.TransportWideCC): PacketArrivals {
  const { baseSequenceNumber: first, packetStatusCount: count, recvDeltas } = feedback;
  const timesMs: number[] = [];
  let timeMs = feedback.referenceTime * REFERENCE_MS, at = 0;
  const add = (status: number) => {
    if (timesMs.length >= count) return;
    if (status !== SMALL_DELTA && status !== LARGE_DELTA) return void timesMs.push(NaN);
    timeMs += (recvDeltas[at++]?.delta ?? 0) / 1_000; // werift gives µs
    timesMs.push(timeMs);
  };
  for (const chunk of feedback.packetChunks) {
    if ("symbolList" in chunk) chunk.symbolList.forEach(add);
    else {for (let i = 0; i < chunk.runLength && timesMs.length < count; i++) {
        add(chunk.packetStatus);
      }}
  }
  return { first, timesMs };
}
