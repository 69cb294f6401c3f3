import type { PackedError, Port } from "./crossing.ts";

/** What code in a thread or process of its own finds there. Its calls may block: that is what it is for. */
export interface BlockingThread {
  /** Whether `close()` was called outside: time to clean up and return. */
  readonly shouldClose: boolean;
  /** Says that everything is set up. Without it, the first `put` or `get` says so. */
  setReady(): void;
  /** Blocks for this long, or until `close()` is called outside. */
  sleep(ms: number): void;
}

/** What the code of a producer finds in its thread. */
export interface BlockingProducer<Out> extends BlockingThread {
  /**
   * Gives a value to the subscribers outside. It does not wait for them, but blocks while 1024
   * values are on their way to the event loop; what is in `transfer` is handed over, not copied.
   * After `close()` it does nothing.
   */
  put(value: Out, transfer?: readonly ArrayBufferLike[]): void;
}

/** What the code of a consumer finds in its thread: a `for … of` loop over it ends with `close()`. */
export interface BlockingConsumer<In> extends BlockingThread, Iterable<In> {
  /** Blocks until there is a value. Throws `SubscriptionClosed` when `close()` is called outside. */
  get(): In;
}

/** What the code of a producer that is a consumer too finds in its thread. */
export interface BlockingProducerConsumer<In, Out>
  extends BlockingProducer<Out>, BlockingConsumer<In> {}

/** The places of the memory that both sides share, four bytes each. */
export const SHARED = {
  /** 1 when the thread shall end. */
  CLOSING: 0,
  /** How many values were sent to the thread. */
  SENT: 1,
  /** How many values the thread has put that the event loop has not dealt with. */
  IN_FLIGHT: 2,
} as const;

/** What the thread is started with. */
export interface ThreadStart {
  /** The memory of {@linkcode SHARED}. */
  readonly shared: SharedArrayBuffer;
  /** Where values come in and reports go out. */
  readonly port: Port;
  readonly data: unknown;
  /** Set where standard output carries values: what the code logs goes to standard error then. */
  readonly logToStderr: boolean;
}

/** What the thread posts. */
export type ThreadReport =
  | { readonly kind: "ready" | "want" | "end" }
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "error"; readonly error: PackedError };

/** What Node's module of threads has for {@linkcode runThread}. */
export interface ThreadModule {
  readonly workerData: ThreadStart;
  receiveMessageOnPort(port: Port): { message: Set<unknown> } | undefined;
}

/** Runs the user's code. The text of this function goes into the thread: it uses nothing from outside. */
export async function runThread(
  { workerData, receiveMessageOnPort }: ThreadModule,
  places: typeof SHARED,
  pack: (thrown: unknown) => PackedError,
  load: () => Promise<
    (thread: BlockingProducerConsumer<unknown, unknown>, data: unknown) => unknown
  >,
): Promise<void> {
  const { shared, port, data, logToStderr } = workerData;
  const { CLOSING, SENT, IN_FLIGHT } = places;
  const state = new Int32Array(shared);
  const report = (message: ThreadReport, transfer?: readonly ArrayBufferLike[]) =>
    port.postMessage(message, [...transfer ?? []] as ArrayBuffer[]);
  const closing = () => Atomics.load(state, CLOSING) === 1;
  let ready = false;

  class SubscriptionClosed extends Error {
    override name = "SubscriptionClosed";
  }

  const thread: BlockingProducerConsumer<unknown, unknown> = {
    get shouldClose() {
      return closing();
    },
    setReady() {
      if (!ready) report({ kind: "ready" });
      ready = true;
    },
    sleep(ms) {
      if (!closing()) Atomics.wait(state, CLOSING, 0, ms);
    },
    put(value, transfer) {
      thread.setReady();
      for (;;) {
        if (closing()) return; // nobody would get it
        const inFlight = Atomics.load(state, IN_FLIGHT);
        if (inFlight < 1024) break;
        Atomics.wait(state, IN_FLIGHT, inFlight);
      }
      report({ kind: "value", value }, transfer);
      Atomics.add(state, IN_FLIGHT, 1);
    },
    get() {
      thread.setReady();
      const sent = Atomics.load(state, SENT);
      report({ kind: "want" });
      for (;;) {
        const last = closing(); // asked first: what was sent before the close is still given
        const arrived = receiveMessageOnPort(port);
        if (arrived) return arrived.message.values().next().value;
        if (last) throw new SubscriptionClosed("Cannot get a value: the thread is to close");
        Atomics.wait(state, SENT, sent);
      }
    },
    *[Symbol.iterator]() {
      try {
        for (;;) yield thread.get();
      } catch (thrown) {
        if (!(thrown instanceof SubscriptionClosed)) throw thrown;
      }
    },
  };

  if (logToStderr) console.log = console.info = console.debug = console.error;
  try {
    const work = await load();
    if (typeof work !== "function") {
      throw new TypeError("the module's default export is no function");
    }
    await work(thread, data);
    report({ kind: "end" });
  } catch (thrown) {
    report(
      thrown instanceof SubscriptionClosed
        ? { kind: "end" }
        : { kind: "error", error: pack(thrown) },
    );
  } finally {
    port.onmessage = () => {}; // stays until it is dismissed, so that its reports are read before
  }
}
