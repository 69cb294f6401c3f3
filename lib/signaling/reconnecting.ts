/** How long to wait before the next attempt. */

/** Options for connecting again. */
export interface ReconnectOptions {
  /** The first pause. @default {500} */
  firstMs?: number;
  /** Pauses double up to this. @default {15_000} */
  longestMs?: number;
  /** A connection that lasted so long was a good one, and the pauses begin anew. @default {5000} */
  goodAfterMs?: number;
  /** Says for which ends it is not to be tried again: another robot has taken our place, for example. */
  unless?: (end: { readonly code: number; readonly reason: string }) => boolean;
}

/** Pauses that double, each between half and the whole: not all come back in the same moment. */
export class Pauses {
  readonly #firstMs: number;
  readonly #longestMs: number;
  readonly #random: () => number;
  #nextMs: number;

  /** @param random gives numbers from 0 to 1 */
  constructor(options: ReconnectOptions, random: () => number) {
    this.#firstMs = options.firstMs ?? 500;
    this.#longestMs = options.longestMs ?? 15_000;
    this.#random = random;
    this.#nextMs = this.#firstMs;
    if (!(this.#firstMs > 0 && this.#longestMs >= this.#firstMs)) {
      throw new RangeError(
        `Cannot reconnect after ${this.#firstMs} to ${this.#longestMs} ms; ` +
          `give firstMs above 0 and longestMs of at least that`,
      );
    }
  }

  /** The next pause in ms. */
  next(): number {
    const ms = this.#nextMs * (0.5 + 0.5 * this.#random());
    this.#nextMs = Math.min(2 * this.#nextMs, this.#longestMs);
    return ms;
  }

  /** Begins anew. */
  reset(): void {
    this.#nextMs = this.#firstMs;
  }
}
