/** When to try again, and how long an attempt may take: a value in, a value out, without a clock of its own. */

const FIRST_PAUSE_MS = 300;
const LONGEST_PAUSE_MS = 5_000;
const FIRST_DEADLINE_MS = 5_000;
const LONGEST_DEADLINE_MS = 15_000;
/** A connection that lasted so long was a good one: its end is not one more failure. */
const GOOD_AFTER_MS = 5_000;

/** Counts what went wrong in a row, and says what follows from it. */
export class Attempts {
  #failures = 0;
  #openedMs: number | null = null;

  /** How long a step of this attempt may take. A slow robot gets more time at each one. */
  get deadlineMs(): number {
    return Math.min(FIRST_DEADLINE_MS * 1.5 ** this.#failures, LONGEST_DEADLINE_MS);
  }

  /** The attempt has succeeded. */
  opened(nowMs: number): void {
    this.#openedMs = nowMs;
  }

  /**
   * The attempt has failed, or the connection has ended.
   *
   * @param random from 0 to 1: not all viewers of a robot that restarts come back in the same moment
   * @returns how long to wait before the next one
   */
  ended(nowMs: number, random: number): number {
    const openedMs = this.#openedMs;
    this.#openedMs = null;
    if (openedMs !== null && nowMs - openedMs >= GOOD_AFTER_MS) this.#failures = 0;
    const longestMs = Math.min(FIRST_PAUSE_MS * 2 ** this.#failures++, LONGEST_PAUSE_MS);
    return longestMs * (0.5 + 0.5 * random);
  }
}
