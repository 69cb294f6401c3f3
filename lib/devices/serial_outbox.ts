/** What waits to be written to a serial port, and who waits for that. */
import { BufferFull } from "../errors.ts";
import { Deque } from "../subscriptions/deque.ts";
import type { SerialPort } from "./serial_port.ts";

/** So much may wait to be written. */
const MAX_BYTES = 1 << 20;
/** `drained()` resolves when no more than this waits. */
const DRAINED_BYTES = 4096;

/** Messages in line for a port, which may be another one when that is gone. */
export class SerialOutbox {
  readonly #messages = new Deque<Uint8Array<ArrayBuffer>>();
  /** The message that is on its way; it stays first in line until it is written as a whole. */
  #first: Uint8Array<ArrayBuffer> | undefined;
  #bytes = 0;
  #wakeWriter: () => void = () => {};
  #drained: PromiseWithResolvers<void>[] = [];
  #emptied: PromiseWithResolvers<void>[] = [];

  /** How many bytes wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @throws {BufferFull} when so many bytes more are too many */
  checkRoom(bytes: number): void {
    if (this.#bytes + bytes <= MAX_BYTES) return;
    throw new BufferFull(
      `Cannot put ${bytes} bytes into SerialConnection: ${this.#bytes} wait already; ` +
        "await drained() before sending more",
    );
  }

  /** Puts a message in line. */
  put(message: Uint8Array<ArrayBuffer>): void {
    if (message.length === 0) return;
    this.#messages.push(message);
    this.#bytes += message.length;
    this.#wakeWriter();
  }

  /** Resolves when nearly all is written; rejects when it ends before, which harms nobody who does not wait. */
  drained(): Promise<void> {
    return this.#bytes <= DRAINED_BYTES ? Promise.resolve() : waitIn(this.#drained);
  }

  /** Resolves when all is written; rejects likewise. */
  emptied(): Promise<void> {
    return this.#bytes === 0 ? Promise.resolve() : waitIn(this.#emptied);
  }

  /**
   * Writes what is in line and what comes, until the signal is aborted and nothing waits.
   *
   * @throws {DeviceMissing} (rejects) when the port is gone
   */
  async writeTo(port: SerialPort, over: AbortSignal): Promise<void> {
    over.addEventListener("abort", () => this.#wakeWriter(), { once: true });
    for (;;) {
      const message = this.#first ??= this.#messages.shift();
      if (message === undefined) {
        if (over.aborted) return;
        await new Promise<void>((resolve) => this.#wakeWriter = resolve);
        continue;
      }
      await port.write(message);
      this.#first = undefined;
      this.#bytes -= message.length;
      if (this.#bytes === 0) { for (const waiting of this.#emptied.splice(0)) waiting.resolve(); }
      if (this.#bytes > DRAINED_BYTES) continue;
      for (const waiting of this.#drained.splice(0)) waiting.resolve();
    }
  }

  /** Sends away who waits. */
  end(reason: Error): void {
    for (const waiting of [...this.#drained.splice(0), ...this.#emptied.splice(0)]) {
      waiting.reject(reason);
    }
  }
}

function waitIn(line: PromiseWithResolvers<void>[]): Promise<void> {
  const waiting = Promise.withResolvers<void>();
  waiting.promise.catch(() => {});
  line.push(waiting);
  return waiting.promise;
}
