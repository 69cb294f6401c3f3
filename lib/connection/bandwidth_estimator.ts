/**
 * How much one viewer's link takes, from what the viewer reports: congestion control as in
 * draft-ietf-rmcat-gcc-02, at the sender alone. With transport-wide feedback the delay decides, and the
 * losses bound it; without it, the viewer's own estimate (REMB) and its receiver reports do.
 * Pure: what was sent, what came back and the time are arguments.
 */
import { DelayDetector, type Usage } from "./delay_detector.ts";
import { LossControl } from "./loss_control.ts";
import { PacketHistory } from "./packet_history.ts";
import { RateControl } from "./rate_control.ts";
import { RateMeter } from "./rate_meter.ts";
import { TrainMeter } from "./train_meter.ts";

/** The bounds, in bits a second of whole datagrams. */
export interface BandwidthOptions {
  readonly startBitrate: number;
  readonly minBitrate: number;
  readonly maxBitrate: number;
}

/** Transport-wide feedback: which packets came, and when. */
export interface PacketArrivals {
  /** The number of the first packet, 16 bits. */
  readonly first: number;
  /** For it and those that follow: ms on the receiver's clock, `NaN` when it is missing. */
  readonly timesMs: readonly number[];
}

/** The window of what arrives and of what is sent. */
const RATE_WINDOW_MS = 500;
/** A source that sends less than this part of what it may is idle. */
const IDLE = 0.6;
/** Packets that wait longer than the first on the way are drained, until they wait less than the second. */
const QUEUE_MS = 100, DRAINED_MS = 40;
/** What is sent meanwhile, of what the link takes. */
const DRAIN = 0.5;
/** A queue that does not run empty in this time is somebody else's, or none. */
const DRAIN_MS = 4_000;
/** The shortest delay is the way's own; it is looked for anew after so long. */
const BASE_WINDOW_MS = 20_000;
/** What may be on its way when a queue is known of: so much time's worth beyond the shortest round trip. */
const WINDOW_MS = 250, WINDOW_BYTES = 15_000;
/** The rate then is so much more than what arrives, but not above the estimate. */
const WINDOW_ROOM = 1.25;
/** Feedback comes every 50 to 250 ms; after this silence less is sent, again and again. */
const SILENCE_MS = 1_000, SILENCE_STEP_MS = 500, SILENCE_DECREASE = 0.7;
/** Losses that come so soon after a decrease are of the same overflow. */
const ANSWERED_MS = 1_500;
/** REMB and reports count only while nothing better came for this long. */
const WIDE_MS = 5_000;
/** The round trip before one was measured. */
const USUAL_ROUND_TRIP_MS = 100;

/** Estimates for one transport. */
export class BandwidthEstimator {
  readonly #options: BandwidthOptions;
  readonly #history = new PacketHistory();
  readonly #detector = new DelayDetector();
  #rate: RateControl;
  readonly #loss = new LossControl();
  readonly #trains = new TrainMeter();
  readonly #sent = new RateMeter(RATE_WINDOW_MS);
  readonly #arrived = new RateMeter(RATE_WINDOW_MS);
  #roundTripMs: number | null = null;
  #shortestDelay = new Shortest();
  readonly #shortestTrip = new Shortest();
  #queueMs = 0;
  #sentMs = 0;
  #drainingMs: number | null = null;
  #feedbackMs: number | null = null;
  #silenceMs = -Infinity;
  #remb = Infinity;

  constructor(options: BandwidthOptions) {
    this.#options = options;
    this.#rate = new RateControl(this.#clamp(options.startBitrate));
  }

  /** Bits a second that the link is believed to take, within the bounds. */
  get bitrate(): number {
    return this.#clamp(Math.min(this.#rate.bitrate, this.#loss.bitrate, this.#remb));
  }

  /** What to send with: the estimate, or less while a queue on the way is let run empty. */
  get target(): number {
    return this.#clamp(this.bitrate * (this.#draining ? DRAIN : 1));
  }

  /** Bits a second that frames were seen to pass with; `null` when not known. */
  get passage(): number | null {
    return this.#trains.passage?.bitrate ?? null;
  }

