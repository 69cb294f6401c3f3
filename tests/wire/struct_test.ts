import assert from "node:assert/strict";
import { Struct, type StructMessage } from "../../lib/wire/struct.ts";

const bytes = (hex: string) => Uint8Array.fromHex(hex.replaceAll(" ", ""));

Deno.test("Struct.pack() lays values out as packed C does", () => {
  const struct = new Struct("<BhIq?fd3s4pc");
  assert.equal(struct.size, 1 + 2 + 4 + 8 + 1 + 4 + 8 + 3 + 4 + 1);
  assert.equal(struct.length, 10);
  assert.equal(
    struct.pack([1, -2, 3, -4n, true, 0.5, -2, "ab", "xyz", "!"]).toHex(),
    bytes("01 feff 03000000 fcffffffffffffff 01 0000003f 00000000000000c0 616200 0378797a 21")
      .toHex(),
  );
});

Deno.test("Struct leaves the gaps that a compiler of 64-bit Linux leaves", () => {
  assert.equal(new Struct("bhilqnP").size, 40); // 1, a gap, 2, 4, 8, 8, 8, 8
  assert.equal(new Struct("bi").size, 8);
  assert.equal(new Struct("ib").size, 5);
  assert.equal(new Struct("ib0i").size, 8);
  assert.equal(new Struct("@bd3x0q").size, 24);
  assert.equal(new Struct("=bi").size, 5);
  assert.equal(new Struct("").size, 0);
  assert.deepEqual(new Struct("bi").pack([1, 2]), bytes("01 000000 02000000"));
});

Deno.test("Struct.unpack() gives numbers while they are exact, and beyond that bigints", () => {
  const struct = new Struct("<qQ");
  const most = 2n ** 64n - 1n;
  assert.deepEqual(struct.unpack(struct.pack([-7, 2 ** 53 - 1])), [-7, 2 ** 53 - 1]);
  assert.deepEqual(struct.unpack(struct.pack([-(2n ** 63n), most])), [-(2n ** 63n), most]);
});

Deno.test("Struct.unpack() gives copies, also of a part of a larger buffer", () => {
  const buffer = new Uint8Array([9, 9, 65, 66, 9]);
  const [text] = new Struct("2s").unpack(buffer.subarray(2, 4));
  buffer.fill(0);
  assert.deepEqual(text, new Uint8Array([65, 66]));
});

Deno.test("Struct with keys takes objects and arrays, and gives objects by unpackObject()", () => {
  const struct = new Struct("<hB", ["speed", "__proto__"]);
  const packed = struct.pack([-23, 101]);
  assert.deepEqual(struct.pack(JSON.parse('{"speed":-23,"__proto__":101,"more":1}')), packed);
  assert.deepEqual(struct.unpack(packed), [-23, 101]);
  assert.deepEqual(Object.entries(struct.unpackObject(packed)), [["speed", -23], [
    "__proto__",
    101,
  ]]);
});

Deno.test("Struct reads and writes the half precision numbers of IEEE 754", () => {
  const struct = new Struct(">e");
  const known: [number, string][] = [
    ...[[0, "0000"], [-0, "8000"], [1, "3c00"], [-2, "c000"], [65504, "7bff"]] as const,
    ...[[2 ** -24, "0001"], [2 ** -14, "0400"], [1 / 3, "3555"], [Infinity, "7c00"]] as const,
    ...[[2 ** -25, "0000"], [1.5 * 2 ** -24, "0002"], [2049, "6800"], [2051, "6802"]] as const,
  ].map(([number, hex]) => [number, hex]);
  for (const [number, hex] of known) assert.equal(struct.pack([number]).toHex(), hex);
  for (let bits = 0; bits < 65536; bits++) {
    const encoded = new Uint8Array([bits >> 8, bits & 255]);
    const value = struct.unpack(encoded);
    if (!Number.isNaN(value[0])) assert.deepEqual(struct.pack(value as number[]), encoded);
  }
});

