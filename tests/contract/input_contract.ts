/** What every gamepad, keyboard and mouse does, real or fake: run on the fakes and on the kernel's. */
import assert from "node:assert/strict";
import type { Gamepad, GamepadEvents, GamepadOptions } from "../../lib/devices/gamepad.ts";
import type { InputOptions } from "../../lib/devices/input_device.ts";
import type { Keyboard } from "../../lib/devices/keyboard.ts";
import type { Mouse } from "../../lib/devices/mouse.ts";
import { DeviceMissing, SubscriptionClosed } from "../../lib/errors.ts";
import type { Source } from "../../lib/subscriptions/types.ts";
import type { InputEvent } from "../../lib/wire/evdev.ts";

/** A hand on a device: what the stage manager of a test can do. Axes are in the kernel's numbers. */
export interface Hand extends Disposable {
  /** Does several things at one moment. */
  act(...changes: (readonly [code: string, value: number])[]): void;
  /** What is done in `action` is lost by the program that reads. */
  drop(action: () => void): void;
  /** Pulls the plug. */
  unplug(): void;
  /** Plugs it in again. */
  plugIn(): void;
}

/** Makes devices, and opens them. */
export interface InputStage {
  /** An Xbox pad: sticks -32768…32767 with flat 128, triggers 0…255, a cross. */
  gamepad<F extends keyof GamepadEvents = "kernel">(
    options?: GamepadOptions<F>,
  ): { hand: Hand; gamepad: Gamepad<F> };
  /** A keyboard. */
  keyboard(options?: InputOptions<InputEvent>): { hand: Hand; keyboard: Keyboard };
  /** A mouse. */
  mouse(options?: InputOptions<InputEvent>): { hand: Hand; mouse: Mouse };
}

const words = ({ code, state, event }: InputEvent) => `${event} ${code} ${state}`;

async function take<T>(source: Source<T>, count: number): Promise<T[]> {
  const all: T[] = [];
  while (all.length < count) all.push(await source.get({ signal: AbortSignal.timeout(20_000) }));
  return all;
}

