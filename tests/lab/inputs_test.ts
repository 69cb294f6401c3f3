/**
 * Gamepad, Keyboard and Mouse against the kernel's own input layer, with devices made through /dev/uinput.
 *
 * Runs as root in the lab's virtual machine (`deno task lab`), or wherever /dev/uinput may be used.
 */
import assert from "node:assert/strict";
import { Gamepad, type GamepadEvents, type GamepadOptions } from "../../lib/devices/gamepad.ts";
import { Keyboard } from "../../lib/devices/keyboard.ts";
import { Mouse } from "../../lib/devices/mouse.ts";
import { DeviceBusy } from "../../lib/errors.ts";
import { EVDEV_CODES } from "../../lib/wire/evdev_codes.generated.ts";
import { type Hand, inputContract } from "../contract/input_contract.ts";
import { lab as labTest } from "./lab.ts";
import { UinputDevice, uinputHere, type UinputOptions } from "./uinput.ts";

const here = uinputHere();
const lab = (title: string, fn: () => Promise<void>) => labTest(title, fn, here);

const STICK = { minimum: -32768, maximum: 32767, flat: 128 };
const TRIGGER = { minimum: 0, maximum: 255 };
const HAT = { minimum: -1, maximum: 1 };
let made = 0;

const pad = (name = `Lab pad ${++made}`): UinputOptions => ({
  name,
  codes: [
    ...["BTN_SOUTH", "BTN_EAST", "BTN_NORTH", "BTN_WEST", "BTN_TL", "BTN_TR"],
    ...["BTN_SELECT", "BTN_START", "BTN_MODE", "BTN_THUMBL", "BTN_THUMBR"],
  ],
  axes: {
    ...{ ABS_X: STICK, ABS_Y: STICK, ABS_RX: STICK, ABS_RY: STICK },
    ...{ ABS_Z: TRIGGER, ABS_RZ: TRIGGER, ABS_HAT0X: HAT, ABS_HAT0Y: HAT },
  },
  rumble: true,
});
const keys = (name = `Lab keys ${++made}`): UinputOptions => ({
  name,
  codes: Object.keys(EVDEV_CODES).filter((key) =>
    key.startsWith("KEY_") && EVDEV_CODES[key]! > 0 && EVDEV_CODES[key]! < 128
  ),
});
const mouse = (name = `Lab mouse ${++made}`): UinputOptions => ({
  name,
  codes: ["REL_X", "REL_Y", "REL_WHEEL", "BTN_LEFT", "BTN_RIGHT", "BTN_MIDDLE", "MSC_SCAN"],
});

/** More than the kernel keeps for one reader: eight packets of a pad, and 64 records at least. */
const FLOOD = 600;

function handOf(options: UinputOptions, filler: string): Hand {
  let device = new UinputDevice(options);
  return {
    act: (...changes) => device.act(...changes),
    drop(action) {
      for (let i = 0; i < FLOOD; i++) device.act([filler, 1 - i % 2]);
      action();
    },
    unplug: () => device[Symbol.dispose](),
    plugIn: () => device = new UinputDevice(options),
    [Symbol.dispose]: () => device[Symbol.dispose](),
  };
}

inputContract("the kernel", {
  gamepad<F extends keyof GamepadEvents = "kernel">(options?: GamepadOptions<F>) {
    const what = pad();
    const hand = handOf(what, "BTN_MODE");
    return { hand, gamepad: new Gamepad<F>({ device: what.name, ...options }) };
  },
  keyboard(options) {
    const what = keys();
    const hand = handOf(what, "KEY_A");
    return { hand, keyboard: new Keyboard({ device: what.name, ...options }) };
  },
  mouse(options) {
    const what = mouse();
    const hand = handOf(what, "BTN_MIDDLE");
    return { hand, mouse: new Mouse({ device: what.name, ...options }) };
  },
}, lab);

