/// <reference lib="dom" />
/** The moments at which the page stops hearing its user: whatever is held must be let go then. */

/** Calls back when the window loses the focus or the page is hidden or left, until `signal` aborts. */
export function onLeave(release: () => void, signal: AbortSignal): void {
  globalThis.addEventListener("blur", () => release(), { signal });
  globalThis.addEventListener("pagehide", () => release(), { signal });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) release();
  }, { signal });
}
