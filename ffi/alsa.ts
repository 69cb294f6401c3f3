/**
 * libasound: ALSA's devices and plugins, without waiting (SND_PCM_NONBLOCK). Samples are interleaved
 * 32-bit floats; a device that has only integers of 16 bits is converted here.
 */

import { SystemCallError } from "../lib/errors.ts";
import { ERRNO, errnoName } from "./errno.ts";
import { type LibrarySpec, openLibrary } from "./loader.ts";

/** Where libasound is found and how to get it. */
export const LIBASOUND: LibrarySpec = {
  name: "libasound",
  candidates: { linux: ["libasound.so.2", "libasound.so"], darwin: [], windows: [] },
  install: {
    linux: 'install it with "sudo apt install libasound2"',
    darwin: "ALSA is Linux's",
    windows: "ALSA is Linux's",
  },
};

const SYMBOLS = {
  // const char *snd_asoundlib_version(void);
  snd_asoundlib_version: { parameters: [], result: "pointer" },
  // const char *snd_strerror(int errnum);
  snd_strerror: { parameters: ["i32"], result: "pointer" },
  // int snd_pcm_open(snd_pcm_t **pcm, const char *name, snd_pcm_stream_t stream, int mode);
  snd_pcm_open: { parameters: ["buffer", "buffer", "i32", "i32"], result: "i32" },
  // int snd_pcm_set_params(snd_pcm_t *pcm, snd_pcm_format_t format, snd_pcm_access_t access,
  //     unsigned int channels, unsigned int rate, int soft_resample, unsigned int latency /* us */);
  snd_pcm_set_params: {
    parameters: ["pointer", "i32", "i32", "u32", "u32", "i32", "u32"],
    result: "i32",
  },
  // int snd_pcm_get_params(snd_pcm_t *pcm, snd_pcm_uframes_t *buffer_size, snd_pcm_uframes_t *period_size);
  snd_pcm_get_params: { parameters: ["pointer", "buffer", "buffer"], result: "i32" },
  // int snd_pcm_prepare(snd_pcm_t *pcm);
  snd_pcm_prepare: { parameters: ["pointer"], result: "i32" },
  // int snd_pcm_start(snd_pcm_t *pcm);
  snd_pcm_start: { parameters: ["pointer"], result: "i32" },
  // int snd_pcm_recover(snd_pcm_t *pcm, int err, int silent);
  snd_pcm_recover: { parameters: ["pointer", "i32", "i32"], result: "i32" },
  // snd_pcm_state_t snd_pcm_state(snd_pcm_t *pcm);
  snd_pcm_state: { parameters: ["pointer"], result: "i32" },
  // snd_pcm_sframes_t snd_pcm_avail_update(snd_pcm_t *pcm);
  snd_pcm_avail_update: { parameters: ["pointer"], result: "isize" },
  // int snd_pcm_delay(snd_pcm_t *pcm, snd_pcm_sframes_t *delayp);
  snd_pcm_delay: { parameters: ["pointer", "buffer"], result: "i32" },
  // snd_pcm_sframes_t snd_pcm_readi(snd_pcm_t *pcm, void *buffer, snd_pcm_uframes_t size);
  snd_pcm_readi: { parameters: ["pointer", "buffer", "usize"], result: "isize" },
  // snd_pcm_sframes_t snd_pcm_writei(snd_pcm_t *pcm, const void *buffer, snd_pcm_uframes_t size);
  snd_pcm_writei: { parameters: ["pointer", "buffer", "usize"], result: "isize" },
  // int snd_pcm_drop(snd_pcm_t *pcm);
  snd_pcm_drop: { parameters: ["pointer"], result: "i32" },
  // int snd_pcm_close(snd_pcm_t *pcm);
  snd_pcm_close: { parameters: ["pointer"], result: "i32" },
  // int snd_device_name_hint(int card, const char *iface, void ***hints);
  snd_device_name_hint: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  // char *snd_device_name_get_hint(const void *hint, const char *id);
  snd_device_name_get_hint: { parameters: ["pointer", "buffer"], result: "pointer" },
  // int snd_device_name_free_hint(void **hints);
  snd_device_name_free_hint: { parameters: ["pointer"], result: "i32" },
  // int snd_lib_error_set_handler(snd_lib_error_handler_t handler);
  snd_lib_error_set_handler: { parameters: ["pointer"], result: "i32" },
  // A C function that takes whatever it is called with and does nothing.
  unsafeDoNothing: { name: "snd_asoundlib_version", type: "pointer" },
  // void free(void *ptr); of the C library that libasound itself is linked to
  free: { parameters: ["pointer"], result: "void" },
} as const satisfies Deno.ForeignLibraryInterface;

type Alsa = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