  /** Whether the link holds the frames' packets up; `null` when not known. */
  get heldUp(): boolean | null {
    return this.#trains.passage?.heldUp ?? null;
  }

  /** The part of the packets that was lost lately, 0 to 1. */
  get loss(): number {
    return this.#loss.fraction;
  }

  /** There and back, in ms; `null` before the first feedback. */
  get roundTripMs(): number | null {
    return this.#roundTripMs;
  }

  /** How long packets wait on the way, beyond the shortest way, in ms. */
  get queueMs(): number {
    return this.#queueMs;
  }

  /** Whether so much is on its way that more would only wait; known sooner than a delay is reported. */
  full(nowMs: number): boolean {
    if (this.#feedbackMs === null) return false;
    // After a silence a frame now and then shows whether the way is there again.
    if (nowMs - Math.max(this.#feedbackMs, this.#sentMs) > SILENCE_STEP_MS) return false;
    const window = this.#queueMs > DRAINED_MS ? WINDOW_MS : SILENCE_MS;
    const allowedMs = this.#shortestTrip.value + window;
    const bitrate = Math.min(this.bitrate, WINDOW_ROOM * (this.#arrived.rate(nowMs) ?? Infinity));
    const bytes = this.#history.inFlightBytes;
    return bytes > WINDOW_BYTES && bytes * 8_000 > bitrate * allowedMs;
  }

  /** Whether any feedback came. */
  get proven(): boolean {
    return this.#feedbackMs !== null || this.#remb !== Infinity;
  }

  /** When a queue was last seen to grow, on the clock of the calls. */
  get congestedMs(): number {
    return this.#rate.decreasedMs;
  }

  /** Another first rate; has no effect once feedback came. */
  begin(bitrate: number): void {
    if (!this.proven) this.#rate = new RateControl(this.#clamp(bitrate));
  }

  /**
   * A packet left.
   *
   * @param number its transport-wide number, 16 bits; negative when it has none
   * @param bytes the whole datagram
   * @param train counts frames; negative when it belongs to none (sent again)
   */
  sent(number: number, bytes: number, nowMs: number, train: number): void {
    if (number >= 0) this.#history.sent(number, bytes, nowMs, train);
    this.#sent.add(bytes, nowMs);
    this.#sentMs = nowMs;
  }

  /** Transport-wide feedback came. */
  arrivals({ first, timesMs }: PacketArrivals, nowMs: number): void {
    let lost = 0, count = 0, shortestMs = Infinity, newestMs = -Infinity;
    timesMs.forEach((timeMs, i) => {
      const fate = this.#history.reported(first + i & 0xffff, timeMs);
      if (fate === null) return;
      if (!fate.wasMissing) count++;
      if (fate.arrivedMs === null) return void lost++;
      if (fate.wasMissing) lost--;
      this.#detector.packet(fate.sentMs, fate.arrivedMs);
      if (fate.train >= 0) {
        this.#trains.packet(fate.train, fate.bytes, fate.sentMs, fate.arrivedMs);
      }
      this.#arrived.add(fate.bytes, nowMs);
      shortestMs = Math.min(shortestMs, fate.arrivedMs - fate.sentMs);
      newestMs = Math.max(newestMs, fate.sentMs);
    });
    this.#feedbackMs = nowMs;
    this.#remb = Infinity;
    this.#silenceMs = -Infinity;
    if (count === 0 && shortestMs === Infinity) return;
    this.#loss.add(lost, count);
    if (shortestMs < Infinity) this.#timed(shortestMs, nowMs - newestMs, nowMs);
    this.#decide(nowMs);
  }

  /** The viewer's own estimate (draft-alvestrand-rmcat-remb). */
  remb(bitrate: number, nowMs: number): void {
    if (!this.#wide(nowMs)) this.#remb = bitrate;
  }

  /** A receiver report: the part lost since the last one, 0 to 1. */
  report(fractionLost: number, roundTripMs: number | null, nowMs: number): void {
    if (this.#wide(nowMs)) return;
    if (roundTripMs !== null) this.#roundTripMs = roundTripMs;
    this.#loss.report(fractionLost);
    const tripMs = this.#roundTripMs ?? USUAL_ROUND_TRIP_MS;
    this.#loss.update(this.bitrate, false, false, tripMs, nowMs);
    const sent = this.#sent.rate(nowMs);
    const evidence = { arriving: sent, passage: null, idle: false, roundTripMs: tripMs };
    this.#rate.update({ ...evidence, usage: "normal" }, nowMs);
  }

  /** To be called now and then: silence, too, says something. */
  tick(nowMs: number): void {
    if (this.#feedbackMs === null || this.#history.inFlightBytes < 3_000) return;
    if (
      nowMs - Math.max(this.#feedbackMs, this.#silenceMs + SILENCE_STEP_MS - SILENCE_MS) <
        SILENCE_MS
    ) {
      return;
    }
    this.#silenceMs = nowMs;
    this.#rate.limit(this.#clamp(this.#rate.bitrate * SILENCE_DECREASE));
  }

  #wide(nowMs: number): boolean {
    return this.#feedbackMs !== null && nowMs - this.#feedbackMs < WIDE_MS;
  }

  #timed(delayMs: number, roundTripMs: number, nowMs: number): void {
    const before = this.#roundTripMs;
    this.#roundTripMs = before === null ? roundTripMs : before + 0.2 * (roundTripMs - before);
    this.#shortestTrip.add(roundTripMs, nowMs);
    this.#queueMs = delayMs - this.#shortestDelay.add(delayMs, nowMs);
    const waits = this.#queueMs > (this.#draining ? DRAINED_MS : QUEUE_MS);
    if (!waits) this.#drainingMs = null;
    else if (nowMs - (this.#drainingMs ??= nowMs) > DRAIN_MS) {
      this.#shortestDelay = new Shortest(); // it is not our queue: the way became longer
      this.#drainingMs = null;
    }
  }

  #decide(nowMs: number): void {
    const sent = this.#sent.rate(nowMs), arriving = this.#arrived.rate(nowMs);
    const roundTripMs = this.#roundTripMs ?? USUAL_ROUND_TRIP_MS;
    // An overflow was answered by the delay's decrease already.
    const answered = nowMs - this.#rate.decreasedMs < ANSWERED_MS + roundTripMs;
    this.#loss.update(this.bitrate, answered, this.#queueMs > DRAINED_MS, roundTripMs, nowMs);
    this.#rate.update({
      usage: this.#usage(sent, arriving),
      arriving,
      passage: this.passage,
      idle: sent !== null && sent < IDLE * this.bitrate,
      roundTripMs,
    }, nowMs);
    this.#rate.limit(this.#options.maxBitrate);
    // Losses and the delay watch the same link: none may run far ahead of the other.
    if (this.#loss.bitrate < Infinity) this.#rate.limit(this.#loss.bitrate * 1.5);
  }

  get #draining(): boolean {
    return this.#drainingMs !== null;
  }

  /** What the trend says, corrected by how long packets wait at all. */
  #usage(sent: number | null, arriving: number | null): Usage {
    if (sent === null || arriving === null) return this.#detector.usage;
    // With less coming in than going out no queue grows: what was seen is the past.
    if (sent < 0.9 * arriving) return this.#detector.usage === "normal" ? "normal" : "under";
    if (!this.#draining) return this.#detector.usage;
    if (arriving < 0.8 * this.bitrate) return "over";
    return this.#detector.usage === "normal" ? "under" : this.#detector.usage;
  }

  #clamp(bitrate: number): number {
    const { minBitrate, maxBitrate } = this.#options;
    return Math.round(Math.min(Math.max(bitrate, minBitrate), maxBitrate));
  }
}

/** The least of a value over the last while; it is looked for anew, since ways change. */
class Shortest {
  value = Infinity;
  #next = Infinity;
  #sinceMs: number | null = null;

  add(value: number, nowMs: number): number {
    this.#sinceMs ??= nowMs;
    if (nowMs - this.#sinceMs > BASE_WINDOW_MS) {
      this.value = this.#next;
      this.#next = Infinity;
      this.#sinceMs = nowMs;
    }
    this.value = Math.min(this.value, value);
    this.#next = Math.min(this.#next, value);
    return this.value;
  }
}
