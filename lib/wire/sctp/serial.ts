/**
 * Serial number arithmetic (RFC 1982, RFC 9260 section 1.6): numbers that wrap around are compared by the
 * way between them, never by size, and never sorted as they stand.
 */

/** How far `to` lies after `from` among 32-bit numbers; negative when it lies before. */
export function tsnDistance(from: number, to: number): number {
  return (to - from) | 0;
}

/** The 32-bit number `count` after `tsn`. */
export function tsnAdd(tsn: number, count: number): number {
  return (tsn + count) >>> 0;
}

/** How far `to` lies after `from` among 16-bit numbers; negative when it lies before. */
export function ssnDistance(from: number, to: number): number {
  return ((to - from) << 16) >> 16;
}
