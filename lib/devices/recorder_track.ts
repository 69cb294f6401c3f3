import { SubscriptionConsumer } from "../subscriptions/consumer.ts";
import { Queue } from "../subscriptions/queue.ts";
import { closedError } from "../subscriptions/subscription.ts";
import type { Source } from "../subscriptions/types.ts";

/** One consumer of a `Recorder`: `video` or `audio`. */
export class RecorderTrack<T> extends SubscriptionConsumer<T> {
  readonly #direct: Queue<T>;
  readonly #take: (value: T) => Promise<void> | void;
  #used = false;
  #finishing = false;
  #taking: Promise<void> = Promise.resolve();
  readonly #reading: Promise<void>;

  /** Made by `Recorder`, which is handed each value and may let the next one wait. */
  constructor(take: (value: T) => Promise<void> | void) {
    const direct = new Queue<T>();
    super({ directPutSubscription: () => direct });
    this.#direct = direct;
    this.#take = take;
    this.#reading = this.#read();
  }

  /** Whether anything was ever put here. */
  get used(): boolean {
    return this.#used;
  }

  /** Takes a value into the file; see {@linkcode SubscriptionConsumer}. */
  override put_nowait(value: T): void {
    if (this.#finishing) throw closedError("put into", this.constructor.name);
    super.put_nowait(value);
    this.#used = true;
  }

  /** Records what the source gives, for ever. */
  override putSubscription(source: Source<T>): void {
    if (this.#finishing) throw closedError("put a subscription into", this.constructor.name);
    super.putSubscription(source);
    this.#used = true;
  }

  /** For `Recorder`: takes what was put, nothing more, and closes. */
  async finish(): Promise<void> {
    this.#finishing = true;
    if (!this.closed) this.stopSubscription();
    while (this.#direct.size > 0 && !this.closed) {
      await this.#taking;
      await null; // the next one begins to be taken
    }
    for (let i = 0; i < 8; i++) await null; // one that was taken from the queue may be on its way
    await this.#taking;
    await this.close();
    await this.#reading;
  }

  /** For `Recorder`: it failed. */
  fail(error: unknown): void {
    this._setError(error);
  }

  async #read(): Promise<void> {
    for (;;) {
      let value: T;
      try {
        value = await this._get();
      } catch {
        return; // it was closed
      }
      this.#taking = Promise.resolve(this.#take(value));
      await this.#taking;
    }
  }
}
