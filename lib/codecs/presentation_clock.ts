/** Times for an encoder that insists on rising ones. */

/** The longest step between two frames that a rate control is told of, in microseconds. */
const LONGEST_STEP_US = 1_000_000;

/** Makes times that rise strictly and by sensible steps out of whatever frames carry. */
export class PresentationClock {
  readonly #usualUs: number;
  #lastTimestampUs: number | null = null;
  #lastPts = 0;

  /**
   * Starts at 0.
   *
   * @param usualUs microseconds from one frame to the next
   */
  constructor(usualUs: number) {
    this.#usualUs = Math.max(1, Math.round(usualUs));
  }

  /**
   * The time to encode the frame at, and how long it lasts, for a frame of this timestamp.
   *
   * A source that starts anew, stops for a while or stamps two frames alike would otherwise break
   * libvpx's rate control or be refused: steps are kept between a quarter of the usual one and a second.
   */
  next(timestampUs: number): { pts: number; duration: number } {
    if (this.#lastTimestampUs !== null) {
      const step = Math.round(timestampUs - this.#lastTimestampUs);
      const least = Math.max(1, this.#usualUs >> 2);
      this.#lastPts += step <= 0 ? this.#usualUs : Math.min(Math.max(step, least), LONGEST_STEP_US);
    }
    this.#lastTimestampUs = timestampUs;
    return { pts: this.#lastPts, duration: this.#usualUs };
  }
}
