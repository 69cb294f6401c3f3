/** The reports of a HID gamepad as the records that the Linux kernel would make of them. */

import { codeOf, EV_ABS, EV_KEY, EV_SYN, type InputRecord, SYN_REPORT } from "./evdev.ts";
import { type AxisRange, PadReader } from "./evdev_pad.ts";
import { type InputSnapshot, InputTracker } from "./evdev_tracker.ts";
import { type HidField, parseHidDescriptor } from "./hid_descriptor.ts";

// HID Usage Tables 1.4: page times 65536 plus number
const GENERIC_X = 0x1_0030, GENERIC_WHEEL = 0x1_0038, HAT = 0x1_0039;
const BUTTON_1 = 0x9_0001, BUTTON_LAST = 0x9_0038;
const JOYSTICK = 0x1_0004;
const NAMES: Readonly<Record<number, string>> = {
  0x2_00ba: "ABS_RUDDER",
  0x2_00bb: "ABS_THROTTLE",
  0x2_00c4: "ABS_GAS",
  0x2_00c5: "ABS_BRAKE",
};
const number = (name: string): number => codeOf(name)!.code;
const ABS_HAT0X = number("ABS_HAT0X"), ABS_HAT0Y = number("ABS_HAT0Y");
/** Eight directions clockwise from north, in x and y. */
const DIRECTIONS = [[0, -1], [1, -1], [1, 0], [1, 1], [0, 1], [-1, 1], [-1, 0], [-1, -1]] as const;

/** Names for what a model calls by other numbers than its kind does, by usage. */
export type HidNames = Readonly<Record<number, string>>;

interface Control {
  readonly field: HidField;
  readonly type: number;
  readonly code: number;
}

/** Reads the reports of one gamepad. */
export class HidReportReader {
  /** The buttons that it has. */
  readonly keys: ReadonlySet<number>;
  /** The axes that it has. */
  readonly axes: ReadonlyMap<number, AxisRange>;
  readonly #controls: readonly Control[];
  readonly #numbered: boolean;
  readonly #tracker: InputTracker;

  /**
   * @param descriptor what the device says of its reports
   * @param names what this model calls otherwise than others
   * @throws {RemoteProtocolError} when it is no descriptor
   */
  constructor(descriptor: Uint8Array, names: HidNames = {}) {
    const fields = parseHidDescriptor(descriptor);
    this.#numbered = fields.some(({ reportId }) => reportId !== 0);
    this.#controls = fields.flatMap((field) => {
      const found = meaningOf(field, names);
      return found ? [{ field, ...found }] : [];
    });
    const axes = new Map<number, AxisRange>();
    for (const { field: { usage, minimum, maximum }, type, code } of this.#controls) {
      if (type !== EV_ABS) continue;
      // flat as drivers/hid/hid-input.c sets it
      if (usage !== HAT) axes.set(code, { minimum, maximum, flat: (maximum - minimum) >> 4 });
      else {for (const axis of [code, ABS_HAT0Y]) {
          axes.set(axis, { minimum: -1, maximum: 1, flat: 0 });
        }}
    }
    this.axes = axes;
    this.keys = new Set(this.#controls.filter((each) => each.type === EV_KEY).map((c) => c.code));
    // Untouched, until a report says otherwise: a trigger in its middle would drive a robot.
    const rest = new PadReader({ keys: this.keys, axes, vendor: 0 }).rest();
    this.#tracker = new InputTracker({ keys: new Uint8Array(0), axes: rest });
  }

  /** What it is like, as far as it has told. */
  get snapshot(): InputSnapshot {
    const keys = new Uint8Array(0x300 / 8); // KEY_CNT of linux/input-event-codes.h
    for (const key of this.#tracker.down) keys[key >> 3]! |= 1 << (key & 7);
    return { keys, axes: new Map(this.#tracker.axes) };
  }

  /** What has changed with this report; nothing for a report that is short or of another number. */
  push(report: Uint8Array, timestamp: number): InputRecord[] {
    const id = this.#numbered ? report[0] ?? 0 : 0;
    const body = this.#numbered ? report.subarray(1) : report;
    const records: InputRecord[] = [];
    const change = (type: number, code: number, value: number) => {
      const record = { timestamp, type, code, value };
      if (this.#tracker.push(record) === "news") records.push(record);
    };
    for (const { field, type, code } of this.#controls) {
      if (field.reportId !== id || field.bit + field.size > body.length * 8) continue;
      const value = valueOf(body, field);
      if (field.usage === HAT) {
        const [x, y] = DIRECTIONS[value - field.minimum] ?? [0, 0];
        change(EV_ABS, code, x);
        change(EV_ABS, ABS_HAT0Y, y);
      } else change(type, code, type === EV_KEY ? Number(value !== 0) : value);
    }
    if (records.length > 0) records.push({ timestamp, type: EV_SYN, code: SYN_REPORT, value: 0 });
    return records;
  }
}

/** As drivers/hid/hid-input.c, `hidinput_configure_usage`. */
function meaningOf(
  { usage, application }: HidField,
  names: HidNames,
): { type: number; code: number } | null {
  const name = names[usage] ?? NAMES[usage];
  if (name !== undefined) return codeOf(name);
  if (usage >= GENERIC_X && usage <= GENERIC_WHEEL) {
    return { type: EV_ABS, code: number("ABS_X") + usage - GENERIC_X };
  }
  if (usage === HAT) return { type: EV_ABS, code: ABS_HAT0X };
  if (usage < BUTTON_1 || usage > BUTTON_LAST) return null;
  const i = usage - BUTTON_1;
  const base = application === JOYSTICK ? "BTN_TRIGGER" : "BTN_SOUTH";
  return { type: EV_KEY, code: i < 16 ? number(base) + i : number("BTN_TRIGGER_HAPPY1") + i - 16 };
}

function valueOf(body: Uint8Array, { bit, size, minimum }: HidField): number {
  let value = 0;
  for (let i = size - 1; i >= 0; i--) {
    value = value * 2 + ((body[(bit + i) >> 3]! >> ((bit + i) & 7)) & 1);
  }
  return minimum < 0 && value >= 2 ** (size - 1) ? value - 2 ** size : value;
}
