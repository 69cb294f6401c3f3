/** Sending video through werift: RTP headers, the way there and back of what controls the sending. */
import { Buffer } from "node:buffer";
import type * as Werift from "werift";
import type { VideoCodecName } from "../media/encoded.ts";
import { type OutgoingPacket, PacedSender, type Transmitter } from "./paced_sender.ts";
import type { PeerVideoSender, SendCounts, SendRate } from "./peer.ts";
import { ReportClock } from "./report_clock.ts";
import { repeatRtpPacket, sendRtpFrame, type Sent } from "./werift_fast_rtp.ts";
import { listenForFeedback } from "./werift_feedback.ts";
import { sendAs, type SendingAgreement } from "./werift_negotiation.ts";
import { reportTruly } from "./werift_reports.ts";

type Transceiver = InstanceType<typeof Werift.RTCRtpTransceiver>;

/** The viewer is asked to show each frame as soon as it is there, instead of evening the motion out. */
const PLAYOUT_DELAY = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay";
/** With the RTP header, its extensions, SRTP, UDP and IPv6 below the smallest MTU in use, 1280. */
const MAX_PAYLOAD = 1_140;
/** UDP and IPv4 headers, and what SRTP adds at most. */
const DATAGRAM_OVERHEAD = 28 + 16;

/** A video section of a werift connection. */
export class WeriftVideoSender implements PeerVideoSender, Transmitter {
  readonly maxPayload = MAX_PAYLOAD;
  /** What can be sent, best first. */
  readonly wished: readonly VideoCodecName[];
  onKeyFrameRequest: (() => void) | null = null;
  readonly #werift: typeof Werift;
  readonly #dtls: Werift.RTCDtlsTransport;
  readonly #transceiver: Transceiver;
  readonly #sender: Transceiver["sender"];
  #agreed: SendingAgreement = { formats: [], refusal: null };
  readonly #paced = new PacedSender(this, () => this.onKeyFrameRequest?.());
  readonly #clock = new ReportClock(90_000, 0);

  constructor(
    werift: typeof Werift,
    transceiver: Transceiver,
    dtls: Werift.RTCDtlsTransport,
    wished: readonly VideoCodecName[],
  ) {
    this.wished = wished;
    this.#transceiver = transceiver;
    this.#werift = werift;
    this.#dtls = dtls;
    this.#sender = transceiver.sender;
    reportTruly(transceiver.sender, this.#clock);
    listenForFeedback(werift, transceiver.sender, dtls, {
      arrivals: (arrivals) => this.#paced.arrivals(arrivals),
      remb: (bitrate) => this.#paced.remb(bitrate),
      report: (lost, roundTripMs) => this.#paced.report(lost, roundTripMs),
      lost: (sequences) => this.#paced.lost(sequences),
      keyFrame: () => this.onKeyFrameRequest?.(),
    });
  }

  get codec(): VideoCodecName | null {
    const format = this.#agreed.formats.find(({ payloadType }) =>
      payloadType === this.#sender.codec?.payloadType
    );
    return format ? codecOf(format) : null;
  }

  get codecs(): readonly VideoCodecName[] {
    return this.#agreed.formats.map(codecOf);
  }

  get refusal(): string | null {
    return this.#agreed.refusal;
  }

  /** The two ends have agreed. */
  agree(agreed: SendingAgreement): void {
    this.#agreed = agreed;
  }

  use(codec: VideoCodecName): void {
    const format = this.#agreed.formats.find((format) => codecOf(format) === codec);
    if (!format || codec === this.codec) return;
    this.#paced.drop(); // it would leave under the new codec's number
    sendAs(this.#transceiver, format);
  }

  get rate(): SendRate {
    return this.#paced;
  }

  get counts(): SendCounts {
    return this.#paced.counts;
  }

  sendFrame(
    payloads: readonly Uint8Array<ArrayBuffer>[],
    timestamp90kHz: number,
    keyFrame: boolean,
  ): void {
    this.#clock.sent(timestamp90kHz >>> 0, performance.now());
    this.#paced.send(payloads, timestamp90kHz >>> 0, keyFrame);
  }

  drop(): void {
    this.#paced.drop();
  }

  transmit(packets: readonly OutgoingPacket[], sent: Sent): void {
    const { timestamp, sequence } = packets[0]!, ends = packets.at(-1)!.marker;
    const payloads = packets.map(({ payload }) => payload);
    const options = { ends, sent };
    if (sendRtpFrame(this.#werift, this.#sender, payloads, timestamp, sequence, options)) return;
    for (const packet of packets) this.#sendSlowly(packet, sent);
  }

  /** Without RTX, or when werift sends by itself, it also answers by itself. */
  repeat(packet: OutgoingPacket, sent: Sent): boolean {
    return repeatRtpPacket(this.#sender, packet, sent);
  }

  #sendSlowly({ payload, sequence, timestamp, marker }: OutgoingPacket, sent: Sent): void {
    const { RtpHeader, RtpPacket } = this.#werift;
    const header = new RtpHeader({ sequenceNumber: sequence, timestamp, marker, extension: true });
    const data = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    const before = this.#dtls.transportSequenceNumber;
    // A datagram that cannot leave is a lost packet; the viewer asks for it again.
    this.#sender.sendRtp(new RtpPacket(header, data)).catch(() => {});
    const number = this.#dtls.transportSequenceNumber;
    sent(
      number === before ? -1 : number,
      header.serializeSize + payload.length + DATAGRAM_OVERHEAD,
    );
  }
}

function codecOf(format: Werift.RTCRtpCodecParameters): VideoCodecName {
  return format.name.toUpperCase() as VideoCodecName;
}

/** What we offer to send, and what is agreed on with it. */
export function videoParameters(werift: typeof Werift): {
  codecs: Werift.RTCRtpCodecParameters[];
  headerExtensions: Werift.RTCRtpHeaderExtensionParameters[];
} {
  const rtcpFeedback = [
    werift.useNACK(),
    werift.usePLI(),
    werift.useFIR(),
    werift.useREMB(),
    werift.useTWCC(),
  ];
  return {
    codecs: [
      werift.useVP8({ payloadType: 96, rtcpFeedback }),
      new werift.RTCRtpCodecParameters({
        mimeType: "video/rtx",
        clockRate: 90_000,
        payloadType: 97,
        parameters: "apt=96",
      }),
    ],
    headerExtensions: [
      werift.useSdesMid(),
      werift.useAbsSendTime(),
      werift.useTransportWideCC(),
      new werift.RTCRtpHeaderExtensionParameters({ uri: PLAYOUT_DELAY }),
    ],
  };
}
