/** Asks a thread one question after the other; one that hangs is given up, and a new one asked the rest. */
import type { Finding } from "./finding.ts";

/** An answer, or why there is none. */
export type Answer = { readonly findings: readonly Finding[] } | { readonly problem: string };

/** How long is waited for an answer; a sound server alone is given 5 s. */
const DEADLINE_MS = 15_000;
/** How long a thread may take to start: it compiles the library. */
const START_MS = 60_000;

/** See the head of this file. */
export class Asking implements Disposable {
  readonly #start: () => Worker;
  readonly #deadlineMs: number;
  #worker: Worker | null = null;

  /** @param start makes a thread that says "ready", and then answers each name with an {@linkcode Answer} */
  constructor(start: () => Worker, deadlineMs: number = DEADLINE_MS) {
    this.#start = start;
    this.#deadlineMs = deadlineMs;
  }

  /** Asks. Never rejects; one question at a time. */
  async ask(name: string): Promise<Answer> {
    try {
      if (this.#worker === null) {
        this.#worker = this.#start();
        await next(this.#worker, START_MS);
      }
      const answer = next(this.#worker, this.#deadlineMs);
      this.#worker.postMessage(name);
      return await answer as Answer;
    } catch (error) {
      this[Symbol.dispose]();
      return { problem: (error as Error).message };
    }
  }

  /** Ends the thread; one that hangs in a driver ends with the program. */
  [Symbol.dispose](): void {
    this.#worker?.terminate();
    this.#worker = null;
  }
}

/** The worker's next message. */
function next(worker: Worker, deadlineMs: number): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const late = setTimeout(
    () => reject(new Error(`no answer within ${deadlineMs / 1000} s`)),
    deadlineMs,
  );
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = (event) => {
    event.preventDefault();
    reject(new Error(event.message));
  };
  return promise.finally(() => clearTimeout(late));
}
