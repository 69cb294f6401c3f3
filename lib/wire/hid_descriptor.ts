/**
 * What a USB or Bluetooth input device says of its own reports.
 *
 * A descriptor is a list of items, each one byte `tttt yyss` (tag, type, size 0, 1, 2 or 4) and its
 * data; global items hold until they are changed, local ones until the next main item. (Device Class
 * Definition for HID 1.11, section 6.2.2)
 */

import { RemoteProtocolError } from "../errors.ts";

/** One number within a report. */
export interface HidField {
  /** Of which report, by its first byte; 0 when reports have no number. */
  readonly reportId: number;
  /** Where it begins, in bits after the report's number. */
  readonly bit: number;
  /** How many bits it has, 32 at most. */
  readonly size: number;
  /** What it means: the page of the HID Usage Tables times 65536, plus the number there. */
  readonly usage: number;
  /** What the device is that has it: 0x10004 a joystick, 0x10005 a gamepad. */
  readonly application: number;
  /** The lowest value. */
  readonly minimum: number;
  /** The highest value. */
  readonly maximum: number;
}

interface Globals {
  page: number;
  minimum: number;
  maximum: number;
  size: number;
  count: number;
  reportId: number;
}

/** No device has more, and a broken descriptor must not fill the memory. */
const MAX_FIELDS = 4096;
const MAX_REPORT_BITS = 8 * 65536;
const MAX_DEPTH = 64;

// Tag and type of an item (HID 1.11, 6.2.2.4 to 6.2.2.8)
const INPUT = 0x80, COLLECTION = 0xa0, END_COLLECTION = 0xc0;
const PAGE = 0x04, MINIMUM = 0x14, MAXIMUM = 0x24, SIZE = 0x74, REPORT_ID = 0x84, COUNT = 0x94;
const PUSH = 0xa4, POP = 0xb4, USAGE = 0x08, USAGE_FIRST = 0x18, USAGE_LAST = 0x28;
const LONG_ITEM = 0xfe, MAIN_TYPE = 0x00;

/**
 * The input fields that have one meaning each, in their order. Constants and arrays (keyboards have
 * those) are passed over.
 *
 * @throws {RemoteProtocolError} when it is no descriptor
 */
export function parseHidDescriptor(bytes: Uint8Array): HidField[] {
  const fields: HidField[] = [];
  const ends = new Map<number, number>(); // how many bits of each report are spoken for
  const stack: Globals[] = [];
  const applications: number[] = [];
  let globals: Globals = { page: 0, minimum: 0, maximum: 0, size: 0, count: 0, reportId: 0 };
  let usages: number[] = [];
  let first = 0;

  const whole = (usage: number, size: number) =>
    size === 4 ? usage : globals.page * 0x10000 + usage;
  const take = (flags: number) => {
    const { size, count, reportId } = globals;
    const bit = ends.get(reportId) ?? 0;
    if (bit + size * count > MAX_REPORT_BITS) refuse("a report is too long");
    ends.set(reportId, bit + size * count);
    const variable = (flags & 0b11) === 0b10; // data, not a constant; variable, not an array
    if (!variable || size === 0 || size > 32 || usages.length === 0) return;
    if (fields.length + count > MAX_FIELDS) refuse("it has too many fields");
    for (let i = 0; i < count; i++) {
      fields.push({
        reportId,
        bit: bit + i * size,
        size,
        usage: usages[Math.min(i, usages.length - 1)]!, // the last one holds for all the rest
        application: applications[0] ?? 0,
        minimum: globals.minimum,
        // A maximum such as 255 in one byte reads as -1; the minimum shows what was meant.
        maximum: globals.maximum < globals.minimum ? 2 ** size - 1 : globals.maximum,
      });
    }
  };

  for (let at = 0; at < bytes.length;) {
    const prefix = bytes[at++]!;
    if (prefix === LONG_ITEM) {
      at += 2 + (bytes[at] ?? 0);
      continue;
    }
    const size = [0, 1, 2, 4][prefix & 3]!;
    if (at + size > bytes.length) refuse("it is cut off");
    const [unsigned, signed] = numbers(bytes, at, size);
    at += size;
    const tag = prefix & 0xfc;
    switch (tag) {
      case PAGE:
        globals.page = unsigned & 0xffff;
        break;
      case MINIMUM:
        globals.minimum = signed;
        break;
      case MAXIMUM:
        globals.maximum = signed;
        break;
      case SIZE:
        globals.size = unsigned;
        break;
      case COUNT:
        globals.count = unsigned;
        break;
      case REPORT_ID:
        globals.reportId = unsigned;
        break;
      case PUSH:
        if (stack.length === MAX_DEPTH) refuse("it pushes too much");
        stack.push({ ...globals });
        break;
      case POP:
        globals = stack.pop() ?? refuse("it pops what was not pushed");
        break;
      case USAGE:
        if (usages.length < MAX_FIELDS) usages.push(whole(unsigned, size));
        break;
      case USAGE_FIRST:
        first = whole(unsigned, size);
        break;
      case USAGE_LAST: {
        const last = Math.min(whole(unsigned, size), first + MAX_FIELDS - 1 - usages.length);
        for (let usage = first; usage <= last; usage++) usages.push(usage);
        break;
      }
      case INPUT:
        take(unsigned);
        break;
      case COLLECTION:
        if (applications.length === MAX_DEPTH) refuse("its collections are too deep");
        applications.push(usages[0] ?? 0);
        break;
      case END_COLLECTION:
        if (applications.pop() === undefined) refuse("it ends what was not begun");
        break;
    }
    if ((prefix & 0x0c) === MAIN_TYPE) {
      usages = [];
      first = 0;
    }
  }
  return fields;
}

function numbers(bytes: Uint8Array, at: number, size: number): [unsigned: number, signed: number] {
  let value = 0;
  for (let i = size - 1; i >= 0; i--) value = value * 256 + bytes[at + i]!;
  const negative = size > 0 && (bytes[at + size - 1]! & 0x80) !== 0;
  return [value, negative ? value - 256 ** size : value];
}

function refuse(state: string): never {
  throw new RemoteProtocolError(
    `Cannot read a HID descriptor: ${state}; see that it is a whole one`,
  );
}