/** Record or play: <alsa/pcm.h> snd_pcm_stream_t. */
export type AlsaDirection = "playback" | "record";
const STREAM = { playback: 0, record: 1 } as const;

const NONBLOCK = 1; // SND_PCM_NONBLOCK
const FORMATS = { float: 14, int16: 2 } as const; // SND_PCM_FORMAT_FLOAT_LE, SND_PCM_FORMAT_S16_LE
const RW_INTERLEAVED = 3; // SND_PCM_ACCESS_RW_INTERLEAVED
const STATE = { PREPARED: 2, RUNNING: 3, DISCONNECTED: 8 } as const; // snd_pcm_state_t

const [EAGAIN, EPIPE, ESTRPIPE] = [-ERRNO.EAGAIN, -ERRNO.EPIPE, -ERRNO.ESTRPIPE];

let opened: Alsa | undefined;

function openAlsa(): Alsa {
  if (opened === undefined) {
    opened = openLibrary(LIBASOUND, SYMBOLS).symbols;
    // libasound prints its reasons on the program's stderr; ours are in the errors.
    opened.snd_lib_error_set_handler(opened.unsafeDoNothing);
  }
  return opened;
}

/** Such as `1.2.8`. @throws {LibraryMissing} when libasound is not here */
export function alsaVersion(): string {
  return Deno.UnsafePointerView.getCString(openAlsa().snd_asoundlib_version()!);
}

/** A name that ALSA knows and what it says of it. */
export interface AlsaDevice {
  readonly name: string;
  readonly description: string;
}

/** The devices and plugins that ALSA's configuration names for this direction. */
export function alsaDevices(direction: AlsaDirection): AlsaDevice[] {
  const alsa = openAlsa();
  const hints = new BigUint64Array(1);
  const result = alsa.snd_device_name_hint(-1, bytes("pcm"), hints);
  if (result < 0) throw alsaError("list sound devices", result);
  const unsafeHints = Deno.UnsafePointer.create(hints[0]!)!;
  const hintOf = (unsafeHint: Deno.PointerObject, id: string): string => {
    const unsafeText = alsa.snd_device_name_get_hint(unsafeHint, bytes(id));
    if (unsafeText === null) return "";
    const value = Deno.UnsafePointerView.getCString(unsafeText);
    alsa.free(unsafeText);
    return value;
  };
  const found: AlsaDevice[] = [];
  const list = new Deno.UnsafePointerView(unsafeHints);
  try {
    for (let at = 0;; at += 8) {
      const unsafeHint = list.getPointer(at);
      if (unsafeHint === null) return found;
      const way = hintOf(unsafeHint, "IOID"); // "" for both
      if (way !== "" && way !== (direction === "record" ? "Input" : "Output")) continue;
      const name = hintOf(unsafeHint, "NAME");
      found.push({ name, description: hintOf(unsafeHint, "DESC").replaceAll("\n", ", ") });
    }
  } finally {
    alsa.snd_device_name_free_hint(unsafeHints);
  }
}

/** What a device is opened with. */
export interface AlsaPcmOptions {
  readonly direction: AlsaDirection;
  /** ALSA's name: `default`, `hw:1,0`, `plughw:CARD=Device` … */
  readonly device: string;
  readonly channels: number;
  readonly sampleRateHz: number;
  /** How much its buffer holds, in microseconds. */
  readonly bufferUs: number;
  /** How errors go on after "Cannot". */
  readonly action: string;
}

/** An open device, or plugin. */
export class AlsaPcm {
  readonly #alsa: Alsa;
  readonly #options: AlsaPcmOptions;
  #unsafePcm: Deno.PointerValue = null;
  readonly #format: keyof typeof FORMATS;
  /** Samples of each channel that its buffer holds. */
  readonly bufferSamples: number;

