/** The time that simulated devices live in: the system's, or one that a test moves by hand. */

/** Tells the time and calls back regularly; simulated devices ask nothing else of the world. */
export interface Clock {
  /** The time in milliseconds; it never goes back, and its zero means nothing. */
  now(): number;
  /**
   * Calls `fn` about every `ms` milliseconds, first after `ms`, until the returned function is
   * called. A clock that was held up calls once, not once for every call that was missed.
   */
  every(ms: number, fn: () => void): () => void;
}

/** The system's monotonic clock. Calls keep to a fixed grid, so that 30 a second stay 30. */
export const systemClock: Clock = {
  now: (): number => performance.now(),
  every(ms: number, fn: () => void): () => void {
    checkPeriod(ms);
    const start = performance.now();
    let beat = 1;
    let timer: ReturnType<typeof setTimeout>;
    let stopped = false;
    const wait = () => {
      timer = setTimeout(call, Math.max(0, start + beat * ms - performance.now()));
    };
    const call = () => {
      // The next beat that still lies ahead: what was missed is skipped, never caught up. Timers
      // may fire a little early, and half a period of grace keeps such a beat from coming twice.
      beat = Math.max(beat + 1, Math.floor((performance.now() - start) / ms + 0.5) + 1);
      try {
        fn();
      } finally {
        if (!stopped) wait();
      }
    };
    wait();
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  },
};

interface Beat {
  readonly start: number;
  readonly ms: number;
  readonly fn: () => void;
  count: number;
}

/**
 * A clock that stands still until a test moves it.
 *
 * ```ts
 * import { ManualClock } from "rtcbot/testing";
 *
 * const clock = new ManualClock();
 * let calls = 0;
 * clock.every(100, () => calls++);
 * clock.advance(1000);
 * if (calls !== 10) throw new Error("ten calls in a second");
 * ```
 */
export class ManualClock implements Clock {
  #now: number;
  readonly #beats = new Set<Beat>();

  /** @param startMs the time that it begins with */
  constructor(startMs = 0) {
    this.#now = startMs;
  }

  /** How many callbacks are waiting: 0 when everything that used this clock was closed. */
  get pending(): number {
    return this.#beats.size;
  }

  /** The time in milliseconds. */
  now(): number {
    return this.#now;
  }

  /** Calls `fn` for every `ms` that {@linkcode advance} passes over. */
  every(ms: number, fn: () => void): () => void {
    checkPeriod(ms);
    const beat: Beat = { start: this.#now, ms, fn, count: 1 };
    this.#beats.add(beat);
    return () => {
      this.#beats.delete(beat);
    };
  }

  /**
   * Moves the time on by `ms` and makes every call that falls due, each at its own time, in order.
   * It does not wait for promises: await something afterwards if the callbacks are asynchronous.
   */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      let next: Beat | undefined;
      for (const beat of this.#beats) {
        if (!next || dueAt(beat) < dueAt(next)) next = beat;
      }
      if (!next || dueAt(next) > end) break;
      this.#now = Math.max(this.#now, dueAt(next));
      next.count++;
      next.fn();
    }
    this.#now = end;
  }

  /** Moves the time on by `ms` at once, as when a machine was asleep: each callback is late, and called once. */
  skip(ms: number): void {
    this.#now += ms;
    for (const beat of [...this.#beats]) {
      if (dueAt(beat) > this.#now || !this.#beats.has(beat)) continue;
      beat.count = Math.floor((this.#now - beat.start) / beat.ms) + 1;
      beat.fn();
    }
  }
}

/** Multiplied, not added up: ten thousand thirtieths of a second must not drift. */
function dueAt(beat: Beat): number {
  return beat.start + beat.count * beat.ms;
}

function checkPeriod(ms: number): void {
  if (!(ms > 0 && ms < Infinity)) {
    throw new RangeError(`Cannot call back every ${ms} ms: the period must be a positive number`);
  }
}
