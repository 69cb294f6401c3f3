/**
 * Where the sticks, triggers and buttons of a gamepad are among the kernel's codes, and what they
 * are called in a browser.
 *
 * The kernel's rules are in Documentation/input/gamepad.rst, the browser's order is the "standard
 * gamepad" of https://www.w3.org/TR/gamepad/#remapping.
 */

import { codeName, EV_ABS, EV_KEY } from "./evdev.ts";
import { EVDEV_CODES } from "./evdev_codes.generated.ts";

/** The range of an axis: `struct input_absinfo` of linux/input.h without its value. */
export interface AxisRange {
  /** The lowest value. */
  readonly minimum: number;
  /** The highest value. */
  readonly maximum: number;
  /** Within so much of the middle, the driver says, the stick is at rest. */
  readonly flat: number;
}

/** What a pad has, and who made it. */
export interface PadParts {
  /** Its buttons, as numbers. */
  readonly keys: ReadonlySet<number>;
  /** Its axes. */
  readonly axes: ReadonlyMap<number, AxisRange>;
  /** The USB number of who made it. */
  readonly vendor: number;
}

/** What a pad is like now. */
export interface PadPosition {
  /** The buttons that are down. */
  readonly down: ReadonlySet<number>;
  /** Where each axis is, in the kernel's numbers. */
  readonly axes: ReadonlyMap<number, number>;
}

/** What everything is, by the kernel's names or by the page's. */
export interface GamepadState {
  /** Sticks from -1 to 1, triggers from 0 to 1. */
  readonly [axis: `ABS_${string}`]: number;
  /** Whether a button is pressed. */
  readonly [button: `BTN_${string}`]: boolean;
  /** Some pads have a key as well. */
  readonly [key: `KEY_${string}`]: boolean;
  /** The page's axes, from -1 to 1. */
  readonly [pageAxis: `axis${number}`]: number;
  /** The page's buttons. */
  readonly [pageButton: `btn${number}`]: boolean;
}

const n = (name: string): number => EVDEV_CODES[name]!;

/** Which code is which part, or -1 where a pad has no such part. */
interface PadLayout {
  readonly right: readonly [x: number, y: number];
  readonly triggers: readonly [left: number, right: number];
}

/** A trigger counts as pressed from here, as in Chromium (30 of 255). */
const TRIGGER_PRESSED = 30 / 255;
const HATS = [n("ABS_HAT0X"), n("ABS_HAT0Y")] as const;
const DPAD = ["BTN_DPAD_UP", "BTN_DPAD_DOWN", "BTN_DPAD_LEFT", "BTN_DPAD_RIGHT"].map(n);
/** Sony and Nintendo name the buttons by their places; others (driver xpad) by Xbox's letters, and X lies west. */
const NAMED_BY_PLACE = new Set([0x054c, 0x057e]);
/** The standard gamepad's buttons 0 to 16, by place. The triggers and the cross may be axes instead. */
const STANDARD = [
  ...["BTN_SOUTH", "BTN_EAST", "BTN_WEST", "BTN_NORTH", "BTN_TL", "BTN_TR", "BTN_TL2", "BTN_TR2"],
  ...["BTN_SELECT", "BTN_START", "BTN_THUMBL", "BTN_THUMBR"],
  ...["BTN_DPAD_UP", "BTN_DPAD_DOWN", "BTN_DPAD_LEFT", "BTN_DPAD_RIGHT", "BTN_MODE"],
].map(n);

function layoutOf({ axes }: PadParts): PadLayout {
  const pair = (x: string, y: string): [number, number] | null =>
    axes.has(n(x)) && axes.has(n(y)) ? [n(x), n(y)] : null;
  const rotated = pair("ABS_RX", "ABS_RY");
  const depth = pair("ABS_Z", "ABS_RZ");
  const pedals = pair("ABS_BRAKE", "ABS_GAS") ?? pair("ABS_HAT2Y", "ABS_HAT2X");
  // With two sticks in X, Y and RX, RY, what is left (Z, RZ) are triggers; without, it is the stick.
  return {
    right: rotated ?? depth ?? [-1, -1],
    triggers: pedals ?? (rotated && depth) ?? [-1, -1],
  };
}

