/** Questions that end with whoever asks, or all together with the broker. */

/**
 * Runs work under a signal that follows another one and our own end. Not `AbortSignal.any`: what that makes
 * stays with the longest-lived of its signals, which here is the broker's.
 */
export class Asking {
  readonly #lives = new Set<AbortController>();
  #ended: Error | null = null;

  /** Rejects with the reason of whichever aborted before it began. */
  async during<T>(asker: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    asker.throwIfAborted();
    if (this.#ended) throw this.#ended;
    const life = new AbortController();
    const abort = () => life.abort(asker.reason);
    asker.addEventListener("abort", abort);
    this.#lives.add(life);
    try {
      return await work(life.signal);
    } finally {
      this.#lives.delete(life);
      asker.removeEventListener("abort", abort);
    }
  }

  /** Aborts what runs, and refuses what comes. */
  end(reason: Error): void {
    this.#ended ??= reason;
    for (const life of this.#lives) life.abort(this.#ended);
  }
}
