import { AudioFrame } from "../media/audio_frame.ts";
import { Queue } from "./queue.ts";
import { iterate, type Subscription } from "./subscription.ts";
import type { GetOptions } from "./types.ts";

/** The arrays that samples come in. */
export type SampleArray =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array;

/** Samples in row-major order: an image is `(height, width, channels)`, sound `(samples, channels)`. */
export interface SampleFrame {
  /** All samples, the last axis running fastest. */
  readonly data: SampleArray;
  /** How many there are along each axis. */
  readonly shape: readonly number[];
}

/**
 * Makes a frame of regrouped samples. `first` is the frame that the batch begins in, `offset` says
 * how far into it, counted along the axis.
 */
export type Rebuild<F extends SampleFrame> = (
  first: F,
  data: F["data"],
  shape: readonly number[],
  offset: number,
) => F;

/** Options of {@linkcode RebatchSubscription}. */
export interface RebatchOptions<F extends SampleFrame> {
  /** How long the frames given out are along the axis. */
  samples: number;
  /**
   * The axis along which frames are joined and cut; a negative one counts from the last.
   * @default 0
   */
  axis?: number;
  /**
   * Where whole batches wait to be taken.
   * @default an unbounded {@linkcode Queue}
   */
  subscription?: Subscription<F>;
  /**
   * Makes the frames given out.
   * @default an `AudioFrame` of an `AudioFrame`; else a copy of the first with other `data`, `shape`
   */
  rebuild?: Rebuild<F>;
}

/** The batch being filled. */
interface Batch<F extends SampleFrame> {
  readonly first: F;
  readonly offset: number;
  readonly data: F["data"];
  readonly shape: readonly number[];
  filled: number;
}

/**
 * Regroups samples: frames of any length go in, frames of one length come out, nothing is lost.
 * Received sound comes in 960 samples, and a fast Fourier transform may want 1024.
 *
 * ```ts
 * import { RebatchSubscription } from "rtcbot";
 * import assert from "node:assert/strict";
 *
 * const rebatched = new RebatchSubscription({ samples: 1024 });
 * rebatched.put_nowait({ data: new Float32Array(960 * 2), shape: [960, 2] });
 * assert.equal(rebatched.size, 0); // 64 samples are still missing
 * rebatched.put_nowait({ data: new Float32Array(960 * 2), shape: [960, 2] });
 * assert.deepEqual((await rebatched.get()).shape, [1024, 2]);
 * ```
 *
 * Frames that go in are copied from, never kept changed. What other fields a frame has come from the
 * one that the batch begins in; an `AudioFrame` keeps its class, and its `timestampUs` is that of the
 * batch's first sample.
 *
 * RTCBot: `RebatchSubscription`.
 */
export class RebatchSubscription<F extends SampleFrame = SampleFrame> implements Subscription<F> {
  readonly #samples: number;
  readonly #axis: number;
  readonly #batches: Subscription<F>;
  readonly #rebuild: Rebuild<F>;
  #batch: Batch<F> | null = null;

  /**
   * Makes one with nothing in it.
   * @throws {RangeError} when `samples` is not a whole number of at least 1, or `axis` not whole
   */
  constructor(options: RebatchOptions<F>) {
    const { samples, axis = 0 } = options;
    if (!(Number.isInteger(samples) && samples >= 1)) {
      throw new RangeError(`Cannot rebatch: samples is ${samples}; give a whole number above 0`);
    }
    if (!Number.isInteger(axis)) {
      throw new RangeError(`Cannot rebatch: axis is ${axis}; give a whole number`);
    }
    this.#samples = samples;
    this.#axis = axis;
    this.#batches = options.subscription ?? new Queue<F>();
    this.#rebuild = options.rebuild ?? rebuild;
  }

  /** How many whole batches wait to be taken. */
  get size(): number {
    return this.#batches.size;
  }

