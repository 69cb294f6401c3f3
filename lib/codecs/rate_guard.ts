/** Sees to the rate where an encoder cannot: by leaving frames out. */

/** Frames are left out while it would take longer than this to send what has piled up. */
const LIMIT_MS = 700;

/**
 * A leaky bucket: frames pour in, the rate drains. x264 never leaves a frame out, and with a picture that
 * moves too much for the rate it goes above it for good.
 */
export class RateGuard {
  #bits = 0;
  #lastUs: number | null = null;

  /**
   * Whether to leave out the frame of this time.
   *
   * @param timeUs rises from call to call
   * @param bitrate bits a second that can be sent
   */
  isFull(timeUs: number, bitrate: number): boolean {
    const passedUs = timeUs - (this.#lastUs ?? timeUs);
    this.#lastUs = timeUs;
    this.#bits = Math.max(0, this.#bits - bitrate * passedUs / 1e6);
    return this.#bits > bitrate * LIMIT_MS / 1000;
  }

  /** A frame of so many bytes came out. */
  add(bytes: number): void {
    this.#bits += 8 * bytes;
  }
}
