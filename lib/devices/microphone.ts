import { AudioFrame } from "../media/audio_frame.ts";
import { SubscriptionProducer } from "../subscriptions/producer.ts";
import type { Subscription } from "../subscriptions/subscription.ts";
import { CaptureClock } from "./sound_clock.ts";
import { LagQueue } from "./sound_lag.ts";
import { named, type SoundDevice, type SoundInput, type SoundTime } from "./sound_port.ts";
import { SoundRun } from "./sound_run.ts";
import {
  checkSound,
  listSound,
  realInputs,
  type SoundListOptions,
  type SoundOptions,
  type SoundWorld,
} from "./sound_systems.ts";

/** Options of {@linkcode Microphone}. */
export interface MicrophoneOptions extends SoundOptions {
  /**
   * How many channels, remixed by the sound server if the device has others; or which of the device's, in
   * which order: `[1]` is the second alone.
   * @default {all that the device has}
   */
  readonly channels?: number | readonly number[];
  /**
   * Samples of each channel in a block; fewer come sooner and cost more.
   * @default {1024}
   */
  readonly samples?: number;
  /**
   * Makes what `subscribe()` gives.
   * @default {a queue that drops nothing, and says on the console when its reader is 10 s behind}
   */
  readonly defaultSubscription?: () => Subscription<AudioFrame>;
}

/** So long a sound system may take to tell its latency. */
const UNTOLD_MS = 500;

/**
 * What a microphone hears, in blocks of shape `(1024, channels)`: floats from -1 to 1, 48 000 a second.
 * On Linux it comes from PulseAudio or PipeWire, or else from ALSA, and needs `--allow-ffi` and nothing more.
 *
 * Sound is queued, never dropped: unsubscribe what you do not read any more. The time of a block is that
 * at which its first sample sounded, on the clock of `performance.now()`, in microseconds.
 *
 * ```ts no-run
 * import { Microphone, Speaker } from "rtcbot";
 *
 * await using microphone = new Microphone();
 * await using speaker = new Speaker();
 * speaker.putSubscription(microphone); // wear headphones
 * await microphone;
 * ```
 *
 * It fails with `DeviceMissing` when there is none or it was unplugged, with `DeviceBusy`, or with
 * `SystemCallError` when the sound server hangs. With `reopen` it goes on when it is back.
 *
 * RTCBot: `Microphone`.
 */
export class Microphone extends SubscriptionProducer<AudioFrame> {
  readonly #options: MicrophoneOptions;
  readonly #rate: number;
  readonly #samples: number;
  readonly #time: SoundTime;
  readonly #run: SoundRun<SoundInput>;
  /** Which of the port's channels are given; null for all. */
  readonly #picked: readonly number[] | null;
  #clock: CaptureClock;
  #openedMs = 0;
  #block = new Float32Array(0);
  #filled = 0;
  #blockMs = 0;
  #latencyMs = 0;
  #overruns = 0;

