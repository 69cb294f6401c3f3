/**
 * What an input device is, told from what it can do, by the rules of udev's `input_id` (systemd,
 * src/udev/udev-builtin-input_id.c): no device says of itself "I am a gamepad".
 */

import { EVDEV_CODES } from "./evdev_codes.generated.ts";

/** The devices that programs ask for. Joysticks, wheels and dance mats are gamepads too. */
export type InputKind = "gamepad" | "keyboard" | "mouse";

/** The numbers of what a device can do, as EVIOCGBIT and EVIOCGPROP tell. */
export interface InputCapabilities {
  /** Keys and buttons. */
  readonly keys: ReadonlySet<number>;
  /** Axes with a position. */
  readonly absolute: ReadonlySet<number>;
  /** Axes that only move. */
  readonly relative: ReadonlySet<number>;
  /** `INPUT_PROP_…`. */
  readonly properties: ReadonlySet<number>;
}

const INPUT_PROP_DIRECT = 0x01; // linux/input-event-codes.h
const INPUT_PROP_POINTING_STICK = 0x05;
const INPUT_PROP_ACCELEROMETER = 0x06;

const code = (name: string): number => EVDEV_CODES[name]!;
const range = (first: string, last: string): number[] =>
  Array.from({ length: code(last) - code(first) + 1 }, (_, i) => code(first) + i);

/** From trigger to the last thumb, and what was added since. */
const PAD_BUTTONS = [
  ...range("BTN_TRIGGER", "BTN_THUMBR"),
  ...range("BTN_TRIGGER_HAPPY1", "BTN_TRIGGER_HAPPY40"),
  ...range("BTN_DPAD_UP", "BTN_DPAD_RIGHT"),
];
const PAD_AXES = range("ABS_RX", "ABS_HAT3Y");
/** A device with so many of the keys that every keyboard has is one, even with a joystick's button. */
const KEYBOARD_KEYS = ["LEFTCTRL", "CAPSLOCK", "NUMLOCK", "INSERT", "MUTE", "CALC", "FILE", "MAIL"]
  .concat("PLAYPAUSE", "BRIGHTNESSDOWN").map((key) => code(`KEY_${key}`));
const TOUCHING = ["BTN_TOUCH", "BTN_TOOL_FINGER", "BTN_TOOL_PEN", "BTN_STYLUS"].map(code);
/** Escape, the digits, and the keys from Q to S: all of them make a keyboard for people. */
const FULL_KEYBOARD = range("KEY_ESC", "KEY_S");

/** What the device is: none of them (a power button), one, or several (a keyboard with a track point). */
export function inputKinds(device: InputCapabilities): InputKind[] {
  const { keys, absolute, relative, properties } = device;
  if (properties.has(INPUT_PROP_ACCELEROMETER)) return []; // the motion sensor inside a gamepad
  const kinds: InputKind[] = [];
  const count = (all: readonly number[], of: ReadonlySet<number>) =>
    all.filter((each) => of.has(each)).length;
  const full = FULL_KEYBOARD.every((key) => keys.has(key));
  const absoluteXY = absolute.has(code("ABS_X")) && absolute.has(code("ABS_Y"));
  const touching = TOUCHING.some((each) => keys.has(each)) || properties.has(INPUT_PROP_DIRECT);
  const controls = count(PAD_BUTTONS, keys) + count(PAD_AXES, absolute);
  const mouseButton = keys.has(code("BTN_LEFT"));
  const relativeXY = relative.has(code("REL_X")) && relative.has(code("REL_Y"));

  const manyKeys = full || count(KEYBOARD_KEYS, keys) >= 4;
  const isPad = controls >= 2 && !manyKeys && !touching && !mouseButton &&
    (absoluteXY || count(PAD_BUTTONS, keys) > 0);
  if (isPad) kinds.push("gamepad");
  if (full) kinds.push("keyboard");
  const pointer = relativeXY || (absoluteXY && !touching && !isPad);
  if (pointer && (mouseButton || properties.has(INPUT_PROP_POINTING_STICK))) kinds.push("mouse");
  return kinds;
}
