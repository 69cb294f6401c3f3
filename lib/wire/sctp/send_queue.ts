/**
 * What waits to be sent, and whose turn it is.
 *
 * Streams take turns after every message, so that a bulk transfer in many messages does not hold the others
 * back; streams marked as urgent go before the rest. One message is finished before the next is begun,
 * because its fragments must have consecutive TSNs (RFC 9260, section 6.9): cut blobs into messages of 64 KiB
 * or so where something else is in a hurry.
 */
import { Fifo } from "./fifo.ts";

/** A message on its way. */
export interface OutboundMessage {
  readonly streamId: number;
  readonly ppid: number;
  readonly data: Uint8Array;
  readonly ordered: boolean;
  /** How often a lost chunk is sent again before the message is given up; `Infinity` is until it arrives. */
  readonly maxRetransmits: number;
  /** The stream sequence number, given when its first chunk is made. */
  ssn: number;
  /** Bytes that were sent at least once. */
  sent: number;
  firstTsn: number;
  lastTsn: number;
  abandoned: boolean;
}

interface Stream {
  readonly id: number;
  queue: Fifo<OutboundMessage>;
  /** Messages for the time after a reset that was asked for. */
  held: Fifo<OutboundMessage> | null;
  nextSsn: number;
  bytes: number;
  urgent: boolean;
  /** Whether it stands in line. */
  waiting: boolean;
}

/** Messages by stream. */
export class SendQueue {
  readonly #streams = new Map<number, Stream>();
  readonly #urgent = new Fifo<Stream>();
  readonly #normal = new Fifo<Stream>();
  #current: OutboundMessage | null = null;
  /** Bytes not yet sent. */
  bytes = 0;

  /** Whether `peek` has something; held messages wait, although they count as bytes. */
  get isReady(): boolean {
    return this.#current !== null || this.#urgent.length > 0 || this.#normal.length > 0;
  }

  /** Bytes of one stream that were not yet sent. */
  bytesOf(streamId: number): number {
    return this.#streams.get(streamId)?.bytes ?? 0;
  }

  /** Puts a message at the end of its stream. */
  push(message: OutboundMessage): void {
    const stream = this.#stream(message.streamId);
    this.bytes += message.data.length;
    stream.bytes += message.data.length;
    (stream.held ?? stream.queue).push(message);
    this.#line(stream);
  }

  /** Lets a stream go before the others, or no longer. */
  setUrgent(streamId: number, urgent: boolean): void {
    this.#stream(streamId).urgent = urgent;
  }

  /** The message whose bytes go next; it stays the same until `took` has taken them all. */
  peek(): OutboundMessage | null {
    if (this.#current !== null) return this.#current;
    for (const line of [this.#urgent, this.#normal]) {
      const stream = line.peek();
      if (stream !== undefined) return stream.queue.peek()!;
    }
    return null;
  }

  /** `bytes` more of the message that `peek` showed were sent. */
  took(message: OutboundMessage, bytes: number): void {
    const stream = this.#stream(message.streamId);
    if (this.#current === null) {
      (this.#urgent.length > 0 ? this.#urgent : this.#normal).shift();
      stream.waiting = false;
      stream.queue.shift();
      if (message.ordered) {
        message.ssn = stream.nextSsn;
        stream.nextSsn = (stream.nextSsn + 1) & 0xffff;
      }
      this.#current = message;
      this.#line(stream);
    }
    message.sent += bytes;
    stream.bytes -= bytes;
    this.bytes -= bytes;
    if (message.sent === message.data.length) this.#current = null;
  }

  /** Drops the rest of a message that was given up. */
  drop(message: OutboundMessage): void {
    if (this.#current !== message) return;
    const rest = message.data.length - message.sent;
    this.#stream(message.streamId).bytes -= rest;
    this.bytes -= rest;
    this.#current = null;
  }

  /** From now on messages of this stream wait until `restart`; those before still go. */
  hold(streamId: number): void {
    this.#stream(streamId).held ??= new Fifo();
  }

  /** Whether everything before `hold` was sent. */
  isDrained(streamId: number): boolean {
    return this.#current?.streamId !== streamId && this.#stream(streamId).queue.length === 0;
  }

  /** Lets a held stream go on, its numbers from 0 when it was reset. */
  restart(streamId: number, fromZero: boolean): void {
    const stream = this.#stream(streamId);
    if (fromZero) stream.nextSsn = 0;
    const held = stream.held;
    stream.held = null;
    if (held !== null && held.length > 0) {
      stream.queue = held; // the old one is empty, else there was no reset
      this.#line(stream);
    }
  }

  #stream(id: number): Stream {
    let stream = this.#streams.get(id);
    if (stream === undefined) {
      stream = {
        id,
        queue: new Fifo(),
        held: null,
        nextSsn: 0,
        bytes: 0,
        urgent: false,
        waiting: false,
      };
      this.#streams.set(id, stream);
    }
    return stream;
  }

  #line(stream: Stream): void {
    if (stream.waiting || stream.queue.length === 0) return;
    stream.waiting = true;
    (stream.urgent ? this.#urgent : this.#normal).push(stream);
  }
}
