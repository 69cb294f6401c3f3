/**
 * Sends the packets of a video frame the short way: header, SRTP (RFC 3711, RFC 7714) and datagram from
 * one buffer, with nothing made anew for each packet but what a retransmission may need. It is what each
 * further viewer of an encoded frame costs.
 *
 * Numbers, counters and the history for retransmissions are werift's own, so that its sender reports and
 * answers to NACK go on as they are. The clock in both is mended on the way: werift writes the decimal
 * digits of a second's fraction where RFC 3550 section 4 wants units of 2^-32 seconds.
 */
import { Buffer } from "node:buffer";
import type * as Werift from "werift";
import { type DatagramPath, sendDatagram } from "./werift_sockets.ts";
import { LONGEST_PACKET, LONGEST_TAG, srtpProtector } from "./werift_srtp.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** What of werift's insides is touched here. */
interface DtlsTransport {
  state: string;
  srtp?: { localContext?: unknown };
  transportSequenceNumber: number;
  bytesSent: number;
  packetsSent: number;
  iceTransport: { connection: DatagramPath };
}
interface Sender {
  ssrc: number;
  stopped: boolean;
  codec?: { payloadType: number };
  mid?: string;
  headerExtensions: { id: number; uri: string }[];
  dtlsTransport: DtlsTransport;
  sequenceNumber: number | undefined;
  timestamp: number | undefined;
  ntpTimestamp: bigint;
  rtpTimestamp: number;
  octetCount: number;
  packetCount: number;
  headerBytesSent: number;
  rtpCache: unknown[];
  redRedundantPayloadType?: number;
  senderBWE?: { sentInfos?: Record<number, unknown> };
  runRtcp(): Promise<void>;
}

const FIXED_HEADER = 12, EXTENSION_HEADER = 4; // RFC 3550 section 5.1, RFC 8285 section 4.2
const ONE_BYTE_PROFILE = 0xbede; // RFC 8285 section 4.2
const MID = "urn:ietf:params:rtp-hdrext:sdes:mid";
const ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time";
const TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

const HISTORY = 128; // werift's RTP_HISTORY_SIZE, for retransmissions
const FEEDBACK_HISTORY = 1_024; // packets whose times are kept for transport-wide feedback
const NTP_EPOCH_MS = 2_208_988_800_000; // 1900 to 1970, RFC 868

/**
 * Sends one frame to one viewer.
 *
 * @param sequence number of the first packet; the others follow it
 * @returns false, and nothing was sent, when this sender must use werift's own way
 */
export function sendRtpFrame(
  werift: typeof Werift,
  rtpSender: object,
  payloads: readonly Bytes[],
  timestamp: number,
  sequence: number,
): boolean {
  const sender = rtpSender as Sender;
  const transport = sender.dtlsTransport;
  if (sender.stopped || !sender.codec || transport?.state !== "connected") return false;
  if (sender.redRedundantPayloadType || !Array.isArray(sender.rtpCache)) return false;
  const srtp = srtpProtector(transport);
  if (!srtp) return false;
  const extensions = new Extensions(sender);
  const headerLength = FIXED_HEADER + extensions.length;
  if (payloads.some((payload) => headerLength + payload.length + LONGEST_TAG > LONGEST_PACKET)) {
    return false;
  }

  const { packet, view } = srtp, now = performance.timeOrigin + performance.now();
  sender.ntpTimestamp = ntp(now);
  extensions.setTime(sender.ntpTimestamp);
  payloads.forEach((payload, i) => {
    const number = sequence + i & 0xffff, marker = i === payloads.length - 1;
    const wide = extensions.setNumber(transport);
    packet[0] = 0x80 | (extensions.length ? 0x10 : 0); // version 2, extension
    packet[1] = (marker ? 0x80 : 0) | sender.codec!.payloadType;
    view.setUint16(2, number);
    view.setUint32(4, timestamp);
    view.setUint32(8, sender.ssrc);
    packet.set(extensions.bytes, FIXED_HEADER);
    packet.set(payload, headerLength);
    const end = srtp.protect(sender.ssrc, number, headerLength, headerLength + payload.length);
    if (end === 0) return;
    sender.sequenceNumber = number;
    sender.octetCount += payload.length;
    sender.packetCount = sender.packetCount + 1 >>> 0;
    sender.headerBytesSent += headerLength;
    sender.rtpCache[number % HISTORY] = new SentPacket(
      werift,
      { number, timestamp, marker, ssrc: sender.ssrc, payloadType: sender.codec!.payloadType },
      extensions,
      payload,
    );
    transport.bytesSent += end;
    transport.packetsSent++;
    noteForFeedback(sender, wide, end, now);
    sendDatagram(transport.iceTransport.connection, packet.subarray(0, end)).catch(() => {});
  });
  sender.timestamp = sender.rtpTimestamp = timestamp;
  sender.runRtcp().catch(() => {});
  return true;
}

