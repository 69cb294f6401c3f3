/**
 * Sends the packets of a frame the short way: header, SRTP (RFC 3711, RFC 7714) and datagram from
 * one buffer, with nothing made anew for each packet but what a retransmission may need. It is what each
 * further viewer of an encoded frame costs.
 *
 * Counters are werift's own, so that its sender reports go on as they are. So is the history for viewers
 * without RTX; for the others it is ours (`paced_sender.ts`), and werift's stays empty. The clock in both is mended on the way: werift writes the decimal
 * digits of a second's fraction where RFC 3550 section 4 wants units of 2^-32 seconds.
 */
import { Buffer } from "node:buffer";
import type * as Werift from "werift";
import { playoutDelay } from "./werift_playout.ts";
import { ntpTime } from "./werift_reports.ts";
import { type DatagramPath, sendDatagram } from "./werift_sockets.ts";
import { LONGEST_PACKET, LONGEST_TAG, type SrtpProtector, srtpProtector } from "./werift_srtp.ts";

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
  streamIds: string[];
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
  rtxPayloadType?: number;
  rtxSsrc: number;
  rtxSequenceNumber: number;
  retransmittedPacketsSent: number;
  retransmittedBytesSent: number;
  runRtcp(): Promise<void>;
}

const FIXED_HEADER = 12, EXTENSION_HEADER = 4; // RFC 3550 section 5.1, RFC 8285 section 4.2
const ONE_BYTE_PROFILE = 0xbede; // RFC 8285 section 4.2
const MID = "urn:ietf:params:rtp-hdrext:sdes:mid";
const ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time";
const TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
const PLAYOUT_DELAY = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay";

const HISTORY = 128; // werift's RTP_HISTORY_SIZE, for retransmissions
const UDP_HEADERS = 28; // UDP and IPv4
const ORIGINAL_NUMBER = 2; // RFC 4588 section 4

/** Told of each packet: its transport-wide number, negative if it has none, and its bytes with all headers. */
export type Sent = (number: number, bytes: number) => void;

/** More about packets that are sent together. */
export interface FrameOptions {
  /** Whether the last payload ends its frame. @default {true} */
  readonly ends?: boolean;
  readonly sent?: Sent;
}

/**
 * Sends one frame, or a part of it, to one viewer.
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
  { ends = true, sent }: FrameOptions = {},
): boolean {
  const sender = rtpSender as Sender;
  const { dtlsTransport: transport, codec } = sender, srtp = shortWay(sender);
  if (!srtp || !codec) return false;
  const extensions = new Extensions(sender);
  const headerLength = FIXED_HEADER + extensions.length;
  if (payloads.some((payload) => headerLength + payload.length + LONGEST_TAG > LONGEST_PACKET)) {
    return false;
  }

  setClock(sender, extensions);
  payloads.forEach((payload, i) => {
    const number = sequence + i & 0xffff, marker = ends && i === payloads.length - 1;
    const wide = extensions.setNumber(transport);
    const { ssrc } = sender, { payloadType } = codec;
    writeHeader(srtp, { number, timestamp, marker, ssrc, payloadType }, extensions);
    srtp.packet.set(payload, headerLength);
    const end = srtp.protect(ssrc, number, headerLength, headerLength + payload.length);
    if (end === 0) return;
    sender.sequenceNumber = number;
    sender.octetCount += payload.length;
    sender.packetCount = sender.packetCount + 1 >>> 0;
    sender.headerBytesSent += headerLength;
    if (sender.rtxPayloadType === undefined) {
      const is = { number, timestamp, marker, ssrc, payloadType };
      sender.rtpCache[number % HISTORY] = new SentPacket(werift, is, extensions, wide, payload);
    }
    sent?.(wide, end + UDP_HEADERS);
    dispatch(transport, srtp.packet.subarray(0, end));
  });
  sender.timestamp = sender.rtpTimestamp = timestamp;
  sender.runRtcp().catch(() => {});
  return true;
}

/**
 * Sends a packet again, in the stream of retransmissions (RFC 4588).
 *
 * @returns false, and nothing was sent, when the viewer has none, or werift's own way must be taken
 */
