/**
 * Puts messages together from fragments and into order (RFC 9260, sections 6.5, 6.6 and 6.9).
 *
 * The fragments of a message have consecutive TSNs, so they are collected in runs that are found by the TSN
 * before and after them: constant time for each, in whatever order they come. It is fed only chunks that a
 * TsnTracker saw for the first time, copies what it keeps, and counts it.
 */
import type { ForwardTsn } from "./chunks.ts";
import { DATA_FLAG } from "./chunks.ts";
import { ssnDistance, tsnDistance } from "./serial.ts";

/** A message that arrived. */
export interface InboundMessage {
  readonly streamId: number;
  readonly ppid: number;
  readonly data: Uint8Array<ArrayBuffer>;
}

/** A chunk of user data, its bytes borrowed from the packet. */
export interface Fragment {
  tsn: number;
  flags: number;
  streamId: number;
  ssn: number;
  ppid: number;
  data: Uint8Array;
}

interface Run {
  readonly streamId: number;
  readonly ssn: number;
  readonly unordered: boolean;
  ppid: number;
  first: number;
  last: number;
  begun: boolean;
  ended: boolean;
  bytes: number;
  sorted: boolean;
  tsns: number[];
  parts: Uint8Array[];
}

interface Stream {
  nextSsn: number;
  /** Whole messages that wait for an earlier one. */
  waiting: Map<number, InboundMessage>;
}

/** What an object costs beside its bytes, so that a flood of tiny chunks is counted at its true price. */
const OVERHEAD_BYTES = 128;

/** Turns fragments into messages, which it hands to `deliver`. */
export class Reassembly {
  readonly #maxMessageBytes: number;
  readonly #deliver: (message: InboundMessage) => void;
  /** Runs by the TSN before their first fragment, and by the one after their last; as signed numbers, which are faster keys. */
  #byFirst = new Map<number, Run>();
  #byNext = new Map<number, Run>();
  #streams = new Map<number, Stream>();
  /** Bytes that are held back, with the cost of holding them. */
  bytes = 0;

  /** @param deliver is called for each message, in order, during `add` and `forward` */
  constructor(maxMessageBytes: number, deliver: (message: InboundMessage) => void) {
    this.#maxMessageBytes = maxMessageBytes;
    this.#deliver = deliver;
  }

