/**
 * Which frame rate and size suit a bit rate: when there are too few bits for each pixel, first the frame
 * rate goes down, then the size. Pure.
 */

/** How a source's frames are sent. */
export interface PictureFormat {
  /** At most so many frames a second. */
  readonly fps: number;
  /** Width and height are divided by it. */
  readonly divisor: number;
}

/** Best first. The frame rate recovers where the size goes down. */
const FORMATS: readonly PictureFormat[] = [
  { fps: Infinity, divisor: 1 },
  { fps: 15, divisor: 1 },
  { fps: 10, divisor: 1 },
  { fps: 15, divisor: 2 },
  { fps: 10, divisor: 2 },
  { fps: 10, divisor: 4 },
];
/** Bits a pixel below which the next one is taken, and above which the one before comes back. */
const TOO_FEW = 0.04, ENOUGH = 0.06;
/** The rate must suit the better format for so long. */
const BETTER_MS = 2_000;
/** No picture becomes smaller than this by half. */
const SMALLEST_WIDTH = 160;

/** Follows the bit rate of one encoding. */
export class PictureFormats {
  #index = 0;
  #betterMs: number | null = null;

  /** What suits now. */
  get format(): PictureFormat {
    return FORMATS[this.#index]!;
  }

  /**
   * Takes in another bit rate.
   *
   * @param fps what the source gives, or is limited to
   */
  update(bitrate: number, width: number, height: number, fps: number, nowMs: number): void {
    const bits = ({ fps: most, divisor }: PictureFormat) =>
      bitrate * divisor * divisor / (width * height * Math.min(most, fps));
    while (bits(this.format) < TOO_FEW) {
      const next = FORMATS[this.#index + 1];
      const small = next && next.divisor > this.format.divisor &&
        width / next.divisor < SMALLEST_WIDTH;
      if (!next || small) break;
      this.#index++;
    }
    const before = FORMATS[this.#index - 1];
    if (!before || bits(before) < ENOUGH) this.#betterMs = null;
    else if (nowMs - (this.#betterMs ??= nowMs) >= BETTER_MS) {
      this.#index--;
      this.#betterMs = null;
    }
  }
}
