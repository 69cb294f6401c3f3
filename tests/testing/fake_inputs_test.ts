import assert from "node:assert/strict";
import type { GamepadEvents, GamepadOptions } from "../../lib/devices/gamepad.ts";
import { DeviceMissing, SystemCallError } from "../../lib/errors.ts";
import { FakeGamepad } from "../../lib/testing/fake_gamepad.ts";
import { FakeKeyboard } from "../../lib/testing/fake_keyboard.ts";
import { FakeMouse } from "../../lib/testing/fake_mouse.ts";
import { type Hand, inputContract } from "../contract/input_contract.ts";

/** The fake is the hand as well as the device. */
function handOf(
  fake: Pick<FakeMouse, "act" | "unplug" | "plugIn"> & Partial<Pick<FakeGamepad, "drop">>,
): Hand {
  return {
    act: (...changes) => fake.act(...changes),
    drop: (action) => fake.drop?.(action),
    unplug: () => fake.unplug(),
    plugIn: () => fake.plugIn(),
    [Symbol.dispose]: () => {},
  };
}

inputContract("the fakes", {
  gamepad<F extends keyof GamepadEvents = "kernel">(options?: GamepadOptions<F>) {
    const gamepad = new FakeGamepad<F>(options);
    return { gamepad, hand: handOf(gamepad) };
  },
  keyboard(options) {
    const keyboard = new FakeKeyboard(options);
    return { keyboard, hand: handOf(keyboard) };
  },
  mouse(options) {
    const mouse = new FakeMouse(options);
    return { mouse, hand: handOf(mouse) };
  },
}, (title, body) => Deno.test(title, body));

Deno.test("FakeGamepad.move() takes parts of the way and press() names", async () => {
  await using gamepad = new FakeGamepad();
  await gamepad.onReady();
  const events = gamepad.subscribe();
  gamepad.move({ ABS_X: -1, ABS_Z: 0.5, ABS_HAT0X: 1 });
  gamepad.press("BTN_A"); // another name of BTN_SOUTH
  const told: string[] = [];
  for (let i = 0; i < 4; i++) {
    const { code, state } = await events.get();
    told.push(`${code} ${state}`);
  }
  assert.deepEqual(told, ["ABS_X -32768", "ABS_Z 128", "ABS_HAT0X 1", "BTN_SOUTH 1"]);
  assert.throws(() => gamepad.press("KEY_A"), {
    name: "RangeError",
    message: 'Cannot use KEY_A: "Fake X-Box 360 pad" has none; use what it has',
  });
});

Deno.test("FakeGamepad that is not plugged in is an error, or waited for", async () => {
  await using missing = new FakeGamepad({ plugged: false });
  const error = await missing.onError();
  assert.ok(error instanceof DeviceMissing);
  assert.equal(
    error.message,
    "Cannot open gamepad: none is connected; " +
      "plug it in, or give reconnect: true to wait for it",
  );
  await using waiting = new FakeGamepad({ plugged: false, reconnect: true });
  assert.equal(waiting.ready, false);
  waiting.plugIn();
  await waiting.onReady();
  assert.equal(waiting.device?.name, "Fake X-Box 360 pad");
});

Deno.test("FakeGamepad.close() ends the wait for a gamepad that never came", async () => {
  const waiting = new FakeGamepad({ plugged: false, reconnect: true });
  await Promise.resolve();
  await waiting.close();
  assert.equal(waiting.error, null);
});

Deno.test("FakeGamepad remembers how it rumbled", async () => {
  await using gamepad = new FakeGamepad();
  assert.equal(await gamepad.rumble({ strong: 1 }), false, "it is not open yet");
  await gamepad.onReady();
  assert.equal(await gamepad.rumble({ strong: 1, weak: 0.5, durationMs: 300 }), true);
  assert.equal(await gamepad.rumble(), true);
  assert.deepEqual(gamepad.rumbles, [
    { strong: 0xffff, weak: 0x8000, durationMs: 300 },
    { strong: 0, weak: 0, durationMs: 200 },
  ]);
  await assert.rejects(gamepad.rumble({ strong: 1.5 }), {
    name: "RangeError",
    message: "Cannot rumble: strong is 1.5; give 0 to 1",
  });
  await assert.rejects(gamepad.rumble({ durationMs: 70_000 }), RangeError);
});

Deno.test("FakeKeyboard that may not be read says which group to join", async () => {
  await using keyboard = new FakeKeyboard({ reconnect: true });
  keyboard.deny(); // before it is opened, which happens in the background
  const error = await keyboard.onError();
  assert.ok(error instanceof SystemCallError);
  assert.equal(error.code, "EACCES");
  assert.equal(
    error.message,
    "Cannot open keyboard: permission denied for /dev/input/event1 (EACCES); " +
      'join the group "input" (sudo usermod -aG input $USER) and log in again',
  );
});

Deno.test("FakeMouse tells the scan code before a button, as USB mice do", async () => {
  await using mouse = new FakeMouse();
  await mouse.onReady();
  const events = mouse.subscribe();
  mouse.press("BTN_LEFT");
  mouse.scroll(-1);
  const [scan, button, wheel] = [await events.get(), await events.get(), await events.get()];
  assert.deepEqual([scan.code, scan.state, scan.event], ["MSC_SCAN", 589825, "Misc"]);
  assert.deepEqual([button.code, button.state, button.event], ["BTN_LEFT", 1, "Key"]);
  assert.deepEqual([wheel.code, wheel.state], ["REL_WHEEL", -1]);
});

Deno.test("Gamepad refuses options that make no sense", () => {
  assert.throws(() => new FakeGamepad({ deadZone: 1 }), {
    message: "Cannot open gamepad: its dead zone is 1; give 0 to below 1",
  });
  assert.throws(() => new FakeGamepad({ device: -1 }), RangeError);
  assert.throws(() => new FakeGamepad({ device: "" }), RangeError);
});
