/** The life of a port: opened, by one system or the next, polled, lost, and by choice opened again. */

import { LibraryMissing, SystemCallError } from "../errors.ts";
import {
  named,
  NoSoundSystem,
  type SoundDirection,
  type SoundPort,
  type SoundTime,
  WORDS,
} from "./sound_port.ts";

/** So often ports are polled: a fifth of a usual block. */
export const POLL_MS = 5;
/** A server that does not answer for so long, or a device that gives or takes nothing, is not well. */
const STALL_MS = 5000;
/** A device that is away is looked for so often. */
const REOPEN_MS = 1000;

/** What a {@linkcode SoundRun} needs. */
export interface SoundRunOptions<P extends SoundPort> {
  readonly direction: SoundDirection;
  /** As it was chosen, for messages. */
  readonly device: string | number | null;
  /** The systems to try, in their order. */
  readonly openers: readonly (() => P)[];
  readonly time: SoundTime;
  /** Whether it is opened again when it was lost. */
  readonly reopen: boolean;
  /** It is open, for the first time or again. */
  opened(port: P): void;
  /** Called every few milliseconds with the open port. @returns false when something should move and does not */
  work(port: P): boolean;
  /** It is over. */
  failed(error: unknown): void;
}

/** Runs from its construction until `close()` or a failure; opens in the next microtask. */
export class SoundRun<P extends SoundPort> {
  readonly #options: SoundRunOptions<P>;
  readonly #stop: () => void;
  #opener = 0;
  /** What the systems said that were tried before. */
  #refusals: string[] = [];
  #port: P | null = null;
  #open = false;
  #closed = false;
  /** When the last port is freed. */
  #freed: void | Promise<void> = undefined;
  /** When something moved last, or opening began. */
  #aliveMs: number;
  #polledMs: number;

  /** @param options what to open, and whom to tell */
  constructor(options: SoundRunOptions<P>) {
    this.#options = options;
    const { time } = options;
    this.#aliveMs = this.#polledMs = time.now();
    this.#stop = time.every(POLL_MS, () => this.poll());
    queueMicrotask(() => this.#begin());
  }

  /** The port while it is open, else `null`. */
  get port(): P | null {
    return this.#open ? this.#port : null;
  }

  /** Looks now, and not only at the next beat. */
  poll(): void {
    if (this.#closed) return;
    const nowMs = this.#options.time.now();
    // While the whole program was held up nobody could answer.
    if (nowMs - this.#polledMs > STALL_MS / 5) this.#aliveMs = nowMs;
    this.#polledMs = nowMs;
    const port = this.#port;
    if (port === null) {
      if (nowMs - this.#aliveMs >= REOPEN_MS) this.#begin();
      return;
    }
    try {
      if (!port.poll()) return this.#checkStall(nowMs);
      if (!this.#open) {
        this.#open = true;
        this.#aliveMs = nowMs;
        this.#options.opened(port);
      }
      if (this.#options.work(port) || port.suspended) this.#aliveMs = nowMs;
      else this.#checkStall(nowMs);
    } catch (error) {
      this.#lost(error);
    }
  }

  /** Ends it; resolves when it is freed. */
  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#stop();
      this.#drop();
    }
    await this.#freed;
  }

  #begin(): void {
    if (this.#closed || this.#port !== null) return;
    this.#aliveMs = this.#options.time.now();
    try {
      this.#port = this.#options.openers[this.#opener]!();
    } catch (error) {
      return this.#lost(error);
    }
    this.poll();
  }

  #lost(error: unknown): void {
    const { openers, reopen, failed } = this.#options;
    this.#drop();
    if (error instanceof NoSoundSystem) {
      this.#refusals.push(error.message);
      if (++this.#opener < openers.length) return this.#begin();
      error = this.#nothing(error);
    }
    this.#opener = 0;
    this.#refusals = [];
    this.#aliveMs = this.#options.time.now();
    const hopeless = error instanceof LibraryMissing || error instanceof TypeError ||
      error instanceof RangeError || error instanceof Deno.errors.NotCapable;
    if (reopen && !hopeless) return;
    this.close();
    failed(error);
  }

  #drop(): void {
    this.#open = false;
    if (this.#port !== null) this.#freed = this.#port.close();
    this.#port = null;
  }

  #nothing(cause: NoSoundSystem): Error {
    const { direction, device } = this.#options;
    return new NoSoundSystem(
      `Cannot open ${named(direction, device)}: ${this.#refusals.join(", and ")}; ` +
        "plug one in, or start the sound server",
      { cause },
    );
  }

  #checkStall(nowMs: number): void {
    if (nowMs - this.#aliveMs < STALL_MS) return;
    const { direction, device } = this.#options;
    const action = this.#open
      ? `${WORDS[direction].use} "${this.#port!.device.description}"`
      : `open ${named(direction, device)}`;
    throw new SystemCallError(
      `Cannot ${action}: nothing has moved for ${STALL_MS / 1000} s (ETIMEDOUT); ` +
        "restart the sound server, or see that the device is well",
      "ETIMEDOUT",
    );
  }
}
