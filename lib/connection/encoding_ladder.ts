/**
 * Who watches which encoding of a source, and how many bits a second each takes: those with a good network
 * are served well, those with a worse one get a lower encoding, and nobody drags the others down. One
 * viewer alone is simply followed. Pure: the viewers' rates and the time are arguments.
 */
import type { LinkState } from "./send_control.ts";

/** What the ladder must know of a viewer. */
export interface LadderViewer {
  /** Bits a second that may be made for it. */
  readonly mediaBitrate: number;
  readonly link: LinkState;
}

/** One encoding. */
export interface Rung<V> {
  readonly viewers: Set<V>;
  /** Bits a second. */
  bitrate: number;
}

/** The bounds of a source's encodings, in bits a second. */
export interface LadderOptions {
  readonly start: number;
  readonly least: number;
  readonly most: number;
}

/** Encodings of one source, at most. */
const MOST_RUNGS = 3;
/** Who takes less than this part of what its encoding's best viewer takes is moved down. */
const BEHIND = 0.6;
/** For so long, since an estimate dips now and then. */
const BEHIND_MS = 400;
/** Who takes this part of the next encoding up is moved there. */
const FITS = 0.9;
/** Or whose link passes frames so much quicker, while its own encoding gives it no more. */
const PASSES = 1.5, LIMITED = 1.2;
/** Nobody moves up sooner than this after moving down, and twice that after each vain attempt. */
const RETRY_MS = 4_000, LONGEST_RETRY_MS = 60_000;
/** Who was moved up has an estimate that was bounded by the lower encoding; it gets this long to show more. */
const TRIAL_MS = 1_500;
/** Who stays up for so long was moved up rightly. */
const SETTLED_MS = 8_000;
/** Of two bit rates a little apart an encoder is not told. */
const NOTICEABLE = 0.03;

interface Standing {
  behindMs: number | null;
  retryMs: number;
  pauseMs: number;
  upMs: number;
  /** It was moved up, and nothing shows yet whether that was right. */
  tried: boolean;
}

/** The encodings of one source, the best first; there is always one. */
export class EncodingLadder<V extends object> {
  readonly #rates: (viewer: V) => LadderViewer | null;
  readonly #mostRungs: number;
  readonly #standings = new WeakMap<V, Standing>();
  #options: LadderOptions;
  #rungs: Rung<V>[];

  /**
   * @param rates what is known of a viewer; `null` of one that takes what comes
   * @param mostRungs encodings that may be made
   */
  constructor(
    options: LadderOptions,
    rates: (viewer: V) => LadderViewer | null,
    mostRungs: number = MOST_RUNGS,
  ) {
    this.#options = options;
    this.#mostRungs = mostRungs;
    this.#rates = rates;
    this.#rungs = [{ viewers: new Set(), bitrate: options.start }];
  }

  /** The encodings, the best first. */
  get rungs(): readonly Rung<V>[] {
    return this.#rungs;
  }

