import type { InputOptions } from "../devices/input_device.ts";
import { Keyboard } from "../devices/keyboard.ts";
import { codeOf, type InputEvent } from "../wire/evdev.ts";
import { FakeInput } from "./fake_input.ts";

/**
 * A keyboard whose keys a test presses.
 *
 * ```ts
 * import { FakeKeyboard } from "rtcbot/testing";
 * import assert from "node:assert/strict";
 *
 * await using keyboard = new FakeKeyboard();
 * await keyboard.onReady();
 * const key = keyboard.get();
 * keyboard.press("KEY_W");
 * assert.deepEqual({ ...await key, timestamp: 0 }, { timestamp: 0, code: "KEY_W", state: 1, event: "Key" });
 * ```
 */
export class FakeKeyboard extends Keyboard {
  readonly #input: FakeInput;

  /** Plugs one in and opens it. @param options those of `Keyboard` */
  constructor(options: InputOptions<InputEvent> = {}) {
    // KEY_ESC to KEY_COMPOSE, the keys of a PC (linux/input-event-codes.h)
    const keys = new Set(Array.from({ length: codeOf("KEY_COMPOSE")!.code }, (_, i) => i + 1));
    const info = {
      path: "/dev/input/event1",
      name: "Fake keyboard",
      kinds: ["keyboard"],
      vendor: 0,
      product: 0,
      serial: "",
      rumble: false,
    } as const;
    const input = new FakeInput({ info, keys, axes: new Map() }, () => Date.now() / 1000);
    super(options, input);
    this.#input = input;
  }

  /** Presses a key, by its kernel name. */
  press(key: string): void {
    this.#input.act([[key, 1]]);
  }

  /** Makes a held key repeat once, as the kernel does thirty times a second. */
  repeat(key: string): void {
    this.#input.act([[key, 2]]);
  }

  /** Lets a key go. */
  release(key: string): void {
    this.#input.act([[key, 0]]);
  }

  /** Does several things at one moment, each as a code and its value. */
  act(...changes: (readonly [code: string, value: number])[]): void {
    this.#input.act(changes);
  }

  /** Pulls the plug. */
  unplug(): void {
    this.#input.unplug();
  }

  /** Takes away the right to read it, until it is plugged in again. */
  deny(): void {
    this.#input.deny();
  }

  /** Plugs it in again. */
  plugIn(): void {
    this.#input.plugIn();
  }
}
