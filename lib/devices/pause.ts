/** Waiting that can be ended. */

/** Resolves after this time, but not in this turn of the event loop; or when the signal says so. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}

/** Resolves when the promise is settled, or after this time. */
export async function settled(promise: Promise<void>, ms: number): Promise<void> {
  const late = new AbortController();
  await Promise.race([promise.catch(() => {}), pause(ms, late.signal)]);
  late.abort();
}
