/**
 * Says on the console what went wrong in code that nobody waits for. Not `reportError`, which would
 * end a Deno process: a robot drives on when one of its callbacks has a bug.
 */
export function report(what: string, error: unknown): void {
  console.error(`[rtcbot] ${what}:`, error);
}

/** What was thrown, as an `Error`; anything else that was thrown becomes its cause. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
}
