import type { InputOptions } from "../devices/input_device.ts";
import { Mouse } from "../devices/mouse.ts";
import { codeOf, type InputEvent } from "../wire/evdev.ts";
import { FakeInput } from "./fake_input.ts";

/** What a USB mouse's driver tells before each button: which usage of HID it was (page 9, from 1). */
const SCAN_CODES: Readonly<Record<string, number>> = {
  BTN_LEFT: 0x90001,
  BTN_RIGHT: 0x90002,
  BTN_MIDDLE: 0x90003,
};

/**
 * A mouse that a test moves.
 *
 * ```ts
 * import { FakeMouse } from "rtcbot/testing";
 * import assert from "node:assert/strict";
 *
 * await using mouse = new FakeMouse();
 * await mouse.onReady();
 * const moved = mouse.get();
 * mouse.move(2, 0);
 * assert.equal((await moved).code, "REL_X");
 * ```
 */
export class FakeMouse extends Mouse {
  readonly #input: FakeInput;

  /** Plugs one in and opens it. @param options those of `Mouse` */
  constructor(options: InputOptions<InputEvent> = {}) {
    const keys = new Set(Object.keys(SCAN_CODES).map((name) => codeOf(name)!.code));
    const info = {
      path: "/dev/input/event2",
      name: "Fake mouse",
      kinds: ["mouse"],
      vendor: 0,
      product: 0,
      serial: "",
      rumble: false,
    } as const;
    const input = new FakeInput({ info, keys, axes: new Map() }, () => Date.now() / 1000);
    super(options, input);
    this.#input = input;
  }

  /** Moves it: right and down are positive. */
  move(x: number, y: number): void {
    const moves: [string, number][] = [["REL_X", x], ["REL_Y", y]];
    this.#input.act(moves.filter(([, by]) => by !== 0));
  }

  /** Turns its wheel: up is positive. */
  scroll(by: number): void {
    if (by !== 0) this.#input.act([["REL_WHEEL", by]]);
  }

  /** Presses `BTN_LEFT`, `BTN_RIGHT` or `BTN_MIDDLE`. */
  press(button: string): void {
    this.#input.act([["MSC_SCAN", SCAN_CODES[button] ?? 0], [button, 1]]);
  }

  /** Lets a button go. */
  release(button: string): void {
    this.#input.act([["MSC_SCAN", SCAN_CODES[button] ?? 0], [button, 0]]);
  }

  /** Does several things at one moment, each as a code and its value. */
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
