/// <reference lib="dom" />
/** The keys of the page, as events that a robot can be given. */

import { Producer } from "./producer.ts";
import { onLeave } from "./leave.ts";

/** One key going down or up; the form is RTCBot's. */
export interface KeyboardEventMessage {
  type: "keydown" | "keyup";
  altKey: boolean;
  shiftKey: boolean;
  /** The old numbers, which RTCBot's robots look at: 87 is W, 38 is the up arrow. */
  keyCode: number;
  /** What the key means in the layout of the user, such as `"w"`, `"W"` or `"ArrowUp"`. */
  key: string;
  /** Milliseconds since the page was opened, the browser's `event.timeStamp`. */
  timestamp: number;
}

/**
 * Gives each key when it goes down and when it goes up, once, without the repeats of a held key.
 *
 * What is typed into a field of the page stays there. When the page loses the keyboard (another
 * window, another tab, `close()`), every held key goes up: nobody would tell the robot later.
 *
 * ```js
 * const kb = new rtcbot.Keyboard();
 * kb.subscribe(conn.put_nowait);
 * ```
 */
export class Keyboard extends Producer<KeyboardEventMessage> {
  readonly #held = new Map<string, { keyCode: number; key: string }>();
  readonly #listening = new AbortController();

  constructor() {
    super();
    const { signal } = this.#listening;
    document.addEventListener("keydown", (event) => this.#down(event), { signal });
    document.addEventListener("keyup", (event) => this.#up(event), { signal });
    onLeave(() => this.#releaseAll(), signal);
    this._becomeReady();
  }

  /** Stops listening, after letting go of what is held. */
  close(): void {
    if (this.closed) return;
    this.#releaseAll();
    this.#listening.abort();
    this._end(null);
  }

  #down(event: KeyboardEvent): void {
    const id = keyId(event);
    if (event.repeat || this.#held.has(id) || isTyping(event)) return;
    this.#held.set(id, { keyCode: event.keyCode, key: event.key });
    this._emit(messageOf("keydown", event));
  }

  #up(event: KeyboardEvent): void {
    // macOS tells of no key that goes up while the command key is held.
    if (event.key === "Meta") return this.#releaseAll();
    if (this.#held.delete(keyId(event))) this._emit(messageOf("keyup", event));
  }

  #releaseAll(): void {
    const held = [...this.#held.values()];
    this.#held.clear();
    for (const { keyCode, key } of held) {
      const timestamp = performance.now();
      this._emit({ type: "keyup", altKey: false, shiftKey: false, keyCode, key, timestamp });
    }
  }
}

/** The place on the keyboard: with shift, the same key goes down as "w" and up as "W". */
function keyId(event: KeyboardEvent): string {
  return event.code || event.key;
}

function messageOf(type: "keydown" | "keyup", event: KeyboardEvent): KeyboardEventMessage {
  const { altKey, shiftKey, keyCode, key, timeStamp: timestamp } = event;
  return { type, altKey, shiftKey, keyCode, key, timestamp };
}

/** Whether the key is being typed into a field of the page. */
export function isTyping(event: Event): boolean {
  const target = event.composedPath()[0];
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !NOT_TYPED_INTO.has(target.type);
  return target.isContentEditable || /^(textarea|select)$/i.test(target.tagName);
}

const NOT_TYPED_INTO = new Set(["button", "checkbox", "radio", "reset", "submit", "image", "file"]);
