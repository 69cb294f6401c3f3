/**
 * Closing streams, so that their numbers can be used again: RE-CONFIG (RFC 6525; RFC 8831, section 6.7).
 *
 * ```text
 * |  type = 130   |   flags = 0   |            length             |  section 3.1, then parameters:
 * +===============+===============+===============================+
 * |  type = 13: outgoing reset    |            length             |  section 4.1
 * +-------------------------------+-------------------------------+
 * |                   request sequence number                     |
 * +---------------------------------------------------------------+
 * |                   response sequence number                    |
 * +---------------------------------------------------------------+
 * |            the sender's last TSN before the reset             |
 * +-------------------------------+-------------------------------+
 * |            stream             |            stream …           |  none: all
 * +===============+===============+===============================+
 * |  type = 16: response          |            length = 12        |  section 4.4
 * +-------------------------------+-------------------------------+
 * |                   response sequence number                    |
 * +---------------------------------------------------------------+
 * |                            result                             |
 * ```
 */
import { CHUNK, makeChunk, makeParameter, parameters } from "./chunks.ts";
import type { PacketReader } from "./packet.ts";
import { tsnAdd, tsnDistance } from "./serial.ts";

const OUTGOING_RESET = 13, LAST_REQUEST_TYPE = 18, RESPONSE = 16; // section 4
const NOTHING_TO_DO = 0, PERFORMED = 1, DENIED = 2, WRONG_SEQUENCE = 5, IN_PROGRESS = 6; // 4.4
/** Streams in one request, so that it fits into a packet of 1200 bytes. */
const MAX_STREAMS = 512;

/** What the resets need of the association. */
export interface ResetHost {
  /** Whether everything before the request was sent. */
  isDrained(streamId: number): boolean;
  /** The TSN of the next new chunk. */
  readonly nextTsn: number;
  /** Everything of the peer's up to it arrived. */
  readonly cumulativeTsn: number;
  /** Begins incoming streams anew; an empty list means all. */
  resetIncoming(streamIds: readonly number[]): void;
  /** Our own reset is over; `performed` says whether numbers begin at 0 again. */
  resetDone(streamIds: number[], performed: boolean): void;
}

interface Request {
  readonly sequence: number;
  readonly streamIds: number[];
  readonly chunk: Uint8Array<ArrayBuffer>;
  due: boolean;
}

/** Both directions of stream resets. */
export class StreamResets {
  readonly #host: ResetHost;
  readonly #supported: boolean;
  readonly #wanted = new Set<number>();
  #request: Request | null = null;
  #nextSequence: number;
  #peerSequence: number;
  #waiting: { sequence: number; lastTsn: number; streamIds: number[] } | null = null;
  #answer: { sequence: number; result: number } | null = null;
  /** When to ask again. */
  retryAtMs: number | null = null;
  /** Requests sent in a row without an answer. */
  failures = 0;

  /** @param initialTsn ours @param peerInitialTsn theirs: requests are counted from there (section 5.1) */
  constructor(host: ResetHost, initialTsn: number, peerInitialTsn: number, supported: boolean) {
    this.#host = host;
    this.#supported = supported;
    this.#nextSequence = initialTsn;
    this.#peerSequence = peerInitialTsn;
  }

