import type { Worker } from "node:worker_threads";
import { Lifecycle } from "../subscriptions/lifecycle.ts";
import { closedError } from "../subscriptions/subscription.ts";
import {
  explainMissingVariable,
  type PackedError,
  packError,
  type Port,
  unpackError,
} from "./crossing.ts";
import { loaderOf, moduleOf } from "./source.ts";

/** Options of {@linkcode FunctionWorker}. */
export interface FunctionWorkerOptions {
  /**
   * How long one call may run; then it rejects with a `TimeoutError`, and its thread is given up.
   * @default Infinity
   */
  timeoutMs?: number;
}

/** Options of {@linkcode FunctionWorker.call}. */
export interface CallOptions {
  /** What is handed over instead of copied: the `ArrayBuffer`s in the value that nobody else needs. */
  transfer?: readonly ArrayBufferLike[];
  /** Gives up: `call` rejects with the signal's reason. If it already runs, its thread is given up. */
  signal?: AbortSignal;
}

/** What the thread posts: whether it can begin, and then one answer a call. */
type Answer =
  | { readonly kind: "ready" }
  | { readonly kind: "broken"; readonly error: PackedError }
  | { readonly kind: "result"; readonly result: unknown }
  | { readonly kind: "thrown"; readonly error: PackedError };

