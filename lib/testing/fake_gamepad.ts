import { Gamepad, type GamepadEvents, type GamepadOptions } from "../devices/gamepad.ts";
import { codeOf } from "../wire/evdev.ts";
import { type AxisRange, PadReader } from "../wire/evdev_pad.ts";
import { FakeInput, type FakeRumble } from "./fake_input.ts";

const BUTTONS = [
  ...["BTN_SOUTH", "BTN_EAST", "BTN_NORTH", "BTN_WEST", "BTN_TL", "BTN_TR"],
  ...["BTN_SELECT", "BTN_START", "BTN_MODE", "BTN_THUMBL", "BTN_THUMBR"],
];
const STICK: AxisRange = { minimum: -32768, maximum: 32767, flat: 128 };
const TRIGGER: AxisRange = { minimum: 0, maximum: 255, flat: 0 };
const HAT: AxisRange = { minimum: -1, maximum: 1, flat: 0 };
const AXES: Readonly<Record<string, AxisRange>> = {
  ABS_X: STICK,
  ABS_Y: STICK,
  ABS_RX: STICK,
  ABS_RY: STICK,
  ABS_Z: TRIGGER,
  ABS_RZ: TRIGGER,
  ABS_HAT0X: HAT,
  ABS_HAT0Y: HAT,
};

/** Options of {@linkcode FakeGamepad}: those of `Gamepad`, and how it begins. */
export interface FakeGamepadOptions<F extends keyof GamepadEvents = "kernel">
  extends GamepadOptions<F> {
  /** Whether it is plugged in at first. @default {true} */
  plugged?: boolean;
}

/**
 * An Xbox controller as Linux tells of it, used by a test instead of by hands.
 *
 * ```ts
 * import { FakeGamepad } from "rtcbot/testing";
 * import assert from "node:assert/strict";
 *
 * await using gamepad = new FakeGamepad();
 * await gamepad.onReady();
 * const event = gamepad.get();
 * gamepad.press("BTN_SOUTH");
 * assert.equal((await event).code, "BTN_SOUTH");
 * assert.equal(gamepad.state.BTN_SOUTH, true);
 * ```
 */
export class FakeGamepad<F extends keyof GamepadEvents = "kernel"> extends Gamepad<F> {
  readonly #input: FakeInput;

  /** Plugs one in and opens it. @param options see {@linkcode FakeGamepadOptions} */
  constructor(options: FakeGamepadOptions<F> = {}) {
    const { plugged = true, ...rest } = options;
    const input = fakePad();
    if (!plugged) input.unplug();
    super(rest, input);
    this.#input = input;
  }

  /** Every rumble so far. */
  get rumbles(): readonly FakeRumble[] {
    return this.#input.rumbles;
  }

  /** Presses a button, by its kernel name. */
  press(button: string): void {
    this.#input.act([[button, 1]]);
  }

  /** Lets a button go. */
  release(button: string): void {
    this.#input.act([[button, 0]]);
  }

  /** Moves axes: sticks and the cross (`ABS_HAT0X`) from -1 to 1, triggers (`ABS_Z`, `ABS_RZ`) from 0 to 1. */
  move(axes: Readonly<Record<string, number>>): void {
    this.#input.act(
      Object.entries(axes).map(([axis, part]) => {
        const { minimum, maximum } = AXES[axis] ?? STICK;
        return [axis, part < 0 ? Math.round(-part * minimum) : Math.round(part * maximum)] as const;
      }),
    );
  }

  /** What is done in `action` is lost, as when the program was too slow for the kernel's buffer. */
  drop(action: () => void): void {
    this.#input.drop(action);
  }

  /** Does several things at one moment, each as a code and its value in the kernel's numbers. */
  act(...changes: (readonly [code: string, value: number])[]): void {
    this.#input.act(changes);
  }

  /** Pulls the plug. */
  unplug(): void {
    this.#input.unplug();
  }

  /** Plugs it in again. */
  plugIn(): void {
    this.#input.plugIn();
  }
}

function fakePad(): FakeInput {
  const keys = new Set(BUTTONS.map((name) => codeOf(name)!.code));
  const axes = new Map(
    Object.entries(AXES).map(([name, range]) => [codeOf(name)!.code, range] as const),
  );
  const vendor = 0x045e; // Microsoft
  const info = {
    path: "/dev/input/event0",
    name: "Fake X-Box 360 pad",
    kinds: ["gamepad"],
    vendor,
    product: 0x028e,
    serial: "",
    rumble: true,
  } as const;
  const rest = new PadReader({ keys, axes, vendor }).rest();
  return new FakeInput({ info, keys, axes, rest }, () => Date.now() / 1000);
}
