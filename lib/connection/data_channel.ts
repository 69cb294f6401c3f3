import { BufferFull, SubscriptionClosed } from "../errors.ts";
import { report } from "../subscriptions/report.ts";
import { SubscriptionProducerConsumer } from "../subscriptions/producer_consumer.ts";
import { Queue } from "../subscriptions/queue.ts";
import { decodeMessage, encodeMessage, type WireMessage } from "../wire/message.ts";
import type { PeerChannel } from "./peer.ts";

/** So many bytes may wait to be sent; `put_nowait` throws when there are more. */
export const MAX_BUFFERED_AMOUNT = 16 * 1024 * 1024;
/** So many messages may wait: the smallest costs half a kilobyte of memory until it is sent. */
const MAX_WAITING_MESSAGES = 65_536;
/** The transport is handed no more than this at a time, so that other channels get their turn. */
const TRANSPORT_HIGH_BYTES = 512 * 1024;
/** `drained()` resolves when no more than this waits: enough to keep the network busy meanwhile. */
const DRAINED_BYTES = 256 * 1024;
const DRAINED_MESSAGES = 4_096;
/** Messages that wait for a reader who does not come; the oldest are dropped. */
const MAX_UNREAD = 4096;

/** A value that passed `put_nowait` and is encoded already. */
class Encoded {
  constructor(readonly message: WireMessage) {}
}

/**
 * A data channel: put messages into it, and subscribe to those that come from the other end. Anything
 * JSON can say is sent as JSON, and `ArrayBuffer`s and typed arrays as bytes; bytes arrive as
 * `Uint8Array`. Messages arrive whole, and in order if the channel is ordered.
 *
 * Messages that are put before the channel is open are sent when it opens. Sending never blocks; who
 * sends much waits for {@linkcode DataChannel.drained} in between, and a subscription that was put is
 * read only as fast as the other end takes.
 *
 * RTCBot: `DataChannel`.
 */
export class DataChannel extends SubscriptionProducerConsumer<unknown> {
  /** The name that it was opened with. */
  readonly name: string;
  #sent = 0;
  #received = 0;
  #channel: PeerChannel | null = null;
  #waitingBytes = 0;
  #waitingMessages = 0;
  #drained: PromiseWithResolvers<void>[] = [];
  #transportDrained: PromiseWithResolvers<void> | null = null;

  /** Made by {@linkcode RTCConnection}. @param name the channel's name */
  constructor(name: string) {
    super({ ready: false, defaultSubscription: () => new Queue({ maxSize: MAX_UNREAD }) });
    this.name = name;
  }

  /** Bytes that were put and have not yet left for the network. */
  get bufferedAmount(): number {
    return this.#waitingBytes + (this.#channel?.bufferedAmount ?? 0);
  }

  /** Messages that were handed to the network since it opened. */
  get messagesSent(): number {
    return this.#sent;
  }

  /** Messages that came. */
  get messagesReceived(): number {
    return this.#received;
  }

  /**
   * Sends a message.
   *
   * @throws {TypeError} when JSON cannot say it
   * @throws {RangeError} when it is larger than the other end accepts
   * @throws {BufferFull} when 16 MiB or 65536 messages wait already
   * @throws {SubscriptionClosed} when the channel is closed
   */
  override put_nowait(value: unknown): void {
    this._refuseIfClosed("send on");
    const message = encodeMessage(value);
    const size = message.bytes.length;
    this.#checkSize(size);
    const fits = this.bufferedAmount + size <= MAX_BUFFERED_AMOUNT;
    if (!fits || this.#waitingMessages >= MAX_WAITING_MESSAGES) {
      const waits = fits
        ? `${this.#waitingMessages} messages wait`
        : `${this.bufferedAmount} bytes wait`;
      throw new BufferFull(
        `Cannot send on channel "${this.name}": ${waits} already; ` +
          `await drained() before sending more`,
      );
    }
    this.#waitingBytes += size;
    this.#waitingMessages++;
    super.put_nowait(new Encoded(message));
  }

  /** The same as `put_nowait`. */
  send(value: unknown): void {
    this.put_nowait(value);
  }

  /**
   * Resolves when most of what was put has left for the network.
   * @throws {SubscriptionClosed} when the channel closes before
   */
  drained(): Promise<void> {
    if (this.closed) {
      return Promise.reject(
        this.error ??
          new SubscriptionClosed(`Cannot drain channel "${this.name}": it is closed`),
      );
    }
    if (this.#isDrained) return Promise.resolve();
    const waiting = Promise.withResolvers<void>();
    this.#drained.push(waiting);
    return waiting.promise;
  }

  /** For {@linkcode RTCConnection}: the engine's channel, open or about to be. */
  _attach(channel: PeerChannel): void {
    if (this.closed) return channel.close();
    this.#channel = channel;
    channel.listener = {
      opened: () => this.#opened(),
      message: (message) => {
        this.#received++;
        this._put_nowait(decodeMessage(message));
      },
      drained: () => this.#noteDrain(),
      closed: () => this.close(),
    };
    if (channel.state === "open") this.#opened();
  }

  protected override _wake(reason: Error): void {
    super._wake(reason);
    for (const waiting of this.#drained.splice(0)) {
      waiting.promise.catch(() => {}); // it may have been given up
      waiting.reject(reason);
    }
    this.#transportDrained?.resolve();
  }

  protected override _close(): void {
    this.#channel?.close();
  }

  #opened(): void {
    if (this.ready || this.closed) return;
    this._setReady();
    this.#pump().catch((error) => {
      if (!this.closed) this._setError(error);
    });
  }

  /** Hands over what was put, one message after the other, as fast as it leaves. */
  async #pump(): Promise<void> {
    const channel = this.#channel!;
    while (!this.closed) {
      let value: unknown;
      try {
        value = await this._get();
      } catch (error) {
        if (this.closed) return;
        throw error;
      }
      if (channel.bufferedAmount > TRANSPORT_HIGH_BYTES) {
        this.#transportDrained = Promise.withResolvers();
        await this.#transportDrained.promise;
      }
      if (channel.state === "open") this.#hand(channel, value);
    }
  }

  #hand(channel: PeerChannel, value: unknown): void {
    const encoded = value instanceof Encoded;
    if (encoded) {
      this.#waitingBytes -= value.message.bytes.length;
      this.#waitingMessages--;
    }
    try {
      const message = encoded ? value.message : encodeMessage(value);
      this.#checkSize(message.bytes.length);
      channel.send(message);
      this.#sent++;
    } catch (error) {
      report(`a message for channel "${this.name}" was not sent`, error);
    }
    this.#noteDrain();
  }

  #checkSize(bytes: number): void {
    const limit = this.#channel?.state === "open" ? this.#channel.maxMessageSize : Infinity;
    if (bytes > limit) {
      throw new RangeError(
        `Cannot send on channel "${this.name}": the message has ${bytes} bytes, and the other ` +
          `end accepts ${limit}; send it in parts`,
      );
    }
  }

  get #isDrained(): boolean {
    return this.#waitingMessages <= DRAINED_MESSAGES && this.bufferedAmount <= DRAINED_BYTES;
  }

  #noteDrain(): void {
    if (this.#transportDrained && this.#channel!.bufferedAmount <= TRANSPORT_HIGH_BYTES) {
      this.#transportDrained.resolve();
      this.#transportDrained = null;
    }
    if (this.#drained.length > 0 && this.#isDrained) {
      for (const waiting of this.#drained.splice(0)) waiting.resolve();
    }
  }
}
