/**
 * The rate that the losses allow: section 6 of draft-ietf-rmcat-gcc-02, but for losses that a link has
 * at any rate (a weak radio): when sending less did not help, they are taken as given. Pure.
 */

/** Section 6: below the first the rate may grow, above the second it shrinks. */
const FEW = 0.02, MANY = 0.1;
const GROWTH = 1.08;
/** Packets that a judgement needs, and for how long it is waited for more. */
const ENOUGH = 20, PAUSE_MS = 300;
/** A loss that is still so much of what it was, with the rate lowered this much, is the link's own. */
const SAME = 0.6, LOWERED = 0.8;
/** More than this is never taken as given. */
const MOST_GIVEN = 0.25;
/** How quickly the link's own losses are forgotten, with each judgement. */
const FORGET = 0.05;

/** Follows one link. */
export class LossControl {
  #bitrate = Infinity;
  #lost = 0;
  #count = 0;
  #judgedMs: number | null = null;
  #fraction = 0;
  #given = 0;
  #trial: { bitrate: number; fraction: number } | null = null;

  /** Bits a second; `Infinity` while no losses bound it. */
  get bitrate(): number {
    return this.#bitrate;
  }

  /** The part of the packets that was lost lately, 0 to 1. */
  get fraction(): number {
    return this.#fraction;
  }

  /** Packets of which it is known now whether they arrived. */
  add(lost: number, count: number): void {
    this.#lost += lost;
    this.#count += count;
  }

  /** A receiver report (RFC 3550, section 6.4.1), where nothing tells of each packet. */
  report(fraction: number): void {
    this.add(fraction * ENOUGH, ENOUGH);
  }

  /**
   * Judges when it is time.
   *
   * @param bitrate what is sent with at present
   * @param answered whether less is sent already because of what caused them
   * @param queueing whether packets wait on the way, so that losses are likely to be an overflow
   */
  update(
    bitrate: number,
    answered: boolean,
    queueing: boolean,
    roundTripMs: number,
    nowMs: number,
  ): void {
    this.#judgedMs ??= nowMs;
    const passedMs = nowMs - this.#judgedMs;
    if (this.#count < ENOUGH || passedMs < PAUSE_MS + roundTripMs) return;
    this.#judgedMs = nowMs;
    const fraction = Math.min(1, Math.max(0, this.#lost) / this.#count);
    this.#lost = this.#count = 0;
    this.#fraction += 0.5 * (fraction - this.#fraction);
    this.#learn(bitrate, queueing);
    const excess = (this.#fraction - this.#given) / (1 - this.#given);
    if (excess > MANY) {
      if (answered) return;
      this.#trial ??= { bitrate, fraction: this.#fraction };
      this.#bitrate = Math.min(this.#bitrate, bitrate) * (1 - 0.5 * excess);
    } else if (excess < FEW || this.#given > 0) {
      this.#bitrate *= GROWTH ** (passedMs / 1_000 * 3);
      if (excess < FEW) this.#trial = null;
      if (this.#bitrate > 4 * bitrate) this.#bitrate = Infinity;
    }
  }

  /** Whether sending less helped. */
  #learn(bitrate: number, queueing: boolean): void {
    this.#given = Math.min(this.#given, this.#fraction + 0.02);
    this.#given *= this.#given > this.#fraction ? 1 - FORGET : 1;
    const trial = this.#trial;
    if (trial === null || bitrate > LOWERED * trial.bitrate) return;
    if (!queueing && this.#fraction > SAME * trial.fraction) {
      this.#given = Math.min(MOST_GIVEN, this.#fraction);
      this.#bitrate = trial.bitrate;
    }
    this.#trial = null;
  }
}
