/**
 * Brings the time stamps of any source on one clock, so that viewers see even motion, a source may be
 * swapped for another in mid-stream, and time never runs back. Pure: the present is an argument.
 */

/** A source whose clock is off by more than this was paused, restarted or replaced. */
const JUMP_US = 1_000_000;
/** Two frames are at least this far apart. */
const STEP_US = 1_000;

/** Maps one source's time stamps, in µs. */
export class MediaClock {
  #offsetUs: number | null = null;
  #lastUs = -Infinity;

  /** @returns the frame's time in µs on the clock of `nowUs`, later than any before it */
  stamp(timestampUs: number, nowUs: number): number {
    if (
      this.#offsetUs === null || Math.abs(timestampUs + this.#offsetUs - nowUs) > JUMP_US
    ) {
      this.#offsetUs = nowUs - timestampUs;
    }
    const mapped = timestampUs + this.#offsetUs;
    this.#lastUs = Math.max(mapped, this.#lastUs + STEP_US);
    return this.#lastUs;
  }
}

/** A time in µs as an RTP time stamp of video: 90 kHz, 32 bits (RFC 3551, section 5). */
export function toRtpTimestamp(timestampUs: number): number {
  return Math.floor(timestampUs * 0.09) % 2 ** 32;
}
