/** Writes and reads the single values of a C struct, each with the limits of its type. */

/** What a struct gives: see {@linkcode Struct} for which of them when. */
export type StructValue = number | bigint | boolean | Uint8Array<ArrayBuffer>;
/** What can be put into a struct: text becomes UTF-8, truth becomes 1 or 0 where a number is wanted. */
export type StructInput = number | bigint | boolean | string | Uint8Array;

/** Whether a format is made of these codes only. */
export type StructMadeOf<F extends string, Codes extends string> = F extends "" ? true
  : F extends `${infer Code}${infer Rest}`
    ? Code extends Codes | `${bigint}` | " " | "x" ? StructMadeOf<Rest, Codes> : false
  : false;

/**
 * What a struct of this format gives: `number`, where nothing else can come out of it, so that it can be
 * reckoned with at once; `StructValue` for other formats, and for those that are not known when compiling.
 */
export type StructValueOf<F extends string> = string extends F ? StructValue
  : F extends `${"<" | ">" | "=" | "!"}${infer Codes}`
    ? StructMadeOf<Codes, "b" | "B" | "h" | "H" | "i" | "I" | "l" | "L" | "e" | "f" | "d"> extends
      true ? number
    : StructValue
  : StructMadeOf<F, "@" | "b" | "B" | "h" | "H" | "i" | "I" | "e" | "f" | "d"> extends true ? number
  : StructValue;

const WHOLE = "bBhHiIlLqQnNP";
const SIGNED = "bhilqn";
const MAX_HALF = 65504, MAX_FLOAT = 3.4028234663852886e38;
/** Halfway between the largest number and the next that there would be: from here on it is too large. */
const HALF_LIMIT = 65520, FLOAT_LIMIT = 3.4028235677973366e38;

/**
 * Writes one value.
 *
 * @param name what the value is called, for messages
 * @throws {TypeError} when it is of the wrong kind
 * @throws {RangeError} when it does not fit
 */
export function writeValue(
  view: DataView,
  { code, offset, size }: { code: string; offset: number; size: number },
  littleEndian: boolean,
  value: StructInput,
  name: string,
): void {
  if (WHOLE.includes(code)) {
    writeWhole(view, { code, offset, size }, littleEndian, wholeOf(value, code, name), name);
  } else if (code === "?") {
    if (typeof value === "string" || ArrayBuffer.isView(value)) throw wrong(value, code, name);
    view.setUint8(offset, value ? 1 : 0);
  } else if (code === "s" || code === "p" || code === "c") {
    writeBytes(view, { code, offset, size }, bytesOf(value, code, name), name);
  } else {
    writeFloat(view, { code, offset }, littleEndian, numberOf(value, code, name), name);
  }
}

/** Reads one value; never fails. */
export function readValue(
  view: DataView,
  { code, offset, size }: { code: string; offset: number; size: number },
  littleEndian: boolean,
): StructValue {
  switch (code) {
    case "?":
      return view.getUint8(offset) !== 0;
    case "e":
      return halfToNumber(view.getUint16(offset, littleEndian));
    case "f":
      return view.getFloat32(offset, littleEndian);
    case "d":
      return view.getFloat64(offset, littleEndian);
    case "c":
    case "s":
      return bytesAt(view, offset, size);
    case "p": {
      const length = size === 0 ? 0 : Math.min(view.getUint8(offset), size - 1);
      return bytesAt(view, length === 0 ? offset : offset + 1, length);
    }
  }
  const signed = SIGNED.includes(code);
  switch (size) {
    case 1:
      return signed ? view.getInt8(offset) : view.getUint8(offset);
    case 2:
      return signed ? view.getInt16(offset, littleEndian) : view.getUint16(offset, littleEndian);
    case 4:
      return signed ? view.getInt32(offset, littleEndian) : view.getUint32(offset, littleEndian);
  }
  const wide = signed
    ? view.getBigInt64(offset, littleEndian)
    : view.getBigUint64(offset, littleEndian);
  const number = Number(wide);
  return Number.isSafeInteger(number) ? number : wide;
}

function writeWhole(
  view: DataView,
  { code, offset, size }: { code: string; offset: number; size: number },
  littleEndian: boolean,
  value: number | bigint,
  name: string,
): void {
  const signed = SIGNED.includes(code) || (code === "P" && value < 0); // Python takes both there
  const bits = size * 8;
  if (size < 8) {
    const least = signed ? -(2 ** (bits - 1)) : 0, most = 2 ** (signed ? bits - 1 : bits) - 1;
    if (value < least || value > most) throw outside(value, code, name, least, most);
    const number = Number(value);
    if (size === 1) view.setUint8(offset, number);
    else if (size === 2) view.setUint16(offset, number, littleEndian);
    else view.setUint32(offset, number, littleEndian);
    return;
  }
  const least = signed ? -(1n << 63n) : 0n, most = (1n << (signed ? 63n : 64n)) - 1n;
  if (value < least || value > most) throw outside(value, code, name, least, most);
  view.setBigUint64(offset, BigInt.asUintN(64, BigInt(value)), littleEndian);
}

