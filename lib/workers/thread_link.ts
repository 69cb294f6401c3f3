import type { Worker } from "node:worker_threads";
import { runThread, SHARED, type ThreadReport, type ThreadStart } from "./blocking_thread.ts";
import { explainMissingVariable, packError, type Port, unpackError } from "./crossing.ts";
import { type Host, type Link, within } from "./link.ts";
import { moduleOf } from "./source.ts";

/** What a {@linkcode ThreadLink} is made of. */
export interface ThreadLinkInit {
  /** The text of an async function that gives the user's function. */
  readonly loader: string;
  readonly data: unknown;
  readonly joinTimeoutMs: number;
  /** Whether what the code logs goes to standard error. */
  readonly logToStderr?: boolean;
}

/** Runs code in a thread. */
export class ThreadLink implements Link {
  readonly #host: Host;
  readonly #joinTimeoutMs: number;
  readonly #state = new Int32Array(new SharedArrayBuffer(4 * Object.keys(SHARED).length));
  readonly #ended = Promise.withResolvers<void>();
  #worker: Worker | null = null;
  #port: Port | null = null;
  #over = false;

  /** Starts the thread. */
  constructor(init: ThreadLinkInit, host: Host) {
    this.#host = host;
    this.#joinTimeoutMs = init.joinTimeoutMs;
    this.#start(init).catch((error) => this.#end(error));
  }

  /** Asks the code to return, and gives it up after the join time-out. */
  async close(): Promise<void> {
    if (this.#over) return;
    Atomics.store(this.#state, SHARED.CLOSING, 1);
    Atomics.notify(this.#state, SHARED.CLOSING);
    this.#wake(SHARED.SENT);
    Atomics.notify(this.#state, SHARED.IN_FLIGHT);
    if (this.#worker !== null) await within(this.#joinTimeoutMs, this.#ended.promise);
    this.#end();
  }

  async #start({ loader, data, logToStderr = false }: ThreadLinkInit): Promise<void> {
    const { MessageChannel, Worker } = await import("node:worker_threads");
    if (this.#over) return;
    const { port1, port2 } = new MessageChannel();
    const inner = port2 as unknown as Port; // Deno's are both at once
    const shared = this.#state.buffer as SharedArrayBuffer;
    const workerData: ThreadStart = { shared, port: inner, data, logToStderr };
    const module = moduleOf(
      `import * as threads from "node:worker_threads";\n` +
        `(${runThread})(threads, ${JSON.stringify(SHARED)}, ${packError}, ${loader});`,
    );
    const worker = this.#worker = new Worker(module, { workerData, transferList: [port2] });
    const port = this.#port = port1 as unknown as Port;
    port.onmessage = ({ data }: MessageEvent<ThreadReport>) => this.#reported(data);
    worker.on("error", (error: unknown) => this.#end(error));
    worker.on("exit", () =>
      this.#end(
        new Error(
          "Cannot go on: the code ended its thread; let it return, without Deno.exit() or close()",
        ),
      ));
  }

  #reported(report: ThreadReport): void {
    if (this.#over) return;
    switch (report.kind) {
      case "ready":
        return this.#host.ready();
      case "want":
        return void this.#send();
      case "value":
        return void this.#put(report.value);
      case "end":
        return this.#end();
      case "error":
        return this.#end(explainMissingVariable(unpackError(report.error)));
    }
  }

  /** Passes on the next value, and wakes the code that waits for it. */
  async #send(): Promise<void> {
    let value: unknown;
    try {
      value = await this.#host.get?.();
    } catch {
      return; // there is none any more; whoever closed tells the thread
    }
    try {
      // In a Set, which receiveMessageOnPort() does not walk through as it would through an array.
      this.#port?.postMessage(new Set([value]));
      this.#wake(SHARED.SENT);
    } catch (error) {
      this.#end(error); // it cannot be cloned
    }
  }

  async #put(value: unknown): Promise<void> {
    await this.#host.put?.(value);
    Atomics.sub(this.#state, SHARED.IN_FLIGHT, 1);
    Atomics.notify(this.#state, SHARED.IN_FLIGHT);
  }

  #end(error?: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#worker?.terminate();
    this.#port?.close();
    this.#ended.resolve();
    this.#host.end(error);
  }

  /** Counts up a place, and wakes the thread if it waits there. */
  #wake(place: number): void {
    Atomics.add(this.#state, place, 1);
    Atomics.notify(this.#state, place);
  }
}