interface Call {
  readonly value: unknown;
  readonly options: CallOptions;
  readonly resolve: (result: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * A function that runs in a thread of its own, so that it may take its time: while it works on a
 * picture, messages are answered and video goes on.
 *
 * The function must be self-contained, because only its text goes over: it may use its argument,
 * what it declares or imports itself (`await import("npm:…")`), and nothing around it. A longer one
 * is a module, given by its URL, whose default export is the function; what such a module keeps in
 * variables lasts from call to call. Calls run one after the other, in order.
 *
 * Values are copied as `structuredClone` does: objects, arrays, typed arrays, maps and dates, but of
 * an instance of a class only its data (a `VideoFrame` becomes its width, height, format, planes and
 * timestampUs, which `new VideoFrame(…)` takes). A view is copied with its whole buffer.
 *
 * What is given up (by `timeoutMs`, a signal or `close()`) rejects at once, and the next call gets a
 * new thread. The old one ends when its function returns or awaits; no one can stop an endless loop
 * in a thread of Deno's, but it does not keep the program from ending. Code that must be killed
 * belongs into a process.
 *
 * A function needs no permission. A module needs `--allow-read` for its file (or `--allow-import`
 * for its host). The thread has the permissions of the program.
 *
 * ```ts
 * import { FunctionWorker } from "rtcbot";
 * import assert from "node:assert/strict";
 *
 * await using counter = new FunctionWorker((limit: number) => {
 *   let primes = 0;
 *   for (let n = 2; n < limit; n++) {
 *     let d = 2;
 *     while (d * d <= n && n % d !== 0) d++;
 *     if (d * d > n) primes++;
 *   }
 *   return primes;
 * });
 * assert.equal(await counter.call(10_000), 1229);
 * ```
 */
export class FunctionWorker<In, Out> extends Lifecycle {
  readonly #module: URL;
  readonly #timeoutMs: number;
  readonly #waiting: Call[] = [];
  #running: Call | null = null;
  #worker: Worker | null = null;
  #port: Port | null = null;
  /** Whether the thread waits for a call. */
  #idle = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Starts the thread; it is ready when the function is loaded there, and fails when it cannot be.
   * @throws {TypeError} when the function's text cannot stand alone, as a method's
   * @throws {RangeError} when `timeoutMs` is not above 0
   */
  constructor(
    work: ((value: In) => Out | Promise<Out>) | URL,
    options: FunctionWorkerOptions = {},
  ) {
    super({ ready: false });
    this.#timeoutMs = options.timeoutMs ?? Infinity;
    if (!(this.#timeoutMs > 0)) {
      throw new RangeError(
        `Cannot make a FunctionWorker: timeoutMs is ${this.#timeoutMs}; give milliseconds above 0`,
      );
    }
    this.#module = moduleOf(
      `import { workerData } from "node:worker_threads";\n` +
        `(${serve})(workerData.port, ${packError}, ${loaderOf(work)});`,
    );
    this.#start();
  }

  /**
   * Runs the function on a value, after the calls before it.
   * @throws what the function throws, with its message and stack; `TimeoutError` after `timeoutMs`;
   * the signal's reason; {@linkcode SubscriptionClosed} when closed
   */
  call(value: In, options: CallOptions = {}): Promise<Out> {
    return new Promise<Out>((resolve, reject) => {
      this._refuseIfClosed("call");
      const { signal } = options;
      signal?.throwIfAborted();
      const giveUp = () => this.#giveUp(call, signal!.reason);
      const settled = () => signal?.removeEventListener("abort", giveUp);
      const call: Call = {
        value,
        options,
        resolve: (result) => (settled(), resolve(result as Out)),
        reject: (reason) => (settled(), reject(reason)),
      };
      signal?.addEventListener("abort", giveUp);
      this.#waiting.push(call);
      this.#next();
    });
  }

  /** Gives up its thread. */
  protected override _close(): void {
    this.#drop();
  }

  /** Sends away who waits for a call. */
  protected override _wake(_reason: Error): void {
    const calls = this.#waiting.splice(0);
    if (this.#running !== null) calls.unshift(this.#running);
    this.#running = null;
    clearTimeout(this.#timer);
    const reason = this.error ?? closedError("call", this.constructor.name);
    for (const call of calls) call.reject(reason);
  }

  /** Starts a thread, which says when it is ready for calls. */
  async #start(): Promise<void> {
    const { MessageChannel, Worker } = await import("node:worker_threads");
    if (this.closed) return;
    const { port1, port2 } = new MessageChannel();
    const worker = this.#worker = new Worker(this.#module, {
      workerData: { port: port2 },
      transferList: [port2],
    });
    const port = this.#port = port1 as unknown as Port; // Deno's are both at once
    const ofThis = <T>(handle: (value: T) => void) => (value: T) => {
      if (worker === this.#worker) handle(value);
    };
    port.onmessage = ofThis(({ data }: MessageEvent<Answer>) => this.#answered(data));
    worker.on("error", ofThis((error: unknown) => this._setError(error)));
    worker.on(
      "exit",
      ofThis(() =>
        this._setError(
          new Error(
            "Cannot call the function any more: it ended its thread; " +
              "let it return, without Deno.exit() or close()",
          ),
        )
      ),
    );
  }

  /** Leaves the thread to itself; it dies at the next turn of its event loop. */
  #drop(): void {
    this.#idle = false;
    const worker = this.#worker;
    this.#worker = null;
    worker?.terminate();
    this.#port?.close();
  }

  #answered(answer: Answer): void {
    if (answer.kind === "broken") return this._setError(this.#errorOf(answer.error));
    clearTimeout(this.#timer);
    const call = this.#running;
    this.#running = null;
    if (answer.kind === "result") call?.resolve(answer.result);
    if (answer.kind === "thrown") call?.reject(this.#errorOf(answer.error));
    this.#idle = true;
    this._setReady();
    this.#next();
  }

  /** Gives the next call to the thread, if it has nothing to do. An idle one keeps no program alive. */
  #next(): void {
    if (!this.#idle) return;
    const call = this.#waiting.shift();
    if (call === undefined) {
      this.#worker?.unref();
      this.#port?.unref();
      return;
    }
    try {
      this.#port?.postMessage(call.value, [...call.options.transfer ?? []] as ArrayBuffer[]);
    } catch (error) {
      call.reject(error); // it cannot be cloned
      return this.#next();
    }
    this.#worker?.ref();
    this.#port?.ref();
    this.#idle = false;
    this.#running = call;
    if (this.#timeoutMs === Infinity) return;
    this.#timer = setTimeout(
      () => this.#giveUp(call, timeoutError(this.#timeoutMs)),
      this.#timeoutMs,
    );
  }

  #giveUp(call: Call, reason: unknown): void {
    call.reject(reason);
    if (call !== this.#running) {
      const place = this.#waiting.indexOf(call);
      if (place >= 0) this.#waiting.splice(place, 1);
      return;
    }
    clearTimeout(this.#timer);
    this.#running = null;
    this.#drop();
    this.#start();
  }

  #errorOf(packed: PackedError): Error {
    return explainMissingVariable(unpackError(packed));
  }
}

function timeoutError(timeoutMs: number): DOMException {
  return new DOMException(
    `Cannot wait for the function: it ran longer than ${timeoutMs} ms; give it more time, or less to do`,
    "TimeoutError",
  );
}

/** What runs in the thread. Its text goes there, so it uses nothing from outside. */
async function serve(
  port: Port,
  pack: (thrown: unknown) => PackedError,
  load: () => Promise<(value: unknown) => unknown>,
): Promise<void> {
  const answer = (message: Answer) => port.postMessage(message);
  try {
    const work = await load();
    if (typeof work !== "function") {
      throw new TypeError("the module's default export is no function");
    }
    port.onmessage = async ({ data: value }: MessageEvent<unknown>) => {
      try {
        answer({ kind: "result", result: await work(value) });
      } catch (thrown) {
        answer({ kind: "thrown", error: pack(thrown) });
      }
    };
    answer({ kind: "ready" });
  } catch (thrown) {
    answer({ kind: "broken", error: pack(thrown) });
  }
}
