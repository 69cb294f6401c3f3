/**
 * H.264 as files keep it (ISO/IEC 14496-15): each NAL unit behind its length, and the parameter sets
 * apart, in the AVCDecoderConfigurationRecord (5.3.3.1):
 *
 * ```text
 * 01 | profile | constraints | level | 6 bits 1, lengthSizeMinusOne 2 bits
 * | 3 bits 1, number of SPS 5 bits | (length 2 bytes | SPS) … | number of PPS | (length 2 bytes | PPS) …
 * ```
 */

import { RemoteProtocolError } from "../errors.ts";

/** What the record says. */
export interface AvcConfig {
  /** How many bytes a length takes: 1, 2 or 4. */
  readonly lengthBytes: number;
  /** The parameter sets, SPS before PPS, without start codes. */
  readonly parameterSets: readonly Uint8Array[];
}

/** Whether it is such a record, rather than Annex B, which begins with a zero. */
export function isAvcConfig(extradata: Uint8Array): boolean {
  return extradata.length >= 7 && extradata[0] === 1;
}

/**
 * Reads the record; the parameter sets are views.
 * @throws {RemoteProtocolError} when it ends too early
 */
export function readAvcConfig(record: Uint8Array): AvcConfig {
  const lengthBytes = ((record[4] ?? 0) & 3) + 1;
  const parameterSets: Uint8Array[] = [];
  let at = 5;
  for (const mask of [0x1f, 0xff]) {
    if (at >= record.length) throw refusal("the parameter sets end too early");
    for (let left = record[at++]! & mask; left > 0; left--) {
      const end = at + 2 + ((record[at] ?? 0) << 8 | (record[at + 1] ?? 0));
      if (end > record.length) throw refusal("the parameter sets end too early");
      parameterSets.push(record.subarray(at + 2, end));
      at = end;
    }
  }
  return { lengthBytes, parameterSets };
}

/**
 * The NAL units of an access unit in which each stands behind its length, as views; empty ones are
 * left out.
 * @throws {RemoteProtocolError} when a length points past the end
 */
export function splitLengthPrefixed(unit: Uint8Array, lengthBytes: number): Uint8Array[] {
  const units: Uint8Array[] = [];
  for (let at = 0; at < unit.length;) {
    let length = 0;
    for (let i = 0; i < lengthBytes; i++) length = length * 256 + (unit[at++] ?? 0);
    if (at + length > unit.length) throw refusal("a length points past the end");
    if (length > 0) units.push(unit.subarray(at, at + length));
    at += length;
  }
  return units;
}

function refusal(why: string): RemoteProtocolError {
  return new RemoteProtocolError(`Cannot read H.264: ${why}; the file or stream is damaged`);
}
