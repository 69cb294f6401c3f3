/** Knows what is held and where the axes are, also after the kernel had to drop records. */

import {
  EV_ABS,
  EV_KEY,
  EV_SYN,
  hasBit,
  type InputRecord,
  SYN_DROPPED,
  SYN_REPORT,
} from "./evdev.ts";

/** What a device is like at one moment, as EVIOCGKEY and EVIOCGABS tell. */
export interface InputSnapshot {
  /** A bit for each key that is down. */
  readonly keys: Uint8Array;
  /** Where each axis is. */
  readonly axes: ReadonlyMap<number, number>;
}

/**
 * What {@linkcode InputTracker.push} says of a record: to be passed on, to be forgotten, or that
 * the device must be asked for a snapshot now, which is newer than all that was read with it.
 */
export type InputNews = "news" | "stale" | "resync";

/** From here, one code tells of several fingers, and the last value of a code means nothing. */
const ABS_MT_SLOT = 0x2f; // linux/input-event-codes.h

/** Follows one device from record to record. */
export class InputTracker {
  readonly #down: Set<number>;
  readonly #axes: Map<number, number>;
  #lost = false;

  /** @param snapshot what the device is like before the first record */
  constructor({ keys, axes }: InputSnapshot) {
    this.#down = new Set();
    for (let key = 0; key < keys.length * 8; key++) if (hasBit(keys, key)) this.#down.add(key);
    this.#axes = new Map(axes);
  }

  /** The keys and buttons that are down. */
  get down(): ReadonlySet<number> {
    return this.#down;
  }

  /** Where each axis is. */
  get axes(): ReadonlyMap<number, number> {
    return this.#axes;
  }

  /**
   * Takes the next record. A program that was too slow for the kernel's buffer finds `SYN_DROPPED`
   * in it; what follows, up to `SYN_REPORT`, is a remnant and worth nothing
   * (Documentation/input/event-codes.rst, "EV_SYN").
   */
  push({ type, code, value }: InputRecord): InputNews {
    if (type === EV_SYN && code === SYN_DROPPED) {
      this.#lost = true;
      return "news";
    }
    if (this.#lost) {
      if (type !== EV_SYN || code !== SYN_REPORT) return "stale";
      this.#lost = false;
      return "resync";
    }
    if (type === EV_KEY && value <= 1) {
      if (this.#down.has(code) === (value === 1)) return "stale";
      if (value === 1) this.#down.add(code);
      else this.#down.delete(code);
    }
    if (type === EV_ABS && code < ABS_MT_SLOT) {
      if (this.#axes.get(code) === value) return "stale";
      this.#axes.set(code, value);
    }
    return "news";
  }

  /** Brings it to what the device is like, and gives the differences as records, with `SYN_REPORT` at the end. */
  resync(snapshot: InputSnapshot, timestamp: number): InputRecord[] {
    const changes: InputRecord[] = [];
    const change = (type: number, code: number, value: number) => {
      const record = { timestamp, type, code, value };
      if (this.push(record) === "news") changes.push(record);
    };
    this.#lost = false;
    for (const key of [...this.#down]) if (!hasBit(snapshot.keys, key)) change(EV_KEY, key, 0);
    for (let key = 0; key < snapshot.keys.length * 8; key++) {
      if (hasBit(snapshot.keys, key)) change(EV_KEY, key, 1);
    }
    for (const [axis, value] of snapshot.axes) if (axis < ABS_MT_SLOT) change(EV_ABS, axis, value);
    changes.push({ timestamp, type: EV_SYN, code: SYN_REPORT, value: 0 });
    return changes;
  }
}
