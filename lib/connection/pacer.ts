/**
 * Spreads one viewer's packets over time, so that a large frame does not overflow a queue on the way: a
 * leaky bucket in which packets that are sent again go first. What would wait too long is dropped, whole
 * frames at a time, until the next key frame. Pure: it holds no packets' contents, no clock, no timer.
 */

/** A packet that waits. */
export interface Paced {
  /** On the wire. */
  readonly bytes: number;
}

/** What may leave at once, in time at the rate. */
const BURST_MS = 5;
/** Frames that would wait longer than this are dropped. */
const QUEUE_MS = 400;
/** And in any case beyond so many bytes: it bounds the memory of a viewer. */
const QUEUE_BYTES = 1_000_000;
/** What is sent again takes no more of the rate than this, and may save up so much time. */
const REPAIR_SHARE = 0.3, REPAIR_SAVED_MS = 250;

interface Frame<P> {
  readonly keyFrame: boolean;
  readonly packets: P[];
  begun: boolean;
}

/** The queue of one viewer. */
export class Pacer<P extends Paced> {
  #bitrate: number;
  readonly #frames: Frame<P>[] = [];
  readonly #repairs: P[] = [];
  #bytes = 0;
  #debtBits = 0;
  #repairBits = 0;
  #atMs: number | null = null;
  #needsKeyFrame = false;

  /** @param bitrate bits a second at which packets leave */
  constructor(bitrate: number) {
    this.#bitrate = bitrate;
  }

  /** Bits a second at which packets leave. */
  get bitrate(): number {
    return this.#bitrate;
  }

  /** Changes it from now on. */
  setBitrate(bitrate: number, nowMs: number): void {
    this.#pass(nowMs);
    this.#bitrate = bitrate;
  }

  /** Bytes that wait. */
  get queuedBytes(): number {
    return this.#bytes;
  }

  /** How long the last packet will wait, in ms. */
  get queueMs(): number {
    return this.#bytes * 8_000 / this.#bitrate;
  }

  /** Whether frames are dropped until a key frame comes. */
  get needsKeyFrame(): boolean {
    return this.#needsKeyFrame;
  }

  /**
   * A frame's packets, in order.
   *
   * @returns false when it was dropped, and those that wait with it: a key frame must come
   */
  frame(packets: readonly P[], keyFrame: boolean, nowMs: number): boolean {
    this.#pass(nowMs);
    // What waits is of no use to a viewer that gets a whole picture; a frame half sent is finished.
    if (keyFrame) this.#dropWaiting();
    else if (this.#needsKeyFrame) return false;
    const bytes = sum(packets);
    const waitMs = (this.#bytes + bytes) * 8_000 / this.#bitrate;
    const full = waitMs > QUEUE_MS || this.#bytes + bytes > QUEUE_BYTES;
    if (full && !keyFrame && this.#bytes > 0) {
      this.#dropWaiting();
      this.#needsKeyFrame = true;
      return false;
    }
    this.#needsKeyFrame = false;
    this.#frames.push({ keyFrame, packets: [...packets], begun: false });
    this.#bytes += bytes;
    return true;
  }

  /**
   * A packet that is to be sent again.
   *
   * @returns false when too much is sent again already
   */
  repair(packet: P, nowMs: number): boolean {
    this.#pass(nowMs);
    if (this.#repairBits < packet.bytes * 8) return false;
    this.#repairBits -= packet.bytes * 8;
    this.#repairs.push(packet);
    this.#bytes += packet.bytes;
    return true;
  }

  /** The packet that leaves now, or `null`; to be asked until it gives none. */
  take(nowMs: number): P | null {
    this.#pass(nowMs);
    if (this.#debtBits > this.#bitrate * BURST_MS / 1_000) return null;
    const packet = this.#repairs.shift() ?? this.#next();
    if (packet === undefined) return null;
    this.#bytes -= packet.bytes;
    this.#debtBits += packet.bytes * 8;
    return packet;
  }

  /** In how many ms `take` will give something; `null` when nothing waits. */
  waitMs(nowMs: number): number | null {
    if (this.#bytes === 0) return null;
    this.#pass(nowMs);
    const excess = this.#debtBits - this.#bitrate * BURST_MS / 1_000;
    return excess <= 0 ? 0 : excess * 1_000 / this.#bitrate;
  }

  /** Forgets all that waits. */
  drop(): void {
    this.#frames.length = this.#repairs.length = this.#bytes = 0;
  }

  #next(): P | undefined {
    const frame = this.#frames[0];
    if (!frame) return undefined;
    frame.begun = true;
    const packet = frame.packets.shift();
    if (frame.packets.length === 0) this.#frames.shift();
    return packet;
  }

  #dropWaiting(): void {
    const begun = this.#frames.filter((frame) => frame.begun);
    this.#frames.splice(0, this.#frames.length, ...begun);
    this.#bytes = sum(this.#repairs);
    for (const frame of begun) this.#bytes += sum(frame.packets);
  }

  #pass(nowMs: number): void {
    const passedMs = Math.max(0, nowMs - (this.#atMs ?? nowMs - REPAIR_SAVED_MS));
    this.#atMs = Math.max(nowMs, this.#atMs ?? nowMs);
    this.#debtBits = Math.max(0, this.#debtBits - this.#bitrate * passedMs / 1_000);
    const saved = this.#bitrate * REPAIR_SHARE * REPAIR_SAVED_MS / 1_000;
    const more = this.#bitrate * REPAIR_SHARE * passedMs / 1_000;
    this.#repairBits = Math.min(this.#repairBits + more, saved);
  }
}

function sum(packets: readonly Paced[]): number {
  let bytes = 0;
  for (const packet of packets) bytes += packet.bytes;
  return bytes;
}
