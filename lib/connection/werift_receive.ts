/**
 * Receiving video and sound through werift. Its receiver is passed by: it hands on duplicates, asks for lost
 * packets every 5 ms, and tells the sender that lost packets arrived (its transport-wide feedback has no
 * word for a gap), so that a browser never slows down. What is left of it is SRTP and the negotiation.
 */
import { Buffer } from "node:buffer";
import type * as Werift from "werift";
import type { VideoCodecName } from "../media/encoded.ts";
import type { MediaSection } from "../wire/media_sections.ts";
import { Reception } from "../wire/reception.ts";
import { encodeNack, encodePli, encodeReceiverReport } from "../wire/rtcp.ts";
import { TransportFeedback } from "../wire/transport_feedback.ts";
import type { PeerAudioReceiver, PeerVideoReceiver, ReceivedPacket } from "./peer.ts";
import { WeriftAudioReceiver } from "./werift_audio.ts";
import { nameOf, repeatedBy } from "./werift_negotiation.ts";

type Transceiver = InstanceType<typeof Werift.RTCRtpTransceiver>;

/** Who asks and reports. Not our own stream's number: werift would take its PLI for one about us. */
const REPORTER = 1;
const MID = "urn:ietf:params:rtp-hdrext:sdes:mid";
const TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
const FEEDBACK_MS = 50;
const REPORT_MS = 1_000;
/** Streams whose packets are told apart on one connection. */
const MAX_STREAMS = 64;
const MAX_RECEIVERS = 16;
/** A large key frame is some 100 packets. */
const MAX_EARLY = 256;

/** A section in which the other end sends, as far as routing its packets goes. */
interface SectionReceiver {
  readonly mid: string | null;
  /** Whether its packets count for the transport-wide feedback. */
  readonly reportsTransport: boolean;
  onPacket: unknown;
  knows(payloadType: number): boolean;
  isRetransmission(header: Werift.RtpHeader): boolean;
  receive(header: Werift.RtpHeader, payload: Buffer): void;
}

/** All that the other end of one connection sends. */
export class WeriftReceivers {
  readonly #werift: typeof Werift;
  readonly #dtls: Werift.RTCDtlsTransport;
  readonly #receivers: SectionReceiver[] = [];
  readonly #byStream = new Map<number, SectionReceiver>();
  readonly #receptions = new Map<number, Reception>();
  readonly #feedback = new TransportFeedback();
  #midId = -1;
  #numberId = -1;
  #feedbackTimer: ReturnType<typeof setTimeout> | null = null;
  #reportMs = 0;
  #lastStream = 0;

