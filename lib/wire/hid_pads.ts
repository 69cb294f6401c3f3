/**
 * The HID gamepads that are known, for systems that do not show a program a device's descriptor. Each
 * begins as the device's own does; what is no control is left out.
 */

import type { HidNames } from "./hid_report.ts";

/** One family of gamepads. */
export interface HidPad {
  /** The USB number of the maker. */
  readonly vendor: number;
  /** The maker's numbers of the models. */
  readonly products: readonly number[];
  /** What it says of its reports. */
  readonly descriptor: Uint8Array;
  /** What it calls otherwise than others. */
  readonly names?: HidNames;
}

const hex = (text: string): Uint8Array =>
  Uint8Array.from(text.match(/[0-9a-f]{2}/gi) ?? [], (byte) => parseInt(byte, 16));

/** As drivers/hid/hid-playstation.c names them: the right stick is RX, RY and the triggers are Z, RZ. */
const SONY: HidNames = {
  0x1_0032: "ABS_RX",
  0x1_0035: "ABS_RY",
  0x1_0033: "ABS_Z",
  0x1_0034: "ABS_RZ",
  ...Object.fromEntries(
    [
      ...["BTN_WEST", "BTN_SOUTH", "BTN_EAST", "BTN_NORTH", "BTN_TL", "BTN_TR", "BTN_TL2"],
      ...["BTN_TR2", "BTN_SELECT", "BTN_START", "BTN_THUMBL", "BTN_THUMBR", "BTN_MODE"],
    ].map((name, i) => [0x9_0001 + i, name]),
  ),
};

const PADS: readonly HidPad[] = [
  {
    vendor: 0x054c, // Sony DualShock 4, by USB
    products: [0x05c4, 0x09cc, 0x0ba0],
    names: SONY,
    descriptor: hex(`
      05 01 09 05 a1 01 85 01 09 30 09 31 09 32 09 35 15 00 26 ff 00 75 08 95 04 81 02
      09 39 15 00 25 07 75 04 95 01 81 42 05 09 19 01 29 0e 15 00 25 01 75 01 95 0e 81 02
      06 00 ff 09 20 75 06 95 01 81 02 05 01 09 33 09 34 15 00 26 ff 00 75 08 95 02 81 02 c0`),
  },
  {
    vendor: 0x054c, // Sony DualSense, by USB
    products: [0x0ce6, 0x0df2],
    names: SONY,
    descriptor: hex(`
      05 01 09 05 a1 01 85 01 09 30 09 31 09 32 09 35 09 33 09 34 15 00 26 ff 00 75 08 95 06 81 02
      06 00 ff 09 20 95 01 81 02 05 01 09 39 15 00 25 07 75 04 95 01 81 42
      05 09 19 01 29 0f 15 00 25 01 75 01 95 0f 81 02 c0`),
  },
  {
    vendor: 0x045e, // Xbox One S and Series, by Bluetooth
    products: [0x02fd, 0x0b05, 0x0b13, 0x0b20, 0x0b22],
    descriptor: hex(`
      05 01 09 05 a1 01 85 01 09 30 09 31 09 32 09 35 15 00 27 ff ff 00 00 75 10 95 04 81 02
      05 02 09 c5 15 00 26 ff 03 75 0a 95 01 81 02 75 06 95 01 81 03
      09 c4 75 0a 95 01 81 02 75 06 95 01 81 03
      05 01 09 39 15 01 25 08 75 04 95 01 81 42 75 04 95 01 81 03
      05 09 19 01 29 0f 15 00 25 01 75 01 95 0f 81 02 75 01 95 01 81 03 c0`),
  },
];

/** What is known of a model; `null` when nothing is. */
export function hidPad(vendor: number, product: number): HidPad | null {
  return PADS.find((pad) => pad.vendor === vendor && pad.products.includes(product)) ?? null;
}
