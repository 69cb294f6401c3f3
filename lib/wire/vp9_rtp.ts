/**
 * VP9 frames as RTP payloads (RFC 9628, section 4.2): written in non-flexible mode without layers, read in
 * any.
 *
 * ```text
 *  0 1 2 3 4 5 6 7
 * +-+-+-+-+-+-+-+-+
 * |I|P|L|F|B|E|V|Z|  P: refers to earlier pictures; B, E: begins, ends a layer's frame
 * +-+-+-+-+-+-+-+-+
 * |M| PICTURE ID  |  I; M=1: 15 bits in two bytes
 * +-+-+-+-+-+-+-+-+
 * | TID |U| SID |D|  L: temporal and spatial layer; D: refers to the layer below
 * +-+-+-+-+-+-+-+-+
 * |   TL0PICIDX   |  L and not F
 * +-+-+-+-+-+-+-+-+
 * |   P_DIFF    |N|  F and P: up to three, N=1: one more follows
 * +-+-+-+-+-+-+-+-+
 * | N_S |Y|G|-|-|-|  V: the scalability structure
 * |  WIDTH HEIGHT |  Y: 2 + 2 bytes for each of N_S + 1 layers
 * |      N_G      |  G: number of pictures in a group, and for each of them
 * | TID |U| R |-|-|     R bytes of P_DIFF follow
 * +-+-+-+-+-+-+-+-+
 * ```
 *
 * Of several spatial layers only the lowest is put together: browsers send more than one only to those
 * who ask for it.
 */

import { RemoteProtocolError } from "../errors.ts";
import type { Depacketizer, FramePart } from "./rtp_payload.ts";

const MAX_REFERENCES = 3;
const WRITTEN_BYTES = 3;

/**
 * Cuts a frame into payloads of nearly equal size.
 *
 * @param frame the whole VP9 frame; it is copied
 * @param keyFrame whether it refers to no earlier one
 * @param pictureId counts frames; its low 15 bits are sent
 * @param maxBytes the largest payload
 */
export function packetizeVp9(
  frame: Uint8Array,
  keyFrame: boolean,
  pictureId: number,
  maxBytes: number,
): Uint8Array<ArrayBuffer>[] {
  const room = maxBytes - WRITTEN_BYTES;
  if (room < 1) {
    throw new RangeError(`Cannot packetize VP9: ${maxBytes} bytes leave no room for data`);
  }
  const count = Math.max(1, Math.ceil(frame.length / room));
  return Array.from({ length: count }, (_, i) => {
    const from = Math.round(frame.length * i / count);
    const to = Math.round(frame.length * (i + 1) / count);
    const payload = new Uint8Array(WRITTEN_BYTES + to - from);
    const [begins, ends] = [i === 0 ? 0x08 : 0, i === count - 1 ? 0x04 : 0];
    payload[0] = 0x80 | (keyFrame ? 0 : 0x40) | begins | ends;
    payload[1] = 0x80 | pictureId >> 8 & 0x7f;
    payload[2] = pictureId & 0xff;
    payload.set(frame.subarray(from, to), WRITTEN_BYTES);
    return payload;
  });
}

/** A payload descriptor; `null` is what the sender left out. */
export interface Vp9Descriptor {
  /** Counts pictures, in 7 or 15 bits. */
  readonly pictureId: number | null;
  /** Whether the frame refers to earlier pictures. */
  readonly interPredicted: boolean;
  /** Whether references are named in each packet. */
  readonly flexible: boolean;
  /** The packet begins a layer's frame. */
  readonly start: boolean;
  /** The packet ends a layer's frame. */
  readonly end: boolean;
  /** The temporal layer. */
  readonly temporalLayer: number | null;
  /** The spatial layer, 0 when there are none. */
  readonly spatialLayer: number;
  /** Whether the frame refers to the layer below. */
  readonly interLayer: boolean;
  /** Counts frames of the lowest temporal layer, in 8 bits. */
  readonly tl0PicIdx: number | null;
  /** Pictures it refers to, by their distance; in flexible mode. */
  readonly references: readonly number[];
  /** Sizes of the spatial layers, when they are told. */
  readonly sizes: readonly { readonly width: number; readonly height: number }[];
  /** Bytes that the descriptor takes. */
  readonly length: number;
}

/**
 * Reads the descriptor at the beginning of a payload.
 *
 * @throws {RemoteProtocolError} when it is cut off or makes no sense
 */
export function readVp9Descriptor(payload: Uint8Array): Vp9Descriptor {
  let at = 0;
  const next = () => {
    const byte = payload[at++];
    if (byte === undefined) throw refusal(`its descriptor needs more than ${payload.length} bytes`);
    return byte;
  };
  const flags = next();
  const flexible = (flags & 0x10) !== 0;
  let pictureId: number | null = null;
  if (flags & 0x80) {
    pictureId = next();
    if (pictureId & 0x80) pictureId = (pictureId & 0x7f) << 8 | next();
  }
  const layer = flags & 0x20 ? next() : null;
  const tl0PicIdx = layer !== null && !flexible ? next() : null;
  const references: number[] = [];
  if (flexible && flags & 0x40) {
    for (let more = true; more;) {
      const reference = next();
      references.push(reference >> 1);
      more = (reference & 1) !== 0;
      if (more && references.length === MAX_REFERENCES) {
        throw refusal(`it has more than ${MAX_REFERENCES} references`);
      }
    }
  }
  const sizes: { width: number; height: number }[] = [];
  if (flags & 0x02) readStructure(next, sizes);
  return {
    pictureId,
    interPredicted: (flags & 0x40) !== 0,
    flexible,
    start: (flags & 0x08) !== 0,
    end: (flags & 0x04) !== 0,
    temporalLayer: layer === null ? null : layer >> 5,
    spatialLayer: layer === null ? 0 : layer >> 1 & 7,
    interLayer: layer !== null && (layer & 1) !== 0,
    tl0PicIdx,
    references,
    sizes,
    length: at,
  };
}

function readStructure(next: () => number, sizes: { width: number; height: number }[]): void {
  const head = next();
  if (head & 0x10) {
    for (let layers = (head >> 5) + 1; layers > 0; layers--) {
      sizes.push({ width: next() << 8 | next(), height: next() << 8 | next() });
    }
  }
  if (!(head & 0x08)) return;
  for (let pictures = next(); pictures > 0; pictures--) {
    for (let references = next() >> 2 & 3; references > 0; references--) next();
  }
}

/** Puts VP9 pictures together. */
export class Vp9Depacketizer implements Depacketizer {
  /** Reads the next payload; see {@linkcode Depacketizer.read}. */
  read(payload: Uint8Array): FramePart {
    const { start, spatialLayer, interPredicted, length } = readVp9Descriptor(payload);
    const data = payload.subarray(length);
    if (data.length === 0) throw refusal("there is nothing behind its descriptor");
    if (spatialLayer > 0) return { pieces: [], begins: false, keyFrame: false };
    return { pieces: [data], begins: start, keyFrame: start && !interPredicted };
  }

  /** Nothing is remembered from packet to packet. */
  reset(): void {}
}

function refusal(why: string): RemoteProtocolError {
  return new RemoteProtocolError(
    `Cannot read a VP9 packet: ${why}; ask the sender for a key frame`,
  );
}
