/**
 * How regularly packets arrive. What is measured is each packet's *transit*: when it came, on our clock,
 * less when it was made, on the sender's. The clocks have nothing in common, so only differences count:
 *
 *     transit − least transit of the last ten seconds  =  how late it was
 */

/** Ten seconds of 20 ms packets: long enough to see rare lateness, short enough to follow two clocks. */
const WINDOW = 512;
/** So few packets in a hundred may be later than what we are ready for. */
const TOO_LATE_PERCENT = 1;
/** Nobody can wait for what is as late as this, so it does not count. */
const HOPELESS_MS = 500;
/** After a stop many come at once. That is one event, told by the first; what comes so soon is not counted. */
const BURST_MS = 5;
/** Late at all, for that. */
const LATE_MS = 10;
/** If all of so many packets in a row differ from those before by as much, the path is another one. */
const MOVED_PACKETS = 50;
const LONGER_MS = 200, SHORTER_MS = 30;
/** The figures are worked out anew after so many packets, which is what costs. */
const RENEW_PACKETS = 10;

/** Keeps the transits of the last packets. Pure. */
export class Arrivals {
  readonly #ring = new Float64Array(WINDOW);
  #count = 0;
  #renewed = 0;
  #lastMs = -Infinity;
  #base = 0;
  #spread = 0;

  /** Packets noted since the beginning, or since the path became another one. */
  get count(): number {
    return this.#count;
  }

  /** The least transit, in ms; 0 before the first packet. */
  get baseMs(): number {
    this.#update();
    return this.#base;
  }

  /** How late nearly all packets are at most, in ms. */
  get spreadMs(): number {
    this.#update();
    return this.#spread;
  }

  /** Notes a packet. @param madeMs on the sender's clock @param arrivalMs on ours */
  add(madeMs: number, arrivalMs: number): void {
    const transit = arrivalMs - madeMs;
    const soon = arrivalMs - this.#lastMs < BURST_MS;
    this.#lastMs = arrivalMs;
    if (soon && transit > this.#base + LATE_MS) return;
    this.#ring[this.#count++ % WINDOW] = transit;
    if (this.#count === 1 || transit < this.#base || transit > this.#base + this.#spread) {
      this.#renew();
    }
  }

  #update(): void {
    if (this.#count - this.#renewed >= RENEW_PACKETS) this.#renew();
  }

  #renew(): void {
    this.#renewed = this.#count;
    const size = Math.min(this.#count, WINDOW);
    if (size > MOVED_PACKETS && this.#hasMoved(size)) return this.#forgetBut(MOVED_PACKETS);
    const sorted = this.#ring.slice(0, size).sort();
    this.#base = sorted[0]!;
    let servable = size;
    while (sorted[servable - 1]! > this.#base + HOPELESS_MS) servable--;
    this.#spread = sorted[Math.ceil(servable * (1 - TOO_LATE_PERCENT / 100)) - 1]! - this.#base;
  }

  #hasMoved(size: number): boolean {
    let [least, most] = [Infinity, -Infinity];
    let [above, below] = [0, 0];
    for (let back = 1; back <= size; back++) {
      const transit = this.#ring[(this.#count - back) % WINDOW]!;
      if (back <= MOVED_PACKETS) {
        least = Math.min(least, transit);
        most = Math.max(most, transit);
      } else if (transit > most + SHORTER_MS) above++;
      else if (transit < least - LONGER_MS) below++;
    }
    // Some of those before may have come on the new path already.
    const before = 0.7 * (size - MOVED_PACKETS);
    return above >= before || below >= before;
  }

  #forgetBut(recent: number): void {
    const kept = Array.from(
      { length: recent },
      (_, i) => this.#ring[(this.#count - recent + i) % WINDOW]!,
    );
    this.#ring.set(kept);
    this.#count = recent;
    this.#renew();
  }
}
