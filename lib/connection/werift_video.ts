/** Sending video through werift: RTP headers, key frame requests, one call a frame. */
import { Buffer } from "node:buffer";
import type * as Werift from "werift";
import type { VideoCodecName } from "../media/encoded.ts";
import type { PeerVideoSender } from "./peer.ts";
import { sendRtpFrame } from "./werift_fast_rtp.ts";

type Transceiver = InstanceType<typeof Werift.RTCRtpTransceiver>;

/** Full Intra Request (RFC 5104, section 4.3.1), which werift hands on without a reading of its own. */
const FIR_FORMAT = 4;
/** With the RTP header, its extensions, SRTP, UDP and IPv6 below the smallest MTU in use, 1280. */
const MAX_PAYLOAD = 1_140;

/** A video section of a werift connection. */
export class WeriftVideoSender implements PeerVideoSender {
  readonly maxPayload = MAX_PAYLOAD;
  onKeyFrameRequest: (() => void) | null = null;
  readonly #werift: typeof Werift;
  readonly #sender: Transceiver["sender"];
  #sequence = Math.floor(Math.random() * 0x8000); // RFC 3550, section 5.1: starts anywhere

  constructor(werift: typeof Werift, transceiver: Transceiver) {
    this.#werift = werift;
    this.#sender = transceiver.sender;
    this.#sender.onPictureLossIndication.subscribe(() => this.onKeyFrameRequest?.());
    this.#sender.onRtcp.subscribe((packet) => {
      if (packet.type !== werift.RtcpPayloadSpecificFeedback.type) return;
      if ((packet as Werift.RtcpPayloadSpecificFeedback).feedback.count === FIR_FORMAT) {
        this.onKeyFrameRequest?.();
      }
    });
  }

  get codec(): VideoCodecName | null {
    const name = this.#sender.codec?.name.toUpperCase();
    return name === "VP8" ? name : null;
  }

  sendFrame(payloads: readonly Uint8Array<ArrayBuffer>[], timestamp90kHz: number): void {
    const timestamp = timestamp90kHz >>> 0;
    if (sendRtpFrame(this.#werift, this.#sender, payloads, timestamp, this.#sequence)) {
      this.#sequence = (this.#sequence + payloads.length) & 0xffff;
      return;
    }
    const { RtpHeader, RtpPacket } = this.#werift;
    payloads.forEach((payload, i) => {
      const header = new RtpHeader({
        sequenceNumber: this.#sequence,
        timestamp,
        marker: i === payloads.length - 1,
        extension: true,
      });
      this.#sequence = (this.#sequence + 1) & 0xffff;
      const data = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
      // A datagram that cannot leave is a lost packet; the viewer asks for it again.
      this.#sender.sendRtp(new RtpPacket(header, data)).catch(() => {});
    });
  }
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
    ],
  };
}
