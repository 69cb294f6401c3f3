/**
 * VP8 frames as RTP payloads (RFC 7741, section 4.2).
 *
 * ```text
 *  0 1 2 3 4 5 6 7
 * +-+-+-+-+-+-+-+-+
 * |X|R|N|S|R| PID |  X=1: the next byte is there; N: nothing refers to the frame; S: begins a partition
 * +-+-+-+-+-+-+-+-+
 * |I|L|T|K|  RSV  |  which of the following are there
 * +-+-+-+-+-+-+-+-+
 * |M| PictureID   |  I; M=1: 15 bits in two bytes
 * |   PictureID   |
 * +-+-+-+-+-+-+-+-+
 * |   TL0PICIDX   |  L: counts the frames of the lowest temporal layer
 * +-+-+-+-+-+-+-+-+
 * |TID|Y| KEYIDX  |  T or K: temporal layer, whether it may be switched to here; counts key frames
 * +-+-+-+-+-+-+-+-+
 * ```
 */

import { RemoteProtocolError } from "../errors.ts";
import type { Depacketizer, FramePart } from "./rtp_payload.ts";

const DESCRIPTOR_BYTES = 4;

/**
 * Cuts a frame into payloads of nearly equal size, so that no packet is a straggler.
 *
 * @param frame the whole VP8 frame; it is copied
 * @param pictureId counts frames; its low 15 bits are sent
 * @param maxBytes the largest payload
 */
export function packetizeVp8(
  frame: Uint8Array,
  pictureId: number,
  maxBytes: number,
): Uint8Array<ArrayBuffer>[] {
  const room = maxBytes - DESCRIPTOR_BYTES;
  if (room < 1) {
    throw new RangeError(`Cannot packetize VP8: ${maxBytes} bytes leave no room for data`);
  }
  const count = Math.max(1, Math.ceil(frame.length / room));
  const payloads: Uint8Array<ArrayBuffer>[] = [];
  for (let i = 0, from = 0; i < count; i++) {
    const to = Math.round((frame.length * (i + 1)) / count);
    const payload = new Uint8Array(DESCRIPTOR_BYTES + to - from);
    payload[0] = 0x80 | (i === 0 ? 0x10 : 0);
    payload[1] = 0x80;
    payload[2] = 0x80 | ((pictureId >> 8) & 0x7f);
    payload[3] = pictureId & 0xff;
    payload.set(frame.subarray(from, to), DESCRIPTOR_BYTES);
    payloads.push(payload);
    from = to;
  }
  return payloads;
}

/** A payload descriptor; `null` is what the sender left out. */
export interface Vp8Descriptor {
  /** Nothing refers to the frame. */
  readonly nonReference: boolean;
  /** The packet begins a partition. */
  readonly start: boolean;
  /** Which partition; 0 is the first. */
  readonly partition: number;
  /** Counts frames, in 7 or 15 bits. */
  readonly pictureId: number | null;
  /** Counts frames of the lowest temporal layer, in 8 bits. */
  readonly tl0PicIdx: number | null;
  /** The temporal layer. */
  readonly temporalLayer: number | null;
  /** Whether a receiver may begin with this layer here. */
  readonly layerSync: boolean;
  /** Counts key frames, in 5 bits. */
  readonly keyIdx: number | null;
  /** Bytes that the descriptor takes. */
  readonly length: number;
}

/**
 * Reads the descriptor at the beginning of a payload.
 *
 * @throws {RemoteProtocolError} when it is cut off
 */
export function readVp8Descriptor(payload: Uint8Array): Vp8Descriptor {
  let at = 0;
  const next = () => {
    const byte = payload[at++];
    if (byte === undefined) throw refusal(`its descriptor needs more than ${payload.length} bytes`);
    return byte;
  };
  const first = next();
  const which = first & 0x80 ? next() : 0;
  let pictureId: number | null = null;
  if (which & 0x80) {
    pictureId = next();
    if (pictureId & 0x80) pictureId = (pictureId & 0x7f) << 8 | next();
  }
  const tl0PicIdx = which & 0x40 ? next() : null;
  const layer = which & 0x30 ? next() : 0;
  return {
    nonReference: (first & 0x20) !== 0,
    start: (first & 0x10) !== 0,
    partition: first & 0x07,
    pictureId,
    tl0PicIdx,
    temporalLayer: which & 0x20 ? layer >> 6 : null,
    layerSync: (which & 0x20) !== 0 && (layer & 0x20) !== 0,
    keyIdx: which & 0x10 ? layer & 0x1f : null,
    length: at,
  };
}

/** Puts VP8 frames together. */
export class Vp8Depacketizer implements Depacketizer {
  /** Reads the next payload; see {@linkcode Depacketizer.read}. */
  read(payload: Uint8Array): FramePart {
    const { start, partition, length } = readVp8Descriptor(payload);
    const data = payload.subarray(length);
    if (data.length === 0) throw refusal("there is nothing behind its descriptor");
    const begins = start && partition === 0;
    // RFC 6386 section 9.1: the frame's first bit is 0 in a key frame.
    return { pieces: [data], begins, keyFrame: begins && (data[0]! & 1) === 0 };
  }

  /** Nothing is remembered from packet to packet. */
  reset(): void {}
}

function refusal(why: string): RemoteProtocolError {
  return new RemoteProtocolError(
    `Cannot read a VP8 packet: ${why}; ask the sender for a key frame`,
  );
}
