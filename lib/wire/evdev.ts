/**
 * What the kernel says of buttons, keys, sticks and mice: one record for each change, as read from
 * `/dev/input/event*`.
 *
 * ```c
 * struct input_event {      // linux/input.h, on 64-bit systems: 24 bytes, in the machine's byte order
 *   struct timeval time;    //  0 seconds, 8 microseconds (s64 each)
 *   __u16 type;             // 16 EV_KEY, EV_ABS …
 *   __u16 code;             // 18 KEY_A, ABS_X …
 *   __s32 value;            // 20
 * };
 * ```
 *
 * Records that belong together end with `SYN_REPORT`. All 64-bit systems that Deno runs on are
 * little-endian. There are no wrong bytes: a number without a name is given one made of the number.
 */

import { EVDEV_CODES, EVDEV_EVENT_TYPES } from "./evdev_codes.generated.ts";

/** Bytes of a `struct input_event`. */
export const INPUT_RECORD_SIZE = 24;

// linux/input-event-codes.h; constants because switches are made of them
export const EV_SYN = 0x00;
export const EV_KEY = 0x01;
export const EV_ABS = 0x03;
export const SYN_REPORT = 0;
export const SYN_DROPPED = 3;

/** One record, in the kernel's numbers. */
export interface InputRecord {
  /** Seconds since 1970. */
  readonly timestamp: number;
  /** `EV_KEY` and its like. */
  readonly type: number;
  /** `BTN_SOUTH`, `ABS_X` and their like. */
  readonly code: number;
  /** 1 and 0 for down and up, 2 for a key that repeats; where an axis is; how far a mouse moved. */
  readonly value: number;
}

/** What an {@linkcode InputEvent} can be about; the words are RTCBot's. */
export type InputEventKind =
  | "Sync"
  | "Key"
  | "Relative"
  | "Absolute"
  | "Misc"
  | "Switch"
  | "LED"
  | "Sound"
  | "Repeat"
  | "ForceFeedback"
  | "Power"
  | "ForceFeedbackStatus"
  | "Unknown";

/** One change of an input device; the form is RTCBot's. */
export interface InputEvent {
  /** Seconds since 1970, to a microsecond, from the kernel. */
  timestamp: number;
  /** The kernel's name: `BTN_SOUTH`, `ABS_X`, `REL_X`, `KEY_A`, `MSC_SCAN` … */
  code: string;
  /** 1 and 0 for down and up, 2 for a held key that repeats; where an axis is; how far a mouse moved. */
  state: number;
  /** Which kind of thing it is about: `Key` also for buttons, `Absolute` for sticks, `Relative` for mice. */
  event: InputEventKind;
}

const KINDS: Readonly<Record<number, InputEventKind>> = {
  0x00: "Sync",
  0x01: "Key",
  0x02: "Relative",
  0x03: "Absolute",
  0x04: "Misc",
  0x05: "Switch",
  0x11: "LED",
  0x12: "Sound",
  0x14: "Repeat",
  0x15: "ForceFeedback",
  0x16: "Power",
  0x17: "ForceFeedbackStatus",
};

/** How the codes of an event type begin: `KEY_` and `BTN_` are one range of numbers. */
const PREFIXES: Readonly<Record<string, string>> = { BTN: "KEY" };

/** The first name of each number, by type: of `BTN_SOUTH` and `BTN_A`, the first. */
const NAMES: Readonly<Record<number, ReadonlyMap<number, string>>> = (() => {
  const names: Record<number, Map<number, string>> = {};
  for (const [name, code] of Object.entries(EVDEV_CODES)) {
    const of = (names[typeOf(name)!] ??= new Map());
    if (!of.has(code)) of.set(code, name);
  }
  return names;
})();

function typeOf(name: string): number | undefined {
  const prefix = /^[A-Z]+(?=_)/.exec(name)?.[0] ?? "";
  return EVDEV_EVENT_TYPES[`EV_${PREFIXES[prefix] ?? prefix}`];
}

/** The kernel's name of a code, such as `BTN_SOUTH`; `KEY_0x2ff` for one that has none. */
export function codeName(type: number, code: number): string {
  const name = NAMES[type]?.get(code);
  if (name !== undefined) return name;
  const typeName = Object.keys(EVDEV_EVENT_TYPES).find((key) => EVDEV_EVENT_TYPES[key] === type);
  return `${typeName?.slice(3) ?? `0x${type.toString(16)}`}_0x${code.toString(16)}`;
}

/** The type and number of a code by any of its names (`BTN_A` as well as `BTN_SOUTH`); `null` if there is none. */
export function codeOf(name: string): { type: number; code: number } | null {
  const code = Object.hasOwn(EVDEV_CODES, name) ? EVDEV_CODES[name] : undefined;
  return code === undefined ? null : { type: typeOf(name)!, code };
}

/** A record in words. */
export function inputEvent({ timestamp, type, code, value }: InputRecord): InputEvent {
  return { timestamp, code: codeName(type, code), state: value, event: KINDS[type] ?? "Unknown" };
}

/** Takes bytes in pieces of any size and gives whole records. */
export class InputRecordParser {
  #rest: Uint8Array = new Uint8Array(0);

  /** The records that are complete with these bytes; what is left over waits for the next ones. */
  push(bytes: Uint8Array): InputRecord[] {
    const all = this.#rest.length === 0 ? bytes : joined(this.#rest, bytes);
    const end = all.length - all.length % INPUT_RECORD_SIZE;
    this.#rest = all.slice(end);
    const view = new DataView(all.buffer, all.byteOffset, end);
    const records: InputRecord[] = [];
    for (let at = 0; at < end; at += INPUT_RECORD_SIZE) {
      records.push({
        // Joined as one number of microseconds: seconds + microseconds / 1e6 would round twice.
        timestamp: (Number(view.getBigInt64(at, true)) * 1e6 +
          Number(view.getBigInt64(at + 8, true))) / 1e6,
        type: view.getUint16(at + 16, true),
        code: view.getUint16(at + 18, true),
        value: view.getInt32(at + 20, true),
      });
    }
    return records;
  }
}

/** A record as the kernel writes and reads it. */
export function encodeInputRecord(record: InputRecord): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(INPUT_RECORD_SIZE);
  const view = new DataView(bytes.buffer);
  const us = Math.round(record.timestamp * 1e6);
  view.setBigInt64(0, BigInt(Math.floor(us / 1e6)), true);
  view.setBigInt64(8, BigInt(us - Math.floor(us / 1e6) * 1e6), true);
  view.setUint16(16, record.type, true);
  view.setUint16(18, record.code, true);
  view.setInt32(20, record.value, true);
  return bytes;
}

/** Whether a bit is set in a bitmap of the kernel, such as EVIOCGBIT gives; false beyond its end. */
export function hasBit(bitmap: Uint8Array, bit: number): boolean {
  return ((bitmap[bit >> 3] ?? 0) >> (bit & 7) & 1) === 1;
}

/** The numbers of all bits that are set. */
export function bitsOf(bitmap: Uint8Array): number[] {
  return Array.from({ length: bitmap.length * 8 }, (_, bit) => bit).filter((bit) =>
    hasBit(bitmap, bit)
  );
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const all = new Uint8Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}
