/// <reference lib="dom" />
/** What keys and controllers mean for driving. Numbers only; drive.ts listens. */

/** What a robot on wheels is told: 1 is full speed forward, and full turn to the right. */
export interface DriveCommand {
  /** -1 (backward) … 1 (forward) */
  forward: number;
  /** -1 (left) … 1 (right) */
  leftright: number;
}

/** A worn stick rests beside the middle. */
const STICK_DEAD_ZONE = 0.12;

/** Places on the keyboard, so that the four keys lie together in every layout. */
const KEYS: ReadonlyMap<string, DriveCommand> = new Map(Object.entries({
  KeyW: { forward: 1, leftright: 0 },
  ArrowUp: { forward: 1, leftright: 0 },
  KeyS: { forward: -1, leftright: 0 },
  ArrowDown: { forward: -1, leftright: 0 },
  KeyA: { forward: 0, leftright: -1 },
  ArrowLeft: { forward: 0, leftright: -1 },
  KeyD: { forward: 0, leftright: 1 },
  ArrowRight: { forward: 0, leftright: 1 },
}));

/** Whether the key of this `event.code` drives. */
export function isDriveKey(code: string): boolean {
  return KEYS.has(code);
}

/** What the held keys mean together; W and the up arrow are no faster than one of them. */
export function commandOfKeys(codes: Iterable<string>): DriveCommand {
  let forward = 0;
  let backward = 0;
  let left = 0;
  let right = 0;
  for (const code of codes) {
    const key = KEYS.get(code);
    if (!key) continue;
    forward = Math.max(forward, key.forward);
    backward = Math.max(backward, -key.forward);
    left = Math.max(left, -key.leftright);
    right = Math.max(right, key.leftright);
  }
  return { forward: forward - backward, leftright: right - left };
}

/**
 * What a controller means: the left stick, or the triggers for speed, or the cross. Numbers of buttons
 * and axes: https://www.w3.org/TR/gamepad/#remapping
 */
export function commandOfGamepad(pad: Gamepad): DriveCommand {
  const axis = (i: number) => stretch(pad.axes[i] ?? 0);
  if (pad.mapping !== "standard") return { forward: -axis(1), leftright: axis(0) };
  const button = (i: number) => pad.buttons[i]?.value ?? 0;
  return sumOfCommands([
    { forward: -axis(1), leftright: axis(0) },
    { forward: button(7) - button(6), leftright: 0 },
    { forward: button(12) - button(13), leftright: button(15) - button(14) },
  ]);
}

/** Everything added, within -1…1 and to a thousandth. */
export function sumOfCommands(commands: readonly DriveCommand[]): DriveCommand {
  const total = (part: keyof DriveCommand) => {
    const sum = commands.reduce((before, command) => before + command[part], 0);
    // + 0 makes the 0 of -0, which JSON and people know no difference of
    return Math.round(Math.max(-1, Math.min(1, sum)) * 1000) / 1000 + 0;
  };
  return { forward: total("forward"), leftright: total("leftright") };
}

/** Whether the command says to stand still. */
export function isStill(command: DriveCommand): boolean {
  return command.forward === 0 && command.leftright === 0;
}

function stretch(value: number): number {
  const size = Math.abs(value);
  if (size <= STICK_DEAD_ZONE) return 0;
  return Math.sign(value) * Math.min(1, (size - STICK_DEAD_ZONE) / (1 - STICK_DEAD_ZONE));
}
