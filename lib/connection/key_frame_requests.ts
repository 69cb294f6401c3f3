/**
 * When to ask for a key frame (PLI, RFC 4585 section 6.3.1): at once when a picture is lost, then again
 * and ever more seldom until it comes. Pure: the present is an argument.
 */

/** A second request before an answer can have come would only make another large frame. */
const FIRST_REPEAT_MS = 300;
const LAST_REPEAT_MS = 2_000;

/** Knows whether a key frame is needed, and when it is to be asked for. */
export class KeyFrameRequests {
  #wanted = false;
  #askedMs = -Infinity;
  #repeatMs = FIRST_REPEAT_MS;
  #count = 0;

  /** How often it was asked. */
  get count(): number {
    return this.#count;
  }

  /** When to call {@linkcode due}; `Infinity` while none is needed. */
  get nextDueMs(): number {
    return this.#wanted ? this.#askedMs + this.#repeatMs : Infinity;
  }

  /** A key frame is needed. */
  want(): void {
    this.#wanted = true;
  }

  /** It came, or is no longer needed. */
  satisfied(): void {
    this.#wanted = false;
    this.#repeatMs = FIRST_REPEAT_MS;
  }

  /** Whether to ask now. */
  due(nowMs: number): boolean {
    if (nowMs < this.nextDueMs) return false;
    if (nowMs - this.#askedMs < LAST_REPEAT_MS) {
      this.#repeatMs = Math.min(this.#repeatMs * 2, LAST_REPEAT_MS);
    }
    this.#askedMs = nowMs;
    this.#count++;
    return true;
  }
}
