/** What a Gamepad, Keyboard or Mouse needs of the system beneath it: evdev, HID, or a fake one. */

import type { InputRecord } from "../wire/evdev.ts";
import type { InputKind } from "../wire/evdev_kinds.ts";
import type { AxisRange } from "../wire/evdev_pad.ts";
import type { InputSnapshot } from "../wire/evdev_tracker.ts";

/** An input device that is plugged in. */
export interface InputInfo {
  /** Where the system has it, such as `/dev/input/event3`; it may be another one tomorrow. */
  readonly path: string;
  /** What it calls itself. */
  readonly name: string;
  /** What it is; a keyboard with a track point is two things. */
  readonly kinds: readonly InputKind[];
  /** The USB number of its maker. */
  readonly vendor: number;
  /** The maker's number of the model. */
  readonly product: number;
  /** Its serial number or radio address; "" for most. */
  readonly serial: string;
  /** Whether it can rumble. */
  readonly rumble: boolean;
}

/** All that is plugged in, as far as one may look. */
export interface InputScan {
  /** What there is. */
  readonly found: InputInfo[];
  /** The paths of what may not be looked at. */
  readonly denied: string[];
}

/** One open device. */
export interface InputPort {
  /** Which it is. */
  readonly info: InputInfo;
  /** The buttons or keys that it has, as numbers. */
  readonly keys: ReadonlySet<number>;
  /** The axes that it has. */
  readonly axes: ReadonlyMap<number, AxisRange>;
  /**
   * Resolves with what it said: at least one record, or none once the port is closed. One call at a time.
   * @throws {DeviceMissing} (rejects) when it was unplugged
   */
  read(): Promise<InputRecord[]>;
  /** What it is like now; all that it said before and was not read is forgotten. */
  snapshot(): InputSnapshot;
  /** Rumbles; magnitudes from 0 to 0xffff. Resolves with false when it cannot. */
  rumble(strong: number, weak: number, durationMs: number): Promise<boolean>;
  /** Ends `read`, and frees it. */
  close(): Promise<void>;
}

/** Where input devices come from. */
export interface InputBackend {
  /** What is plugged in, in the system's order. */
  scan(): Promise<InputScan>;
  /**
   * Opens a device.
   *
   * @param path where it is
   * @param grab whether to keep what it says from all others
   * @throws {DeviceMissing} (rejects) when it is not there
   */
  open(path: string, grab: boolean): Promise<InputPort>;
  /** Resolves when it is worth scanning again, or the signal is aborted; never rejects. */
  changed(signal: AbortSignal): Promise<void>;
}

/** The records of a port that is told of them, until they are read. */
export class RecordMailbox {
  #records: InputRecord[] = [];
  #error: Error | null = null;
  #closed = false;
  #wake: () => void = () => {};

  /** Adds records. */
  put(records: readonly InputRecord[]): void {
    this.#records.push(...records);
    this.#wake();
  }

  /** There will be no more; who has read what is here is told why. */
  fail(error: Error): void {
    this.#error = error;
    this.#wake();
  }

  /** As {@linkcode InputPort.read}. */
  async read(): Promise<InputRecord[]> {
    while (!this.#closed && this.#records.length === 0) {
      if (this.#error) throw this.#error;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    return this.#closed ? [] : this.#records.splice(0);
  }

  /** Forgets what was not read. */
  clear(): void {
    this.#records = [];
  }

  /** Ends a read; false when that was done before. */
  close(): boolean {
    const first = !this.#closed;
    this.#closed = true;
    this.#wake();
    return first;
  }
}
