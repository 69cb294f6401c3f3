/** What was put into a websocket and has not left: while it connects, is away, or is slow. */
import { BufferFull } from "../errors.ts";
import { Deque } from "../subscriptions/deque.ts";
import type { WireMessage } from "../wire/message.ts";
import type { Clock } from "./clock.ts";

/** So much may wait; `send` throws when there is more. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;
const MAX_WAITING_MESSAGES = 65_536;
/** The runtime is handed no more than this at a time. */
const HIGH_BYTES = 512 * 1024;
const DRAINED_BYTES = 256 * 1024;
/** A standard WebSocket does not tell when it has sent: it is looked at. */
const LOOK_MS = 20;

/** Where it goes to. */
export interface Outlet {
  /** Whether messages can be sent. */
  readonly open: boolean;
  /** Bytes that wait in the runtime. */
  readonly bufferedAmount: number;
  /** Sends a message. */
  send(data: string | Uint8Array<ArrayBuffer>): void;
}

/** Keeps the order of messages, however often the outlet changes. */
export class Outbox {
  readonly #clock: Clock;
  readonly #waiting = new Deque<WireMessage>();
  #waitingBytes = 0;
  #outlet: Outlet | null = null;
  #drained: PromiseWithResolvers<void>[] = [];
  #stopLooking: (() => void) | null = null;

  /** Without an outlet everything waits. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Bytes that have not left. */
  get bufferedAmount(): number {
    return this.#waitingBytes + (this.#outlet?.bufferedAmount ?? 0);
  }

  /** Everything goes here from now on; what waits goes first. Null when the connection is lost. */
  connect(outlet: Outlet | null): void {
    this.#outlet = outlet;
    this.#flush();
  }

  /**
   * Sends in its turn.
   * @throws {BufferFull} when too much waits
   */
  send(message: WireMessage): void {
    const outlet = this.#outlet;
    if (outlet?.open && this.#waiting.length === 0 && outlet.bufferedAmount < HIGH_BYTES) {
      return outlet.send(onWire(message));
    }
    const { length } = message.bytes;
    const fits = this.#waitingBytes + length <= MAX_WAITING_BYTES;
    if (!fits || this.#waiting.length >= MAX_WAITING_MESSAGES) {
      throw new BufferFull(
        `Cannot send on Websocket: ${this.#waitingBytes} bytes in ${this.#waiting.length} ` +
          `messages wait already; await drained() before sending more`,
      );
    }
    this.#waitingBytes += length;
    this.#waiting.push(message);
    this.#look();
  }

  /** Resolves when there is an outlet and little waits; rejects when it is closed. */
  drained(): Promise<void> {
    if (this.#isDrained) return Promise.resolve();
    const waiting = Promise.withResolvers<void>();
    this.#drained.push(waiting);
    this.#look();
    return waiting.promise;
  }

  /** Sends all that waits at once, if it can, and everybody away. */
  close(reason: Error): void {
    for (const waiting of this.#drained.splice(0)) {
      waiting.promise.catch(() => {}); // it may have been given up
      waiting.reject(reason);
    }
    const outlet = this.#outlet;
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      if (outlet?.open) outlet.send(onWire(next));
    }
    this.#waitingBytes = 0;
    this.connect(null);
  }

  #flush(): void {
    const outlet = this.#outlet;
    while (outlet?.open && this.#waiting.length > 0 && outlet.bufferedAmount < HIGH_BYTES) {
      const message = this.#waiting.shift()!;
      this.#waitingBytes -= message.bytes.length;
      outlet.send(onWire(message));
    }
    if (this.#isDrained) {
      for (const waiting of this.#drained.splice(0)) waiting.resolve();
    }
    if (outlet && this.#waiting.length + this.#drained.length > 0) return this.#look();
    this.#stopLooking?.();
    this.#stopLooking = null;
  }

  #look(): void {
    if (this.#outlet) this.#stopLooking ??= this.#clock.every(LOOK_MS, () => this.#flush());
  }

  get #isDrained(): boolean {
    return this.#outlet !== null && this.bufferedAmount <= DRAINED_BYTES;
  }
}

const utf8 = new TextDecoder();

/** A standard WebSocket sends text as a string, and bytes as they are. */
export function onWire({ bytes, text }: WireMessage): string | Uint8Array<ArrayBuffer> {
  return text ? utf8.decode(bytes) : bytes;
}