  /** @param all what sections the connection has at present */
  constructor(
    werift: typeof Werift,
    dtls: Werift.RTCDtlsTransport,
    all: () => readonly Transceiver[],
  ) {
    this.#werift = werift;
    this.#dtls = dtls;
    keepEarlyPackets(dtls);
    dtls.onRtp.subscribe((packet) => this.#receive(packet));
    dtls.onRtcp.subscribe((packet) => {
      if (packet.type !== werift.RtcpSrPacket.type) return;
      const { ssrc, senderInfo, reports } = packet as Werift.RtcpSrPacket;
      this.#receptions.get(ssrc)?.senderReport(senderInfo.ntpTimestamp, performance.now());
      // Who sends and receives reports on us in there; werift tells only the receiver of what they send.
      for (const { sender } of all()) {
        if (reports.some(({ ssrc }) => ssrc === sender.ssrc)) sender.handleRtcpPacket(packet);
      }
    });
  }

  /** The receiver of a video section that was agreed on, in which the other end sends. */
  addVideo(transceiver: Transceiver, section: MediaSection): PeerVideoReceiver | null {
    if (this.#receivers.length >= MAX_RECEIVERS) return null;
    const send = (rtcp: Uint8Array<ArrayBuffer>) => this.#send(rtcp);
    return this.#add(new WeriftVideoReceiver(transceiver, section, send), transceiver, section);
  }

  /** The receiver of a sound section that was agreed on, in which the other end sends. */
  addAudio(transceiver: Transceiver, section: MediaSection): PeerAudioReceiver | null {
    if (this.#receivers.length >= MAX_RECEIVERS) return null;
    return this.#add(new WeriftAudioReceiver(transceiver, section), transceiver, section);
  }

  #add<R extends SectionReceiver>(
    receiver: R,
    transceiver: Transceiver,
    section: MediaSection,
  ): R {
    this.#receivers.push(receiver);
    for (const ssrc of [...section.ssrcs, ...section.retransmits.keys()]) {
      this.#learn(ssrc, receiver);
    }
    for (const { id, uri } of transceiver.headerExtensions) {
      if (uri === MID) this.#midId = id;
      if (uri === TRANSPORT_CC && receiver.reportsTransport) this.#numberId = id;
    }
    return receiver;
  }

  close(): void {
    if (this.#feedbackTimer !== null) clearTimeout(this.#feedbackTimer);
    this.#feedbackTimer = null;
    for (const receiver of this.#receivers) receiver.onPacket = null;
    this.#numberId = -1;
  }

  #receive({ header, payload }: Werift.RtpPacket): void {
    const nowMs = performance.now();
    const number = header.extensions.find(({ id }) => id === this.#numberId)?.payload;
    if (number && number.length >= 2) this.#noteForFeedback(number.readUInt16BE(), nowMs);
    const receiver = this.#byStream.get(header.ssrc) ?? this.#recognize(header);
    if (!receiver) return;
    if (!receiver.isRetransmission(header)) {
      let reception = this.#receptions.get(header.ssrc);
      if (!reception) this.#receptions.set(header.ssrc, reception = new Reception(header.ssrc));
      reception.receive(header.sequenceNumber, header.timestamp, nowMs);
    }
    this.#report(nowMs);
    this.#lastStream = header.ssrc;
    receiver.receive(header, payload);
  }

  /** A stream that the description did not name says which section it is of (RFC 8843, section 9.2). */
  #recognize(header: Werift.RtpHeader): SectionReceiver | undefined {
    const mid = header.extensions.find(({ id }) => id === this.#midId)?.payload.toString();
    const able = this.#receivers.filter((receiver) => receiver.knows(header.payloadType));
    const receiver = mid === undefined
      ? (able.length === 1 ? able[0] : undefined)
      : able.find((receiver) => receiver.mid === mid);
    if (receiver) this.#learn(header.ssrc, receiver);
    return receiver;
  }

  #learn(ssrc: number, receiver: SectionReceiver): void {
    if (this.#byStream.size >= MAX_STREAMS) {
      const [oldest] = this.#byStream.keys();
      this.#byStream.delete(oldest!);
      this.#receptions.delete(oldest!);
    }
    this.#byStream.set(ssrc, receiver);
  }

  #noteForFeedback(number: number, nowMs: number): void {
    this.#feedback.receive(number, nowMs);
    this.#feedbackTimer ??= setTimeout(() => {
      this.#feedbackTimer = null;
      for (const report of this.#feedback.report(REPORTER, this.#lastStream)) this.#send(report);
    }, FEEDBACK_MS);
  }

  #report(nowMs: number): void {
    if (nowMs - this.#reportMs < REPORT_MS || this.#receptions.size === 0) return;
    this.#reportMs = nowMs;
    const blocks = [...this.#receptions.values()].slice(0, 31).map((one) => one.report(nowMs));
    this.#send(encodeReceiverReport(REPORTER, blocks));
  }

  #send(rtcp: Uint8Array<ArrayBuffer>): void {
    if (this.#dtls.state !== "connected") return;
    const packet = { serialize: () => Buffer.from(rtcp.buffer) } as unknown as Werift.RtcpPacket;
    // A report that cannot leave is a lost one; the next follows.
    this.#dtls.sendRtcp([packet]).catch(() => {});
  }
}

/** One section in which the other end sends. */
class WeriftVideoReceiver implements PeerVideoReceiver, SectionReceiver {
  readonly mid: string | null;
  readonly name: string | null;
  readonly reportsTransport: boolean;
  onPacket: ((packet: ReceivedPacket) => void) | null = null;
  readonly #codecs = new Map<number, VideoCodecName>();
  /** Payload types of retransmissions, and what they repeat. */
  readonly #repeats = new Map<number, number>();
  readonly #retransmits: ReadonlyMap<number, number>;
  readonly #send: (rtcp: Uint8Array<ArrayBuffer>) => void;
  #ssrc: number | null;

  constructor(
    transceiver: Transceiver,
    section: MediaSection,
    send: (rtcp: Uint8Array<ArrayBuffer>) => void,
  ) {
    this.mid = section.mid;
    this.name = section.streamId;
    this.#retransmits = section.retransmits;
    this.#ssrc = section.ssrcs[0] ?? null;
    this.#send = send;
    this.reportsTransport = transceiver.codecs.some((codec) =>
      codec.rtcpFeedback.some(({ type }) => type === "transport-cc")
    );
    for (const codec of transceiver.codecs) {
      const name = nameOf(codec);
      if (name === "RTX") this.#repeats.set(codec.payloadType, repeatedBy(codec));
      else this.#codecs.set(codec.payloadType, name as VideoCodecName);
    }
  }

  knows(payloadType: number): boolean {
    return this.#codecs.has(payloadType) || this.#repeats.has(payloadType);
  }

  isRetransmission({ payloadType }: Werift.RtpHeader): boolean {
    return this.#repeats.has(payloadType);
  }

  receive(header: Werift.RtpHeader, payload: Buffer): void {
    const repeated = this.#repeats.get(header.payloadType);
    const codec = this.#codecs.get(repeated ?? header.payloadType);
    if (codec === undefined) return;
    let { sequenceNumber: sequence, ssrc } = header;
    if (repeated !== undefined) {
      // RFC 4588 section 4: the number of the packet that is repeated, and its payload.
      const original = this.#retransmits.get(ssrc) ?? this.#ssrc;
      if (payload.length < 2 || original === null) return;
      sequence = payload.readUInt16BE();
      ssrc = original;
      payload = payload.subarray(2);
      if (payload.length === 0) return; // sent only to see how fast the network is
    }
    this.#ssrc = ssrc;
    const { timestamp, marker } = header;
    this.onPacket?.({ sequence, timestamp, marker, ssrc, codec, payload });
  }

  requestKeyFrame(): void {
    if (this.#ssrc !== null) this.#send(encodePli(REPORTER, this.#ssrc));
  }

  nack(sequences: readonly number[]): void {
    if (this.#ssrc !== null) this.#send(encodeNack(REPORTER, this.#ssrc, sequences));
  }
}

/**
 * Takes werift's receiver out of the way. The RTCP that it is given by mistake goes to the sender that
 * it is about: a browser that both sends and receives names its own stream first, and werift looks there.
 */
export function bypassReceiver(
  werift: typeof Werift,
  transceiver: Transceiver,
  all: () => readonly Transceiver[],
): void {
  const { receiver } = transceiver;
  receiver.handleRtpBySsrc = () => {};
  receiver.handleRtpByRid = () => {};
  const handle = receiver.handleRtcpPacket.bind(receiver);
  receiver.handleRtcpPacket = (packet) => {
    handle(packet);
    if (packet.type !== werift.RtcpPayloadSpecificFeedback.type) return;
    const { mediaSsrc } = (packet as Werift.RtcpPayloadSpecificFeedback)
      .feedback as unknown as { mediaSsrc?: number };
    for (const { sender } of all()) {
      // A FIR names no stream there (RFC 5104, section 4.3.1.1).
      if (sender.ssrc === mediaSsrc || !mediaSsrc) sender.handleRtcpPacket(packet);
    }
  };
}

/**
 * A sender that has finished the handshake before us begins at once, and the first packets are those of a
 * key frame: they wait until the keys are there.
 */
function keepEarlyPackets(dtls: Werift.RTCDtlsTransport): void {
  const { onData } = dtls.iceTransport.connection;
  const early: Buffer[] = [];
  const keeping = onData.subscribe((data) => {
    // RFC 7983 section 7: 128 to 191 is RTP and RTCP.
    const isMedia = data[0]! > 127 && data[0]! < 192;
    if (isMedia && dtls.state !== "connected" && early.length < MAX_EARLY) early.push(data);
  });
  dtls.onStateChange.subscribe((state) => {
    if (state === "connecting") return;
    keeping.unSubscribe();
    if (state !== "connected") return;
    // When all others know that it is connected.
    queueMicrotask(() => early.splice(0).forEach((data) => onData.execute(data)));
  });
}
