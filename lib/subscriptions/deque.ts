/** The smallest load that the ring is made for; a ring never shrinks below it. */
const SMALLEST = 8;

/** A ring that was larger than this is given back when it runs empty. */
const KEEP_AT_MOST = 1024;

/** First in, first out, in a ring: adding and taking cost the same however long the line is. */
export class Deque<T> {
  #ring: (T | undefined)[] = new Array(SMALLEST);
  #head = 0;
  #length = 0;

  /** How many are in line. */
  get length(): number {
    return this.#length;
  }

  /** Adds one at the end. */
  push(item: T): void {
    if (this.#length === this.#ring.length) this.#grow();
    this.#ring[this.#slot(this.#length)] = item;
    this.#length++;
  }

  /** Takes the first; `undefined` when nobody is in line. */
  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#ring[this.#head];
    this.#ring[this.#head] = undefined;
    this.#head = this.#slot(1);
    this.#length--;
    if (this.#length === 0 && this.#ring.length > KEEP_AT_MOST) this.#ring = new Array(SMALLEST);
    return item;
  }

  /** Takes one out wherever it stands, in time that grows with its place; false when not there. */
  remove(item: T): boolean {
    for (let place = 0; place < this.#length; place++) {
      if (this.#ring[this.#slot(place)] !== item) continue;
      for (let i = place; i > 0; i--) {
        this.#ring[this.#slot(i)] = this.#ring[this.#slot(i - 1)];
      }
      this.shift();
      return true;
    }
    return false;
  }

  /** The capacity is a power of two, so that going round is a mask. */
  #slot(place: number): number {
    return (this.#head + place) & (this.#ring.length - 1);
  }

  #grow(): void {
    const larger: (T | undefined)[] = new Array(this.#ring.length * 2);
    for (let i = 0; i < this.#length; i++) larger[i] = this.#ring[this.#slot(i)];
    this.#ring = larger;
    this.#head = 0;
  }
}
