import { parseStructFormat, type StructLayout } from "./struct_format.ts";
import {
  readValue,
  type StructInput,
  type StructValue,
  type StructValueOf,
  writeValue,
} from "./struct_values.ts";

export type { StructInput, StructMadeOf, StructValue, StructValueOf } from "./struct_values.ts";

/** What {@linkcode Struct.pack} takes: the values in order, or an object that has the struct's keys. */
export type StructMessage = readonly StructInput[] | Readonly<Record<string, StructInput>>;

/**
 * A C struct, described in the format language of Python's `struct` module: values to bytes and back,
 * as an array in the order of the format or, with keys, as an object.
 *
 * ```ts
 * import { Struct } from "rtcbot";
 * import assert from "node:assert/strict";
 *
 * // struct { int16_t speed; uint8_t light; } __attribute__((packed));
 * const control = new Struct("<hB", ["speed", "light"]);
 * const bytes = control.pack({ speed: -23, light: 101 });
 * assert.deepEqual(bytes, new Uint8Array([0xe9, 0xff, 101]));
 * assert.deepEqual(control.unpackObject(bytes), { speed: -23, light: 101 });
 * assert.deepEqual(new Struct("<hB").unpack(bytes), [-23, 101]);
 * ```
 *
 * Begin the format with `<` for an Arduino. Without it, or with `@`, values lie where the C compiler of a
 * 64-bit Linux puts them.
 *
 * Whole numbers of 8 bytes (`q`, `Q`, and natively `l`, `L`, `n`, `N`, `P`) are given as a `number` while it
 * is exact, up to 2^53, so that they add up and turn into JSON like all others; only beyond as a `bigint`.
 * Python has one kind of whole number and knows no such difference. `c`, `s` and `p` give bytes.
 *
 * Python: `struct.Struct`.
 */
export class Struct<const F extends string = string, const K extends string = string> {
  /** The format as it was given. */
  readonly format: F;
  /** How many bytes it takes. */
  readonly size: number;
  /** How many values it holds. */
  readonly length: number;
  /** Names of the values, in order, or `null`. */
  readonly keys: readonly K[] | null;
  readonly #layout: StructLayout;

  /**
   * Understands a format.
   *
   * @param format such as `"<hB"`
   * @param keys names of the values, one for each
   * @throws {SyntaxError} when the format cannot be understood
   * @throws {RangeError} when there is not one key for each value
   */
  constructor(format: F, keys?: readonly K[] | null) {
    this.#layout = parseStructFormat(format);
    this.format = format;
    this.size = this.#layout.size;
    this.length = this.#layout.values;
    this.keys = keys ? [...keys] : null;
    if (this.keys && new Set(this.keys).size !== this.keys.length) {
      throw new RangeError(
        `Cannot name the values of "${format}": one key is there twice; give each its own`,
      );
    }
    if (this.keys && this.keys.length !== this.length) {
      throw new RangeError(
        `Cannot name the values of "${format}": it has ${this.length} and there are ` +
          `${this.keys.length} keys; give one for each`,
      );
    }
  }

  /**
   * The bytes of these values.
   *
   * @throws {TypeError} when a value is missing, too much, or of the wrong kind
   * @throws {RangeError} when a value does not fit its type
   */
  pack(message: StructMessage): Uint8Array<ArrayBuffer> {
    const values = this.#inOrder(message);
    const bytes = new Uint8Array(this.size);
    const view = new DataView(bytes.buffer);
    let next = 0;
    for (const { code, size, offset, count } of this.#layout.fields) {
      for (let i = 0; i < count; i++) {
        const place = { code, size, offset: offset + i * size };
        const value = values[next]!;
        writeValue(view, place, this.#layout.littleEndian, value, this.#nameOf(next++));
      }
    }
    return bytes;
  }

  /**
   * The values in these bytes, in order.
   *
   * @throws {RangeError} when there are more or fewer bytes than `size`
   */
  unpack(bytes: Uint8Array): StructValueOf<F>[] {
    if (bytes.length !== this.size) {
      throw new RangeError(
        `Cannot unpack "${this.format}": it has ${this.size} bytes and ${bytes.length} were given; ` +
          `see that both ends mean the same struct`,
      );
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const values: StructValue[] = [];
    for (const { code, size, offset, count } of this.#layout.fields) {
      for (let i = 0; i < count; i++) {
        const place = { code, size, offset: offset + i * size };
        values.push(readValue(view, place, this.#layout.littleEndian));
      }
    }
    return values as StructValueOf<F>[];
  }

  /**
   * The values in these bytes, by their keys.
   *
   * @throws {RangeError} when there are more or fewer bytes than `size`
   * @throws {TypeError} when the struct was made without keys
   */
  unpackObject(bytes: Uint8Array): Record<K, StructValueOf<F>> {
    const { keys } = this;
    if (keys === null) {
      throw new TypeError(
        `Cannot unpack "${this.format}" into an object: it has no keys; give them to new Struct()`,
      );
    }
    // From entries, so that a key such as "__proto__" is one like any other.
    const entries = this.unpack(bytes).map((value, i) => [keys[i]!, value] as const);
    return Object.fromEntries(entries) as Record<K, StructValueOf<F>>;
  }

  #inOrder(message: StructMessage): readonly StructInput[] {
    if (Array.isArray(message)) {
      if (message.length === this.length) return message;
      throw new TypeError(
        `Cannot pack "${this.format}": it has ${this.length} values and ${message.length} were given; ` +
          `give one for each`,
      );
    }
    if (this.keys === null || typeof message !== "object" || message === null) {
      const wanted = this.keys === null ? "an array" : "an object or an array";
      throw new TypeError(`Cannot pack "${this.format}": it takes ${wanted}; give it its values`);
    }
    const object = message as Readonly<Record<string, StructInput>>;
    return this.keys.map((key) => {
      if (Object.hasOwn(object, key)) return object[key]!;
      throw new TypeError(`Cannot pack "${this.format}": "${key}" is missing; give every key`);
    });
  }

  #nameOf(index: number): string {
    return this.keys ? `"${this.keys[index]}"` : `value ${index} of "${this.format}"`;
  }
}
