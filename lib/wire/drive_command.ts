/** What a page's joystick and keys say to a robot's wheels. */

/** What a driver asks for: how much of the full speed, and how much of the full turn. */
export interface DriveCommand {
  /** -1 full speed back, 1 full speed ahead. */
  readonly forward: number;
  /** -1 turn left, 1 turn right. */
  readonly leftright: number;
}

/**
 * A command out of whatever arrived: numbers are clamped to -1..1. `null` for everything that is
 * not an object with two finite numbers, because strangers may be on the other end.
 */
export function parseDriveCommand(value: unknown): DriveCommand | null {
  if (typeof value !== "object" || value === null) return null;
  let forward: unknown, leftright: unknown;
  try {
    ({ forward, leftright } = value as Record<string, unknown>);
  } catch {
    return null; // a getter or a revoked proxy that throws
  }
  if (typeof forward !== "number" || typeof leftright !== "number") return null;
  if (!Number.isFinite(forward) || !Number.isFinite(leftright)) return null;
  return { forward: clamp(forward), leftright: clamp(leftright) };
}

function clamp(value: number): number {
  return value < -1 ? -1 : value > 1 ? 1 : value;
}