  /**
   * Begins to open it; `ready` when it is.
   *
   * @param world where sound comes from; `rtcbot/testing` has another
   * @throws {RangeError} when an option is of no use
   */
  constructor(options: MicrophoneOptions = {}, world: SoundWorld<SoundInput> = realInputs) {
    const { channels, samples = 1024, device = null, sampleRate = 48_000 } = options;
    checkSound("record", options);
    checkBlocks(options);
    super({
      ready: false,
      defaultSubscription: options.defaultSubscription ??
        (() => new LagQueue<AudioFrame>("Microphone", sampleRate / samples)),
    });
    this.#options = options;
    this.#rate = sampleRate;
    this.#samples = samples;
    this.#time = world.time;
    this.#clock = new CaptureClock(sampleRate);
    this.#picked = typeof channels === "object" ? channels : null;
    const portOptions = {
      ...{ device, sampleRateHz: sampleRate, server: options.server ?? null },
      channels: typeof channels === "number" ? channels : null,
      bufferSamples: Math.max(64, Math.round(samples / 2)), // half a block later at most
    };
    this.#run = new SoundRun<SoundInput>({
      direction: "record",
      device,
      openers: world.openers(options).map((open) => () => open(portOptions)),
      time: world.time,
      reopen: options.reopen ?? false,
      opened: (port) => this.#opened(port),
      work: (port) => this.#read(port),
      failed: (error) => this._setError(error),
    });
  }

  /** The microphones here, and after them what hears speakers. */
  static list(options: SoundListOptions = {}): Promise<SoundDevice[]> {
    return listSound("record", options);
  }

  /** What it listens to, or `null` while it is not there. */
  get device(): SoundDevice | null {
    return this.#run.port?.device ?? null;
  }

  /** How old the newest block's end was when the block was given, in milliseconds. */
  get latencyMs(): number {
    return this.#latencyMs;
  }

  /** How many times sound was lost because nobody fetched it: this program was held up for too long. */
  get overruns(): number {
    return this.#overruns;
  }

  /** Lets go of the device. */
  protected override _close(): Promise<void> {
    return this.#run.close();
  }

  #opened(port: SoundInput): void {
    const missing = this.#picked?.find((index) => index >= port.channels);
    if (missing !== undefined) {
      throw new RangeError(
        `Cannot open ${
          named("record", this.#options.device ?? null)
        }: it has no channel ${missing}; ` +
          `give 0 to ${port.channels - 1}`,
      );
    }
    this.#clock = new CaptureClock(this.#rate);
    this.#openedMs = this.#time.now();
    this.#filled = 0;
    this._setReady();
  }

  /** @returns whether anything came */
  #read(port: SoundInput): boolean {
    const nowMs = this.#time.now();
    const measured = port.latencyMs;
    // What came first keeps until the server has told how old it is, if it ever tells.
    if (measured === null && nowMs - this.#openedMs < UNTOLD_MS) return true;
    const { samples, lost } = port.read();
    const count = samples.length / port.channels;
    if (count === 0) return false;
    const startedMs = nowMs - (measured ?? count * 1000 / this.#rate);
    const { atMs, gap } = this.#clock.next(count, startedMs, lost);
    if (gap) this.#overruns++;
    if (lost) this.#endBlock(nowMs); // what comes does not join it
    this.#cut(pick(samples, port.channels, this.#picked), atMs, nowMs);
    return true;
  }

  /** Makes blocks of what came. */
  #cut(data: Float32Array, atMs: number, nowMs: number): void {
    const channels = this.#picked?.length ?? this.#run.port!.channels;
    const size = this.#samples * channels;
    for (let from = 0; from < data.length;) {
      if (this.#filled === 0) {
        this.#block = new Float32Array(size);
        this.#blockMs = atMs + from / channels * 1000 / this.#rate;
      }
      const part = data.subarray(from, from + size - this.#filled);
      this.#block.set(part, this.#filled);
      this.#filled += part.length;
      from += part.length;
      if (this.#filled === size) this.#endBlock(nowMs);
    }
  }

  /** Gives the block, ended with silence if it is not full. */
  #endBlock(nowMs: number): void {
    if (this.#filled === 0) return;
    this.#filled = 0;
    this.#latencyMs = nowMs - this.#blockMs - this.#samples * 1000 / this.#rate;
    if (!this._hasSubscribers) return;
    this._put_nowait(
      new AudioFrame({
        data: this.#block,
        channels: this.#block.length / this.#samples,
        sampleRateHz: this.#rate,
        timestampUs: Math.round(this.#blockMs * 1000),
      }),
    );
  }
}

/** These channels, in this order. */
function pick(
  data: Float32Array,
  channels: number,
  picked: readonly number[] | null,
): Float32Array {
  if (picked === null) return data;
  const out = new Float32Array(data.length / channels * picked.length);
  for (let i = 0, at = 0; at < data.length; at += channels) {
    for (const index of picked) out[i++] = data[at + index]!;
  }
  return out;
}

/** Looks at the options before anything is opened. @throws {RangeError} when a block of these makes no sense */
export function checkBlocks(options: Pick<MicrophoneOptions, "channels" | "samples">): void {
  const { channels = 1, samples = 1024 } = options;
  if (!(Number.isInteger(samples) && samples >= 32 && samples <= 48_000)) {
    throw new RangeError(
      `Cannot open a microphone: blocks of ${samples} samples; give 32 to 48000`,
    );
  }
  const list = typeof channels === "number" ? [channels - 1] : channels;
  const whole = list.length > 0 && list.length <= 32 &&
    list.every((index) => Number.isInteger(index) && index >= 0 && index < 32);
  if (!whole) {
    throw new RangeError(
      `Cannot open a microphone: the channels are ${JSON.stringify(channels)}; ` +
        "give how many, or a list such as [0, 1]",
    );
  }
}
