import { SubscriptionClosed } from "../errors.ts";
import { Deque } from "./deque.ts";
import { report } from "./report.ts";
import type { Subscription } from "./subscription.ts";
import type { GetOptions, Source } from "./types.ts";

/** A value goes through an async function around the source's `get` in two or three microtasks. */
const LINGER_MICROTASKS = 4;

/** One who waits for the next value. */
interface Taker<T> {
  resolve(value: T): void;
  reject(reason: unknown): void;
}

/** The time during which one source is read. */
interface Turn<T> {
  readonly source: Source<T>;
  readonly abort: AbortController;
  /** What each `get` is called with: the signal that ends the turn. */
  readonly options: GetOptions;
  /** How many of the source's `get` are under way; never more than there are takers. */
  pulls: number;
  /** Once set, what still arrives from this source comes too late and is dropped. */
  over: boolean;
}

/**
 * The receiving side of a consumer: one source at a time, read only when somebody takes.
 *
 * Takers are not tied to the `get` that was begun for them, so a source can be replaced under them.
 * At a switch the old source's `get` is aborted, which takes nothing from a source that honours the
 * signal. What it had *already given* is on its way for a few microtasks and still delivered; only
 * then is the new source read. So nothing is lost and nothing comes twice.
 */
export class Intake<T> {
  readonly #name: string;
  /** What `put_nowait` fills; it is the source whenever there is no other. */
  readonly #direct: Subscription<T>;
  readonly #takers = new Deque<Taker<T>>();
  #turn: Turn<T>;
  /** How many old sources may still have a value on its way. */
  #lingering = 0;
  #ended: Error | null = null;
  #emptied: Taker<void>[] = [];

  /** @param name the consumer's class, for messages */
  constructor(name: string, direct: Subscription<T>) {
    this.#name = name;
    this.#direct = direct;
    this.#turn = begin(direct);
  }

  /** The source being read, or `null` while only `put_nowait` is listened to. */
  get subscription(): Source<T> | null {
    return this.#turn.source === this.#direct ? null : this.#turn.source;
  }

  /** Stops the source that is read, and takes the value. */
  put(value: T): void {
    this.read(null);
    this.#direct.put_nowait(value);
  }

  /** Reads this source from now on; `null` for none. What was put before is taken first. */
  read(source: Source<T> | null): void {
    if (source !== null && typeof source?.get !== "function") {
      throw new TypeError(
        `Cannot put a subscription into ${this.#name}: ${String(source)} has no get(); ` +
          `give a subscription, a producer, or new GetterSubscription(function)`,
      );
    }
    const next = source ?? this.#direct;
    const old = this.#turn;
    if (next === old.source) return;
    this.#turn = begin(next);
    old.abort.abort();
    if (old.pulls > 0) this.#linger(old);
    else this.#serve();
  }

  /** The next value; rejects when the consumer ends. */
  take(): Promise<T> {
    if (this.#ended !== null) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#takers.push({ resolve, reject });
      this.#serve();
    });
  }

  /** Resolves when everything that was put has been taken. */
  emptied(): Promise<void> {
    if (this.#ended !== null) return Promise.reject(this.#ended);
    if (this.#direct.size === 0) return Promise.resolve();
    return new Promise((resolve, reject) => this.#emptied.push({ resolve, reject }));
  }

  /** Sends everybody away and lets go of the source. What was put and not taken is forgotten. */
  end(reason: Error): void {
    this.#ended = reason;
    this.#turn.over = true;
    this.#turn.abort.abort();
    this.#turn = begin(this.#direct);
    this.#direct.close(reason);
    for (let taker = this.#takers.shift(); taker !== undefined; taker = this.#takers.shift()) {
      taker.reject(reason);
    }
    for (const waiting of this.#emptied.splice(0)) waiting.reject(reason);
  }

  /** Lets what the old source had already given arrive, before the new one is read. */
  async #linger(old: Turn<T>): Promise<void> {
    this.#lingering++;
    for (let i = 0; i < LINGER_MICROTASKS; i++) await null;
    this.#lingering--;
    old.over = true;
    this.#serve();
  }

  /** Begins a `get` for each taker that has none. */
  #serve(): void {
    if (this.#lingering > 0) return;
    while (this.#turn.pulls < this.#takers.length) this.#pull(this.#turn);
  }

  #pull(turn: Turn<T>): void {
    turn.pulls++;
    const source = this.#direct.size > 0 ? this.#direct : turn.source;
    const arrived = (value: T) => this.#arrived(turn, value);
    const failed = (error: unknown) => this.#failed(turn, source, error);
    try {
      // Resolve, because a source of the user's may give the value itself instead of a promise.
      Promise.resolve(source.get(turn.options)).then(arrived, failed);
    } catch (error) {
      failed(error);
    }
  }

  #arrived(turn: Turn<T>, value: T): void {
    if (turn.over) return;
    turn.pulls--;
    this.#takers.shift()?.resolve(value);
    if (this.#emptied.length > 0 && this.#direct.size === 0) {
      for (const waiting of this.#emptied.splice(0)) waiting.resolve();
    }
  }

  /** A source that ends is let go; the consumer lives on, waiting for what comes next. */
  #failed(turn: Turn<T>, source: Source<T>, error: unknown): void {
    if (turn.over) return;
    turn.pulls--;
    if (turn !== this.#turn) return;
    if (source === this.#direct) return this.#takers.shift()?.reject(error);
    if (!isEnd(error)) report(`the subscription read by ${this.#name} failed`, error);
    this.read(null);
  }
}

function begin<T>(source: Source<T>): Turn<T> {
  const abort = new AbortController();
  return { source, abort, options: { signal: abort.signal }, pulls: 0, over: false };
}

/** Whether a source rejected because it has no more, and not because something is wrong. */
function isEnd(error: unknown): boolean {
  return error instanceof SubscriptionClosed ||
    (error instanceof DOMException && error.name === "AbortError");
}
