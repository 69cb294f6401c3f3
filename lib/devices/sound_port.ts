/**
 * The seam between `Microphone` and `Speaker` and the sound systems beneath: ports that never wait. Whoever
 * has one polls it every few milliseconds, so closing is immediate, whatever the system is doing.
 */

import { DeviceMissing } from "../errors.ts";

/** Record or play. */
export type SoundDirection = "record" | "playback";

/** What carries the sound: PulseAudio or PipeWire, the kernel's ALSA, or the ffmpeg command. */
export type SoundSystem = "pulse" | "alsa" | "ffmpeg";

/** A microphone or speaker, as `Microphone.list()` and `Speaker.list()` tell it. */
export interface SoundDevice {
  /** Its place in the list, by which it can be chosen. */
  readonly index: number;
  /** The system's name for it, by which, or part of which, it can be chosen. */
  readonly name: string;
  /** What people call it; a part of this will do as well. */
  readonly description: string;
  /** How many channels it has; `null` when the system does not tell. */
  readonly channels: number | null;
  /** Whether it is used when none is chosen. */
  readonly default: boolean;
  /** Whether it is no microphone, but hears what is played to a speaker. */
  readonly monitor: boolean;
  /** What it belongs to. */
  readonly system: SoundSystem;
}

/** How a port is opened. */
export interface SoundPortOptions {
  /** Number, name, or part of name or description; `null` for the usual one. */
  readonly device: string | number | null;
  /** Channels that go through; `null` for as many as there are. */
  readonly channels: number | null;
  readonly sampleRateHz: number;
  /** Playing: what lies between us and the ear. Recording: what comes at a time. */
  readonly bufferSamples: number;
  /** Where PulseAudio listens; `null` for the usual place. */
  readonly server: string | null;
}

/** What both directions have. Calls throw what ended it, and nothing may be called after that but `close`. */
export interface SoundPort {
  /** Moves on, without waiting. False while it is being opened; what follows is valid afterwards. */
  poll(): boolean;
  /** What it is. */
  readonly device: SoundDevice;
  /** Channels that go through. */
  readonly channels: number;
  /** Whether the system has put it to sleep, so that nothing moves. */
  readonly suspended: boolean;
  /** Frees it, at once or, if it is a process, soon; as often as you like. */
  close(): void | Promise<void>;
}

/** A port that records. */
export interface SoundInput extends SoundPort {
  /** All that has come, interleaved; `lost` when samples are missing before. */
  read(): { samples: Float32Array<ArrayBuffer>; lost: boolean };
  /** How long ago the first sample sounded that is read next, or `null` when that is not known. */
  readonly latencyMs: number | null;
}

/** A port that plays. It begins when its buffer is full, also after it ran dry. */
export interface SoundOutput extends SoundPort {
  /** How many samples of each channel it takes now. */
  readonly room: number;
  /** Takes samples, no more than there is room for. */
  write(samples: Float32Array<ArrayBuffer>): void;
  /** Begins with what it has. */
  start(): void;
  /** Whether it ran dry since this was last asked. */
  ranDry(): boolean;
  /** When a sample that is written now will sound, or `null` when that is not known. */
  readonly latencyMs: number | null;
}

/** Begins to open a port. @throws {NoSoundSystem} here or from `poll`, and another system is tried */
export type SoundOpener<P extends SoundPort> = (options: SoundPortOptions) => P;

/** The time that ports live in; the `Clock` of `rtcbot/testing` is one. */
export interface SoundTime {
  /** Milliseconds, those of `performance.now()`. */
  now(): number;
  /** Calls back regularly until the returned function is called. */
  every(ms: number, fn: () => void): () => void;
}

/** The system's time. */
export const systemTime: SoundTime = {
  now: () => performance.now(),
  every(ms, fn) {
    const timer = setInterval(fn, ms);
    return () => clearInterval(timer);
  },
};

/** There is no such sound system here, so that another may be tried. The message is part of a sentence. */
export class NoSoundSystem extends DeviceMissing {}

/** The words of the two directions. */
export const WORDS = {
  record: { what: "microphone", list: "Microphone.list()", use: "record from" },
  playback: { what: "speaker", list: "Speaker.list()", use: "play to" },
} as const;

/** `a microphone`, or `microphone "USB"` if one was chosen. */
export function named(direction: SoundDirection, device: string | number | null): string {
  const { what } = WORDS[direction];
  return device === null ? `a ${what}` : `${what} ${JSON.stringify(device)}`;
}

/**
 * The device that is meant: the one of that number, of that name, or whose name or description has that
 * in it; without a wish the usual one.
 *
 * @throws {DeviceMissing} when there is none
 */
export function chooseDevice(
  devices: readonly SoundDevice[],
  direction: SoundDirection,
  wanted: string | number | null,
): SoundDevice {
  const { what, list } = WORDS[direction];
  const part = String(wanted).toLowerCase();
  const found = wanted === null
    ? devices.find((device) => device.default) ?? devices[0]
    : typeof wanted === "number"
    ? devices[wanted]
    : devices.find(({ name }) => name === wanted) ??
      devices.find(({ name, description }) =>
        name.toLowerCase().includes(part) || description.toLowerCase().includes(part)
      );
  if (found !== undefined) return found;
  const state = devices.length === 0
    ? `there is no ${what}; plug one in`
    : `there is none of that ${typeof wanted === "number" ? "number" : "name"}; ` +
      `${list} tells ${devices.map(({ name }) => `"${name}"`).join(", ")}`;
  throw new DeviceMissing(`Cannot open ${named(direction, wanted)}: ${state}`);
}
