/** What a camera can be told besides its size. */

/** A number, on or off, or the name of a menu's item. */
export type CameraControlValue = number | boolean | string;

/** One setting of a camera, such as its brightness. */
export interface CameraControl {
  /** What it is called by: `brightness`, `white_balance_automatic`. */
  readonly name: string;
  /** What its driver calls it: `White Balance, Automatic`. */
  readonly label: string;
  /** What it takes: a whole number, on or off, one of `items`, or (a button) anything. */
  readonly type: "integer" | "boolean" | "menu" | "button";
  /** Least value. */
  readonly min: number;
  /** Most value. */
  readonly max: number;
  /** Values in between are rounded to steps of it. */
  readonly step: number;
  /** What it is when nobody has set it; `null` of a button. */
  readonly default: CameraControlValue | null;
  /** What a menu has to choose from. */
  readonly items: readonly { readonly value: number; readonly name: string }[];
  /** Whether it can only be read. */
  readonly readOnly: boolean;
  /** Whether it has no effect at present, as an exposure while the automatic one is on. */
  readonly inactive: boolean;
}

/** A driver's label as a name: `White Balance, Automatic` is `white_balance_automatic`, as v4l2-ctl has it. */
export function controlName(label: string): string {
  return label.toLowerCase().replace(/[^a-z0-9]+/g, "_").replace(/^_|_$/g, "");
}

/** A driver's number as a value. */
export function controlValue(
  { type, items }: Pick<CameraControl, "type" | "items">,
  value: number,
): CameraControlValue {
  if (type === "boolean") return value !== 0;
  if (type !== "menu") return value;
  return items.find((item) => item.value === value)?.name ?? value;
}

/**
 * A value as the driver's number.
 * @throws {TypeError} when it can only be read @throws {RangeError} when it does not take the value
 */
export function controlNumber(control: CameraControl, value: CameraControlValue): number {
  const { name, type, min, max, items, readOnly } = control;
  if (readOnly) throw new TypeError(`Cannot set control "${name}": it can only be read`);
  if (type === "button") return 0;
  if (type === "menu") {
    const item = items.find((item) => item.value === value || item.name === String(value));
    if (item !== undefined) return item.value;
    const names = items.map((item) => JSON.stringify(item.name)).join(", ");
    throw new RangeError(`Cannot set control "${name}": no item ${value}; give one of ${names}`);
  }
  const number = Number(value);
  if (typeof value !== "string" && Number.isInteger(number) && number >= min && number <= max) {
    return number;
  }
  throw new RangeError(
    `Cannot set control "${name}": ${value} is no whole number of ${min}…${max}`,
  );
}