  /** Opens it and, if it records, starts. @throws {LibraryMissing | SystemCallError} */
  constructor(options: AlsaPcmOptions) {
    const alsa = this.#alsa = openAlsa();
    this.#options = options;
    const { direction, device, channels, sampleRateHz, bufferUs } = options;
    const handle = new BigUint64Array(1);
    this.#check(alsa.snd_pcm_open(handle, bytes(device), STREAM[direction], NONBLOCK));
    this.#unsafePcm = Deno.UnsafePointer.create(handle[0]!);
    const set = (format: keyof typeof FORMATS): number =>
      alsa.snd_pcm_set_params(
        ...[this.#unsafePcm, FORMATS[format], RW_INTERLEAVED] as const,
        ...[channels, sampleRateHz, 1, bufferUs] as const,
      );
    this.#format = set("float") === 0 ? "float" : "int16";
    const [size, period] = [new BigUint64Array(1), new BigUint64Array(1)];
    try {
      if (this.#format === "int16") this.#check(set("int16"));
      this.#check(alsa.snd_pcm_get_params(this.#unsafePcm, size, period));
      if (direction === "record") this.#check(alsa.snd_pcm_start(this.#unsafePcm));
    } catch (error) {
      this.free();
      throw error;
    }
    this.bufferSamples = Number(size[0]!);
  }

  /** All that was recorded; `lost` when there was more, which nobody fetched in time. */
  read(): { samples: Float32Array<ArrayBuffer>; lost: boolean } {
    const { channels } = this.#options;
    const found = Number(this.#alsa.snd_pcm_avail_update(this.#unsafePcm));
    let lost = false;
    if (found === EPIPE || found === ESTRPIPE) {
      lost = true;
      this.#recover(found);
      this.#check(this.#alsa.snd_pcm_start(this.#unsafePcm));
    } else this.#check(found);
    const count = Math.max(0, Math.min(found, this.bufferSamples));
    const memory = this.#memory(count * channels);
    if (count === 0) return { samples: new Float32Array(0), lost };
    const read = Number(this.#alsa.snd_pcm_readi(this.#unsafePcm, memory, BigInt(count)));
    if (read === EAGAIN || read === EPIPE) return { samples: new Float32Array(0), lost };
    this.#check(read);
    return { samples: toFloat(memory.subarray(0, read * channels)), lost };
  }

  /** How many samples of each channel can be written now, and whether it ran dry before. */
  room(): { samples: number; ranDry: boolean } {
    const found = Number(this.#alsa.snd_pcm_avail_update(this.#unsafePcm));
    if (found !== EPIPE && found !== ESTRPIPE) {
      return { samples: Math.min(this.#check(found), this.bufferSamples), ranDry: false };
    }
    this.#recover(found);
    return { samples: this.bufferSamples, ranDry: true };
  }

  /** Writes samples, which are copied. @returns how many of each channel were taken */
  write(samples: Float32Array<ArrayBuffer>): number {
    const data = this.#format === "float" ? samples : toInt16(samples);
    const count = BigInt(samples.length / this.#options.channels);
    const written = Number(this.#alsa.snd_pcm_writei(this.#unsafePcm, data, count));
    if (written === EAGAIN) return 0;
    if (written !== EPIPE && written !== ESTRPIPE) return this.#check(written);
    this.#recover(written);
    return 0;
  }

  /** Plays what was written, also if the buffer is not full. */
  start(): void {
    if (this.#alsa.snd_pcm_state(this.#unsafePcm) !== STATE.PREPARED) return;
    this.#alsa.snd_pcm_start(this.#unsafePcm); // fails when nothing was written, which is no harm
  }

  /** Samples of each channel between the application and the outside world, or `null`. */
  get delay(): number | null {
    if (this.#alsa.snd_pcm_state(this.#unsafePcm) !== STATE.RUNNING) return null;
    const delay = new BigInt64Array(1);
    return this.#alsa.snd_pcm_delay(this.#unsafePcm, delay) < 0 ? null : Number(delay[0]!);
  }

  /** Stops at once and closes it; may be called twice. */
  free(): void {
    if (this.#unsafePcm === null) return;
    this.#alsa.snd_pcm_drop(this.#unsafePcm);
    this.#alsa.snd_pcm_close(this.#unsafePcm);
    this.#unsafePcm = null;
  }

  #recover(code: number): void {
    this.#check(this.#alsa.snd_pcm_recover(this.#unsafePcm, code, 1));
  }

  #memory(length: number): Float32Array<ArrayBuffer> | Int16Array<ArrayBuffer> {
    return this.#format === "float" ? new Float32Array(length) : new Int16Array(length);
  }

  #check(result: number): number {
    if (result < 0) throw alsaError(this.#options.action, result);
    return result;
  }
}

function toFloat(
  samples: Float32Array<ArrayBuffer> | Int16Array<ArrayBuffer>,
): Float32Array<ArrayBuffer> {
  return samples instanceof Float32Array
    ? samples
    : Float32Array.from(samples, (level) => level / 32768);
}

function toInt16(samples: Float32Array): Int16Array<ArrayBuffer> {
  return Int16Array.from(samples, (level) => Math.max(-1, Math.min(1, level)) * 32767);
}

function bytes(value: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${value}\0`);
}

function alsaError(action: string, result: number): SystemCallError {
  const code = errnoName(-result);
  const unsafeText = openAlsa().snd_strerror(result);
  const said = unsafeText === null ? code : Deno.UnsafePointerView.getCString(unsafeText);
  return new SystemCallError(
    `Cannot ${action}: ALSA says "${said}" (${code}); see what "aplay -L" and "arecord -L" list`,
    code,
  );
}
