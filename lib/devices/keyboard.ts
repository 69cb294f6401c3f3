import { type InputEvent, inputEvent, type InputRecord } from "../wire/evdev.ts";
import { InputDevice, type InputOptions, listInputs, systemInputs } from "./input_device.ts";
import type { InputBackend, InputInfo } from "./input_port.ts";

/**
 * A keyboard that is connected to this computer, also when no window of ours is in front and
 * without any screen: `KEY_A` goes to state 1, to 2 each time it repeats while it is held, and to 0.
 * Keys are told by their place on a US keyboard.
 *
 * It sees everything that is typed, passwords too, so Linux lets only the group "input" read it.
 *
 * ```ts ignore
 * import { Keyboard } from "rtcbot";
 *
 * await using keyboard = new Keyboard({ grab: true }); // the terminal gets nothing of it
 * keyboard.subscribe(({ code, state }) => console.log(code, state)); // KEY_W 1
 * ```
 *
 * Linux only; needs `--allow-ffi`. RTCBot: `Keyboard`.
 */
export class Keyboard extends InputDevice<InputEvent> {
  /**
   * Opens it in the background; `onReady` fires when it is there.
   *
   * @param options see {@linkcode InputOptions}
   * @param backend where devices come from; the system, unless a test says otherwise
   */
  constructor(
    options: InputOptions<InputEvent> = {},
    backend: InputBackend = systemInputs("keyboard"),
  ) {
    super("keyboard", options, backend);
  }

  /**
   * The keyboards that are plugged in, in the order in which `device: 0`, `device: 1` count them.
   * @throws {SystemCallError} when no device may be looked at
   */
  static list(): Promise<InputInfo[]> {
    return listInputs("keyboard", systemInputs("keyboard"));
  }

  /** One record, one event. */
  protected override _translate(record: InputRecord): InputEvent[] {
    return [inputEvent(record)];
  }
}
