/**
 * Brings the times of pictures and sound on the one clock of a file, which begins at 0. Pure: the
 * present is an argument.
 */

/** Sources whose delays differ by more than this have clocks of their own. */
const SAME_CLOCK_US = 300_000;
/** A step that is so much longer than the time that passed means that the source was replaced. */
const JUMP_US = 10_000_000;
/** Two values of a track are at least this far apart: players count in milliseconds. */
const STEP_US = 1_000;

interface Track {
  offsetUs: number;
  lastUs: number;
  lastArrivalUs: number;
}

/** The clock of one file. */
export class RecorderClock {
  readonly #tracks = new Map<string, Track>();
  /** The first value's own time and arrival; it is at 0. */
  #first: { readonly timestampUs: number; readonly arrivalUs: number } | null = null;

  /**
   * The time of a value in the file, in whole µs, later than the track's last.
   *
   * Tracks whose first values were equally old when they came share a clock and stay in step by it; of
   * others, what arrived together belongs together.
   *
   * @returns null for what was before the beginning of the file
   */
  stamp(name: string, timestampUs: number, arrivalUs: number): number | null {
    this.#first ??= { timestampUs, arrivalUs };
    let track = this.#tracks.get(name);
    if (track === undefined) {
      const age = timestampUs - arrivalUs;
      const firstAge = this.#first.timestampUs - this.#first.arrivalUs;
      const offsetUs = Math.abs(age - firstAge) < SAME_CLOCK_US
        ? -this.#first.timestampUs
        : arrivalUs - this.#first.arrivalUs - timestampUs;
      track = { offsetUs, lastUs: -STEP_US, lastArrivalUs: arrivalUs };
      this.#tracks.set(name, track);
    }
    let time = Math.round(timestampUs + track.offsetUs);
    if (time < 0 && track.lastUs < 0) return null;
    const passed = arrivalUs - track.lastArrivalUs;
    const step = time - track.lastUs;
    const back = step < -JUMP_US / 10;
    const ahead = track.lastUs >= 0 && step > JUMP_US && step - passed > JUMP_US;
    if (back || ahead) {
      time = Math.round(track.lastUs + Math.max(passed, STEP_US));
      track.offsetUs = time - timestampUs;
    }
    time = Math.max(time, track.lastUs + STEP_US);
    track.lastUs = time;
    track.lastArrivalUs = arrivalUs;
    return time;
  }
}
