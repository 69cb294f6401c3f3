/**
 * What an Opus packet says about itself in its first bytes (RFC 6716, section 3.1 and 3.2).
 *
 *      0 1 2 3 4 5 6 7
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     | config  |s| c |v|p|     M     |    M frames, only when c is 3
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */

/** Samples of a frame at 48 kHz, by the two bits that say so: SILK, hybrid and CELT (table 2). */
const SILK = [480, 960, 1920, 2880], HYBRID = [480, 960, 480, 960], CELT = [120, 240, 480, 960];
/** 120 ms, the most that a packet may last. */
const MAX_SAMPLES = 5760;

/** How many samples of each channel it holds at 48 kHz, or null when it cannot be an Opus packet. */
export function opusPacketSamples(packet: Uint8Array): number | null {
  const [toc, count] = packet;
  if (toc === undefined) return null;
  const config = toc >> 3;
  const sizes = config < 12 ? SILK : config < 16 ? HYBRID : CELT;
  const code = toc & 3;
  const frames = code === 0 ? 1 : code < 3 ? 2 : count === undefined ? 0 : count & 63;
  const samples = frames * sizes[config & 3]!;
  return samples > 0 && samples <= MAX_SAMPLES ? samples : null;
}
