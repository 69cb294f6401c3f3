/**
 * The RTCP packets that a receiver of media sends (RFC 3550 section 6.4, RFC 4585 section 6).
 *
 * ```text
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |V=2|P|FMT / RC |      PT       |  length in 32-bit words - 1   |
 * |                     SSRC of the packet's sender               |
 * |          feedback: SSRC of the media that it is about         |
 * ```
 */

const RECEIVER_REPORT = 201, TRANSPORT_FEEDBACK = 205, PAYLOAD_FEEDBACK = 206;
const NACK = 1, PLI = 1;

/** One stream's part of a receiver report (RFC 3550, section 6.4.1). */
export interface ReportBlock {
  /** The stream. */
  readonly ssrc: number;
  /** Packets lost since the last report, in 256ths. */
  readonly fractionLost: number;
  /** Packets lost since the beginning, 24 bits with sign. */
  readonly packetsLost: number;
  /** Highest sequence number, with the count of wraps above it. */
  readonly highestSequence: number;
  /** Jitter in units of the RTP time. */
  readonly jitter: number;
  /** The middle 32 bits of the NTP time of the last sender report; 0 before there was one. */
  readonly lastReport: number;
  /** Time since that came, in 65536ths of a second. */
  readonly sinceLastReport: number;
}

/** A receiver report. */
export function encodeReceiverReport(
  sender: number,
  blocks: readonly ReportBlock[],
): Uint8Array<ArrayBuffer> {
  const { bytes, view } = packet(RECEIVER_REPORT, blocks.length, 8 + 24 * blocks.length);
  view.setUint32(4, sender);
  blocks.forEach((block, i) => {
    const at = 8 + 24 * i;
    view.setUint32(at, block.ssrc);
    view.setInt32(at + 4, Math.min(Math.max(block.packetsLost, -0x800000), 0x7fffff));
    view.setUint8(at + 4, block.fractionLost);
    view.setUint32(at + 8, block.highestSequence);
    view.setUint32(at + 12, block.jitter);
    view.setUint32(at + 16, block.lastReport);
    view.setUint32(at + 20, block.sinceLastReport);
  });
  return bytes;
}

/** A generic NACK (RFC 4585, section 6.2.1): a number, and 16 bits for those after it. */
export function encodeNack(
  sender: number,
  media: number,
  sequences: readonly number[],
): Uint8Array<ArrayBuffer> {
  const entries: [first: number, following: number][] = [];
  for (const sequence of sequences) {
    const last = entries.at(-1);
    const distance = last ? (sequence - last[0] & 0xffff) - 1 : 16;
    if (last && distance < 16) last[1] |= 1 << distance;
    else entries.push([sequence, 0]);
  }
  const { bytes, view } = packet(TRANSPORT_FEEDBACK, NACK, 12 + 4 * entries.length);
  view.setUint32(4, sender);
  view.setUint32(8, media);
  entries.forEach(([first, following], i) => {
    view.setUint16(12 + 4 * i, first);
    view.setUint16(14 + 4 * i, following);
  });
  return bytes;
}

/** A picture loss indication (RFC 4585, section 6.3.1). */
export function encodePli(sender: number, media: number): Uint8Array<ArrayBuffer> {
  const { bytes, view } = packet(PAYLOAD_FEEDBACK, PLI, 12);
  view.setUint32(4, sender);
  view.setUint32(8, media);
  return bytes;
}

/** An empty packet with its header; the size is a multiple of four. */
export function packet(
  type: number,
  format: number,
  size: number,
): { bytes: Uint8Array<ArrayBuffer>; view: DataView<ArrayBuffer> } {
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  bytes[0] = 0x80 | format;
  bytes[1] = type;
  view.setUint16(2, size / 4 - 1);
  return { bytes, view };
}
