/**
 * Reads format strings of Python's `struct` module into the places of a C struct.
 *
 * ```text
 * format = [order] { [count] code }          spaces may stand before a count or a code
 * order  = "<" little endian | ">" or "!" big endian | "=" this computer's: packed, fixed sizes
 *          "@", or nothing: as the C compiler of a 64-bit Linux lays it out, with gaps
 *
 * code  bytes  (native)   value            code  bytes  (native)   value
 * x     1                 a pad, no value  i I   4                 whole number
 * c     1                 one byte         l L   4      8          whole number
 * b B   1                 whole number     q Q   8                 whole number
 * ?     1                 truth            n N   -      8          whole number (ssize_t, size_t)
 * h H   2                 whole number     e f d 2 4 8             IEEE 754 number
 * s     count             bytes            P     -      8          whole number (an address)
 * p     count             bytes, the first says how many
 * ```
 *
 * Small letters of whole numbers are signed, capitals are not. In the native layout a value lies at a
 * multiple of its own size; a last part such as `0i` fills up to where an `int` could follow.
 *
 * Source: docs.python.org/3/library/struct.html. Complex numbers (`F`, `D` of Python 3.14) are left out.
 */

/** What stands at one place, or at several that follow each other, of a struct. */
export interface StructField {
  /** The format character. */
  readonly code: string;
  /** Where the first one begins. */
  readonly offset: number;
  /** Bytes of one value; for `s` and `p` the length of the text. */
  readonly size: number;
  /** How many values follow each other; 1 for `s` and `p`. */
  readonly count: number;
}

/** A format that was understood. */
export interface StructLayout {
  readonly littleEndian: boolean;
  /** Bytes of the whole struct. */
  readonly size: number;
  /** How many values it holds; pads have none. */
  readonly values: number;
  readonly fields: readonly StructField[];
}

const STANDARD_SIZES: Readonly<Record<string, number>> = {
  ...{ x: 1, c: 1, b: 1, B: 1, "?": 1, s: 1, p: 1, h: 2, H: 2, e: 2 },
  ...{ i: 4, I: 4, l: 4, L: 4, f: 4, q: 8, Q: 8, d: 8 },
};
/** `long`, `ssize_t`, `size_t` and `void *` in the data model LP64, of x86_64 and aarch64 alike. */
const NATIVE_SIZES: Readonly<Record<string, number>> = {
  ...STANDARD_SIZES,
  ...{ l: 8, L: 8, n: 8, N: 8, P: 8 },
};

/** Nobody sends a larger message over a wire; a mistyped count shall not ask for all memory. */
const MAX_SIZE = 1 << 28;

/**
 * Understands a format.
 *
 * @throws {SyntaxError} when it is no format, saying which character is wrong
 * @throws {RangeError} when the struct would be larger than 256 MiB
 */
export function parseStructFormat(format: string): StructLayout {
  const order = /^[<>=!@]/.exec(format)?.[0] ?? "";
  const native = order === "" || order === "@";
  const sizes = native ? NATIVE_SIZES : STANDARD_SIZES;
  const fields: StructField[] = [];
  let size = 0, values = 0;
  for (const { digits, code, at } of parts(format, order.length)) {
    const unit = sizes[code];
    if (unit === undefined) throw unknownCode(format, code, at);
    const count = digits === "" ? 1 : Number(digits);
    // Every type up to 8 bytes is aligned to its size in the System V ABI (x86_64) and AAPCS64.
    if (native && size % unit !== 0) size += unit - size % unit;
    const text = code === "s" || code === "p";
    const part = text
      ? { code, offset: size, size: count, count: 1 }
      : { code, offset: size, size: unit, count };
    size += count * unit;
    if (size > MAX_SIZE) {
      throw new RangeError(
        `Cannot use the struct format "${format}": it is larger than ${MAX_SIZE} bytes; ` +
          `see the count before "${code}"`,
      );
    }
    if (code === "x" || part.count === 0) continue;
    fields.push(part);
    values += part.count;
  }
  return { littleEndian: order !== ">" && order !== "!", size, values, fields };
}

/** Counts and codes one after the other; what is neither ends as a code that nobody knows. */
function* parts(
  format: string,
  start: number,
): Generator<{ digits: string; code: string; at: number }> {
  const part = /[ \t\n\r\v\f]*([0-9]*)([^]?)/uy;
  for (part.lastIndex = start; part.lastIndex < format.length;) {
    const [, digits = "", code = ""] = part.exec(format)!;
    if (digits === "" && code === "") return; // spaces at the end
    yield { digits, code, at: part.lastIndex - code.length };
  }
}

function unknownCode(format: string, code: string, at: number): SyntaxError {
  const state = code === ""
    ? "a count stands at its end without a format character"
    : "nNP".includes(code)
    ? `"${code}" has a size only in the native layout`
    : `"${code}" at ${at} is no format character`;
  const mend = "nNP".includes(code) && code !== ""
    ? 'begin with "@", or use "q" and "Q"'
    : 'a number and one of "xcbB?hHiIlLqQnNefdspP" may stand there';
  return new SyntaxError(`Cannot use the struct format "${format}": ${state}; ${mend}`);
}