  /** Asks for outgoing streams to be reset, once their messages were sent. */
  want(streamIds: Iterable<number>): void {
    for (const id of streamIds) {
      if (!this.#request?.streamIds.includes(id)) this.#wanted.add(id);
    }
  }

  /** The chunk to send now, or `null`. */
  nextChunk(nowMs: number, timeoutMs: number): Uint8Array<ArrayBuffer> | null {
    if (this.#request === null && this.#wanted.size > 0) this.#prepare();
    if (this.#request?.due) {
      this.#request.due = false;
      this.retryAtMs = nowMs + timeoutMs;
      return this.#request.chunk;
    }
    return null;
  }

  /** Asks again. */
  handleTimeout(nowMs: number): void {
    if (this.retryAtMs === null || this.retryAtMs > nowMs) return;
    this.retryAtMs = null;
    this.failures++;
    if (this.#request !== null) this.#request.due = true;
  }

  /** Takes the RE-CONFIG chunk at hand; returns the answers to send. */
  receive(reader: PacketReader): Uint8Array<ArrayBuffer>[] {
    const answers: Uint8Array<ArrayBuffer>[] = [];
    for (const { type, value } of parameters(reader, 0)) {
      if (answers.length >= 2) break; // section 3.1: a chunk has at most two parameters
      if (value.length < 8) continue;
      const view = new DataView(value.buffer, value.byteOffset, value.length);
      if (type === RESPONSE) this.#answered(view.getUint32(0), view.getUint32(4));
      else if (type >= OUTGOING_RESET && type <= LAST_REQUEST_TYPE) {
        const answer = this.#asked(type, view);
        if (answer !== null) answers.push(answer);
      }
    }
    return answers;
  }

  /** More of the peer's data arrived: performs the reset that waited for it and returns the answer. */
  dataArrived(): Uint8Array<ArrayBuffer> | null {
    const waiting = this.#waiting;
    if (waiting === null || tsnDistance(waiting.lastTsn, this.#host.cumulativeTsn) < 0) return null;
    this.#waiting = null;
    this.#host.resetIncoming(waiting.streamIds);
    return this.#respond(waiting.sequence, PERFORMED);
  }

  #prepare(): void {
    const streamIds: number[] = [];
    for (const id of this.#wanted) {
      if (streamIds.length < MAX_STREAMS && this.#host.isDrained(id)) streamIds.push(id);
    }
    if (streamIds.length === 0) return;
    for (const id of streamIds) this.#wanted.delete(id);
    if (!this.#supported) return this.#host.resetDone(streamIds, false);
    const sequence = this.#nextSequence;
    this.#nextSequence = tsnAdd(sequence, 1);
    const value = new Uint8Array(12 + 2 * streamIds.length);
    const view = new DataView(value.buffer);
    view.setUint32(0, sequence);
    view.setUint32(4, tsnAdd(this.#peerSequence, -1));
    view.setUint32(8, tsnAdd(this.#host.nextTsn, -1));
    streamIds.forEach((id, i) => view.setUint16(12 + 2 * i, id));
    const chunk = makeChunk(CHUNK.reConfig, 0, makeParameter(OUTGOING_RESET, value));
    this.#request = { sequence, streamIds, chunk, due: true };
    this.failures = 0;
  }

  #answered(sequence: number, result: number): void {
    const request = this.#request;
    if (request === null || request.sequence !== sequence) return;
    this.failures = 0;
    if (result === IN_PROGRESS) return; // asked again when the time-out comes
    this.#request = null;
    this.retryAtMs = null;
    this.#host.resetDone(request.streamIds, result === NOTHING_TO_DO || result === PERFORMED);
  }

  #asked(type: number, view: DataView): Uint8Array<ArrayBuffer> | null {
    const sequence = view.getUint32(0);
    if (this.#waiting?.sequence === sequence) return response(sequence, IN_PROGRESS);
    if (sequence === this.#answer?.sequence) return response(sequence, this.#answer.result);
    if (sequence !== this.#peerSequence || this.#waiting !== null) {
      return response(sequence, WRONG_SEQUENCE);
    }
    this.#peerSequence = tsnAdd(sequence, 1);
    if (type !== OUTGOING_RESET || view.byteLength < 12) return this.#respond(sequence, DENIED);
    const streamIds: number[] = [];
    for (let at = 12; at + 2 <= view.byteLength; at += 2) streamIds.push(view.getUint16(at));
    this.#waiting = { sequence, lastTsn: view.getUint32(8), streamIds };
    return this.dataArrived(); // silent until the last data came: then asking again is not needed
  }

  #respond(sequence: number, result: number): Uint8Array<ArrayBuffer> {
    this.#answer = { sequence, result };
    return response(sequence, result);
  }
}

function response(sequence: number, result: number): Uint8Array<ArrayBuffer> {
  const value = new Uint8Array(8);
  const view = new DataView(value.buffer);
  view.setUint32(0, sequence);
  view.setUint32(4, result);
  return makeChunk(CHUNK.reConfig, 0, makeParameter(RESPONSE, value));
}