export function repeatRtpPacket(
  rtpSender: object,
  is: { payload: Bytes; timestamp: number; sequence: number; marker: boolean },
  sent: Sent,
): boolean {
  const sender = rtpSender as Sender, srtp = shortWay(sender);
  const { dtlsTransport: transport, rtxPayloadType: payloadType, rtxSsrc: ssrc } = sender;
  if (!srtp || payloadType === undefined) return false;
  const extensions = new Extensions(sender);
  const start = FIXED_HEADER + extensions.length, { payload, timestamp, marker } = is;
  if (start + ORIGINAL_NUMBER + payload.length + LONGEST_TAG > LONGEST_PACKET) return false;
  const number = sender.rtxSequenceNumber;
  sender.rtxSequenceNumber = number + 1 & 0xffff;
  setClock(sender, extensions);
  const wide = extensions.setNumber(transport);
  writeHeader(srtp, { number, timestamp, marker, ssrc, payloadType }, extensions);
  srtp.view.setUint16(start, is.sequence);
  srtp.packet.set(payload, start + ORIGINAL_NUMBER);
  const end = srtp.protect(ssrc, number, start, start + ORIGINAL_NUMBER + payload.length);
  if (end === 0) return false;
  sender.retransmittedPacketsSent++;
  sender.retransmittedBytesSent += payload.length;
  sender.headerBytesSent += start;
  sent(wide, end + UDP_HEADERS);
  dispatch(transport, srtp.packet.subarray(0, end));
  return true;
}

function shortWay(sender: Sender): SrtpProtector | null {
  const transport = sender.dtlsTransport;
  if (sender.stopped || !sender.codec || transport?.state !== "connected") return null;
  if (sender.redRedundantPayloadType || !Array.isArray(sender.rtpCache)) return null;
  return srtpProtector(transport);
}

function setClock(sender: Sender, extensions: Extensions): void {
  const now = ntpTime(performance.timeOrigin + performance.now());
  sender.ntpTimestamp = now;
  extensions.setTime(now);
}

interface HeaderFields {
  number: number;
  timestamp: number;
  marker: boolean;
  ssrc: number;
  payloadType: number;
}

function writeHeader({ packet, view }: SrtpProtector, is: HeaderFields, extensions: Extensions) {
  packet[0] = 0x80 | (extensions.length ? 0x10 : 0); // version 2, extension
  packet[1] = (is.marker ? 0x80 : 0) | is.payloadType;
  view.setUint16(2, is.number);
  view.setUint32(4, is.timestamp);
  view.setUint32(8, is.ssrc);
  packet.set(extensions.bytes, FIXED_HEADER);
}

function dispatch(transport: DtlsTransport, datagram: Bytes): void {
  transport.bytesSent += datagram.length;
  transport.packetsSent++;
  sendDatagram(transport.iceTransport.connection, datagram).catch(() => {});
}

/** What werift's answer to a NACK asks of a packet; the header is made when it is asked for. */
class SentPacket {
  readonly #werift: typeof Werift;
  readonly #is: HeaderFields;
  readonly #extensions: Extensions;
  readonly #wide: number;
  readonly #payload: Bytes;

  constructor(
    werift: typeof Werift,
    is: HeaderFields,
    extensions: Extensions,
    wide: number,
    payload: Bytes,
  ) {
    this.#werift = werift;
    this.#is = is;
    this.#extensions = extensions;
    this.#wide = wide;
    this.#payload = payload;
  }
  get header(): Werift.RtpHeader {
    const { number: sequenceNumber, timestamp, marker, ssrc, payloadType } = this.#is;
    const extensions = this.#extensions.list(this.#wide);
    return new this.#werift.RtpHeader({
      sequenceNumber,
      timestamp,
      marker,
      ssrc,
      payloadType,
      extension: extensions.length > 0,
      extensions,
    });
  }
  get payload(): Buffer {
    return Buffer.from(this.#payload.buffer, this.#payload.byteOffset, this.#payload.byteLength);
  }
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
      if (uri === PLAYOUT_DELAY) {
        add(id, playoutDelay(sender.dtlsTransport, sender.streamIds[0] ?? ""));
      }
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
    this.#writeNumber(number);
    return number;
  }

  /** For what werift sends again: to the bit what was sent, since its SRTP number is the same. */
  list(wide: number): { id: number; payload: Buffer }[] {
    this.#writeNumber(wide);
    return this.#parts.map(({ id, at, size }) => ({
      id,
      payload: Buffer.from(this.bytes.slice(at, at + size)),
    }));
  }

  #writeNumber(number: number): void {
    if (this.#number < 0) return;
    this.bytes[this.#number] = number >> 8;
    this.bytes[this.#number + 1] = number & 255;
  }
}
