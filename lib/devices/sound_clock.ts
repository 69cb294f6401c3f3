/** When samples sounded, told evenly from what a sound system says unevenly. */

/** Off by more than this, samples are missing between … */
const JUMP_MS = 50;
/** … if so many pieces in a row say so: one alone is a measurement that was disturbed. */
const JUMP_PIECES = 10;
/** So much of what the time is off is made up for with each piece, … */
const GAIN = 0.01;
/** … but no more than so much of how long it lasts. */
const MAX_BEND = 0.02;

/**
 * Sound cards have crystals of their own, and the systems tell times that are some milliseconds off in
 * either direction. So time goes on by the samples, and is drawn slowly to what was measured. Pure.
 */
export class CaptureClock {
  readonly #sampleRateHz: number;
  #nextMs: number | null = null;
  /** Pieces in a row that began much later than the last one ended. */
  #late = 0;

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
   * @returns when its first one sounded, and whether samples are missing somewhere before
   */
  next(samples: number, measuredMs: number, lost = false): { atMs: number; gap: boolean } {
    const durationMs = samples * 1000 / this.#sampleRateHz;
    const expectedMs = this.#nextMs ?? measuredMs;
    const offMs = measuredMs - expectedMs;
    this.#late = offMs > JUMP_MS ? this.#late + 1 : 0;
    const gap = lost || this.#late >= JUMP_PIECES;
    if (gap) this.#late = 0;
    const mostMs = MAX_BEND * durationMs;
    const atMs = gap
      ? Math.max(measuredMs, expectedMs)
      : expectedMs + Math.max(-mostMs, Math.min(mostMs, GAIN * offMs));
    this.#nextMs = atMs + durationMs;
    return { atMs, gap };
  }
}
