import assert from "node:assert/strict";
import { type AccessUnit, AccessUnitReader } from "../../lib/wire/h264_access_units.ts";

const CODE = [0, 0, 0, 1];
/** SPS, PPS and an IDR slice; then pictures of one slice, of two, and with a short start code. */
const UNITS: readonly number[][] = [
  [...CODE, 0x67, 1, 2, ...CODE, 0x68, 3, ...CODE, 0x65, 0x88, 9, 9, 9],
  [...CODE, 0x41, 0x9a, 5, 6],
  [...CODE, 0x41, 0x9a, 7, 0, 0, 1, 0x41, 0x40, 8], // the second slice does not begin at block 0
  [...CODE, 0x09, 0x10, ...CODE, 0x06, 5, 5, ...CODE, 0x61, 0x80, 4],
  [0, 0, 1, 0x01, 0xff, 3, 3],
];
const STREAM = Uint8Array.from(UNITS.flat());
const LAST = Uint8Array.from([...CODE, 0x67, 1, 2, 3]); // so that the last unit's end shows

const bytesOf = (units: readonly AccessUnit[]) => units.map(({ data }) => [...data]);

Deno.test("AccessUnitReader gives the same units wherever the stream is cut", () => {
  for (let cut = 0; cut <= STREAM.length; cut++) {
    const reader = new AccessUnitReader();
    const units = [
      ...reader.push(STREAM.subarray(0, cut), 1),
      ...reader.push(STREAM.subarray(cut), 2),
      ...reader.push(LAST, 3),
    ];
    assert.deepEqual(bytesOf(units), UNITS, `cut at ${cut}`);
  }
  const reader = new AccessUnitReader();
  const units = [...STREAM, ...LAST].flatMap((byte, i) => reader.push(Uint8Array.of(byte), i));
  assert.deepEqual(bytesOf(units), UNITS);
});

Deno.test("AccessUnitReader gives a unit with its last byte when the sizes are announced", () => {
  for (const early of [true, false]) {
    const reader = new AccessUnitReader();
    for (const unit of UNITS) {
      const got = early
        ? [...reader.announce(unit.length), ...reader.push(Uint8Array.from(unit), 5)]
        : [...reader.push(Uint8Array.from(unit), 5), ...reader.announce(unit.length)];
      assert.deepEqual(bytesOf(got), [unit]);
      assert.equal(got[0]!.timestampUs, 5);
    }
  }
});

Deno.test("AccessUnitReader joins announced pieces of which the first has no picture", () => {
  const reader = new AccessUnitReader();
  const unit = UNITS[0]!;
  const sets = unit.slice(0, 13);
  assert.deepEqual(reader.announce(sets.length), []);
  assert.deepEqual(reader.push(Uint8Array.from(sets), 1), []);
  reader.announce(unit.length - sets.length);
  const got = reader.push(Uint8Array.from(unit.slice(sets.length)), 2);
  assert.deepEqual([bytesOf(got), got[0]!.timestampUs], [[unit], 1]);
});

Deno.test("AccessUnitReader loses nothing when announcements are wrong or missing", () => {
  for (const wrong of [1, 3, 12, 21, 1000]) {
    for (const which of UNITS.keys()) {
      const reader = new AccessUnitReader();
      const got = [...UNITS, [...LAST]].flatMap((unit, i) => [
        ...(i === which ? wrong === 1 ? [] : reader.announce(wrong) : reader.announce(unit.length)),
        ...reader.push(Uint8Array.from(unit), 1),
      ]);
      assert.deepEqual(bytesOf(got), UNITS, `${wrong} at ${which}`);
    }
  }
});

Deno.test("AccessUnitReader.push() takes any bytes and keeps little of what is no video", () => {
  const reader = new AccessUnitReader();
  const noise = Uint8Array.from({ length: 1 << 20 }, (_, i) => (i * 7919) >> 3);
  for (let i = 0; i < 20; i++) reader.push(noise, i);
  assert.ok(reader.push(STREAM, 30).length >= 3);
});
