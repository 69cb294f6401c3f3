/** Whose code runs elsewhere: the inner side of a producer or consumer. */
export interface Host {
  /** The code is ready. */
  ready(): void;
  /** The code put a value; while a promise that is returned is pending, it counts as on its way. */
  put?(value: unknown): void | Promise<void>;
  /** The code wants a value. */
  get?(): Promise<unknown>;
  /** The code ended, or failed. Nothing comes after that. */
  end(error?: unknown): void;
}

/** A way to code that runs elsewhere, the same for a thread and a process. */
export interface Link {
  /** Asks the code to end, waits for it, and then gives it up. May be called twice. */
  close(): Promise<void>;
}

/** Options of code that runs elsewhere. */
export interface BlockingOptions<Data> {
  /** The code's second argument, for all that it cannot take from outside itself. */
  data?: Data;
  /**
   * How long `close()` waits for the code to return; then it is given up.
   * @default 1000
   */
  joinTimeoutMs?: number;
}

/** The join time-out, checked. */
export function joinTimeoutOf({ joinTimeoutMs = 1000 }: BlockingOptions<unknown>): number {
  if (joinTimeoutMs >= 0) return joinTimeoutMs;
  throw new RangeError(
    `Cannot run code elsewhere: joinTimeoutMs is ${joinTimeoutMs}; give milliseconds, 0 or more`,
  );
}

/** Waits for the promise, no longer than this; says whether it came in time. */
export async function within(timeoutMs: number, promise: Promise<unknown>): Promise<boolean> {
  if (timeoutMs === Infinity) return promise.then(() => true);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs);
  });
  const inTime = await Promise.race([promise.then(() => true), late]);
  clearTimeout(timer);
  return inTime;
}
