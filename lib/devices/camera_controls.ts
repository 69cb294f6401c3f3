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
