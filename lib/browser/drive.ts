/// <reference lib="dom" />
/** Keyboard, joystick on the screen and controller, merged into one command for the robot's wheels. */

import {
  commandOfGamepad,
  commandOfKeys,
  type DriveCommand,
  isDriveKey,
  isStill,
  sumOfCommands,
} from "./drive_inputs.ts";
import { connectedGamepads } from "./gamepad.ts";
import { Joystick } from "./joystick.ts";
import { isTyping } from "./keyboard.ts";
import { onLeave } from "./leave.ts";
import { Producer } from "./producer.ts";

/** Options of {@linkcode Drive}. */
export interface DriveOptions {
  /** An element that becomes a joystick. */
  joystick?: HTMLElement | null;
  /** Whether W A S D and the arrow keys drive. @default true */
  keyboard?: boolean;
  /** Whether game controllers drive. @default true */
  gamepad?: boolean;
  /** How often a command is repeated while it is not zero, and controllers are looked at. @default 20 */
  rateHz?: number;
}

/** Faster changes than a screen shows are of no use to a robot. */
const MIN_GAP_MS = 15;
/** The command to stop is repeated, for a channel that may lose it. */
const STOP_REPEATS = 4;

/**
 * Emits `{forward, leftright}` at once when it changes, and again while it is not zero, since a robot
 * stops when it has heard nothing for half a second. Everything let go, the window left, or `close()`
 * makes it zero.
 *
 * ```js
 * const drive = new rtcbot.Drive({ joystick: document.querySelector("#stick") });
 * drive.subscribe(conn.control.put_nowait);
 * ```
 */
export class Drive extends Producer<DriveCommand> {
  /** The joystick on the screen, if an element was given. */
  readonly joystick: Joystick | null;

  readonly #held = new Set<string>();
  readonly #listening = new AbortController();
  readonly #gamepad: boolean;
  readonly #periodMs: number;
  #value: DriveCommand = { forward: 0, leftright: 0 };
  #sentMs = -Infinity;
  #stopsToSend = 0;
  #ticking: ReturnType<typeof setInterval> | undefined;
  #catchUp: ReturnType<typeof setTimeout> | undefined;

  constructor(options: DriveOptions = {}) {
    super();
    const { joystick = null, keyboard = true, gamepad = true, rateHz = 20 } = options;
    if (!(rateHz > 0)) throw new RangeError(`Cannot repeat at ${rateHz} Hz; give more than 0`);
    this.#periodMs = 1000 / rateHz;
    this.#gamepad = gamepad;
    const { signal } = this.#listening;
    onLeave(() => this.release(), signal);
    if (keyboard) {
      document.addEventListener("keydown", (event) => this.#down(event), { signal });
      document.addEventListener("keyup", (event) => this.#up(event), { signal });
    }
    if (gamepad) {
      for (const type of ["gamepadconnected", "gamepaddisconnected"]) {
        globalThis.addEventListener(type, () => this.#update(), { signal });
      }
    }
    this.joystick = joystick ? new Joystick(joystick) : null;
    this.joystick?.subscribe(() => this.#update());
    this.#update();
    this._becomeReady();
  }

  /** The command as it stands. */
  get value(): DriveCommand {
    return this.#value;
  }

  /** `event.code` of the driving keys that are held. */
  get heldKeys(): string[] {
    return [...this.#held];
  }

  /** Lets go of everything that is held. */
  release(): void {
    this.#held.clear();
    this.joystick?.release();
    this.#update();
  }

  /** Lets go and stops listening. */
  close(): void {
    if (this.closed) return;
    this.release();
    this.#listening.abort();
    this.joystick?.close();
    clearInterval(this.#ticking);
    clearTimeout(this.#catchUp);
    if (!isStill(this.#value)) this.#send({ forward: 0, leftright: 0 });
    this._end(null);
  }

  #down(event: KeyboardEvent): void {
    if (!isDriveKey(event.code) || isTyping(event)) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault(); // arrows would scroll
    this.#held.add(event.code);
    this.#update();
  }

  #up(event: KeyboardEvent): void {
    // macOS tells of no key that goes up while the command key is held.
    if (event.key === "Meta") this.#held.clear();
    else this.#held.delete(event.code);
    this.#update();
  }

  #update(): void {
    if (this.closed) return;
    const pads = this.#gamepad && !document.hidden ? connectedGamepads() : [];
    const stick = this.joystick?.position ?? { x: 0, y: 0 };
    const value = sumOfCommands([
      commandOfKeys(this.#held),
      { forward: stick.y, leftright: stick.x },
      ...pads.map(commandOfGamepad),
    ]);
    const before = this.#value;
    if (value.forward !== before.forward || value.leftright !== before.leftright) {
      this.#value = value;
      this.#stopsToSend = isStill(value) ? STOP_REPEATS : 0;
      this.#sendSoon();
    }
    this.#tickWhile(pads.length > 0 || !isStill(value) || this.#stopsToSend > 0);
  }

  #tickWhile(needed: boolean): void {
    if (needed) this.#ticking ??= setInterval(() => this.#tick(), this.#periodMs);
    else {
      clearInterval(this.#ticking);
      this.#ticking = undefined;
    }
  }

  #tick(): void {
    this.#update();
    if (performance.now() - this.#sentMs < this.#periodMs / 2) return;
    if (!isStill(this.#value)) this.#send(this.#value);
    else if (this.#stopsToSend > 0) {
      this.#stopsToSend--;
      this.#send(this.#value);
    }
  }

  /** At once, unless the last one has only just gone out; stopping never waits. */
  #sendSoon(): void {
    clearTimeout(this.#catchUp);
    const waitMs = isStill(this.#value) ? 0 : this.#sentMs + MIN_GAP_MS - performance.now();
    if (waitMs <= 0) this.#send(this.#value);
    else this.#catchUp = setTimeout(() => this.#send(this.#value), waitMs);
  }

  #send(command: DriveCommand): void {
    this.#sentMs = performance.now();
    this._emit({ ...command });
  }
}
