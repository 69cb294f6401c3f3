/**
 * What all encodings of a source have in common, so that a viewer can be moved from one to the other at a
 * key frame: a frame has the same time in each, and the numbers of pictures rise. Pure.
 */
import { MediaClock } from "./media_clock.ts";

/** The time and the numbers of one source. */
export class SourceClock {
  readonly #clock = new MediaClock();
  /** Only the newest frame: a camera may use its memory again. */
  #newest: { frame: object; timestampUs: number; time: number } | null = null;
  #pictureId = -1;

  /** @returns the time of a frame of the source, in µs on the clock of `nowUs` */
  stamp(frame: object, timestampUs: number, nowUs: number): number {
    const newest = this.#newest;
    if (newest?.frame === frame && newest.timestampUs === timestampUs) return newest.time;
    const time = this.#clock.stamp(timestampUs, nowUs);
    this.#newest = { frame, timestampUs, time };
    return time;
  }

  /** @returns the time of a picture that is shown once more */
  repeat(nowUs: number): number {
    return this.#clock.stamp(nowUs, nowUs);
  }

  /**
   * The number of an encoding's next picture: one more than its last, but with a key frame, where viewers
   * come from other encodings, more than that of any.
   */
  pictureId(last: number, keyFrame: boolean): number {
    const next = keyFrame ? this.#pictureId + 1 : last + 1;
    this.#pictureId = Math.max(this.#pictureId, next);
    return next;
  }
}
