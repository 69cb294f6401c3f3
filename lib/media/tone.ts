/** Sound that tells by itself whether it is whole: for tests and for robots without a microphone. */

import { AudioFrame } from "./audio_frame.ts";

/** Pitch, strength and shape of a tone. */
export interface ToneOptions {
  /**
   * Pitch.
   * @default {440}
   */
  readonly frequencyHz?: number;
  /**
   * Peak, from 0 to 1.
   * @default {0.25}
   */
  readonly amplitude?: number;
  /**
   * Samples of each channel in a second.
   * @default {48000}
   */
  readonly sampleRateHz?: number;
  /**
   * Channels, all alike.
   * @default {1}
   */
  readonly channels?: number;
  /**
   * Samples of each channel in a frame.
   * @default {20 ms: 960 at 48 kHz}
   */
  readonly samples?: number;
}

/**
 * Frame number `n` of an endless sine, the same in every channel; frames join without a click. A pure
 * function of its arguments.
 *
 * @throws {RangeError} when `n` is negative or no whole number
 * @example
 * ```ts ignore
 * const frame = tone(0, { frequencyHz: 1000, channels: 2 }); // shape [960, 2]
 * ```
 */
export function tone(n: number, options: ToneOptions = {}): AudioFrame {
  const { frequencyHz = 440, amplitude = 0.25, sampleRateHz = 48_000, channels = 1 } = options;
  const samples = options.samples ?? Math.round(sampleRateHz / 50);
  if (!Number.isSafeInteger(n) || n < 0) {
    throw new RangeError(`Cannot sound tone ${n}: no such number; give 0, 1, 2 …`);
  }
  const data = new Float32Array(samples * channels);
  for (let i = 0; i < samples; i++) {
    // Whole turns are taken off first, so that the phase stays exact however long it sounds.
    const turns = (n * samples + i) * frequencyHz / sampleRateHz;
    const level = amplitude * Math.sin(2 * Math.PI * (turns % 1));
    for (let channel = 0; channel < channels; channel++) data[i * channels + channel] = level;
  }
  const timestampUs = Math.round(n * samples * 1e6 / sampleRateHz);
  return new AudioFrame({ data, channels, sampleRateHz, timestampUs });
}
