/**
 * Changes the sample rate of sound, or its speed by a little, while it streams by.
 *
 * Each sample that goes out is a weighted sum of those around its place among the ones that went in: the
 * weights are a sinc, which is the ideal low-pass, cut short by a Kaiser window. They are kept for 256
 * places between two samples, and those between are interpolated, so that any ratio can be had:
 *
 *     in    |     |     |     |     |     |     |     |
 *     out   ^    ^    ^    ^    ^    ^    ^    ^    ^         48000 of 44100: a step of 0.91875
 */

/** What a {@linkcode Resampler} is made with. */
export interface ResamplerOptions {
  /** Samples of each channel in a second, of what goes in. */
  readonly fromRateHz: number;
  /** Samples of each channel in a second, of what goes out. */
  readonly toRateHz: number;
  /**
   * Channels of what goes in.
   * @default {1}
   */
  readonly fromChannels?: number;
  /**
   * Channels of what goes out. Mono is put on all of them; all become mono by their mean; else
   * those in excess are left out.
   * @default {as many as go in}
   */
  readonly toChannels?: number;
  /**
   * How many samples around its place make one that goes out: more keep more of the treble and cost more.
   * 48 keep tones up to 85 % of the lower rate's half within 0.1 dB, and what should not be there 75 dB down.
   * @default {48}
   */
  readonly taps?: number;
}

/** Places between two samples for which weights are kept; interpolating errs by less than -95 dB. */
const PHASES = 256;
/** The Kaiser window's shape: 75 dB between what passes and what does not. */
const KAISER_BETA = 7.4;
/** Half the width of the transition times taps, as a share of half the rate: (75 - 8) / (2.285 * 2π). */
const TRANSITION = 4.67;
/** How far its middle lies below half the lower rate, in halves of its width; the rest is hardly audible. */
const TRANSITION_BELOW = 0.75;

/**
 * A stream of samples at one rate and number of channels, as one at others. It needs half its taps of
 * samples after a place before it can give the sample there: 0.5 ms; the first sample that goes out is
 * at the place of the first that went in. Pure.
 *
 * ```ts
 * import { Resampler } from "./resample.ts";
 *
 * const resampler = new Resampler({ fromRateHz: 44_100, toRateHz: 48_000, toChannels: 2 });
 * const stereo = resampler.process(new Float32Array(441)); // 10 ms of mono
 * console.assert(stereo.length > 900 && stereo.length <= 960);
 * ```
 */
export class Resampler {
  /** Channels of what goes in. */
  readonly fromChannels: number;
  /** Channels of what goes out. */
  readonly toChannels: number;
  readonly #ratio: number;
  readonly #lanes: Float64Array<ArrayBuffer>[];
  readonly #half: number;
  readonly #weights: Float64Array<ArrayBuffer>;
  #speed = 1;
  /** Whether the filter is in use; while it is not, samples are handed on as they are. */
  #filters: boolean;
  /** Samples in each lane. */
  #length: number;
  /** Where the next sample that goes out lies in the lanes. */
  #place: number;

