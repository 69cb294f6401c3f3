/** A stretch of sound. */
export class AudioFrame {
  /** The samples, interleaved by channel, from -1 to 1. Belongs to the frame: do not write to it. */
  readonly data: Float32Array;
  /** 1 for mono, 2 for stereo. */
  readonly channels: number;
  /** Samples of each channel. */
  readonly samples: number;
  /** Samples of each channel in a second, such as 48000. */
  readonly sampleRateHz: number;
  /** The time of the first sample, in microseconds. */
  readonly timestampUs: number;

  /**
   * Wraps samples without copying them.
   *
   * @throws {RangeError} when the samples cannot be divided into so many channels
   * @example
   * ```ts
   * import { AudioFrame } from "rtcbot";
   * const frame = new AudioFrame({ data: new Float32Array(960), channels: 2, sampleRateHz: 48000 });
   * console.assert(frame.samples === 480);
   * ```
   */
  constructor(
    init: { data: Float32Array; channels?: number; sampleRateHz: number; timestampUs?: number },
  ) {
    const { data, channels = 1, sampleRateHz, timestampUs = 0 } = init;
    if (!(data instanceof Float32Array)) {
      throw new TypeError(
        "Cannot make an audio frame: data is no Float32Array; convert the samples to -1 … 1",
      );
    }
    if (!Number.isInteger(channels) || channels < 1 || data.length % channels !== 0) {
      throw new RangeError(
        `Cannot make an audio frame: ${data.length} samples do not make ${channels} channels; ` +
          "give as many for each channel",
      );
    }
    if (!Number.isFinite(sampleRateHz) || sampleRateHz <= 0) {
      throw new RangeError(
        `Cannot make an audio frame: a sample rate of ${sampleRateHz} Hz; give one above 0`,
      );
    }
    if (!Number.isFinite(timestampUs)) {
      throw new RangeError(
        `Cannot make an audio frame: timestampUs is ${timestampUs}; give microseconds`,
      );
    }
    this.data = data;
    this.channels = channels;
    this.samples = data.length / channels;
    this.sampleRateHz = sampleRateHz;
    this.timestampUs = timestampUs;
  }

  /** `[samples, channels]`, the shape that RTCBot's audio arrays have. */
  get shape(): readonly [samples: number, channels: number] {
    return [this.samples, this.channels];
  }

  /** How long it sounds, in microseconds. */
  get durationUs(): number {
    return this.samples * 1e6 / this.sampleRateHz;
  }
}
