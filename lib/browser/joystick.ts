/// <reference lib="dom" />
/** A joystick on the screen, for a thumb or a mouse. */

import { onLeave } from "./leave.ts";
import { Producer } from "./producer.ts";

/** Where the stick is: right and up are positive, never outside the unit circle. */
export interface StickPosition {
  x: number;
  y: number;
}

/** A thumb is never quite still: so near to the middle counts as the middle. */
const DEAD_ZONE = 0.1;

/**
 * Turns an element into a joystick. It follows the one finger that touched it first, whatever other
 * fingers do. For looks, the element gets the attribute `data-active` while held, and the style
 * properties `--x` and `--y` (-1…1, down is positive, as the screen has it).
 */
export class Joystick extends Producer<StickPosition> {
  readonly #element: HTMLElement;
  readonly #listening = new AbortController();
  #pointer: number | null = null;
  #position: StickPosition = { x: 0, y: 0 };

  /** @param element its inscribed circle is how far the stick goes */
  constructor(element: HTMLElement) {
    super();
    this.#element = element;
    element.style.touchAction = "none";
    const { signal } = this.#listening;
    const listen = (type: string, react: (event: PointerEvent) => void) =>
      element.addEventListener(type, (event) => react(event as PointerEvent), { signal });
    listen("pointerdown", (event) => this.#grab(event));
    listen("pointermove", (event) => this.#owns(event) && this.#follow(event));
    for (const type of ["pointerup", "pointercancel", "lostpointercapture"]) {
      listen(type, (event) => this.#owns(event) && this.release());
    }
    // A long press must not open a menu.
    element.addEventListener("contextmenu", (event) => event.preventDefault(), { signal });
    onLeave(() => this.release(), signal);
    this._becomeReady();
  }

  /** Where the stick is now. */
  get position(): StickPosition {
    return this.#position;
  }

  /** Lets go: the stick springs to the middle. */
  release(): void {
    this.#pointer = null;
    this.#element.toggleAttribute("data-active", false);
    this.#move(0, 0);
  }

  /** Lets go and stops listening. */
  close(): void {
    if (this.closed) return;
    this.release();
    this.#listening.abort();
    this._end(null);
  }

  #owns(event: PointerEvent): boolean {
    return event.pointerId === this.#pointer;
  }

  #grab(event: PointerEvent): void {
    if (this.#pointer !== null || event.button !== 0) return;
    event.preventDefault();
    this.#pointer = event.pointerId;
    this.#element.setPointerCapture(event.pointerId);
    this.#element.toggleAttribute("data-active", true);
    this.#follow(event);
  }

  #follow(event: PointerEvent): void {
    const box = this.#element.getBoundingClientRect();
    const radius = Math.min(box.width, box.height) / 2;
    const x = (event.clientX - box.left - box.width / 2) / radius;
    const y = (box.top + box.height / 2 - event.clientY) / radius;
    const length = Math.hypot(x, y);
    // What is left outside the dead zone is stretched, so that slow is possible and full is reached.
    const wanted = Math.min(1, Math.max(0, (length - DEAD_ZONE) / (1 - DEAD_ZONE)));
    const scale = length > 0 ? wanted / length : 0;
    this.#move(x * scale, y * scale);
  }

  #move(x: number, y: number): void {
    this.#element.style.setProperty("--x", x.toFixed(3));
    this.#element.style.setProperty("--y", (-y).toFixed(3));
    if (x === this.#position.x && y === this.#position.y) return;
    this.#position = { x, y };
    this._emit(this.#position);
  }
}
