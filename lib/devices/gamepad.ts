import {
  EV_SYN,
  type InputEvent,
  inputEvent,
  type InputRecord,
  SYN_REPORT,
} from "../wire/evdev.ts";
import { type GamepadState, PadReader } from "../wire/evdev_pad.ts";
import { InputDevice, type InputOptions, listInputs, systemInputs } from "./input_device.ts";
import type { InputBackend, InputInfo, InputPort } from "./input_port.ts";

/** One button or axis that changed, as the page's `rtcbot.Gamepad` tells it. */
export interface PageGamepadEvent {
  /** `btn0` … `btn16` or `axis0` … `axis3`, in the order of the standard gamepad. */
  type: string;
  /** Whether a button is pressed; -1…1 for an axis, where down and right are positive. */
  value: boolean | number;
}

/** What a {@linkcode Gamepad} gives in each of its formats. */
export interface GamepadEvents {
  /** The kernel's names and numbers, as RTCBot's Python. */
  kernel: InputEvent;
  /** The browser's, as RTCBot's page. */
  page: PageGamepadEvent;
}

/** Options of {@linkcode Gamepad}. */
export interface GamepadOptions<F extends keyof GamepadEvents = "kernel">
  extends InputOptions<GamepadEvents[F]> {
  /**
   * In which words: `"kernel"` for `{timestamp, code, state, event}` with the stick's own numbers, or
   * `"page"` for `{type, value}`, the same as `rtcbot.Gamepad` in the page gives for this controller.
   * @default {"kernel"}
   */
  format?: F;
  /**
   * How far from the middle a stick is still at rest, in `state` and in the page's format: 0.1 is a tenth of the way.
   * @default what the driver says, about 0.004 for an Xbox controller
   */
  deadZone?: number;
}

/** How to rumble. */
export interface Rumble {
  /** The heavy motor, from 0 to 1. @default {0} */
  strong?: number;
  /** The light motor, from 0 to 1. @default {0} */
  weak?: number;
  /** For how long, 65 seconds at most. @default {200} */
  durationMs?: number;
}

/**
 * A game controller that is connected to this computer.
 *
 * ```ts ignore
 * import { Gamepad } from "rtcbot";
 *
 * await using gamepad = new Gamepad();
 * for await (const event of gamepad) {
 *   console.log(event); // { timestamp: 1552629513.7494, code: "BTN_SOUTH", state: 1, event: "Key" }
 * }
 * ```
 *
 * On Linux it needs `--allow-ffi`; on macOS and Windows it reads the pads that it knows through `npm:node-hid`,
 * which needs `--allow-ffi --allow-read` (not tried on hardware there, and without rumble).
 *
 * RTCBot: `Gamepad`.
 */
export class Gamepad<F extends keyof GamepadEvents = "kernel">
  extends InputDevice<GamepadEvents[F]> {
  readonly #deadZone: number | undefined;
  readonly #page: boolean;
  #reader: PadReader | null = null;
  #told: GamepadState = {};

  /**
   * Opens it in the background; `onReady` fires when it is there.
   *
   * @param options see {@linkcode GamepadOptions}
   * @param backend where devices come from; the system, unless a test says otherwise
   * @throws {RangeError} for a dead zone that leaves nothing
   */
  constructor(options: GamepadOptions<F> = {}, backend: InputBackend = systemInputs("gamepad")) {
    const { deadZone, format } = options;
    if (deadZone !== undefined && !(deadZone >= 0 && deadZone < 1)) {
      throw new RangeError(`Cannot open gamepad: its dead zone is ${deadZone}; give 0 to below 1`);
    }
    super("gamepad", options, backend);
    this.#deadZone = deadZone;
    this.#page = format === "page";
  }

  /**
   * The gamepads that are plugged in, in the order in which `device: 0`, `device: 1` count them.
   * @throws {SystemCallError} when no device may be looked at
   */
  static list(): Promise<InputInfo[]> {
    return listInputs("gamepad", systemInputs("gamepad"));
  }

  /**
   * What everything is now; empty while there is no gamepad. Buttons are booleans, sticks go from -1
   * to 1 (right and down are positive) and are 0 within their dead zone, triggers go from 0 to 1. The
   * names are the kernel's (`BTN_SOUTH`, `ABS_X`; the cross is `BTN_DPAD_UP` …), or the page's.
   */
  get state(): GamepadState {
    const open = this._open;
    if (open === null || this.#reader === null) return {};
    return this.#page ? this.#reader.pageState(open.tracker) : this.#reader.state(open.tracker);
  }

  /**
   * Rumbles, in place of what it did before; without magnitudes, it stops.
   *
   * @returns false when this gamepad cannot, or there is none
   * @throws {RangeError} (rejects) for magnitudes beyond 0…1, or more than 65 535 ms
   */
  async rumble({ strong = 0, weak = 0, durationMs = 200 }: Rumble = {}): Promise<boolean> {
    this._refuseIfClosed("rumble with");
    for (const [what, value, most] of [["strong", strong, 1], ["weak", weak, 1]] as const) {
      if (!(value >= 0 && value <= most)) {
        throw new RangeError(`Cannot rumble: ${what} is ${value}; give 0 to ${most}`);
      }
    }
    if (!(durationMs >= 0 && durationMs <= 0xffff)) {
      throw new RangeError(`Cannot rumble: ${durationMs} ms is too long; give 0 to 65535`);
    }
    const magnitude = (part: number) => Math.round(part * 0xffff);
    return await this._open?.port.rumble(magnitude(strong), magnitude(weak), durationMs) ?? false;
  }

  /** Learns where its sticks are. */
  protected override _opened(port: InputPort): void {
    const { keys, axes, info: { vendor } } = port;
    this.#reader = new PadReader({ keys, axes, vendor }, this.#deadZone);
    // At first everything counts as at rest: what is so is no news.
    this.#told = this.#reader.pageState({ down: new Set(), axes: this.#reader.rest() });
  }

  /** Sticks in the middle, triggers not pulled. */
  protected override _rest(): ReadonlyMap<number, number> {
    return this.#reader?.rest() ?? new Map();
  }

  /** In the kernel's words one record is one event; in the page's, all that changed is told together. */
  protected override _translate(record: InputRecord): GamepadEvents[F][] {
    if (!this.#page) return [inputEvent(record) as GamepadEvents[F]];
    if (record.type !== EV_SYN || record.code !== SYN_REPORT) return [];
    const before = new Map<string, unknown>(Object.entries(this.#told));
    this.#told = this.state;
    return Object.entries(this.#told).filter(([type, value]) => before.get(type) !== value)
      .map(([type, value]) => ({ type, value }) as GamepadEvents[F]);
  }
}
