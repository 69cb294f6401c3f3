/** When samples sounded, told evenly from what a sound system says unevenly. */

/** Off by more than this, samples are missing between, or what came before was told wrongly. */
const JUMP_MS = 50;
/** So much of what the time is off is made up for with each piece: a second's worth of pieces evens it out. */
const GAIN = 0.01;

/**
 * Sound cards have crystals of their own, and the systems tell times that are some milliseconds off in
 * either direction. So time goes on by the samples, and is drawn slowly to what was measured. Pure.
 */
export class CaptureClock {
  readonly #sampleRateHz: number;
  #nextMs: number | null = null;

  /** @param sampleRateHz samples of each channel in a second */
  constructor(sampleRateHz: number) {
    this.#sampleRateHz = sampleRateHz;
  }

  /**
   * Takes the next piece of the recording.
   *
   * @param samples how many of each channel it has
   * @param measuredMs when its first one sounded, as far as that can be told
   * @param lost whether it is known that samples are missing before
   * @returns when its first one sounded; never before the end of the last piece. `gap`: samples are missing
   */
  next(samples: number, measuredMs: number, lost = false): { atMs: number; gap: boolean } {
    const expectedMs = this.#nextMs;
    const offMs = expectedMs === null ? 0 : measuredMs - expectedMs;
    const gap = expectedMs !== null && (lost || offMs > JUMP_MS);
    const atMs = expectedMs === null
      ? measuredMs
      : gap
      ? Math.max(measuredMs, expectedMs)
      : expectedMs + GAIN * offMs;
    this.#nextMs = atMs + samples * 1000 / this.#sampleRateHz;
    return { atMs, gap };
  }
}