/** Reads positions of one pad. */
export class PadReader {
  readonly #pad: PadParts;
  readonly #layout: PadLayout;
  readonly #deadZone: number | undefined;

  /**
   * @param pad what it has
   * @param deadZone how far from the middle a stick is still at rest, from 0 to 1; what the driver says if left out
   */
  constructor(pad: PadParts, deadZone?: number) {
    this.#pad = pad;
    this.#layout = layoutOf(pad);
    this.#deadZone = deadZone;
  }

  /** Everything under the kernel's names; a cross that is an axis is given as `BTN_DPAD_UP` … too. */
  state(position: PadPosition): GamepadState {
    const state: Record<string, boolean | number> = {};
    for (const key of this.#pad.keys) state[codeName(EV_KEY, key)] = position.down.has(key);
    for (const axis of this.#pad.axes.keys()) {
      state[codeName(EV_ABS, axis)] = this.#axis(axis, position);
    }
    if (this.#pad.axes.has(HATS[0])) {
      DPAD.forEach((key, i) => state[codeName(EV_KEY, key)] = this.#dpad(i, position));
    }
    return state as GamepadState;
  }

  /** Everything in the browser's order: `btn0` … `btn16`, `axis0` … `axis3`. */
  pageState(position: PadPosition): GamepadState {
    const swapped = !NAMED_BY_PLACE.has(this.#pad.vendor);
    const state: Record<string, boolean | number> = {};
    STANDARD.forEach((key, i) => {
      const place = swapped && (i === 2 || i === 3) ? STANDARD[5 - i]! : key;
      const trigger = i === 6 || i === 7 ? this.#layout.triggers[i - 6]! : -1;
      state[`btn${i}`] = position.down.has(place) ||
        (i >= 12 && i <= 15 && this.#dpad(i - 12, position)) ||
        (trigger >= 0 && this.#axis(trigger, position) >= TRIGGER_PRESSED);
    });
    [n("ABS_X"), n("ABS_Y"), ...this.#layout.right].forEach((axis, i) =>
      state[`axis${i}`] = this.#axis(axis, position)
    );
    return state as GamepadState;
  }

  /** Where every axis is when nobody touches the pad. */
  rest(): Map<number, number> {
    return new Map([...this.#pad.axes].map(([axis, { minimum, maximum }]) =>
      [
        axis,
        this.#layout.triggers.includes(axis) ? minimum : Math.round((minimum + maximum) / 2),
      ] as const
    ));
  }

  #dpad(i: number, position: PadPosition): boolean {
    if (position.down.has(DPAD[i]!)) return true;
    const along = position.axes.get(HATS[i < 2 ? 1 : 0]) ?? 0;
    return i % 2 === 0 ? along < 0 : along > 0;
  }

  #axis(axis: number, { axes }: PadPosition): number {
    const range = this.#pad.axes.get(axis);
    if (range === undefined) return 0;
    const { minimum, maximum, flat } = range;
    const value = axes.get(axis) ?? 0;
    if (this.#layout.triggers.includes(axis)) return scale(value - minimum, maximum - minimum, 0);
    const half = (maximum - minimum) / 2;
    if ((HATS as readonly number[]).includes(axis)) return scale(value, half, 0);
    const dead = this.#deadZone === undefined ? flat : this.#deadZone * half;
    // The middle of 0…255 is no whole number: half a step beside it is rest as well.
    return scale(value - (minimum + maximum) / 2, half, Math.max(dead, 0.5));
  }
}

/** `offset` as a part of `full`, where nothing up to `dead` counts. */
function scale(offset: number, full: number, dead: number): number {
  const size = Math.abs(offset) - dead;
  return size <= 0 || full <= dead ? 0 : Math.sign(offset) * Math.min(1, size / (full - dead));
}
