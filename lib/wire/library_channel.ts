/**
 * What two ends of this library say to each other on a channel of their own, sans IO: round-trip time,
 * commands of which only the newest matters, and how old a picture is when it is seen. The channel is
 * negotiated (stream {@linkcode LIBRARY_CHANNEL.id}), so an end that is not ours never sees it. Messages
 * are JSON arrays:
 *
 * ```text
 * ["ping", t]              t: the sender's clock in ms; answered at once by
 * ["pong", t, t2]          t copied, t2: the clock of who answers
 * ["control", seq, t, v]   a command; seq counts from 1, t: when it was given
 * ["shown", rtp, t]        the picture with this RTP time (90 kHz, 32 bits) was displayed at t,
 *                          said of some pictures, at most four a second; answered at once by
 * ["age", ms]              how old that picture was then
 * ```
 *
 * Only the sender of a picture knows when it was taken, and only who displays it knows when it was seen.
 * A pong shows what the other clock says: t2 was read between the ping's leaving and the pong's coming, so
 * with the middle of the two the error is at most half of the round trip, of which the shortest counts.
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

/** One end tells the other so often, at most, when it displayed a picture. */
export const SHOWN_INTERVAL_MS = 250;
/** A picture older than this, or one that is to be taken in the future, is a mistake. */
const MAX_PICTURE_AGE_MS = 60_000;

/** So many ages are kept, for so long. */
const AGES = 8, AGES_MS = 2_000;

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
  /** A picture of ours was displayed; `shownMs` is by our clock. */
  readonly shown?: { readonly timestamp90kHz: number; readonly shownMs: number };
}

/** One end's half of the protocol. Times are milliseconds of any clock that does not jump. */
export class LibraryProtocol {
  #roundTripMs: number | null = null;
  #roundTrips = 0;
  #sentSeq = 0;
  #heardSeq = 0;
  #offset = new OffsetWindow();
  #difference = new ClockDifference();
  #ages: { readonly atMs: number; readonly ms: number }[] = [];

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

  /** A picture of theirs was displayed. @param timestamp90kHz its RTP time, 32 bits */
  shown(timestamp90kHz: number, shownMs: number): string {
    return JSON.stringify(["shown", timestamp90kHz, shownMs]);
  }

  /** The answer to `shown`. */
  age(ms: number, nowMs: number): string {
    this.#noteAge(ms, nowMs);
    return JSON.stringify(["age", ms]);
  }

  /**
   * How old pictures were lately when they were displayed, at whichever end: the mean of two seconds;
   * `null` when none was told of.
   */
  pictureAgeMs(nowMs: number): number | null {
    const lately = this.#ages.filter(({ atMs }) => nowMs - atMs < AGES_MS);
    if (lately.length === 0) return null;
    return lately.reduce((sum, { ms }) => sum + ms, 0) / lately.length;
  }

  /** Reads what arrived; bad messages ask for nothing. */
  receive(text: string, nowMs: number): LibraryMessage {
    const [kind, first, second, third] = parseArray(text);
    if (kind === "ping" && isTime(first)) {
      this.#offset.delayOf(first, nowMs);
      return { reply: JSON.stringify(["pong", first, nowMs]) };
    }
    if (kind === "pong" && isTime(first)) {
      this.#noteRoundTrip(nowMs - first);
      if (isTime(second)) this.#difference.note(first, second, nowMs);
    }
    if (kind === "shown" && isTimestamp(first) && isTime(second)) {
      const difference = this.#difference.ms;
      return difference === null
        ? {}
        : { shown: { timestamp90kHz: first, shownMs: second - difference } };
    }
    if (kind === "age" && isTime(first) && first >= 0 && first <= MAX_PICTURE_AGE_MS) {
      this.#noteAge(first, nowMs);
    }
    if (kind === "control" && isTime(first) && isTime(second)) {
      const delayMs = this.#offset.delayOf(second, nowMs);
      if (first > this.#heardSeq && delayMs <= MAX_COMMAND_AGE_MS) {
        this.#heardSeq = first;
        return { command: { value: third } };
      }
    }
    return {};
  }

  #noteAge(ms: number, atMs: number): void {
    this.#ages.push({ atMs, ms });
    if (this.#ages.length > AGES) this.#ages.shift();
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

/** What the other clock is ahead of ours, by the shortest round trip of the last half or whole minute. */
class ClockDifference {
  #before: { tripMs: number; ms: number } | null = null;
  #now: { tripMs: number; ms: number } | null = null;
  #sinceMs = -Infinity;

  get ms(): number | null {
    const [before, now] = [this.#before, this.#now];
    return (before && now && before.tripMs < now.tripMs ? before : now ?? before)?.ms ?? null;
  }

  note(pingMs: number, theirsMs: number, pongMs: number): void {
    const tripMs = pongMs - pingMs;
    if (!(tripMs >= 0)) return;
    if (pongMs - this.#sinceMs > OFFSET_WINDOW_MS) {
      this.#before = this.#now;
      this.#now = null;
      this.#sinceMs = pongMs;
    }
    if (this.#now && this.#now.tripMs < tripMs) return;
    this.#now = { tripMs, ms: theirsMs - (pingMs + tripMs / 2) };
  }
}

function isTimestamp(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 32;
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
