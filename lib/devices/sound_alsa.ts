/** Sound through ALSA, where there is no sound server. */

import { alsaDevices, AlsaPcm } from "../../ffi/alsa.ts";
import { DeviceBusy, DeviceMissing, LibraryMissing, SystemCallError } from "../errors.ts";
import {
  chooseDevice,
  named,
  NoSoundSystem,
  type SoundDevice,
  type SoundDirection,
  type SoundInput,
  type SoundOutput,
  type SoundPort,
  type SoundPortOptions,
  WORDS,
} from "./sound_port.ts";

/** ALSA opens without waiting, so it is open as soon as it is made. */
class AlsaPort implements SoundPort {
  readonly device: SoundDevice;
  readonly channels: number;
  readonly suspended = false;
  protected readonly pcm: AlsaPcm;
  readonly #direction: SoundDirection;
  readonly #rate: number;

  constructor(direction: SoundDirection, options: SoundPortOptions, bufferSamples: number) {
    this.#direction = direction;
    this.#rate = options.sampleRateHz;
    const known = alsaList(direction);
    this.device = choose(known, direction, options.device);
    const action = `open ${named(direction, options.device)}`;
    const tried = options.channels === null ? [2, 1] : [options.channels];
    const open = (channels: number) =>
      new AlsaPcm({
        ...{ direction, device: this.device.name, channels, action },
        sampleRateHz: options.sampleRateHz,
        bufferUs: Math.round(bufferSamples * 1e6 / options.sampleRateHz),
      });
    for (;;) {
      const channels = tried.shift()!;
      try {
        this.pcm = open(channels);
        this.channels = channels;
        return;
      } catch (error) {
        const refused = error instanceof SystemCallError && error.code === "EINVAL";
        if (!refused || tried.length === 0) throw explainOpening(error, direction, options.device);
      }
    }
  }

  poll(): boolean {
    return true;
  }

  get latencyMs(): number | null {
    const { delay } = this.pcm;
    return delay === null ? null : delay * 1000 / this.#rate;
  }

  close(): void {
    this.pcm.free();
  }

  /** Runs it, and tells in our words what ALSA failed with. */
  protected guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof SystemCallError) || !GONE.has(error.code)) throw error;
      throw new DeviceMissing(
        `Cannot ${
          WORDS[this.#direction].use
        } "${this.device.name}": it was unplugged (${error.code}); ` +
          "plug it in again, or set reopen: true to go on when it is back",
        { cause: error },
      );
    }
  }
}

const GONE: ReadonlySet<string> = new Set(["ENODEV", "ENXIO", "EBADFD", "EIO"]);

/** A recording of ALSA's: its buffer holds half a second, for when the event loop is held up. */
export class AlsaInput extends AlsaPort implements SoundInput {
  /** Opens it. */
  constructor(options: SoundPortOptions) {
    super("record", options, Math.max(options.sampleRateHz / 2, 4 * options.bufferSamples));
  }

  read(): { samples: Float32Array<ArrayBuffer>; lost: boolean } {
    return this.guarded(() => this.pcm.read());
  }
}

/** A playback of ALSA's: its buffer is what lies between us and the ear. */
export class AlsaOutput extends AlsaPort implements SoundOutput {
  #ranDry = false;

  /** Opens it. */
  constructor(options: SoundPortOptions) {
    super("playback", options, options.bufferSamples);
  }

  get room(): number {
    const { samples, ranDry } = this.guarded(() => this.pcm.room());
    this.#ranDry ||= ranDry;
    return samples;
  }

  write(samples: Float32Array<ArrayBuffer>): void {
    for (let rest = samples; rest.length > 0;) {
      const taken = this.guarded(() => this.pcm.write(rest));
      if (taken === 0) return; // it ran dry or filled up between asking and writing
      rest = rest.subarray(taken * this.channels);
    }
  }

  start(): void {
    this.pcm.start();
  }

  ranDry(): boolean {
    const ran = this.#ranDry;
    this.#ranDry = false;
    return ran;
  }
}

/** What ALSA's configuration names. @throws {NoSoundSystem} when there is no libasound */
export function alsaList(direction: SoundDirection): SoundDevice[] {
  try {
    return alsaDevices(direction).map(({ name, description }, index) => ({
      ...{ index, name, description: description || name, channels: null, monitor: false },
      default: name === "default",
      system: "alsa",
    }));
  } catch (error) {
    if (error instanceof LibraryMissing) {
      throw new NoSoundSystem("libasound is not on this machine", { cause: error });
    }
    if (!(error instanceof SystemCallError)) throw error;
    throw new NoSoundSystem(`ALSA cannot list its devices (${error.code})`, { cause: error });
  }
}

/** Names are more than the list has, because they take arguments: `plughw:1,0`. */
function choose(
  known: readonly SoundDevice[],
  direction: SoundDirection,
  wanted: string | number | null,
): SoundDevice {
  const asIs = (name: string): SoundDevice => ({
    ...{ index: -1, name, description: name, channels: null, monitor: false, system: "alsa" },
    default: wanted === null,
  });
  if (wanted === null) return known.find((device) => device.default) ?? asIs("default");
  if (typeof wanted === "string" && wanted.includes(":")) return asIs(wanted);
  try {
    return chooseDevice(known, direction, wanted);
  } catch (error) {
    if (typeof wanted === "number") throw error;
    return asIs(wanted);
  }
}

function explainOpening(
  error: unknown,
  direction: SoundDirection,
  device: string | number | null,
): unknown {
  if (!(error instanceof SystemCallError)) return error;
  const { code } = error;
  const name = named(direction, device);
  const options = { cause: error };
  switch (code) {
    case "ENOENT":
    case "ENODEV":
    case "ENXIO":
      return device === null
        ? new NoSoundSystem(`ALSA has no ${WORDS[direction].what} (${code})`, options)
        : new DeviceMissing(
          `Cannot open ${name}: ALSA has none of that name (${code}); ` +
            `${WORDS[direction].list} tells what there is`,
          options,
        );
    case "ECONNREFUSED": // its plugin for PulseAudio, and no server
      return new NoSoundSystem(
        `ALSA leads to PulseAudio, which does not answer (${code})`,
        options,
      );
    case "EBUSY":
      return new DeviceBusy(
        `Cannot open ${name}: somebody else has it (${code}); close the program that has it`,
        options,
      );
    case "EACCES":
    case "EPERM":
      return new SystemCallError(
        `Cannot open ${name}: permission denied (${code}); add yourself to the group "audio"`,
        code,
        options,
      );
  }
  return error;
}
