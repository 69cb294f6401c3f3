import assert from "node:assert/strict";
import { codeOf } from "../../lib/wire/evdev.ts";
import { type AxisRange, PadReader } from "../../lib/wire/evdev_pad.ts";

const n = (name: string) => codeOf(name)!.code;
const STICK = { minimum: -32768, maximum: 32767, flat: 128 };
const BYTE = { minimum: 0, maximum: 255, flat: 0 };
const HAT = { minimum: -1, maximum: 1, flat: 0 };

function pad(
  axes: Record<string, AxisRange>,
  keys: string[] = ["BTN_SOUTH", "BTN_NORTH", "BTN_WEST"],
  { vendor = 0x045e, deadZone }: { vendor?: number; deadZone?: number } = {},
) {
  const parts = {
    keys: new Set(keys.map(n)),
    axes: new Map(Object.entries(axes).map(([name, range]) => [n(name), range] as const)),
    vendor,
  };
  const reader = new PadReader(parts, deadZone);
  const at = (down: string[], places: Record<string, number>) => ({
    down: new Set(down.map(n)),
    axes: new Map([
      ...reader.rest(),
      ...Object.entries(places).map(([name, place]) => [n(name), place] as const),
    ]),
  });
  return { reader, at };
}

Deno.test("PadReader.state() reaches -1, 0 and 1 exactly and nothing beyond", () => {
  const { reader, at } = pad({ ABS_X: STICK, ABS_Y: BYTE });
  const x = (place: number) => reader.state(at([], { ABS_X: place })).ABS_X!;
  assert.equal(x(-32768), -1);
  assert.equal(x(32767), 1);
  assert.equal(x(99999), 1, "beyond its own range");
  for (const rest of [-128, -1, 0, 127]) assert.equal(x(rest), 0);
  assert.ok(x(200) > 0 && x(200) < 0.01);
  for (let place = -32767; place < 32767; place += 97) assert.ok(x(place) <= x(place + 97));
  const y = (place: number) => reader.state(at([], { ABS_Y: place })).ABS_Y;
  assert.deepEqual([0, 127, 128, 255].map(y), [-1, 0, 0, 1]);
});

Deno.test("PadReader takes a dead zone instead of the driver's", () => {
  const { reader, at } = pad({ ABS_X: STICK }, [], { deadZone: 0.5 });
  const x = (place: number) => reader.state(at([], { ABS_X: place })).ABS_X!;
  assert.equal(x(16000), 0);
  assert.equal(x(32767), 1);
  assert.ok(Math.abs(x(24575) - 0.5) < 0.001, "half of what is left");
});

Deno.test("PadReader finds triggers and the right stick on every kind of pad", () => {
  const both = { ABS_X: BYTE, ABS_Y: BYTE };
  const xbox = pad({ ...both, ABS_RX: BYTE, ABS_RY: BYTE, ABS_Z: BYTE, ABS_RZ: BYTE });
  const page = xbox.reader.pageState(xbox.at([], { ABS_Z: 255, ABS_RX: 255 }));
  assert.deepEqual([page.btn6, page.btn7, page.axis2, page.axis3], [true, false, 1, 0]);
  assert.equal(xbox.reader.state(xbox.at([], { ABS_RZ: 51 })).ABS_RZ, 0.2);

  const plain = pad({ ...both, ABS_Z: BYTE, ABS_RZ: BYTE }, ["BTN_SOUTH", "BTN_TL2"]);
  const tilted = plain.reader.pageState(plain.at(["BTN_TL2"], { ABS_Z: 0 }));
  assert.deepEqual([tilted.btn6, tilted.axis2, tilted.axis3], [true, -1, 0]);

  const bluetooth = pad({ ...both, ABS_Z: BYTE, ABS_RZ: BYTE, ABS_GAS: BYTE, ABS_BRAKE: BYTE });
  const pulled = bluetooth.reader.pageState(bluetooth.at([], { ABS_GAS: 200, ABS_RZ: 255 }));
  assert.deepEqual([pulled.btn6, pulled.btn7, pulled.axis3], [false, true, 1]);
});

Deno.test("PadReader gives the cross as buttons, whether it is axes or buttons", () => {
  const axes = pad({ ABS_HAT0X: HAT, ABS_HAT0Y: HAT });
  const up = axes.at([], { ABS_HAT0Y: -1, ABS_HAT0X: 1 });
  const state = axes.reader.state(up);
  const names = ["BTN_DPAD_UP", "BTN_DPAD_DOWN", "BTN_DPAD_LEFT", "BTN_DPAD_RIGHT"] as const;
  assert.deepEqual(names.map((name) => state[name]), [true, false, false, true]);
  const page = axes.reader.pageState(up);
  assert.deepEqual([page.btn12, page.btn13, page.btn14, page.btn15], [true, false, false, true]);

  const buttons = pad({}, [...names]);
  const left = buttons.at(["BTN_DPAD_LEFT"], {});
  assert.equal(buttons.reader.state(left).BTN_DPAD_LEFT, true);
  assert.equal(buttons.reader.pageState(left).btn14, true);
});

Deno.test("PadReader.pageState() has button 2 in the west on Xbox's and on Sony's pads", () => {
  const xbox = pad({});
  const x = xbox.reader.pageState(xbox.at(["BTN_NORTH"], {})); // BTN_X is BTN_NORTH's number
  assert.deepEqual([x.btn2, x.btn3], [true, false]);
  const sony = pad({}, undefined, { vendor: 0x054c });
  const square = sony.reader.pageState(sony.at(["BTN_WEST"], {}));
  assert.deepEqual([square.btn2, square.btn3], [true, false]);
});

Deno.test("PadReader survives an axis without a range", () => {
  const { reader, at } = pad({ ABS_X: { minimum: 0, maximum: 0, flat: 0 } });
  assert.equal(reader.state(at([], { ABS_X: 5 })).ABS_X, 0);
  assert.deepEqual(Object.keys(reader.pageState(at([], {}))).length, 21);
});
