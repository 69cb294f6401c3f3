import assert from "node:assert/strict";
import { RemoteProtocolError } from "../../lib/errors.ts";
import { randomFrom } from "../../lib/testing/random.ts";
import { inputEvent } from "../../lib/wire/evdev.ts";
import { parseHidDescriptor } from "../../lib/wire/hid_descriptor.ts";
import { hidPad } from "../../lib/wire/hid_pads.ts";
import { HidReportReader } from "../../lib/wire/hid_report.ts";

const hex = (text: string) =>
  Uint8Array.from(text.match(/[0-9a-f]{2}/gi)!, (byte) => parseInt(byte, 16));

/** HID 1.11, appendix E.10: the mouse that the specification explains. */
const MOUSE = hex(`05 01 09 02 a1 01 09 01 a1 00 05 09 19 01 29 03 15 00 25 01 95 03 75 01 81 02
  95 01 75 05 81 01 05 01 09 30 09 31 15 81 25 7f 75 08 95 02 81 06 c0 c0`);

Deno.test("parseHidDescriptor() reads the mouse of the specification", () => {
  const common = { reportId: 0, application: 0x10002 };
  const button = { ...common, size: 1, minimum: 0, maximum: 1 };
  const axis = { ...common, size: 8, minimum: -127, maximum: 127 };
  assert.deepEqual(parseHidDescriptor(MOUSE), [
    { ...button, bit: 0, usage: 0x90001 },
    { ...button, bit: 1, usage: 0x90002 },
    { ...button, bit: 2, usage: 0x90003 },
    { ...axis, bit: 8, usage: 0x10030 },
    { ...axis, bit: 16, usage: 0x10031 },
  ]);
});

Deno.test("parseHidDescriptor() reads a maximum that is written too short, and what is pushed", () => {
  const [x, y] = parseHidDescriptor(
    hex("05 01 15 00 25 ff 75 08 95 01 a4 75 10 09 30 81 02 b4 09 31 81 02"),
  );
  assert.deepEqual([x!.maximum, x!.size, x!.bit], [65535, 16, 0]);
  assert.deepEqual([y!.maximum, y!.size, y!.bit], [255, 8, 16]);
});

Deno.test("parseHidDescriptor() gives fields or RemoteProtocolError for any bytes", () => {
  const next = randomFrom(11);
  const known = [MOUSE, hidPad(0x045e, 0x0b13)!.descriptor];
  let refused = 0;
  for (let round = 0; round < 4000; round++) {
    const bytes = round % 2
      ? Uint8Array.from({ length: next() * 60 }, () => next() * 256)
      : known[round % 4 / 2]!.slice(0, 1 + next() * 120);
    for (let i = 0; i < 3; i++) bytes[Math.floor(next() * bytes.length)] = next() * 256;
    try {
      const reader = new HidReportReader(bytes);
      for (let i = 0; i < 3; i++) {
        const report = Uint8Array.from({ length: next() * 20 }, () => next() * 256);
        for (const { value } of reader.push(report, 0)) assert.ok(Number.isInteger(value));
      }
    } catch (error) {
      assert.ok(error instanceof RemoteProtocolError, String(error));
      assert.match(error.message, /^Cannot read a HID descriptor: .+; see that it is a whole one$/);
      refused++;
    }
  }
  assert.ok(refused > 100 && refused < 3900, `${refused}`);
});

Deno.test("parseHidDescriptor() does not count to the end of the world", () => {
  // 4 billion fields, usages and bits
  for (
    const bomb of [
      "0b 30 00 01 00 75 01 97 ff ff ff ff 81 02",
      "75 01 97 00 00 08 00 09 30 81 02",
      "05 09 1b 00 00 09 00 2b ff ff ff ff 75 01 95 01 81 02",
    ]
  ) {
    try {
      assert.ok(parseHidDescriptor(hex(bomb)).length <= 4096);
    } catch (error) {
      assert.ok(error instanceof RemoteProtocolError);
    }
  }
});

function reader(vendor: number, product: number) {
  const pad = hidPad(vendor, product)!;
  const reports = new HidReportReader(pad.descriptor, pad.names);
  const push = (report: string) =>
    reports.push(hex(report), 1).map(inputEvent).map(({ code, state }) => `${code} ${state}`);
  return { reports, push };
}

Deno.test("HidReportReader reads a DualShock 4 as Linux does", () => {
  const { reports, push } = reader(0x054c, 0x09cc);
  assert.deepEqual(push("01 80 80 80 80 08 00 00 00 00"), [], "nobody touches it");
  assert.deepEqual(push("01 ff 80 80 00 28 00 00 00 80"), [
    ...["ABS_X 255", "ABS_RY 0", "BTN_SOUTH 1", "ABS_RZ 128", "SYN_REPORT 0"],
  ]);
  assert.deepEqual(push("01 ff 80 80 00 91 10 01 00 80"), [
    ...["ABS_HAT0X 1", "ABS_HAT0Y -1", "BTN_WEST 1", "BTN_SOUTH 0", "BTN_NORTH 1", "BTN_SELECT 1"],
    ...["BTN_MODE 1", "SYN_REPORT 0"],
  ]);
  assert.deepEqual(push("01 ff"), [], "a report that is cut off");
  assert.deepEqual(push("11 00 00 00 00 00 00 00 00 00"), [], "another report");
  assert.equal(reports.snapshot.axes.get(0), 255);
});

Deno.test("HidReportReader reads a DualSense as Linux does", () => {
  const { push } = reader(0x054c, 0x0ce6);
  assert.deepEqual(push("01 80 80 80 80 00 00 07 08 00 00"), []);
  assert.deepEqual(push("01 80 00 80 80 40 00 08 44 02 00"), [
    ...["ABS_Y 0", "ABS_Z 64", "ABS_HAT0Y 1", "BTN_EAST 1", "BTN_TR 1", "SYN_REPORT 0"],
  ]);
});

Deno.test("HidReportReader reads an Xbox pad on Bluetooth as Linux does", () => {
  const { reports, push } = reader(0x045e, 0x0b13);
  assert.deepEqual(push("01 00 80 00 80 00 80 00 80 00 00 00 00 00 00 00"), []);
  assert.deepEqual(push("01 ff ff 00 80 00 80 00 00 ff 03 00 00 03 49 28"), [
    ...["ABS_X 65535", "ABS_RZ 0", "ABS_BRAKE 1023", "ABS_HAT0X 1", "BTN_SOUTH 1", "BTN_NORTH 1"],
    ...["BTN_TL 1", "BTN_START 1", "BTN_THUMBL 1", "SYN_REPORT 0"],
  ]);
  assert.deepEqual(reports.axes.get(0), { minimum: 0, maximum: 65535, flat: 4095 });
});

Deno.test("HidReportReader counts a trigger as untouched until it is told otherwise", () => {
  for (const [vendor, product] of [[0x054c, 0x09cc], [0x045e, 0x0b13]] as const) {
    const { reports } = reader(vendor, product);
    const triggers = vendor === 0x054c ? [2, 5] : [9, 10]; // ABS_Z, RZ; ABS_GAS, BRAKE
    for (const axis of triggers) assert.equal(reports.snapshot.axes.get(axis), 0);
  }
});

Deno.test("hidPad() knows no model that it was not told of", () => {
  assert.equal(hidPad(0x045e, 0x0001), null);
  assert.equal(hidPad(0x0001, 0x0b13), null);
});
