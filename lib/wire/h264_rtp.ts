/**
 * H.264 as RTP payloads (RFC 6184, packetization mode 1) and as Annex B byte streams.
 *
 * ```text
 *  0 1 2 3 4 5 6 7
 * +-+-+-+-+-+-+-+-+
 * |F|NRI|  Type   |  the header of a NAL unit, and of a payload; F is 0
 * +-+-+-+-+-+-+-+-+
 * Type 1 … 23   the payload is that NAL unit
 * Type 24       STAP-A: units, each behind its length in 16 bits
 * Type 28       FU-A: a part of a unit; a second byte |S|E|R|Type| says begin, end and the unit's type
 * ```
 */

import { RemoteProtocolError } from "../errors.ts";
import { NAL, nalType as typeOf, splitNalUnits } from "./h264_bitstream.ts";
import type { Depacketizer, FramePart } from "./rtp_payload.ts";

// RFC 6184 table 1
const STAP_A = 24, FU_A = 28;
const START_CODE = Uint8Array.of(0, 0, 0, 1);
/** Parameter sets that are kept, so that their number is bounded; there are 32 SPS ids, 256 PPS ids. */
const MAX_PARAMETER_SETS = 32;

/** Keeps parameter sets and puts them before every key frame that comes without. */
class ParameterSets {
  readonly #sets = new Map<string, Uint8Array>();

