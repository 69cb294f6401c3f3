/** A driver's times as ours: on the clock of `performance.now()`, rising, and never what cannot be. Pure. */

/** A picture is at most so old when it is handed over; some drivers' times are nonsense. */
const OLDEST_US = 2e6;
/** The two clocks are read one after the other. */
const SLACK_US = 1000;

/** Keeps the times of one camera in order, also when its driver starts anew. */
export class CameraClock {
  #lastUs = -Infinity;

  /**
   * The time of the next picture.
   *
   * @param driverUs the driver's time; null when it does not tell
   * @param offsetUs from the driver's clock to ours
   * @returns the picture's time on our clock: the present, if the driver's cannot be right
   */
  stamp(driverUs: number | null, offsetUs: number, nowUs: number): number {
    const us = driverUs === null ? nowUs : driverUs + offsetUs;
    const plausible = us <= nowUs + SLACK_US && us > nowUs - OLDEST_US ? us : nowUs;
    return this.#lastUs = Math.max(plausible, this.#lastUs + 1);
  }
}
