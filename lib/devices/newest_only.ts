/** Work that takes longer than the values are apart: the newest is next, what came between is left out. */
export class NewestOnly<T> {
  readonly #work: (value: T) => Promise<void>;
  readonly #failed: (error: unknown) => void;
  #busy = false;
  #next: { value: T } | null = null;

  /** Waits for values. @param work is never called while it runs @param failed is told when it rejects */
  constructor(work: (value: T) => Promise<void>, failed: (error: unknown) => void) {
    this.#work = work;
    this.#failed = failed;
  }

  /** Works on the value, now or when what runs has ended and no newer one has come. */
  push(value: T): void {
    if (this.#busy) this.#next = { value };
    else this.#run(value);
  }

  async #run(value: T): Promise<void> {
    this.#busy = true;
    try {
      await this.#work(value);
    } catch (error) {
      this.#failed(error);
    }
    this.#busy = false;
    const next = this.#next;
    this.#next = null;
    if (next !== null) this.#run(next.value);
  }
}
