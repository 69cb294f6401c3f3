/** Sound through werift: Opus packets as they are, in and out (RFC 7587). */
import { Buffer } from "node:buffer";
import type * as Werift from "werift";
import type { MediaSection } from "../wire/media_sections.ts";
import type { PeerAudioReceiver, PeerAudioSender, ReceivedAudioPacket } from "./peer.ts";
import { ReportClock } from "./report_clock.ts";
import { sendRtpFrame } from "./werift_fast_rtp.ts";
import { playInStep } from "./werift_playout.ts";
import { reportTruly } from "./werift_reports.ts";

type Transceiver = InstanceType<typeof Werift.RTCRtpTransceiver>;

const FRAME_MS = 20;
/** A report is about as little as 50 packets, so that one of them lost is 2 %: some four reports count. */
const SMOOTHING = 0.25;

/** What we offer and accept: stereo if there is any, and copies against loss in the packets themselves. */
export function audioParameters(werift: typeof Werift): Werift.RTCRtpCodecParameters[] {
  return [
    werift.useOPUS({
      mimeType: "audio/opus",
      payloadType: 111,
      parameters: "minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1",
    }),
  ];
}

/** A sound section of a werift connection that sends. */
export class WeriftAudioSender implements PeerAudioSender {
  onLoss: ((share: number) => void) | null = null;
  readonly #werift: typeof Werift;
  readonly #transceiver: Transceiver;
  readonly #clock = new ReportClock(48_000, FRAME_MS);
  #loss = 0;
  #sequence = Math.floor(Math.random() * 0x8000); // RFC 3550, section 5.1: starts anywhere

  constructor(werift: typeof Werift, transceiver: Transceiver) {
    this.#werift = werift;
    this.#transceiver = transceiver;
    const { sender } = transceiver;
    reportTruly(sender, this.#clock);
    sender.onRtcp.subscribe((packet) => {
      if (packet.type !== werift.RtcpRrPacket.type && packet.type !== werift.RtcpSrPacket.type) {
        return;
      }
      const { reports } = packet as Werift.RtcpRrPacket;
      const report = reports.find(({ ssrc }) => ssrc === sender.ssrc);
      if (!report) return;
      this.#loss += (report.fractionLost / 256 - this.#loss) * SMOOTHING;
      this.onLoss?.(this.#loss);
    });
  }

  get agreed(): boolean {
    const { currentDirection, sender } = this.#transceiver;
    return (currentDirection === "sendonly" || currentDirection === "sendrecv") &&
      sender.codec?.name.toUpperCase() === "OPUS";
  }

  send(payload: Uint8Array<ArrayBuffer>, timestamp48kHz: number, marker: boolean): void {
    const timestamp = timestamp48kHz >>> 0, sequence = this.#sequence;
    const { sender } = this.#transceiver;
    this.#sequence = sequence + 1 & 0xffff;
    this.#clock.sent(timestamp, performance.now());
    playInStep(sender.dtlsTransport, sender.streamIds[0] ?? "");
    if (sendRtpFrame(this.#werift, sender, [payload], timestamp, sequence, { ends: marker })) {
      return;
    }
    const { RtpHeader, RtpPacket } = this.#werift;
    const header = new RtpHeader({ sequenceNumber: sequence, timestamp, marker, extension: true });
    const data = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    // A datagram that cannot leave is a lost packet, and the next one makes up for it.
    sender.sendRtp(new RtpPacket(header, data)).catch(() => {});
  }
}

/** A sound section of a werift connection in which the other end sends. */
export class WeriftAudioReceiver implements PeerAudioReceiver {
  readonly mid: string | null;
  readonly name: string | null;
  readonly reportsTransport = false;
  onPacket: ((packet: ReceivedAudioPacket) => void) | null = null;
  readonly #payloadTypes: ReadonlySet<number>;

  constructor(transceiver: Transceiver, section: MediaSection) {
    this.mid = section.mid;
    this.name = section.streamId;
    this.#payloadTypes = new Set(transceiver.codecs.map(({ payloadType }) => payloadType));
  }

  knows(payloadType: number): boolean {
    return this.#payloadTypes.has(payloadType);
  }

  isRetransmission(): boolean {
    return false;
  }

  receive(header: Werift.RtpHeader, payload: Buffer): void {
    if (!this.knows(header.payloadType) || payload.length === 0) return;
    this.onPacket?.({
      sequence: header.sequenceNumber,
      timestamp: header.timestamp,
      ssrc: header.ssrc,
      payload: new Uint8Array(payload),
    });
  }
}

/** Agrees on the direction of a section. @param ours whether we want to send in it */
export function agreeOnAudio(
  transceiver: Transceiver,
  section: MediaSection | undefined,
  ours: boolean,
): void {
  const receive = section?.sends ?? false;
  const send = ours && (section?.receives ?? false);
  const opus = transceiver.codecs.some(({ name }) => name.toUpperCase() === "OPUS");
  if (!opus || !(send || receive)) return transceiver.setDirection("inactive");
  transceiver.setDirection(send ? (receive ? "sendrecv" : "sendonly") : "recvonly");
}