/** What werift's answer to a NACK asks of a packet; the header is made when it is asked for. */
class SentPacket {
  readonly #werift: typeof Werift;
  readonly #is: Parameters<typeof header>[1];
  readonly #extensions: Extensions;
  readonly #payload: Bytes;

  constructor(
    werift: typeof Werift,
    is: Parameters<typeof header>[1],
    extensions: Extensions,
    payload: Bytes,
  ) {
    this.#werift = werift;
    this.#is = is;
    this.#extensions = extensions;
    this.#payload = payload;
  }
  get header(): Werift.RtpHeader {
    return header(this.#werift, this.#is, this.#extensions.list());
  }
  get payload(): Buffer {
    return Buffer.from(this.#payload.buffer, this.#payload.byteOffset, this.#payload.byteLength);
  }
}

function header(
  werift: typeof Werift,
  is: { number: number; timestamp: number; marker: boolean; ssrc: number; payloadType: number },
  extensions: { id: number; payload: Buffer }[],
): Werift.RtpHeader {
  const { number: sequenceNumber, timestamp, marker, ssrc, payloadType } = is;
  return new werift.RtpHeader({
    sequenceNumber,
    timestamp,
    marker,
    ssrc,
    payloadType,
    extension: extensions.length > 0,
    extensions,
  });
}

/** The header extension of a frame's packets: the same bytes but for the packet's number. */
class Extensions {
  readonly bytes: Bytes;
  #time = -1; // where each value stands in `bytes`
  #number = -1;
  readonly #parts: { id: number; at: number; size: number }[] = [];

  constructor(sender: Sender) {
    const bytes: number[] = [];
    const add = (id: number, value: Uint8Array): number => {
      bytes.push(id << 4 | value.length - 1, ...value);
      const at = EXTENSION_HEADER + bytes.length - value.length;
      this.#parts.push({ id, at, size: value.length });
      return at;
    };
    for (const { id, uri } of [...sender.headerExtensions].sort((a, b) => a.id - b.id)) {
      if (id < 1 || id > 14) continue; // RFC 8285 section 4.2
      if (uri === MID && sender.mid) add(id, new TextEncoder().encode(sender.mid).subarray(0, 16));
      if (uri === ABS_SEND_TIME) this.#time = add(id, new Uint8Array(3));
      if (uri === TRANSPORT_CC) this.#number = add(id, new Uint8Array(2));
    }
    while (bytes.length % 4) bytes.push(0);
    this.bytes = bytes.length === 0
      ? new Uint8Array(0)
      : Uint8Array.of(ONE_BYTE_PROFILE >> 8, ONE_BYTE_PROFILE & 255, 0, bytes.length / 4, ...bytes);
  }

  get length(): number {
    return this.bytes.length;
  }

  /** Abs-send-time: the middle 24 bits, 6 of seconds and 18 of fraction. */
  setTime(ntpTime: bigint): void {
    if (this.#time < 0) return;
    const time = Number(ntpTime >> 14n & 0xffffffn);
    this.bytes.set([time >> 16, time >> 8 & 255, time & 255], this.#time);
  }

  /** @returns the packet's number on this transport */
  setNumber(transport: DtlsTransport): number {
    if (this.#number < 0) return -1;
    const number = transport.transportSequenceNumber + 1 & 0xffff;
    transport.transportSequenceNumber = number;
    this.bytes[this.#number] = number >> 8;
    this.bytes[this.#number + 1] = number & 255;
    return number;
  }

  /** For a retransmission: it repeats the values, as werift does, but for the number of its frame. */
  list(): { id: number; payload: Buffer }[] {
    return this.#parts.map(({ id, at, size }) => ({
      id,
      payload: Buffer.from(this.bytes.subarray(at, at + size)),
    }));
  }
}

/** werift's bandwidth estimate asks when each packet was sent, and never forgets by itself. */
function noteForFeedback(sender: Sender, wide: number, size: number, now: number): void {
  const infos = sender.senderBWE?.sentInfos;
  if (wide < 0 || !infos) return;
  infos[wide] = { wideSeq: wide, size, sendingAtMs: now, sentAtMs: now };
  delete infos[wide - FEEDBACK_HISTORY & 0xffff];
}

function ntp(epochMs: number): bigint {
  const ms = epochMs + NTP_EPOCH_MS, seconds = Math.floor(ms / 1_000);
  const fraction = Math.floor((ms - seconds * 1_000) / 1_000 * 2 ** 32);
  return BigInt(seconds) << 32n | BigInt(fraction);
}