function writeFloat(
  view: DataView,
  { code, offset }: { code: string; offset: number },
  littleEndian: boolean,
  value: number,
  name: string,
): void {
  if (code === "d") return view.setFloat64(offset, value, littleEndian);
  const limit = code === "e" ? HALF_LIMIT : FLOAT_LIMIT;
  if (Math.abs(value) >= limit && Math.abs(value) !== Infinity) {
    const most = code === "e" ? MAX_HALF : MAX_FLOAT;
    throw outside(value, code, name, -most, most);
  }
  if (code === "f") view.setFloat32(offset, value, littleEndian);
  else view.setUint16(offset, numberToHalf(value), littleEndian);
}

/** `s` is cut or filled up with zeros; `p` has its length in front, which says 255 at the most. */
function writeBytes(
  view: DataView,
  { code, offset, size }: { code: string; offset: number; size: number },
  bytes: Uint8Array,
  name: string,
): void {
  if (code === "c" && bytes.length !== 1) {
    throw new RangeError(
      `Cannot pack ${name}: "c" is one byte and it has ${bytes.length}; use "${bytes.length}s"`,
    );
  }
  if (size === 0) return;
  const head = code === "p" ? 1 : 0;
  const kept = bytes.subarray(0, size - head);
  if (head) view.setUint8(offset, Math.min(kept.length, 255));
  new Uint8Array(view.buffer, view.byteOffset + offset + head, size - head).set(kept);
}

/** A copy, so that a value stays as it is when the buffer is used again. */
function bytesAt(view: DataView, offset: number, size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(view.buffer, view.byteOffset + offset, size).slice() as Uint8Array<
    ArrayBuffer
  >;
}

function wholeOf(value: StructInput, code: string, name: string): number | bigint {
  if (typeof value === "bigint" || Number.isInteger(value)) return value as number | bigint;
  if (typeof value === "boolean") return Number(value);
  if (typeof value !== "number") throw wrong(value, code, name);
  throw new RangeError(
    `Cannot pack ${name}: ${value} is not a whole number, which "${code}" wants; ` +
      `round it, or use "f"`,
  );
}

function numberOf(value: StructInput, code: string, name: string): number {
  if (typeof value === "string" || ArrayBuffer.isView(value)) throw wrong(value, code, name);
  return Number(value);
}

function bytesOf(value: StructInput, code: string, name: string): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === "string") return new TextEncoder().encode(value);
  throw wrong(value, code, name);
}

function wrong(value: unknown, code: string, name: string): TypeError {
  const wanted = "csp".includes(code)
    ? "bytes or text"
    : code === "?"
    ? "true or false"
    : "a number";
  const found = value === null ? "null" : ArrayBuffer.isView(value) ? "bytes" : typeof value;
  return new TypeError(`Cannot pack ${name}: it is ${found}; "${code}" wants ${wanted}`);
}

function outside(
  value: number | bigint,
  code: string,
  name: string,
  least: number | bigint,
  most: number | bigint,
): RangeError {
  return new RangeError(
    `Cannot pack ${name}: ${value} does not fit "${code}"; give ${least} to ${most}`,
  );
}

/**
 * IEEE 754 binary16 (sign, 5 bits of exponent, 10 of fraction), rounded once from the full number, half
 * to even. `DataView.setFloat16` does the same and is younger than some runtimes that run this.
 */
function numberToHalf(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size === Infinity) return sign | 0x7c00;
  // The exponent of the unit in the last place: 2^-24 for the smallest, 10 below the number's own.
  let exponent = Math.max(-14, Math.floor(Math.log2(size)));
  if (exponent > -14 && 2 ** exponent > size) exponent--; // log2 rounds
  const units = roundHalfToEven(size / 2 ** (exponent - 10));
  return sign | ((exponent + 14) * 1024 + units); // a carry moves into the exponent by itself
}

function roundHalfToEven(value: number): number {
  const whole = Math.floor(value);
  const rest = value - whole;
  return rest > 0.5 || (rest === 0.5 && whole % 2 === 1) ? whole + 1 : whole;
}

function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = bits >> 10 & 31, fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return exponent === 0
    ? sign * fraction * 2 ** -24
    : sign * (1024 + fraction) * 2 ** (exponent - 25);
}
