/** How the camera sits on the robot: what everything that draws has to agree about. */

/** Height of the camera over the floor in metres. */
export const EYE = 0.46;
/** Half of the horizontal angle of view: 76° in all. */
const HALF_VIEW = 38 * Math.PI / 180;
/** The camera looks a little down: the horizon is above the middle. */
const HORIZON = 0.43;

/** A picture's measures. */
export interface View {
  /** Pixels, even. */
  readonly width: number;
  /** Pixels, even. */
  readonly height: number;
  /** Focal length in pixels: something 1 m high, 1 m away, fills so many rows. */
  readonly focal: number;
  /** The row of the horizon, even. */
  readonly horizon: number;
}

/**
 * The view of a picture of this size.
 * @throws RangeError when a size is odd or not between 16 and 4096
 */
export function viewOf(width: number, height: number): View {
  for (const [name, size] of [["width", width], ["height", height]] as const) {
    if (!Number.isInteger(size) || size % 2 !== 0 || size < 16 || size > 4096) {
      throw new RangeError(
        `Cannot draw pictures with ${name} ${size}: it must be even and from 16 to 4096`,
      );
    }
  }
  const focal = width / 2 / Math.tan(HALF_VIEW);
  return { width, height, focal, horizon: Math.round(height * HORIZON / 2) * 2 };
}
