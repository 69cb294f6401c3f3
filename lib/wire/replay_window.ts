/**
 * Which records came before, so that nobody on the path can play them again (RFC 6347, section
 * 4.1.2.6): the newest number, and a bit for each of the 1024 before it.
 */

const WINDOW = 1024;

/** Remembers the sequence numbers of authentic records, of 48 bits. */
export class ReplayWindow {
  #newest = -1;
  readonly #seen = new Uint8Array(WINDOW);

  /** Whether a record with this number may be worked off: it is new, and not too old to tell. */
  isNew(sequence: number): boolean {
    if (sequence > this.#newest) return true;
    return sequence > this.#newest - WINDOW && this.#seen[sequence % WINDOW] === 0;
  }

  /** Notes a record that proved to be authentic. */
  note(sequence: number): void {
    if (sequence > this.#newest) {
      // The places of the numbers that were skipped are of numbers long past.
      const from = Math.max(this.#newest + 1, sequence - WINDOW + 1);
      for (let number = from; number < sequence; number++) this.#seen[number % WINDOW] = 0;
      this.#newest = sequence;
    }
    this.#seen[sequence % WINDOW] = 1;
  }
}
