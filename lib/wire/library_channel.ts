/**
 * What two ends of this library say to each other on a channel of their own, sans IO: round-trip time,
 * and commands of which only the newest matters. The channel is negotiated (stream {@linkcode
 * LIBRARY_CHANNEL.id}), so an end that is not ours never sees it. Messages are JSON arrays:
 *
 * ```text
 * ["ping", t]              t: the sender's clock in ms; answered at once by
 * ["pong", t, t2]          t copied, t2: the clock of who answers
 * ["control", seq, t, v]   a command; seq counts from 1, t: when it was given
 * ```
 *
 * Anything else is ignored, so that later versions can say more.
 */

/** How both ends make the channel. A lost message is not sent again: a newer one is on its way. */
export const LIBRARY_CHANNEL = {
  label: "rtcbot",
  protocol: "rtcbot.1",
  id: 254, // below the 256 streams that Firefox begins with
  ordered: false,
  maxRetransmits: 0,
} as const;

/** A ping is sent so often. */
export const PING_INTERVAL_MS = 500;
/** Without a word for so long, the other end is gone: five pings without an answer. */
export const SILENCE_LIMIT_MS = 2_500;
/** A command older than this is not carried out: a robot does not act on what was meant a while ago. */
export const MAX_COMMAND_AGE_MS = 500;

/** Clocks drift some 0.1 ms in a second, so the smallest offset is forgotten after so long. */
const OFFSET_WINDOW_MS = 30_000;
/** The round-trip time is the mean of the first eight samples, then smoothed as TCP does it (RFC 6298). */
const ROUND_TRIP_GAIN = 1 / 8;

/** What one message asks of its receiver. */
export interface LibraryMessage {
  /** To be sent back at once. */
  readonly reply?: string;
  /** A command to be carried out. */
  readonly command?: { readonly value: unknown };
}

/** One end's half of the protocol. Times are milliseconds of any clock that does not jump. */
export class LibraryProtocol {
  #roundTripMs: number | null = null;
  #roundTrips = 0;
  #sentSeq = 0;
  #heardSeq = 0;
  #offset = new OffsetWindow();

  /** Smoothed round-trip time; `null` until measured. */
  get roundTripMs(): number | null {
    return this.#roundTripMs;
  }

  /** A ping to be sent now. */
  ping(nowMs: number): string {
    return JSON.stringify(["ping", nowMs]);
  }

  /** A command to be sent; `givenMs` is when it was meant. @throws {TypeError} when it is not JSON */
  command(value: unknown, givenMs: number): string {
    return JSON.stringify(["control", ++this.#sentSeq, givenMs, value]);
  }

  /** Reads what arrived; bad messages ask for nothing. */
  receive(text: string, nowMs: number): LibraryMessage {
    const [kind, first, second, third] = parseArray(text);
    if (kind === "ping" && isTime(first)) {
      this.#offset.delayOf(first, nowMs);
      return { reply: JSON.stringify(["pong", first, nowMs]) };
    }
    if (kind === "pong" && isTime(first)) this.#noteRoundTrip(nowMs - first);
    if (kind === "control" && isTime(first) && isTime(second)) {
      const delayMs = this.#offset.delayOf(second, nowMs);
      if (first > this.#heardSeq && delayMs <= MAX_COMMAND_AGE_MS) {
        this.#heardSeq = first;
        return { command: { value: third } };
      }
    }
    return {};
  }

  #noteRoundTrip(sampleMs: number): void {
    if (!(sampleMs >= 0)) return;
    const gain = Math.max(ROUND_TRIP_GAIN, 1 / ++this.#roundTrips);
    const before = this.#roundTripMs ?? 0;
    this.#roundTripMs = before + (sampleMs - before) * gain;
  }
}

/**
 * The two clocks have nothing in common, but the smallest (arrival − departure) lately seen belongs to
 * the quickest message; what another took longer than that one is its delay.
 */
class OffsetWindow {
  #before = Infinity;
  #now = Infinity;
  #sinceMs = -Infinity;

  delayOf(sentMs: number, arrivedMs: number): number {
    if (arrivedMs - this.#sinceMs > OFFSET_WINDOW_MS) {
      this.#before = this.#now;
      this.#now = Infinity;
      this.#sinceMs = arrivedMs;
    }
    const offset = arrivedMs - sentMs;
    this.#now = Math.min(this.#now, offset);
    return offset - Math.min(this.#before, this.#now);
  }
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

function parseArray(text: string): readonly unknown[] {
  try {
    const message: unknown = JSON.parse(text);
    return Array.isArray(message) ? message : [];
  } catch {
    return []; // not of this protocol: ignored like any other unknown message
  }
}