  /** Begins with silence before the first sample. @throws {RangeError} when an option is not above 0 */
  constructor(options: ResamplerOptions) {
    const { fromRateHz, toRateHz, fromChannels = 1, taps = 48 } = options;
    const { toChannels = fromChannels } = options;
    for (const [what, value] of Object.entries({ fromRateHz, toRateHz })) {
      if (!(value > 0 && value < Infinity)) {
        throw new RangeError(`Cannot resample: ${what} is ${value}; give a rate above 0`);
      }
    }
    for (const [what, value] of Object.entries({ fromChannels, toChannels, taps })) {
      if (!(Number.isInteger(value) && value > 0)) {
        throw new RangeError(`Cannot resample: ${what} is ${value}; give a whole number above 0`);
      }
    }
    this.fromChannels = fromChannels;
    this.toChannels = toChannels;
    this.#ratio = fromRateHz / toRateHz;
    this.#filters = fromRateHz !== toRateHz;
    // When fewer samples go out than came in, the filter is longer by as much.
    const stretch = Math.max(1, this.#ratio);
    this.#half = Math.ceil(taps * stretch / 2);
    const even = this.#ratio === 1; // nothing is there that could be folded back
    this.#weights = even
      ? weights(this.#half, 1)
      : weights(this.#half, (1 - TRANSITION_BELOW * TRANSITION / taps) / stretch);
    this.#lanes = Array.from(
      { length: Math.min(fromChannels, toChannels) },
      () => new Float64Array(4096),
    );
    this.#length = this.#place = this.#half - 1;
  }

  /**
   * How much faster than it came it goes: 1.01 gives 1 % fewer samples, each tone 1 % higher. Changes from
   * the next sample on. @throws {RangeError} beyond 0.9 to 1.1
   */
  get speed(): number {
    return this.#speed;
  }

  set speed(speed: number) {
    if (!(speed >= 0.9 && speed <= 1.1)) {
      throw new RangeError(`Cannot resample: a speed of ${speed}; give 0.9 to 1.1`);
    }
    this.#speed = speed;
    if (speed !== 1) this.#filters = true;
  }

  /** Samples of each channel, at the rate they came, that came and have not yet gone. */
  get held(): number {
    return this.#length - this.#place;
  }

  /** Takes interleaved samples, and gives what can be given, interleaved, in memory of its own. */
  process(samples: Float32Array): Float32Array<ArrayBuffer> {
    this.#take(samples);
    return this.#give(this.#filters ? this.#half : 1);
  }

  /** Gives what is held back, as if silence followed, and begins anew. */
  flush(): Float32Array<ArrayBuffer> {
    const left = Math.max(0, Math.ceil(this.held / (this.#ratio * this.#speed) - 1e-6));
    this.#take(new Float32Array(this.#half * this.fromChannels));
    const rest = this.#give(this.#filters ? this.#half : 1).slice(0, left * this.toChannels);
    for (const lane of this.#lanes) lane.fill(0);
    this.#length = this.#place = this.#half - 1;
    return rest;
  }

  /** Lays the samples out by channel behind those that are still needed. */
  #take(samples: Float32Array): void {
    const count = Math.floor(samples.length / this.fromChannels);
    const unneeded = Math.max(0, Math.floor(this.#place) - this.#half + 1);
    const needed = this.#length - unneeded;
    const room = this.#lanes[0]!.length;
    const larger = needed + count > room ? 2 * (needed + count) : room;
    const mean = this.toChannels === 1 && this.fromChannels > 1;
    for (const [index, lane] of this.#lanes.entries()) {
      let target = lane;
      if (larger > room) target = this.#lanes[index] = new Float64Array(larger);
      target.set(lane.subarray(unneeded, this.#length));
      if (mean) putMean(samples, this.fromChannels, target, needed, count);
      else {
        for (let i = 0, at = index; i < count; i++, at += this.fromChannels) {
          target[needed + i] = samples[at]!;
        }
      }
    }
    this.#place -= unneeded;
    this.#length = needed + count;
  }

  /** @param ahead how many samples have to be there from the place on, its own included */
  #give(ahead: number): Float32Array<ArrayBuffer> {
    const step = this.#ratio * this.#speed;
    // The last place is one whose samples are all there: floor(place) + ahead < length.
    const limit = this.#length - ahead + (this.#filters ? 0 : 1);
    const most = Math.max(0, Math.ceil((limit - this.#place) / step - 1e-9));
    const out = new Float32Array(most * this.toChannels);
    const end = this.#filters
      ? this.#weigh(out, most, limit, step)
      : this.#copy(out, most, limit, step);
    spread(out, this.#lanes.length, this.toChannels);
    return end === most ? out : out.slice(0, end * this.toChannels);
  }

  /** Samples as they are; how many. */
  #copy(out: Float32Array, most: number, limit: number, step: number): number {
    const channels = this.toChannels;
    let given = 0;
    for (; given < most && this.#place < limit; given++, this.#place += step) {
      for (let c = 0; c < this.#lanes.length; c++) {
        out[given * channels + c] = this.#lanes[c]![Math.floor(this.#place)]!;
      }
    }
    return given;
  }

  /** Weighted sums; how many. Two lanes at a time, because most of the work is to find the weights. */
  #weigh(out: Float32Array, most: number, limit: number, step: number): number {
    const [channels, lanes, table] = [this.toChannels, this.#lanes, this.#weights];
    const taps = 2 * this.#half;
    let place = this.#place;
    let given = 0;
    for (; given < most && Math.floor(place) < limit; given++, place += step) {
      const middle = Math.floor(place);
      const first = middle - this.#half + 1;
      const phase = Math.floor((place - middle) * PHASES);
      const between = (place - middle) * PHASES - phase;
      for (let c = 0; c < lanes.length; c += 2) {
        const [lane, other] = [lanes[c]!, lanes[c + 1] ?? null];
        let sum = 0;
        let otherSum = 0;
        for (let i = 0, at = phase * taps; i < taps; i++, at++) {
          const weight = table[at]! + between * (table[at + taps]! - table[at]!);
          sum += weight * lane[first + i]!;
          if (other !== null) otherSum += weight * other[first + i]!;
        }
        out[given * channels + c] = sum;
        if (other !== null) out[given * channels + c + 1] = otherSum;
      }
    }
    this.#place = place;
    return given;
  }
}

/** Mono on all channels; the other channels of what is wider than it came are silent. */
function spread(out: Float32Array, lanes: number, channels: number): void {
  if (lanes !== 1 || channels === 1) return;
  for (let i = 0; i < out.length; i += channels) out.fill(out[i]!, i + 1, i + channels);
}

function putMean(
  samples: Float32Array,
  channels: number,
  target: Float64Array,
  at: number,
  count: number,
): void {
  for (let i = 0; i < count; i++) {
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += samples[i * channels + c]!;
    target[at + i] = sum / channels;
  }
}

/**
 * `PHASES + 1` rows of `2 * half` weights: row p for a place p / PHASES after the sample in the middle.
 *
 * @param cutoff where half is let through, as a share of half the rate of what comes in
 */
function weights(half: number, cutoff: number): Float64Array<ArrayBuffer> {
  const taps = 2 * half;
  const table = new Float64Array((PHASES + 1) * taps);
  for (let phase = 0; phase <= PHASES; phase++) {
    const row = table.subarray(phase * taps, (phase + 1) * taps);
    let sum = 0;
    for (let i = 0; i < taps; i++) {
      const x = i - half + 1 - phase / PHASES;
      const angle = Math.PI * x * cutoff;
      const sinc = angle === 0 ? cutoff : cutoff * Math.sin(angle) / angle;
      const edge = Math.abs(x) / half;
      const kaiser = edge >= 1 ? 0 : bessel(KAISER_BETA * Math.sqrt(1 - edge * edge));
      sum += row[i] = sinc * kaiser;
    }
    for (let i = 0; i < taps; i++) row[i] = row[i]! / sum; // silence and steady levels stay exact
  }
  return table;
}

/** The modified Bessel function of the first kind, order 0, by its series. */
function bessel(x: number): number {
  let [sum, term] = [1, 1];
  for (let k = 1; term > 1e-12 * sum; k++) {
    term *= (x / 2 / k) ** 2;
    sum += term;
  }
  return sum;
}
