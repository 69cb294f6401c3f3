/** The time that websockets and the signaling service live in; `ManualClock` of `rtcbot/testing` fits. */

/** Tells the time and calls back. */
export interface Clock {
  /** The time in milliseconds; it never goes back, and its zero means nothing. */
  now(): number;
  /** Calls `fn` every `ms` milliseconds until the returned function is called. */
  every(ms: number, fn: () => void): () => void;
}

/** The system's. */
export const systemClock: Clock = {
  now: (): number => performance.now(),
  every(ms: number, fn: () => void): () => void {
    const timer = setInterval(fn, ms);
    return () => clearInterval(timer);
  },
};

/** Calls `fn` once, after `ms` milliseconds, unless the returned function is called before. */
export function once(clock: Clock, ms: number, fn: () => void): () => void {
  const stop = clock.every(Math.max(1, ms), () => {
    stop();
    fn();
  });
  return stop;
}

/** Resolves after `ms` milliseconds, or rejects with the signal's reason. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const abort = () => {
      stop();
      reject(signal.reason);
    };
    const stop = once(clock, ms, () => {
      signal.removeEventListener("abort", abort);
      resolve();
    });
    signal.addEventListener("abort", abort, { once: true });
  });
}