Deno.test("Struct says what is wrong with a format", () => {
  const wrong: [string, RegExp][] = [
    ["<hZ", /^SyntaxError: Cannot use the struct format "<hZ": "Z" at 2 is no format character; /],
    ["<3", /: a count stands at its end without a format character; /],
    ["<P", /: "P" has a size only in the native layout; begin with "@", or use "q" and "Q"$/],
    ["3 h", /: " " at 1 is no format character; /],
    ["h<", /: "<" at 1 is no format character; /],
    ["\u{1f600}", /: "\u{1f600}" at 0 is no format character; /u],
    ["999999999i", /^RangeError: .*it is larger than 268435456 bytes; see the count before "i"$/],
  ];
  for (const [format, sentence] of wrong) assert.throws(() => new Struct(format), sentence);
});

Deno.test("Struct says which value does not fit, and why", () => {
  const struct = new Struct("<bHf3sc", ["trim", "speed", "gain", "name", "mark"]);
  const good = { trim: 1, speed: 2, gain: 3, name: "abc", mark: "!" };
  assert.equal(struct.pack(good).length, 11);
  const wrong: [object, RegExp][] = [
    [{ trim: 128 }, /^RangeError: Cannot pack "trim": 128 does not fit "b"; give -128 to 127$/],
    [{ speed: -1n }, /^RangeError: Cannot pack "speed": -1 does not fit "H"; give 0 to 65535$/],
    [{ speed: 1.5 }, /^RangeError: Cannot pack "speed": 1.5 is not a whole number/],
    [{ speed: NaN }, /^RangeError: Cannot pack "speed": NaN is not a whole number/],
    [{ gain: 1e39 }, /^RangeError: Cannot pack "gain": 1e\+39 does not fit "f"; give -3.4/],
    [{ gain: "1" }, /^TypeError: Cannot pack "gain": it is string; "f" wants a number$/],
    [{ speed: undefined }, /^TypeError: Cannot pack "speed": it is undefined; "H" wants a number$/],
    [{ speed: null }, /^TypeError: Cannot pack "speed": it is null; "H" wants a number$/],
    [{ name: 7 }, /^TypeError: Cannot pack "name": it is number; "s" wants bytes or text$/],
    [{ mark: "ab" }, /^RangeError: Cannot pack "mark": "c" is one byte and it has 2; use "2s"$/],
  ];
  for (const [change, sentence] of wrong) {
    assert.throws(() => struct.pack({ ...good, ...change } as StructMessage), sentence);
  }
  assert.throws(() => struct.pack({ trim: 1 }), /^TypeError: .*"speed" is missing; give every key/);
  assert.throws(() => struct.pack([1]), /it has 5 values and 1 were given; give one for each/);
  assert.throws(() => struct.unpack(new Uint8Array(10)), /it has 11 bytes and 10 were given/);
  assert.throws(() => new Struct("<h").pack({ a: 1 }), /^TypeError: .*it takes an array/);
  assert.throws(
    () => new Struct("<h").unpackObject(new Uint8Array(2)),
    /^TypeError: .*has no keys/,
  );
  assert.throws(() => new Struct("<h2x", ["a", "b"]), /it has 1 and there are 2 keys/);
  assert.throws(() => new Struct("<2h", ["a", "a"]), /one key is there twice/);
});

Deno.test("Struct gives plain numbers to the compiler where nothing else can come out", () => {
  const sensor = new Struct("<BHf", ["id", "distance", "volts"]);
  const message = sensor.unpackObject(sensor.pack({ id: 12, distance: 123, volts: 0.5 }));
  const sum: number = message.id + message.distance + message.volts;
  assert.equal(sum, 135.5);
  const [first = 0] = new Struct("2i").unpack(new Uint8Array(8));
  assert.equal(first + 1, 1);
  // @ts-expect-error: it may be a bigint
  assert.throws(() => new Struct("<Q").unpack(new Uint8Array(8).fill(255))[0]! + 1, TypeError);
});