  /** Other bounds; the rates follow with the next `update`. */
  bound(options: LadderOptions): void {
    for (const rung of this.#rungs) {
      if (rung.bitrate === this.#options.start) rung.bitrate = options.start;
    }
    this.#options = options;
  }

  /** A viewer comes; it begins with the best. */
  join(viewer: V): void {
    this.#rungs[0]!.viewers.add(viewer);
  }

  /** A viewer goes. */
  leave(viewer: V): void {
    for (const rung of this.#rungs) rung.viewers.delete(viewer);
    this.#prune();
  }

  /** Moves viewers and sets the rates by what is known now. */
  update(nowMs: number): void {
    for (const rung of [...this.#rungs]) this.#settle(rung, nowMs);
    this.#prune();
    for (const rung of this.#rungs) this.#setRate(rung, nowMs);
  }

  #settle(rung: Rung<V>, nowMs: number): void {
    const known = this.#known(rung);
    const best = Math.min(this.#options.most, Math.max(...known.map(([, r]) => r.mediaBitrate)));
    const up = this.#rungs[this.#rungs.indexOf(rung) - 1];
    for (const [viewer, rate] of known) {
      const standing = this.#standing(viewer);
      const slow = rung.viewers.size > 1 && rate.mediaBitrate < BEHIND * best;
      if (slow && !this.#onTrial(standing, rate, nowMs)) {
        standing.behindMs ??= nowMs;
        if (nowMs - standing.behindMs >= BEHIND_MS) this.#moveDown(viewer, rate, rung, nowMs);
      } else {
        standing.behindMs = null;
        if (standing.tried && nowMs - standing.upMs > SETTLED_MS) {
          standing.tried = false;
          standing.pauseMs = RETRY_MS;
        }
        if (up && nowMs >= standing.retryMs && this.#fits(rate, rung, up)) {
          this.#moveUp(viewer, rung, up, nowMs);
        }
      }
    }
  }

  #fits({ mediaBitrate, link }: LadderViewer, rung: Rung<V>, up: Rung<V>): boolean {
    if (mediaBitrate >= FITS * Math.min(up.bitrate, this.#options.most)) return true;
    const limited = mediaBitrate >= LIMITED * rung.bitrate;
    return limited && link.passage !== null && link.passage >= PASSES * up.bitrate;
  }

  #onTrial(standing: Standing, { link }: LadderViewer, nowMs: number): boolean {
    return nowMs - standing.upMs < TRIAL_MS && link.congestedMs < standing.upMs;
  }

  #moveDown(viewer: V, rate: LadderViewer, rung: Rung<V>, nowMs: number): void {
    const at = this.#rungs.indexOf(rung), below = this.#rungs[at + 1];
    // The next one may be made for somebody with much less.
    const fits = below && rate.mediaBitrate * BEHIND <= below.bitrate;
    let to = below;
    if (!fits && this.#rungs.length < this.#mostRungs) {
      to = { viewers: new Set(), bitrate: this.#clamp(rate.mediaBitrate) };
      this.#rungs.splice(at + 1, 0, to);
    }
    if (!to) return;
    const standing = this.#standing(viewer);
    if (standing.tried) {
      standing.tried = false;
      standing.pauseMs = Math.min(2 * standing.pauseMs, LONGEST_RETRY_MS);
    }
    standing.retryMs = nowMs + standing.pauseMs;
    standing.behindMs = null;
    rung.viewers.delete(viewer);
    to.viewers.add(viewer);
  }

  #moveUp(viewer: V, rung: Rung<V>, up: Rung<V>, nowMs: number): void {
    rung.viewers.delete(viewer);
    up.viewers.add(viewer);
    const standing = this.#standing(viewer);
    standing.upMs = nowMs;
    standing.tried = true;
  }

  /** As much as its worst viewer takes; who is about to be moved down does not count. */
  #setRate(rung: Rung<V>, nowMs: number): void {
    const known = this.#known(rung);
    if (known.length === 0) return;
    const rates = known.map(([, { mediaBitrate }]) => mediaBitrate), best = Math.max(...rates);
    const last = this.#rungs.at(-1) === rung && this.#rungs.length === this.#mostRungs;
    const counts = known.filter(([viewer, rate]) =>
      last || rate.mediaBitrate >= BEHIND * Math.min(best, this.#options.most) &&
        !this.#onTrial(this.#standing(viewer), rate, nowMs)
    );
    const of = counts.length > 0 ? counts : known;
    const bitrate = this.#clamp(Math.min(...of.map(([, { mediaBitrate }]) => mediaBitrate)));
    if (Math.abs(bitrate - rung.bitrate) > NOTICEABLE * rung.bitrate) rung.bitrate = bitrate;
  }

  /** Those of whose network something is known. */
  #known(rung: Rung<V>): [V, LadderViewer][] {
    const known: [V, LadderViewer][] = [];
    for (const viewer of rung.viewers) {
      const rate = this.#rates(viewer);
      if (rate?.link.proven) known.push([viewer, rate]);
    }
    return known;
  }

  #prune(): void {
    const rungs = this.#rungs.filter(({ viewers }) => viewers.size > 0);
    this.#rungs = rungs.length > 0 ? rungs : this.#rungs.slice(0, 1);
  }

  #standing(viewer: V): Standing {
    let standing = this.#standings.get(viewer);
    if (!standing) {
      standing = { behindMs: null, retryMs: 0, pauseMs: RETRY_MS, upMs: -Infinity, tried: false };
      this.#standings.set(viewer, standing);
    }
    return standing;
  }

  #clamp(bitrate: number): number {
    const { least, most } = this.#options;
    return Math.round(Math.min(Math.max(bitrate, least), most));
  }
}
