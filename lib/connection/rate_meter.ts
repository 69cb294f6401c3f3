/** How many bits a second went by lately. Pure: the present is an argument. */

const SLOTS = 20;

/** A window that moves in steps of a twentieth. */
export class RateMeter {
  readonly #slotMs: number;
  readonly #bytes = new Float64Array(SLOTS);
  #slot: number | null = null;
  #first = 0;

  /** @param windowMs how far it looks back */
  constructor(windowMs: number) {
    this.#slotMs = windowMs / SLOTS;
  }

  /** Bytes that went by; what is older than the window is left out. */
  add(bytes: number, nowMs: number): void {
    const slot = this.#turn(nowMs);
    const of = Math.floor(nowMs / this.#slotMs);
    if (slot - of < SLOTS) this.#bytes[((of % SLOTS) + SLOTS) % SLOTS]! += bytes;
  }

  /** Bits a second; `null` before a half of the window has passed. */
  rate(nowMs: number): number | null {
    const slot = this.#turn(nowMs);
    const slots = Math.min(SLOTS, slot - this.#first + 1);
    if (slots < SLOTS / 2) return null;
    let bytes = 0;
    for (const some of this.#bytes) bytes += some;
    return bytes * 8_000 / (slots * this.#slotMs);
  }

  /** Empties the slots that have passed. @returns the newest */
  #turn(nowMs: number): number {
    const slot = Math.floor(nowMs / this.#slotMs);
    if (this.#slot === null) this.#slot = this.#first = slot;
    if (slot - this.#slot >= SLOTS) {
      this.#bytes.fill(0);
      this.#slot = slot;
    }
    for (; this.#slot < slot;) this.#bytes[((++this.#slot % SLOTS) + SLOTS) % SLOTS] = 0;
    return this.#slot;
  }
}