  /** Takes a fragment. Returns what the peer did wrong, or `null`. */
  add(fragment: Fragment): string | null {
    const { tsn, flags, streamId, ssn, ppid } = fragment;
    const begins = (flags & DATA_FLAG.begin) !== 0;
    const ends = (flags & DATA_FLAG.end) !== 0;
    const unordered = (flags & DATA_FLAG.unordered) !== 0;
    const length = fragment.data.length;
    if (begins && ends) {
      if (length > this.#maxMessageBytes) return this.#tooLong(length);
      const data = new Uint8Array(fragment.data);
      this.#complete({ streamId, ppid, data }, ssn, unordered);
      return null;
    }
    let run = begins ? undefined : this.#byNext.get(tsn | 0);
    const after = ends ? undefined : this.#byFirst.get(tsn | 0);
    if (
      (run !== undefined && !sameMessage(run, streamId, ssn, unordered)) ||
      (after !== undefined && !sameMessage(after, streamId, ssn, unordered))
    ) {
      return `fragment ${tsn} lies inside a message and belongs to another one`;
    }
    this.bytes += length + OVERHEAD_BYTES;
    const part = new Uint8Array(fragment.data);
    if (run !== undefined) {
      this.#byNext.delete(tsn | 0);
      run.last = tsn;
    } else {
      run = {
        streamId,
        ssn,
        unordered,
        ppid,
        first: tsn,
        last: tsn,
        begun: begins,
        ended: false,
        bytes: 0,
        sorted: true,
        tsns: [],
        parts: [],
      };
    }
    run.tsns.push(tsn);
    run.parts.push(part);
    run.bytes += length;
    run.ended = ends;
    if (after !== undefined) run = this.#join(run, after);
    if (run.bytes > this.#maxMessageBytes) return this.#tooLong(run.bytes);
    if (run.begun && run.ended) {
      this.#forget(run);
      this.#complete({ streamId, ppid: run.ppid, data: whole(run) }, ssn, unordered);
    } else {
      if (!run.begun) this.#byFirst.set((run.first - 1) | 0, run);
      if (!run.ended) this.#byNext.set((run.last + 1) | 0, run);
    }
    return null;
  }

  /** The peer gave messages up (RFC 3758, section 3.6): nothing waits for them any longer. */
  forward({ tsn, skipped }: ForwardTsn): void {
    const old = new Set<Run>();
    for (const run of this.#byFirst.values()) if (tsnDistance(run.last, tsn) >= 0) old.add(run);
    for (const run of this.#byNext.values()) if (tsnDistance(run.last, tsn) >= 0) old.add(run);
    for (const run of old) this.#forget(run);
    for (const [streamId, ssn] of skipped) {
      const stream = this.#stream(streamId);
      if (ssnDistance(stream.nextSsn, ssn) < 0) continue;
      if (stream.waiting.size > 0) {
        const from = stream.nextSsn;
        const whole = [...stream.waiting.keys()].filter((at) => ssnDistance(at, ssn) >= 0)
          .sort((a, b) => ssnDistance(from, a) - ssnDistance(from, b));
        for (const at of whole) this.#release(stream, at);
      }
      stream.nextSsn = (ssn + 1) & 0xffff;
      this.#drain(stream);
    }
  }

  /** Begins a stream anew: its next ordered message has the number 0 (RFC 6525, section 5.2.2). */
  reset(streamId: number): void {
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return;
    for (const { data } of stream.waiting.values()) this.bytes -= data.length + OVERHEAD_BYTES;
    this.#streams.delete(streamId);
  }

  /** The streams that carried ordered messages. */
  get streamIds(): number[] {
    return [...this.#streams.keys()];
  }

  #join(left: Run, right: Run): Run {
    this.#byFirst.delete((right.first - 1) | 0);
    this.#byNext.delete((right.last + 1) | 0);
    // The shorter list is poured into the longer one, so that no order of arrival costs quadratic time.
    const [from, into] = left.parts.length < right.parts.length ? [left, right] : [right, left];
    for (let i = 0; i < from.parts.length; i++) {
      into.tsns.push(from.tsns[i]!);
      into.parts.push(from.parts[i]!);
    }
    left.ppid = left.begun || !right.begun ? left.ppid : right.ppid;
    left.tsns = into.tsns;
    left.parts = into.parts;
    left.sorted = left.sorted && right.sorted && into === left;
    left.last = right.last;
    left.ended = right.ended;
    left.bytes += right.bytes;
    return left;
  }

  #forget(run: Run): void {
    this.#byFirst.delete((run.first - 1) | 0);
    this.#byNext.delete((run.last + 1) | 0);
    this.bytes -= run.bytes + OVERHEAD_BYTES * run.parts.length;
  }

  #stream(streamId: number): Stream {
    let stream = this.#streams.get(streamId);
    if (stream === undefined) {
      this.#streams.set(streamId, stream = { nextSsn: 0, waiting: new Map() });
    }
    return stream;
  }

  #complete(message: InboundMessage, ssn: number, unordered: boolean): void {
    if (unordered) return this.#deliver(message);
    const stream = this.#stream(message.streamId);
    const ahead = ssnDistance(stream.nextSsn, ssn);
    if (ahead < 0 || stream.waiting.has(ssn)) return;
    if (ahead > 0) {
      stream.waiting.set(ssn, message);
      this.bytes += message.data.length + OVERHEAD_BYTES;
      return;
    }
    stream.nextSsn = (ssn + 1) & 0xffff;
    this.#deliver(message);
    if (stream.waiting.size > 0) this.#drain(stream);
  }

  #drain(stream: Stream): void {
    while (stream.waiting.has(stream.nextSsn)) {
      const ssn = stream.nextSsn;
      stream.nextSsn = (ssn + 1) & 0xffff;
      this.#release(stream, ssn);
    }
  }

  #release(stream: Stream, ssn: number): void {
    const message = stream.waiting.get(ssn)!;
    stream.waiting.delete(ssn);
    this.bytes -= message.data.length + OVERHEAD_BYTES;
    this.#deliver(message);
  }

  #tooLong(bytes: number): string {
    return `a message of ${bytes} bytes or more; ${this.#maxMessageBytes} were announced`;
  }
}

function sameMessage(run: Run, streamId: number, ssn: number, unordered: boolean): boolean {
  return run.streamId === streamId && run.unordered === unordered &&
    (unordered || run.ssn === ssn);
}

function whole(run: Run): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(run.bytes);
  let at = 0;
  if (run.sorted) {
    for (const part of run.parts) {
      out.set(part, at);
      at += part.length;
    }
    return out;
  }
  const inOrder: Uint8Array[] = new Array(run.parts.length);
  for (let i = 0; i < run.parts.length; i++) {
    inOrder[tsnDistance(run.first, run.tsns[i]!)] = run.parts[i]!;
  }
  for (const part of inOrder) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