  /** The units, with all known sets in front when they have a key frame and no SPS of their own. */
  complete(units: readonly Uint8Array[]): readonly Uint8Array[] {
    const key = units.findIndex((unit) => typeOf(unit) === NAL.idr);
    let own = false;
    for (const unit of units) {
      if (typeOf(unit) === NAL.sps) own = true;
      if (typeOf(unit) === NAL.sps || typeOf(unit) === NAL.pps) this.keep(unit);
    }
    if (key < 0 || own || this.#sets.size === 0) return units;
    const front = units.findIndex((unit) => typeOf(unit) !== NAL.aud);
    const others = units.slice(front).filter((unit) => typeOf(unit) !== NAL.pps);
    return [...units.slice(0, front), ...this.inOrder(), ...others];
  }

  /** Whether a decoder can begin. */
  get known(): boolean {
    const types = new Set([...this.#sets.values()].map(typeOf));
    return types.has(NAL.sps) && types.has(NAL.pps);
  }

  keep(unit: Uint8Array): void {
    // An SPS's id follows three bytes, a PPS's one; both are Exp-Golomb, so a few bytes tell them apart.
    const id = `${typeOf(unit)} ${exponential(unit, typeOf(unit) === NAL.sps ? 4 : 1)}`;
    if (!this.#sets.has(id) && this.#sets.size >= MAX_PARAMETER_SETS) this.#sets.clear();
    this.#sets.set(id, unit.slice());
  }

  inOrder(): Uint8Array[] {
    const sets = [...this.#sets.values()];
    return [
      ...sets.filter((u) => typeOf(u) === NAL.sps),
      ...sets.filter((u) => typeOf(u) === NAL.pps),
    ];
  }
}

/** Cuts frames into payloads. */
export class H264Packetizer {
  readonly #sets = new ParameterSets();

  /**
   * Cuts one frame; parameter sets of earlier ones are repeated before a key frame that has none.
   *
   * @param frame an Annex B stream of one access unit; it is copied
   * @param maxBytes the largest payload
   */
  packetize(frame: Uint8Array, maxBytes: number): Uint8Array<ArrayBuffer>[] {
    if (maxBytes < 3) {
      throw new RangeError(`Cannot packetize H.264: ${maxBytes} bytes leave no room for data`);
    }
    const payloads: Uint8Array<ArrayBuffer>[] = [];
    let together: Uint8Array[] = [];
    let size = 1;
    const flush = () => {
      if (together.length > 0) payloads.push(aggregate(together));
      together = [];
      size = 1;
    };
    // A delimiter says what the marker says, and browsers send none.
    const units = splitNalUnits(frame).filter((unit) => typeOf(unit) !== NAL.aud);
    for (const unit of this.#sets.complete(units)) {
      if (size + 2 + unit.length > maxBytes) flush();
      if (size + 2 + unit.length <= maxBytes) {
        together.push(unit);
        size += 2 + unit.length;
      } else if (unit.length <= maxBytes) payloads.push(unit.slice());
      else payloads.push(...fragment(unit, maxBytes));
    }
    flush();
    return payloads;
  }
}

function aggregate(units: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  if (units.length === 1) return units[0]!.slice();
  const payload = new Uint8Array(units.reduce((sum, unit) => sum + 2 + unit.length, 1));
  const importance = Math.max(...units.map((unit) => unit[0]! & 0x60));
  payload[0] = importance | STAP_A;
  let at = 1;
  for (const unit of units) {
    payload[at] = unit.length >> 8;
    payload[at + 1] = unit.length & 255;
    payload.set(unit, at + 2);
    at += 2 + unit.length;
  }
  return payload;
}

function fragment(unit: Uint8Array, maxBytes: number): Uint8Array<ArrayBuffer>[] {
  const body = unit.subarray(1);
  const count = Math.ceil(body.length / (maxBytes - 2));
  const payloads: Uint8Array<ArrayBuffer>[] = [];
  for (let i = 0, from = 0; i < count; i++) {
    const to = Math.round(body.length * (i + 1) / count);
    const payload = new Uint8Array(2 + to - from);
    payload[0] = unit[0]! & 0x60 | FU_A;
    payload[1] = (i === 0 ? 0x80 : 0) | (i === count - 1 ? 0x40 : 0) | typeOf(unit);
    payload.set(body.subarray(from, to), 2);
    payloads.push(payload);
    from = to;
  }
  return payloads;
}

/** Puts H.264 frames together, as Annex B streams. */
export class H264Depacketizer implements Depacketizer {
  readonly #sets = new ParameterSets();
  /** A unit is coming in parts. */
  #fragmented = false;
  /** This frame has its parameter sets. */
  #hasSets = false;

  /** @param parameterSets SPS and PPS from elsewhere: `sprop-parameter-sets` of a description */
  constructor(parameterSets: readonly Uint8Array[] = []) {
    for (const set of parameterSets) this.#sets.keep(set);
  }

  /** Reads the next payload; see {@linkcode Depacketizer.read}. */
  read(payload: Uint8Array, newFrame: boolean): FramePart {
    const type = typeOf(payload);
    if (newFrame) this.#hasSets = false;
    if (payload.length < 2) throw refusal(`${payload.length} bytes are too few`);
    if (type === FU_A) return this.#part(payload);
    if (this.#fragmented) {
      this.#fragmented = false;
      throw refusal("another unit comes before the end of one in parts");
    }
    if (type === STAP_A) return this.#whole(unitsOf(payload));
    if (type < 1 || type > 23) throw refusal(`there is no packet type ${type} in mode 1`);
    return this.#whole([payload]);
  }

  /** Packets were lost; see {@linkcode Depacketizer.reset}. */
  reset(): void {
    this.#fragmented = false;
  }

  #whole(units: readonly Uint8Array[]): FramePart {
    for (const unit of units) if (isSet(unit)) this.#sets.keep(unit);
    return {
      pieces: units.flatMap((unit) => [...this.#setsBefore(unit), START_CODE, unit]),
      begins: units.some(begins),
      keyFrame: units.some((unit) => this.#isKey(unit)),
    };
  }

  #part(payload: Uint8Array): FramePart {
    const [indicator, header] = [payload[0]!, payload[1]!];
    const first = (header & 0x80) !== 0;
    if (first === this.#fragmented || payload.length < 3) {
      this.#fragmented = false;
      throw refusal("the parts of a unit do not fit together");
    }
    this.#fragmented = (header & 0x40) === 0;
    const data = payload.subarray(2);
    if (!first) return { pieces: [data], begins: false, keyFrame: false };
    const start = Uint8Array.of(indicator & 0x60 | header & 0x1f, data[0]!);
    return {
      pieces: [...this.#setsBefore(start), START_CODE, start.subarray(0, 1), data],
      begins: begins(start),
      keyFrame: this.#isKey(start),
    };
  }

  /** What a key frame needs before it and came without. */
  #setsBefore(unit: Uint8Array): Uint8Array[] {
    if (typeOf(unit) === NAL.sps) this.#hasSets = true;
    if (typeOf(unit) !== NAL.idr || this.#hasSets) return [];
    this.#hasSets = true;
    return this.#sets.inOrder().flatMap((set) => [START_CODE, set]);
  }

  #isKey(unit: Uint8Array): boolean {
    return typeOf(unit) === NAL.idr && this.#sets.known;
  }
}

function unitsOf(payload: Uint8Array): Uint8Array[] {
  const units: Uint8Array[] = [];
  for (let at = 1; at < payload.length;) {
    const length = payload[at]! << 8 | (payload[at + 1] ?? 0);
    const unit = payload.subarray(at + 2, at + 2 + length);
    if (length === 0 || unit.length < length) {
      throw refusal(`a unit of ${length} bytes is not there`);
    }
    units.push(unit);
    at += 2 + length;
  }
  return units;
}

/** Whether an access unit can begin with this: a slice does when its first macroblock is number 0. */
function begins(unit: Uint8Array): boolean {
  const type = typeOf(unit);
  if (type === NAL.slice || type === NAL.idr) return ((unit[1] ?? 0) & 0x80) !== 0;
  return isSet(unit) || type === NAL.sei || type === NAL.aud;
}

function isSet(unit: Uint8Array): boolean {
  return typeOf(unit) === NAL.sps || typeOf(unit) === NAL.pps;
}

/** An unsigned Exp-Golomb number (ITU-T H.264 section 9.1) that begins with a byte; -1 when it is none. */
function exponential(bytes: Uint8Array, at: number): number {
  const bits = (bytes[at] ?? 0) << 24 | (bytes[at + 1] ?? 0) << 16 | (bytes[at + 2] ?? 0) << 8;
  const zeros = Math.clz32(bits);
  return zeros > 10 ? -1 : (bits << zeros >>> 31 - zeros) - 1;
}

function refusal(why: string): RemoteProtocolError {
  return new RemoteProtocolError(
    `Cannot read an H.264 packet: ${why}; ask the sender for a key frame`,
  );
}