lab(
  "the kernel: list() tells pads, keyboards and mice apart, beside the machine's own",
  async () => {
    using _pad = new UinputDevice(pad("Apart pad"));
    using _keys = new UinputDevice(keys("Apart keys"));
    using _mouse = new UinputDevice(mouse("Apart mouse"));
    using _button = new UinputDevice({ name: "Apart power button", codes: ["KEY_POWER"] });
    const names = async (list: Promise<{ name: string }[]>) =>
      (await list).map(({ name }) => name).filter((name) => name.startsWith("Apart"));
    assert.deepEqual(await names(Gamepad.list()), ["Apart pad"]);
    assert.deepEqual(await names(Keyboard.list()), ["Apart keys"]);
    assert.deepEqual(await names(Mouse.list()), ["Apart mouse"]);
    const [info] = (await Gamepad.list()).filter(({ name }) => name === "Apart pad");
    assert.match(info!.path, /^\/dev\/input\/event\d+$/);
    assert.deepEqual([info!.vendor, info!.product, info!.rumble], [0x045e, 0x028e, true]);
  },
);

lab("the kernel: Gamepad rumbles with what was asked for, again, and stops", async () => {
  using device = new UinputDevice(pad("Rumbling pad"));
  await using gamepad = new Gamepad({ device: "rumbling" });
  await gamepad.onReady();
  const first = device.feel(2);
  assert.equal(await gamepad.rumble({ strong: 1, weak: 0.5, durationMs: 400 }), true);
  assert.deepEqual(await first, [
    { strong: 0xffff, weak: 0x8000, durationMs: 400 },
    { playing: true },
  ]);
  const second = device.feel(2);
  assert.equal(await gamepad.rumble(), true);
  assert.deepEqual(await second, [{ strong: 0, weak: 0, durationMs: 200 }, { playing: false }]);
  const end = device.feel(2); // the kernel makes a driver forget what a program has left
  await gamepad.close();
  assert.deepEqual(await end, [{ playing: false }, { erased: true }]);
});

lab("the kernel: Gamepad knows what is held before it begins", async () => {
  using device = new UinputDevice(pad("Held pad"));
  device.act(["BTN_SOUTH", 1], ["ABS_X", 32767]);
  await using gamepad = new Gamepad({ device: "held pad" });
  await gamepad.onReady();
  assert.equal(gamepad.state.BTN_SOUTH, true);
  assert.equal(gamepad.state.ABS_X, 1);
});

lab(
  "the kernel: Gamepad is at rest before the first report of a pad whose sticks begin at 0",
  async () => {
    const byte = { minimum: 0, maximum: 255 };
    using device = new UinputDevice({ ...pad("Silent pad"), axes: { ABS_X: byte, ABS_Y: byte } });
    await using gamepad = new Gamepad({ device: "silent pad" });
    await gamepad.onReady();
    assert.deepEqual([gamepad.state.ABS_X, gamepad.state.ABS_Y], [0, 0]);
    const event = gamepad.get();
    device.act(["ABS_Y", 255]);
    assert.equal((await event).code, "ABS_Y");
    assert.deepEqual([gamepad.state.ABS_X, gamepad.state.ABS_Y], [0, 1]);
  },
);

lab("the kernel: Keyboard with grab keeps the keys from others", async () => {
  using device = new UinputDevice(keys("Grabbed keys"));
  await using mine = new Keyboard({ device: "grabbed", grab: true });
  await mine.onReady();
  await using other = new Keyboard({ device: "grabbed", grab: true });
  const error = await other.onError();
  assert.ok(error instanceof DeviceBusy, String(error));
  assert.match(error.message, /another program has grabbed it \(EBUSY\); end that program/);
  await using listener = new Keyboard({ device: "grabbed" });
  await listener.onReady();
  let heard = 0;
  listener.subscribe(() => heard++);
  const key = mine.get();
  device.act(["KEY_Q", 1]);
  assert.equal((await key).code, "KEY_Q");
  await mine.close(); // and lets go of it
  const late = listener.get();
  device.act(["KEY_E", 1]);
  assert.equal((await late).code, "KEY_E");
  assert.equal(heard, 1);
});

lab("the kernel: an event reaches its subscriber soon (figure)", async () => {
  using device = new UinputDevice(pad("Quick pad"));
  await using gamepad = new Gamepad({ device: "quick pad" });
  await gamepad.onReady();
  const events = gamepad.subscribe();
  const took: number[] = [];
  for (let i = 1; i <= 200; i++) {
    const begin = performance.now();
    device.act(["ABS_X", i]);
    await events.get();
    took.push(performance.now() - begin);
  }
  took.sort((a, b) => a - b);
  console.log(
    `kernel to subscriber: p50 ${took[100]!.toFixed(2)} ms, p95 ${took[190]!.toFixed(2)} ms`,
  );
  assert.ok(took[100]! < 1000);
});
