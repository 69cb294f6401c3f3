/** What may be put where sound goes: frames, or plain arrays of samples as microphones have them. */
import { AudioFrame } from "./audio_frame.ts";

/** Samples of shape `(samples, channels)`: floats from -1 to 1, or integers of 16 bits. */
export interface SampleBlock {
  /** Sample after sample, the channels of each side by side. */
  readonly data: Float32Array | Int16Array;
  /** `[samples, channels]`. */
  readonly shape: readonly number[];
}

/** A frame, or samples whose rate is given elsewhere. */
export type AudioLike = AudioFrame | SampleBlock;

/**
 * The value as a frame. Floats are not copied.
 *
 * @param sampleRateHz the rate of what does not tell its own
 * @param nowUs when it came; its first sample is as much earlier as it lasts
 * @param action what is done with it, for the error
 * @throws {TypeError} when it is none of what may be put
 */
export function asAudioFrame(
  value: AudioLike,
  sampleRateHz: number,
  nowUs: number,
  action: "send" | "play" = "send",
): AudioFrame {
  if (value instanceof AudioFrame) return value;
  const { data, shape } = (value ?? {}) as Partial<SampleBlock>;
  const channels = Array.isArray(shape) ? shape[1] ?? 1 : 0;
  const fits = channels >= 1 && data?.length === shape![0]! * channels;
  if (fits && (data instanceof Float32Array || data instanceof Int16Array)) {
    return new AudioFrame({
      data: data instanceof Float32Array ? data : Float32Array.from(data, (level) => level / 32768),
      channels,
      sampleRateHz,
      timestampUs: nowUs - shape![0]! * 1e6 / sampleRateHz,
    });
  }
  throw new TypeError(
    `Cannot ${action} the sound: it is neither an AudioFrame nor samples of shape ` +
      "(samples, channels) in a Float32Array or Int16Array",
  );
}
