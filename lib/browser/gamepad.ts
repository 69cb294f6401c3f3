/// <reference lib="dom" />
/** Game controllers, by the browser's Gamepad API, which has to be polled. */

import { Producer } from "./producer.ts";

/** One button or axis that changed; the form is RTCBot's. */
export interface GamepadEventMessage {
  /** `btn0`, `btn1` … or `axis0`, `axis1` … */
  type: string;
  /** Whether a button is pressed; -1…1 for an axis, where down and right are positive. */
  value: boolean | number;
  /** The browser's number of the controller, for all but the first one. */
  pad?: number;
}

/** What each button and axis of one controller was at last. */
export type GamepadState = Record<string, boolean | number>;

let pollsPerSecond = 10;
const polled = new Set<() => void>();

/** Sets how often controllers are looked at, in Hz: 10 unless set. Holds for all Gamepad objects. */
export function setGamepadRate(rate: number): void {
  if (!(rate > 0 && rate <= 1000)) {
    throw new RangeError(`Cannot set the gamepad rate: ${rate} Hz; give more than 0, 1000 at most`);
  }
  pollsPerSecond = rate;
  for (const restart of polled) restart();
}

/** The controllers that the browser tells of. It tells of one only after a button of it was pressed. */
export function connectedGamepads(): globalThis.Gamepad[] {
  return [...(navigator.getGamepads?.() ?? [])].filter((pad): pad is globalThis.Gamepad =>
    pad?.connected ?? false
  );
}

/**
 * Gives every change of a button or an axis. Looks only while a controller is connected; when one is
 * unplugged, its buttons go up and its axes to 0.
 *
 * ```js
 * const gp = new rtcbot.Gamepad();
 * gp.subscribe(conn.put_nowait);
 * ```
 */
export class Gamepad extends Producer<GamepadEventMessage> {
  readonly #states = new Map<number, GamepadState>();
  readonly #listening = new AbortController();
  readonly #restart = (): void => this.#watch();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor() {
    super();
    const { signal } = this.#listening;
    globalThis.addEventListener("gamepadconnected", this.#restart, { signal });
    globalThis.addEventListener("gamepaddisconnected", this.#restart, { signal });
    polled.add(this.#restart);
    this.#watch();
    this._becomeReady();
  }

  /** The first controller: `{btn0: false, …, axis0: 0.1, …}`; empty while there is none. */
  get state(): GamepadState {
    return { ...this.#states.get(this.#first()) };
  }

  /** All controllers, by the browser's number. */
  get states(): Map<number, GamepadState> {
    return new Map([...this.#states].map(([index, state]) => [index, { ...state }]));
  }

  /** Stops looking, after letting go of what is held. */
  close(): void {
    if (this.closed) return;
    this.#listening.abort();
    clearInterval(this.#timer);
    polled.delete(this.#restart);
    for (const index of [...this.#states.keys()]) this.#release(index);
    this._end(null);
  }

  #watch(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#poll();
    if (this.#states.size > 0) {
      this.#timer = setInterval(() => this.#poll(), 1000 / pollsPerSecond);
    }
  }

  #poll(): void {
    // A hidden page is shown what the controller was when it was hidden, for ever.
    const pads = document.hidden ? [] : connectedGamepads();
    const present = new Set(pads.map((pad) => pad.index));
    for (const index of [...this.#states.keys()]) {
      if (!present.has(index)) this.#release(index);
    }
    for (const pad of pads) this.#update(pad.index, read(pad));
  }

  #update(index: number, next: GamepadState): void {
    const state = this.#states.get(index) ?? {};
    this.#states.set(index, state);
    for (const [type, value] of Object.entries(next)) {
      // At first everything counts as at rest: what is so is no news.
      if ((state[type] ?? (typeof value === "number" ? 0 : false)) !== value) {
        state[type] = value;
        this._emit(index === this.#first() ? { type, value } : { type, value, pad: index });
      } else {
        state[type] = value;
      }
    }
  }

  #release(index: number): void {
    const state = this.#states.get(index) ?? {};
    const rest = Object.entries(state).map(([type, value]) =>
      [type, typeof value === "number" ? 0 : false] as const
    );
    this.#update(index, Object.fromEntries(rest));
    if (!connectedGamepads().some((pad) => pad.index === index)) this.#states.delete(index);
  }

  #first(): number {
    return Math.min(...this.#states.keys());
  }
}

function read(pad: globalThis.Gamepad): GamepadState {
  const state: GamepadState = {};
  pad.buttons.forEach((button, i) => state[`btn${i}`] = button.pressed);
  pad.axes.forEach((value, i) => state[`axis${i}`] = value);
  return state;
}
