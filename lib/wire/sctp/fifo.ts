/** A queue that takes and gives in constant time: `Array.shift` moves everything behind it. */
export class Fifo<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  /** How many are waiting. */
  get length(): number {
    return this.#items.length - this.#head;
  }

  /** Puts one at the end. */
  push(item: T): void {
    this.#items.push(item);
  }

  /** The first one, which stays; `undefined` when there is none. */
  peek(): T | undefined {
    return this.#items[this.#head];
  }

  /** Takes the first one out; `undefined` when there is none. */
  shift(): T | undefined {
    if (this.#head === this.#items.length) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head++] = undefined;
    if (this.#head === this.#items.length) {
      this.#items.length = this.#head = 0;
    } else if (this.#head >= 1024 && this.#head * 2 >= this.#items.length) {
      this.#items.copyWithin(0, this.#head); // each item is moved once for each item taken, at most
      this.#items.length -= this.#head;
      this.#head = 0;
    }
    return item;
  }
}
