import assert from "node:assert/strict";
import { codeOf } from "../../lib/wire/evdev.ts";
import { inputKinds } from "../../lib/wire/evdev_kinds.ts";

const numbers = (first: string, last: string) => {
  const [from, to] = [codeOf(first)!.code, codeOf(last)!.code];
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
};
const codes = (...names: string[]) => names.map((name) => codeOf(name)!.code);

function kinds(
  { keys = [], abs = [], rel = [], props = [] }: Partial<
    Record<"keys" | "abs" | "rel" | "props", number[]>
  >,
) {
  return inputKinds({
    keys: new Set(keys),
    absolute: new Set(abs),
    relative: new Set(rel),
    properties: new Set(props),
  });
}

const XY = codes("ABS_X", "ABS_Y");
const FULL = numbers("KEY_ESC", "KEY_COMPOSE");

const DEVICES: [string, Parameters<typeof kinds>[0], string[]][] = [
  ["an Xbox pad", {
    keys: numbers("BTN_SOUTH", "BTN_THUMBR"),
    abs: [...XY, ...codes("ABS_Z", "ABS_RX", "ABS_RY", "ABS_RZ", "ABS_HAT0X", "ABS_HAT0Y")],
  }, ["gamepad"]],
  ["a joystick with two buttons", { keys: codes("BTN_TRIGGER", "BTN_THUMB"), abs: XY }, [
    "gamepad",
  ]],
  ["a dance mat without axes", { keys: numbers("BTN_SOUTH", "BTN_TR") }, ["gamepad"]],
  [
    "the motion sensor of a DualShock",
    { abs: [...XY, ...codes("ABS_RX", "ABS_RY")], props: [6] },
    [],
  ],
  ["the touchpad of a DualShock", {
    keys: codes("BTN_LEFT", "BTN_TOOL_FINGER", "BTN_TOUCH"),
    abs: XY,
    props: [0],
  }, []],
  ["a keyboard", { keys: FULL }, ["keyboard"]],
  ["the volume keys of a keyboard", { keys: codes("KEY_VOLUMEUP", "KEY_MUTE") }, []],
  ["a power button", { keys: codes("KEY_POWER") }, []],
  ["a keyboard with a joystick's axes", {
    keys: [...FULL, ...codes("BTN_TRIGGER", "BTN_THUMB")],
    abs: [...XY, ...codes("ABS_RX")],
  }, ["keyboard"]],
  ["a mouse", { keys: codes("BTN_LEFT", "BTN_RIGHT"), rel: codes("REL_X", "REL_Y", "REL_WHEEL") }, [
    "mouse",
  ]],
  ["a mouse with a joystick's buttons", {
    keys: [...codes("BTN_LEFT"), ...numbers("BTN_TRIGGER_HAPPY1", "BTN_TRIGGER_HAPPY4")],
    rel: codes("REL_X", "REL_Y"),
  }, ["mouse"]],
  ["a virtual machine's mouse", { keys: codes("BTN_LEFT", "BTN_RIGHT"), abs: XY }, ["mouse"]],
  ["a keyboard with a touch ball", {
    keys: [...FULL, ...codes("BTN_LEFT")],
    rel: codes("REL_X", "REL_Y"),
  }, ["keyboard", "mouse"]],
  ["a touch screen", { keys: codes("BTN_TOUCH"), abs: XY, props: [1] }, []],
  ["nothing", {}, []],
];

for (const [what, device, expected] of DEVICES) {
  Deno.test(`inputKinds() says what ${what} is`, () => {
    assert.deepEqual(kinds(device), expected);
  });
}
