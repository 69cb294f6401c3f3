/** How much faster sound is played so that it does not stay late. */

/** What has not been needed for so long is too much, … */
const WINDOW_MS = 1000;
/** … if it is more than this; … */
const EXCESS_MS = 10;
/** … and then sound is played faster, so that it is gone after some five seconds, … */
const CATCH_UP_MS = 5000;
/** … but by no more than a third of a semitone, which nobody hears. */
const MAX_SPEED = 1.02;

/** Clocks differ, and starts are rough: what always waits only makes the sound late. Pure. */
export class CatchUp {
  #leastMs = Infinity;
  #sinceMs = 0;
  #speed = 1;

  /**
   * The speed from now on.
   *
   * @param waitingMs how much sound waits at the moment when more comes
   */
  speed(waitingMs: number, nowMs: number): number {
    this.#leastMs = Math.min(this.#leastMs, waitingMs);
    if (nowMs - this.#sinceMs < WINDOW_MS) return this.#speed;
    const excessMs = this.#leastMs > EXCESS_MS ? this.#leastMs : 0;
    this.#leastMs = Infinity;
    this.#sinceMs = nowMs;
    return this.#speed = Math.min(MAX_SPEED, 1 + excessMs / CATCH_UP_MS);
  }
}