/** Registers the suite. */
export function inputContract(
  where: string,
  stage: InputStage,
  test: (title: string, body: () => Promise<void>) => void,
): void {
  test(`${where}: Gamepad gives buttons and sticks by the kernel's names`, async () => {
    const { hand, gamepad } = stage.gamepad();
    using _ = hand;
    await using _pad = gamepad;
    await gamepad.onReady();
    const before = Date.now() / 1000;
    const events = gamepad.subscribe();
    hand.act(["BTN_SOUTH", 1], ["ABS_Y", -300]);
    hand.act(["BTN_SOUTH", 0]);
    hand.act(["ABS_X", 20000]);
    const got = await take(events, 4);
    assert.deepEqual(got.map(words), [
      "Key BTN_SOUTH 1",
      "Absolute ABS_Y -300",
      "Key BTN_SOUTH 0",
      "Absolute ABS_X 20000",
    ]);
    assert.equal(got[0]!.timestamp, got[1]!.timestamp);
    for (const { timestamp } of got) {
      assert.ok(timestamp > before - 60 && timestamp < before + 60, `${timestamp}, ${before}`);
    }
  });

  test(`${where}: Gamepad.state is normalised, with dead zones, triggers and the cross`, async () => {
    const { hand, gamepad } = stage.gamepad();
    using _ = hand;
    await using _pad = gamepad;
    assert.deepEqual(gamepad.state, {});
    await gamepad.onReady();
    assert.equal(gamepad.state.ABS_X, 0);
    assert.equal(gamepad.state.BTN_SOUTH, false);
    const events = gamepad.subscribe();
    hand.act(["ABS_X", -32768], ["ABS_Y", 32767], ["ABS_RX", 100], ["ABS_Z", 255]);
    hand.act(["ABS_RZ", 51], ["ABS_HAT0Y", -1], ["BTN_TL", 1]);
    await take(events, 7);
    const { state } = gamepad;
    assert.equal(state.ABS_X, -1);
    assert.equal(state.ABS_Y, 1);
    assert.equal(state.ABS_RX, 0, "the driver's flat is the dead zone");
    assert.equal(state.ABS_Z, 1);
    assert.equal(state.ABS_RZ, 0.2);
    assert.equal(state.BTN_DPAD_UP, true);
    assert.equal(state.BTN_DPAD_DOWN, false);
    assert.equal(state.BTN_TL, true);
  });

  test(`${where}: Gamepad gives a page's events when format is "page"`, async () => {
    const { hand, gamepad } = stage.gamepad({ format: "page", deadZone: 0 });
    using _ = hand;
    await using _pad = gamepad;
    await gamepad.onReady();
    const events = gamepad.subscribe();
    hand.act(["BTN_SOUTH", 1]);
    hand.act(["BTN_NORTH", 1]); // an Xbox pad's X, which lies west
    hand.act(["ABS_HAT0X", 1]);
    hand.act(["ABS_Z", 200]);
    hand.act(["ABS_RY", -32768]);
    hand.act(["BTN_SOUTH", 0]);
    assert.deepEqual(await take(events, 6), [
      { type: "btn0", value: true },
      { type: "btn2", value: true },
      { type: "btn15", value: true },
      { type: "btn6", value: true },
      { type: "axis3", value: -1 },
      { type: "btn0", value: false },
    ]);
    assert.equal(gamepad.state.btn2, true);
    assert.equal(gamepad.state.axis3, -1);
  });

  test(`${where}: Gamepad tells what has changed when events were dropped`, async () => {
    const { hand, gamepad } = stage.gamepad();
    using _ = hand;
    await using _pad = gamepad;
    await gamepad.onReady();
    const events = gamepad.subscribe();
    hand.act(["BTN_EAST", 1]);
    assert.equal(words((await take(events, 1))[0]!), "Key BTN_EAST 1");
    hand.drop(() => {
      hand.act(["BTN_EAST", 0], ["BTN_SOUTH", 1]);
      hand.act(["ABS_X", 1234]);
    });
    const got: string[] = [];
    while (gamepad.state.BTN_EAST || got.at(-1) !== "Absolute ABS_X 1234") {
      got.push(words((await take(events, 1))[0]!));
    }
    const lost = got.indexOf("Sync SYN_DROPPED 0");
    assert.ok(lost >= 0, got.slice(-10).join());
    assert.deepEqual(got.slice(lost + 1), [
      "Key BTN_EAST 0",
      "Key BTN_SOUTH 1",
      "Absolute ABS_X 1234",
    ]);
    assert.equal(gamepad.state.BTN_SOUTH, true);
    hand.act(["BTN_SOUTH", 0]);
    assert.equal(words((await take(events, 1))[0]!), "Key BTN_SOUTH 0");
  });

  test(`${where}: Gamepad lets everything go and fails when it is unplugged`, async () => {
    const { hand, gamepad } = stage.gamepad();
    using _ = hand;
    await gamepad.onReady();
    const events = gamepad.subscribe();
    hand.act(["BTN_SOUTH", 1], ["ABS_Y", -32768]);
    await take(events, 2);
    hand.unplug();
    assert.deepEqual((await take(events, 2)).map(words), ["Key BTN_SOUTH 0", "Absolute ABS_Y 0"]);
    await gamepad;
    assert.ok(gamepad.error instanceof DeviceMissing, String(gamepad.error));
    assert.match(
      gamepad.error.message,
      /^Cannot read ".+" \(\/dev\/input\/event\d+\): it was unplugged; plug/,
    );
    assert.equal(gamepad.device, null);
  });

  test(`${where}: Gamepad comes back after it was unplugged when reconnect is true`, async () => {
    const { hand, gamepad } = stage.gamepad({ reconnect: true });
    using _ = hand;
    await using _pad = gamepad;
    await gamepad.onReady();
    const events = gamepad.subscribe();
    hand.act(["BTN_SOUTH", 1]);
    await take(events, 1);
    hand.unplug();
    assert.equal(words((await take(events, 1))[0]!), "Key BTN_SOUTH 0");
    hand.plugIn();
    const until = performance.now() + 30_000;
    while (gamepad.device === null && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    hand.act(["BTN_START", 1]);
    assert.equal(words((await take(events, 1))[0]!), "Key BTN_START 1");
    assert.equal(gamepad.error, null);
  });

  test(`${where}: Gamepad fails with what is there when there is no such gamepad`, async () => {
    for (const device of [7, "no such name", "/dev/input/event31"]) {
      const { hand, gamepad } = stage.gamepad({ device });
      using _ = hand;
      const error = await gamepad.onError();
      assert.ok(error instanceof DeviceMissing, String(error));
      assert.match(
        error.message,
        /^Cannot open (gamepad (7|"no such name"): there is only ".+";|input device ".+event31": there is no such device)/,
      );
    }
  });

  test(`${where}: Gamepad.close() ends every reader and may be called again`, async () => {
    const { hand, gamepad } = stage.gamepad();
    using _ = hand;
    await gamepad.onReady();
    const waiting = assert.rejects(gamepad.get(), SubscriptionClosed);
    await Promise.all([gamepad.close(), gamepad.close()]);
    await waiting;
    assert.equal(gamepad.error, null);
    await assert.rejects(gamepad.rumble({ strong: 1 }), SubscriptionClosed);
  });

  test(`${where}: Keyboard gives keys down, repeated and up`, async () => {
    const { hand, keyboard } = stage.keyboard({ grab: true });
    using _ = hand;
    await using _keys = keyboard;
    await keyboard.onReady();
    assert.deepEqual(keyboard.device?.kinds, ["keyboard"]);
    const events = keyboard.subscribe();
    hand.act(["KEY_W", 1]);
    hand.act(["KEY_W", 2]);
    hand.act(["KEY_W", 0]);
    assert.deepEqual((await take(events, 3)).map(words), [
      "Key KEY_W 1",
      "Key KEY_W 2",
      "Key KEY_W 0",
    ]);
  });

  test(`${where}: Mouse gives movement, buttons and SYN_REPORT when the filter lets it`, async () => {
    const { hand, mouse } = stage.mouse({ eventFilter: ({ event }) => event !== "Misc" });
    using _ = hand;
    await using _mouse = mouse;
    await mouse.onReady();
    const events = mouse.subscribe();
    hand.act(["REL_X", 2], ["REL_Y", -3]);
    hand.act(["MSC_SCAN", 0x90001], ["BTN_LEFT", 1]);
    assert.deepEqual((await take(events, 5)).map(words), [
      "Relative REL_X 2",
      "Relative REL_Y -3",
      "Sync SYN_REPORT 0",
      "Key BTN_LEFT 1",
      "Sync SYN_REPORT 0",
    ]);
  });
}
