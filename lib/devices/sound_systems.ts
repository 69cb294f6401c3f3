/** Which sound systems there are on a machine, and what is common to the options of both directions. */

import { AlsaInput, alsaList, AlsaOutput } from "./sound_alsa.ts";
import { FFmpegInput, ffmpegList, FFmpegOutput } from "./sound_ffmpeg.ts";
import {
  named,
  NoSoundSystem,
  type SoundDevice,
  type SoundDirection,
  type SoundInput,
  type SoundOpener,
  type SoundOutput,
  type SoundPort,
  type SoundSystem,
  type SoundTime,
  systemTime,
  WORDS,
} from "./sound_port.ts";
import { PulseInput, PulseList, PulseOutput } from "./sound_pulse.ts";
import { DeviceMissing, SystemCallError } from "../errors.ts";

/** Options that `Microphone` and `Speaker` share. */
export interface SoundOptions {
  /**
   * Its number in the list, its name, or a part of its name or description.
   * @default {what the system uses}
   */
  readonly device?: string | number;
  /**
   * Samples of each channel in a second.
   * @default {48000}
   */
  readonly sampleRate?: number;
  /**
   * Whether it is looked for again when it is not there or was unplugged, every second, instead of failing.
   * @default {false}
   */
  readonly reopen?: boolean;
  /**
   * What carries the sound.
   * @default {on Linux PulseAudio or PipeWire, or ALSA when there is no such server; elsewhere ffmpeg}
   */
  readonly system?: SoundSystem;
  /**
   * Where PulseAudio listens, such as `unix:/run/user/1000/pulse/native`.
   * @default {the user's own server}
   */
  readonly server?: string;
}

/** Where lists are asked for. */
export type SoundListOptions = Pick<SoundOptions, "system" | "server">;

/** What carries sound, as far as a class needs it; `rtcbot/testing` has one without hardware. */
export interface SoundWorld<P extends SoundPort> {
  readonly time: SoundTime;
  /** In the order in which they are tried. */
  openers(options: SoundListOptions): readonly SoundOpener<P>[];
}

const INPUTS: Readonly<Record<SoundSystem, SoundOpener<SoundInput>>> = {
  pulse: (options) => new PulseInput(options),
  alsa: (options) => new AlsaInput(options),
  ffmpeg: (options) => new FFmpegInput(options),
};
const OUTPUTS: Readonly<Record<SoundSystem, SoundOpener<SoundOutput>>> = {
  pulse: (options) => new PulseOutput(options),
  alsa: (options) => new AlsaOutput(options),
  ffmpeg: (options) => new FFmpegOutput(options),
};

/** This machine's microphones. */
export const realInputs: SoundWorld<SoundInput> = {
  time: systemTime,
  openers: (options) => systems(options).map((each) => INPUTS[each]),
};
/** This machine's speakers. */
export const realOutputs: SoundWorld<SoundOutput> = {
  time: systemTime,
  openers: (options) => systems(options).map((each) => OUTPUTS[each]),
};

function systems({ system, server }: SoundListOptions): readonly SoundSystem[] {
  if (system !== undefined) return [system];
  if (server !== undefined) return ["pulse"]; // who names a server means that one
  return Deno.build.os === "linux" ? ["pulse", "alsa"] : ["ffmpeg"];
}

/** A sound server that has not answered by then does not answer. */
const LIST_TIMEOUT_MS = 5000;

/** The devices of the first system that is here. */
export async function listSound(
  direction: SoundDirection,
  options: SoundListOptions,
): Promise<SoundDevice[]> {
  const refusals: string[] = [];
  for (const system of systems(options)) {
    try {
      if (system === "alsa") return alsaList(direction);
      if (system === "ffmpeg") return ffmpegList();
      return await pulseList(direction, options.server ?? null);
    } catch (error) {
      if (!(error instanceof NoSoundSystem)) throw error;
      refusals.push(error.message);
    }
  }
  const { what } = WORDS[direction];
  throw new DeviceMissing(
    `Cannot list ${what}s: ${refusals.join(", and ")}; start the sound server`,
  );
}

async function pulseList(
  direction: SoundDirection,
  server: string | null,
): Promise<SoundDevice[]> {
  const list = new PulseList(direction, server);
  const deadline = performance.now() + LIST_TIMEOUT_MS;
  try {
    for (;;) {
      const devices = list.poll();
      if (devices !== null) return devices;
      if (performance.now() > deadline) {
        throw new SystemCallError(
          `Cannot list ${WORDS[direction].what}s: PulseAudio has not answered for ` +
            `${LIST_TIMEOUT_MS / 1000} s (ETIMEDOUT); restart the sound server`,
          "ETIMEDOUT",
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  } finally {
    list.close();
  }
}

/** @throws {RangeError} when an option is of no use */
export function checkSound(direction: SoundDirection, options: SoundOptions): void {
  const { device, sampleRate = 48_000 } = options;
  const action = `Cannot open ${named(direction, device ?? null)}`;
  if (!(Number.isInteger(sampleRate) && sampleRate >= 8000 && sampleRate <= 384_000)) {
    throw new RangeError(`${action}: a sample rate of ${sampleRate} Hz; give 8000 to 384000`);
  }
  if (typeof device === "number" && !(Number.isInteger(device) && device >= 0)) {
    throw new RangeError(`${action}: there is no such number; give 0, 1, 2 …`);
  }
}
