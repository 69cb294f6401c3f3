import { Queue } from "../subscriptions/queue.ts";
import { report } from "../subscriptions/report.ts";

/** So many seconds a reader may be behind before that is said. */
const LAG_S = 10;

/** A queue that drops nothing, but says once when its reader is ten seconds behind. */
export class LagQueue<T> extends Queue<T> {
  readonly #producer: string;
  readonly #bound: number;
  #said = false;

  /** @param producer its class @param perSecond how many values come in a second */
  constructor(producer: string, perSecond: number) {
    super();
    this.#producer = producer;
    this.#bound = LAG_S * perSecond;
  }

  /** Keeps the value. */
  override put_nowait(value: T): void {
    super.put_nowait(value);
    if (this.#said || this.size <= this.#bound) return;
    this.#said = true;
    report(
      `a subscription of ${this.#producer} is read too slowly`,
      `${LAG_S} s of sound wait in it, and it grows; unsubscribe it, or subscribe a Queue with a maxSize`,
    );
  }
}