  /**
   * Takes a frame of any length along the axis.
   * @throws {RangeError} when its other axes, or its kind of array, are not those of the frames before
   */
  put_nowait(frame: F): void {
    const axis = this.#axis < 0 ? this.#axis + frame.shape.length : this.#axis;
    const length = frame.shape[axis];
    if (length === undefined) {
      throw new RangeError(
        `Cannot rebatch: a frame of shape (${frame.shape}) has no axis ${this.#axis}`,
      );
    }
    for (let from = 0; from < length;) {
      const batch = this.#batch ??= this.#begin(frame, axis, from);
      refuseIfUnlike(batch, frame, axis);
      const count = Math.min(length - from, this.#samples - batch.filled);
      copyAlong(axis, frame, from, batch, batch.filled, count);
      batch.filled += count;
      from += count;
      if (batch.filled === this.#samples) this.#finish(batch);
    }
  }

  /** The next whole batch. */
  get(options?: GetOptions): Promise<F> {
    return this.#batches.get(options);
  }

  /** No frame will follow; a batch that is not whole is forgotten. */
  close(reason?: Error): void {
    this.#batch = null;
    this.#batches.close(reason);
  }

  /** Takes batches until it is closed and empty. */
  [Symbol.asyncIterator](): AsyncGenerator<F, void, undefined> {
    return iterate(this);
  }

  #begin(first: F, axis: number, offset: number): Batch<F> {
    const shape = first.shape.with(axis, this.#samples);
    const ArrayType = first.data.constructor as new (length: number) => F["data"];
    return { first, offset, data: new ArrayType(product(shape)), shape, filled: 0 };
  }

  #finish(batch: Batch<F>): void {
    this.#batch = null;
    this.#batches.put_nowait(this.#rebuild(batch.first, batch.data, batch.shape, batch.offset));
  }
}

/**
 * Copies `count` places along an axis. What lies before the axis is how often the axis occurs in the
 * data, what lies after it is how many samples make one place:
 *
 *     shape (2, 5, 3), axis 1:   [ p p p p p ] [ p p p p p ]     p = 3 samples
 */
function copyAlong(
  axis: number,
  source: SampleFrame,
  from: number,
  target: SampleFrame,
  to: number,
  count: number,
): void {
  const rows = product(source.shape.slice(0, axis));
  const place = product(source.shape.slice(axis + 1));
  const sourceRow = source.shape[axis]! * place;
  const targetRow = target.shape[axis]! * place;
  for (let row = 0; row < rows; row++) {
    const begin = row * sourceRow + from * place;
    const part = source.data.subarray(begin, begin + count * place);
    target.data.set(part, row * targetRow + to * place);
  }
}

function refuseIfUnlike(batch: SampleFrame, frame: SampleFrame, axis: number): void {
  const sameShape = frame.shape.length === batch.shape.length &&
    frame.shape.every((length, i) => i === axis || length === batch.shape[i]);
  if (sameShape && frame.data.constructor === batch.data.constructor) return;
  throw new RangeError(
    `Cannot rebatch: a ${frame.data.constructor.name} of shape (${frame.shape}) came while a ` +
      `${batch.data.constructor.name} of shape (${batch.shape}) is being filled; ` +
      `only axis ${axis} may differ`,
  );
}

function rebuild<F extends SampleFrame>(
  first: F,
  data: F["data"],
  shape: readonly number[],
  offset: number,
): F {
  return first instanceof AudioFrame
    ? rebuildAudio(first, data as Float32Array, shape, offset) as SampleFrame as F
    : { ...first, data, shape };
}

function rebuildAudio(
  first: AudioFrame,
  data: Float32Array,
  shape: readonly number[],
  offset: number,
): AudioFrame {
  const { sampleRateHz, channels } = first;
  const acrossChannels = shape[1] !== channels;
  return new AudioFrame({
    data,
    channels: shape[1]!,
    sampleRateHz,
    timestampUs: first.timestampUs + (acrossChannels ? 0 : Math.round(offset * 1e6 / sampleRateHz)),
  });
}

function product(lengths: readonly number[]): number {
  return lengths.reduce((all, length) => all * length, 1);
}
