import { type InputEvent, inputEvent, type InputRecord } from "../wire/evdev.ts";
import { InputDevice, type InputOptions, listInputs, systemInputs } from "./input_device.ts";
import type { InputBackend, InputInfo } from "./input_port.ts";

/**
 * A mouse that is connected to this computer: `REL_X` and `REL_Y` say how far it moved (right and
 * down are positive), `REL_WHEEL` how far its wheel was turned, `BTN_LEFT` and its like are pressed.
 *
 * ```ts ignore
 * import { Mouse } from "rtcbot";
 *
 * await using mouse = new Mouse();
 * for await (const event of mouse) {
 *   console.log(event); // { timestamp: 1552629001.833567, code: "REL_X", state: 1, event: "Relative" }
 * }
 * ```
 *
 * Linux only; needs `--allow-ffi`. RTCBot: `Mouse`.
 */
export class Mouse extends InputDevice<InputEvent> {
  /**
   * Opens it in the background; `onReady` fires when it is there.
   *
   * @param options see {@linkcode InputOptions}
   * @param backend where devices come from; the system, unless a test says otherwise
   */
  constructor(
    options: InputOptions<InputEvent> = {},
    backend: InputBackend = systemInputs("mouse"),
  ) {
    super("mouse", options, backend);
  }

  /**
   * The mice that are plugged in, in the order in which `device: 0`, `device: 1` count them.
   * @throws {SystemCallError} when no device may be looked at
   */
  static list(): Promise<InputInfo[]> {
    return listInputs("mouse", systemInputs("mouse"));
  }

  /** One record, one event. */
  protected override _translate(record: InputRecord): InputEvent[] {
    return [inputEvent(record)];
  }
}
