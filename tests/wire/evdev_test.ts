import assert from "node:assert/strict";
import {
  bitsOf,
  codeName,
  codeOf,
  encodeInputRecord,
  EV_ABS,
  EV_KEY,
  hasBit,
  INPUT_RECORD_SIZE,
  inputEvent,
  type InputRecord,
  InputRecordParser,
} from "../../lib/wire/evdev.ts";
import { EVDEV_CODES } from "../../lib/wire/evdev_codes.generated.ts";
import { randomFrom } from "../../lib/testing/random.ts";

Deno.test("InputRecordParser.push() reads a struct input_event as the kernel lays it out", () => {
  // 1552629513 s, 749400 us, EV_KEY, BTN_SOUTH, 1
  const hex = "093f8b5c00000000" + "586f0b0000000000" + "0100" + "3001" + "01000000";
  const bytes = Uint8Array.from(hex.match(/../g)!, (byte) => parseInt(byte, 16));
  const [record] = new InputRecordParser().push(bytes);
  assert.deepEqual(inputEvent(record!), {
    timestamp: 1552629513.7494,
    code: "BTN_SOUTH",
    state: 1,
    event: "Key",
  });
  assert.deepEqual(encodeInputRecord(record!), bytes);
});

Deno.test("InputRecordParser.push() reads any bytes, the same at every cut", () => {
  const next = randomFrom(5);
  const bytes = Uint8Array.from({ length: 10 * INPUT_RECORD_SIZE + 7 }, () => next() * 256);
  const whole = new InputRecordParser().push(bytes);
  assert.equal(whole.length, 10);
  for (let cut = 0; cut <= bytes.length; cut++) {
    const parser = new InputRecordParser();
    const parts = [...parser.push(bytes.slice(0, cut)), ...parser.push(bytes.slice(cut))];
    assert.deepEqual(parts, whole, `cut at ${cut}`);
  }
  const parser = new InputRecordParser();
  assert.deepEqual([...bytes].flatMap((byte) => parser.push(Uint8Array.of(byte))), whole);
  for (const record of whole) assert.match(inputEvent(record).code, /^\w+$/);
});

Deno.test("encodeInputRecord() and InputRecordParser agree to the microsecond", () => {
  const next = randomFrom(7);
  for (let i = 0; i < 2000; i++) {
    const record: InputRecord = {
      timestamp: Math.round((1.5e9 + next() * 1e9) * 1e6) / 1e6,
      type: Math.floor(next() * 0x20),
      code: Math.floor(next() * 0x300),
      value: Math.floor((next() - 0.5) * 2 ** 32),
    };
    assert.deepEqual(new InputRecordParser().push(encodeInputRecord(record)), [record]);
  }
});

Deno.test("codeName() gives RTCBot's names, and one made of the number to what has none", () => {
  assert.equal(codeName(EV_KEY, 0x130), "BTN_SOUTH");
  assert.equal(codeName(EV_KEY, 0x110), "BTN_LEFT");
  assert.equal(codeName(EV_KEY, 30), "KEY_A");
  assert.equal(codeName(EV_ABS, 0), "ABS_X");
  assert.equal(codeName(4, 4), "MSC_SCAN");
  assert.equal(codeName(0, 3), "SYN_DROPPED");
  assert.equal(codeName(EV_KEY, 0x2f0), "KEY_0x2f0");
  assert.equal(codeName(0x1e, 5), "0x1e_0x5");
});

Deno.test("codeOf() knows every name of the kernel, and nothing else", () => {
  assert.deepEqual(codeOf("BTN_A"), codeOf("BTN_SOUTH"));
  for (const [name, code] of Object.entries(EVDEV_CODES)) {
    const found = codeOf(name)!;
    assert.equal(found.code, code, name);
    assert.equal(codeOf(codeName(found.type, code))!.code, code, name);
  }
  for (const wrong of ["", "BTN", "toString", "__proto__", "constructor", "EV_KEY"]) {
    assert.equal(codeOf(wrong), null, wrong);
  }
});

Deno.test("hasBit() and bitsOf() read the kernel's bitmaps", () => {
  const bitmap = Uint8Array.of(0b1000_0001, 0, 0b10);
  assert.deepEqual(bitsOf(bitmap), [0, 7, 17]);
  assert.equal(hasBit(bitmap, 7), true);
  assert.equal(hasBit(bitmap, 900), false);
});
