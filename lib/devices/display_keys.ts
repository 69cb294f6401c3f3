/** Keys that are pressed in a window, in the form that pages give them. */

import { KMOD, type SdlKey } from "../../ffi/sdl2_events.ts";
import { SubscriptionProducer } from "../subscriptions/producer.ts";

/**
 * One key going down or up, in the form of the page's `rtcbot.Keyboard`: one function can drive by both.
 */
export interface DisplayKey {
  /** Down or up. */
  readonly type: "keydown" | "keyup";
  /** Whether Alt is held. */
  readonly altKey: boolean;
  /** Whether Shift is held. */
  readonly shiftKey: boolean;
  /** The browsers' old numbers: 87 is W, 38 is the up arrow; 0 where there is none. */
  readonly keyCode: number;
  /** What the key means in the layout of the user: `"w"`, `"W"` with shift, `"ArrowUp"`. */
  readonly key: string;
  /** When, in milliseconds of `performance.now()`. */
  readonly timestamp: number;
}

/** The keys of one window: each when it goes down and when it goes up, once, without repeats. */
export class DisplayKeys extends SubscriptionProducer<DisplayKey> {
  /** For `Display`: hands a key to all. */
  give(key: DisplayKey): void {
    this._put_nowait(key);
  }
}

type Named = readonly [scancode: number, key: string, keyCode: number];

/** Keys that stand for no character: SDL_scancode.h, and `key` and `keyCode` of a page's `KeyboardEvent`. */
const NAMED: readonly Named[] = [
  ...[[40, "Enter", 13], [41, "Escape", 27], [42, "Backspace", 8], [43, "Tab", 9]] as const,
  ...[[57, "CapsLock", 20], [73, "Insert", 45], [74, "Home", 36], [75, "PageUp", 33]] as const,
  ...[[76, "Delete", 46], [77, "End", 35], [78, "PageDown", 34], [79, "ArrowRight", 39]] as const,
  ...[[80, "ArrowLeft", 37], [81, "ArrowDown", 40], [82, "ArrowUp", 38], [
    88,
    "Enter",
    13,
  ]] as const,
  ...[[224, "Control", 17], [225, "Shift", 16], [226, "Alt", 18], [227, "Meta", 91]] as const,
  ...[[228, "Control", 17], [229, "Shift", 16], [230, "Alt", 18], [231, "Meta", 92]] as const,
  // F1…F12, and on the keypad 1…9 and 0.
  ...Array.from({ length: 12 }, (_, i): Named => [58 + i, `F${i + 1}`, 112 + i]),
  ...Array.from({ length: 10 }, (_, i): Named => [89 + i, `${(i + 1) % 10}`, 96 + (i + 1) % 10]),
];

const BY_SCANCODE = new Map(NAMED.map((named) => [named[0], named]));

/** The numbers of signs on a US keyboard. */
const SIGNS: Readonly<Record<string, number>> = {
  ...{ ";": 186, "=": 187, ",": 188, "-": 189, ".": 190, "/": 191 },
  ...{ "`": 192, "[": 219, "\\": 220, "]": 221, "'": 222 },
};

/** The old number of a key by its name, 0 where there is none. */
export function keyCodeOf(key: string): number {
  const named = NAMED.find(([, name]) => name === key && key.length > 1);
  if (named !== undefined) return named[2];
  const upper = key.toUpperCase();
  return /^[A-Z0-9 ]$/.test(upper) ? upper.charCodeAt(0) : SIGNS[key] ?? 0;
}

/** A key of SDL's in the page's form. */
export function displayKey({ down, scancode, sym, modifiers }: SdlKey, nowMs: number): DisplayKey {
  const shiftKey = (modifiers & KMOD.shift) !== 0;
  const named = BY_SCANCODE.get(scancode);
  const isCharacter = sym >= 32 && sym <= 0x10ffff;
  const character = isCharacter ? String.fromCodePoint(sym) : "";
  const upper = shiftKey !== ((modifiers & KMOD.caps) !== 0);
  // Of other signs SDL does not say what they are with shift.
  const [, key, keyCode] = named ??
    (isCharacter
      ? [0, upper ? character.toUpperCase() : character, keyCodeOf(character)]
      : [0, "Unidentified", 0]);
  const type = down ? "keydown" : "keyup";
  const altKey = (modifiers & KMOD.alt) !== 0;
  return { type, altKey, shiftKey, keyCode, key, timestamp: nowMs };
}
