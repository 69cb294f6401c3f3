/**
 * libopus. All calls are blocking: they take some hundred microseconds, and handing one to another thread
 * costs more event-loop time than that (encoding 90 to 330 µs a frame, decoding 40 to 70).
 */

import { RemoteProtocolError, SystemCallError } from "../lib/errors.ts";
import { homebrewPaths, type LibrarySpec, openLibrary } from "./loader.ts";

/** Where libopus is found and how to get it. */
export const LIBOPUS: LibrarySpec = {
  name: "libopus",
  candidates: {
    linux: ["libopus.so.0", "libopus.so"],
    darwin: homebrewPaths("libopus.0.dylib", "libopus.dylib"),
    windows: ["libopus-0.dll", "opus.dll", "libopus.dll"],
  },
  install: {
    linux: 'install it with "sudo apt install libopus0"',
    darwin: 'install it with "brew install opus"',
    windows: 'install it with MSYS2\'s "pacman -S mingw-w64-x86_64-opus" and put it on the PATH',
  },
};

/**
 * opus_encoder_ctl is variadic. On Apple's arm64 variadic arguments are passed on the stack, where the
 * ninth argument of a call with fixed ones goes too: six that nobody reads fill the registers.
 */
const APPLE_ARM = Deno.build.os === "darwin" && Deno.build.arch === "aarch64";
const CONTROL_PADDING: readonly bigint[] = APPLE_ARM ? [0n, 0n, 0n, 0n, 0n, 0n] : [];
/** int ctl(OpusEncoder * or OpusDecoder *, int request, ...); */
const CONTROL: { parameters: Deno.NativeType[]; result: "i32" } = {
  parameters: APPLE_ARM
    ? ["pointer", "i32", "i64", "i64", "i64", "i64", "i64", "i64", "i64"]
    : ["pointer", "i32", "i64"],
  result: "i32",
};

const SYMBOLS = {
  // const char *opus_get_version_string(void);
  opus_get_version_string: { parameters: [], result: "pointer" },
  // const char *opus_strerror(int error);
  opus_strerror: { parameters: ["i32"], result: "pointer" },
  // OpusEncoder *opus_encoder_create(opus_int32 Fs, int channels, int application, int *error);
  opus_encoder_create: { parameters: ["i32", "i32", "i32", "buffer"], result: "pointer" },
  // opus_int32 opus_encode_float(OpusEncoder *, const float *pcm, int frame_size,
  //     unsigned char *data, opus_int32 max_data_bytes);
  opus_encode_float: {
    parameters: ["pointer", "buffer", "i32", "buffer", "i32"],
    result: "i32",
  },
  // int opus_encoder_ctl(OpusEncoder *, int request, ...);
  opus_encoder_ctl: CONTROL,
  // void opus_encoder_destroy(OpusEncoder *);
  opus_encoder_destroy: { parameters: ["pointer"], result: "void" },
  // OpusDecoder *opus_decoder_create(opus_int32 Fs, int channels, int *error);
  opus_decoder_create: { parameters: ["i32", "i32", "buffer"], result: "pointer" },
  // int opus_decode_float(OpusDecoder *, const unsigned char *data /* NULL: lost */, opus_int32 len,
  //     float *pcm, int frame_size, int decode_fec);
  opus_decode_float: {
    parameters: ["pointer", "buffer", "i32", "buffer", "i32", "i32"],
    result: "i32",
  },
  // int opus_decoder_ctl(OpusDecoder *, int request, ...);
  opus_decoder_ctl: CONTROL,
  // void opus_decoder_destroy(OpusDecoder *);
  opus_decoder_destroy: { parameters: ["pointer"], result: "void" },
} as const satisfies Deno.ForeignLibraryInterface;

type Opus = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

/** What the encoder tunes itself for, <opus/opus_defines.h>. */
export const OPUS_APPLICATION = { voip: 2048, audio: 2049, lowdelay: 2051 } as const;

/** Requests of the encoder that take an integer, <opus/opus_defines.h>. */
export const OPUS_SET = {
  application: 4000,
  bitrate: 4002,
  complexity: 4010,
  inbandFec: 4012,
  packetLossPercent: 4014,
  dtx: 4016,
  signal: 4024,
} as const;

/** What the sound is, for {@linkcode OPUS_SET}.signal, <opus/opus_defines.h>. */
export const OPUS_SIGNAL = { auto: -1000, voice: 3001, music: 3002 } as const;

/** OPUS_RESET_STATE, <opus/opus_defines.h>. */
const RESET_STATE = 4028;

/** By the negative of the result, <opus/opus_defines.h>. */
const ERRORS: Readonly<Record<number, string>> = {
  1: "OPUS_BAD_ARG",
  2: "OPUS_BUFFER_TOO_SMALL",
  3: "OPUS_INTERNAL_ERROR",
  4: "OPUS_INVALID_PACKET",
  5: "OPUS_UNIMPLEMENTED",
  6: "OPUS_INVALID_STATE",
  7: "OPUS_ALLOC_FAIL",
};

/** The largest packet of one frame is 1275 bytes, of 120 ms six times that (RFC 6716, section 3.4). */
const MAX_PACKET_BYTES = 1275 * 6 + 7;
/** 120 ms at 48 kHz, the longest that a packet may last (RFC 6716, section 3.4, R5). */
const MAX_PACKET_SAMPLES = 5760;

let opened: Opus | undefined;

/** libopus, opened once and kept; see {@linkcode openLibrary} for what it throws. */
function openOpus(): Opus {
  return opened ??= openLibrary(LIBOPUS, SYMBOLS).symbols;
}

/** Such as `libopus 1.3.1`. @throws {LibraryMissing} when libopus is not here */
export function opusVersion(): string {
  const unsafeText = openOpus().opus_get_version_string();
  return unsafeText === null ? "" : Deno.UnsafePointerView.getCString(unsafeText);
}

/** An encoder of libopus: 48 kHz, one call at a time, freed by {@linkcode OpusEncoderContext.free}. */
export class OpusEncoderContext {
  readonly #symbols: Opus;
  readonly #channels: number;
  readonly #packet = new Uint8Array(MAX_PACKET_BYTES);
  #unsafeEncoder: Deno.PointerObject | null;

  /**
   * Opens libopus if need be and starts an encoder.
   *
   * @throws {LibraryMissing | SystemCallError} when libopus is not here or refuses
   */
  constructor(channels: 1 | 2, application: keyof typeof OPUS_APPLICATION) {
    const symbols = this.#symbols = openOpus();
    const error = new Int32Array(1);
    this.#channels = channels;
    this.#unsafeEncoder = symbols.opus_encoder_create(
      48_000,
      channels,
      OPUS_APPLICATION[application],
      error,
    );
    if (this.#unsafeEncoder === null) throw opusError(symbols, "start an Opus encoder", error[0]!);
  }

  /** Sets what the encoder aims at. */
  set(request: keyof typeof OPUS_SET, value: number): void {
    const call = this.#symbols.opus_encoder_ctl as (...args: unknown[]) => number;
    const result = call(
      this.#unsafeEncoder,
      OPUS_SET[request],
      ...CONTROL_PADDING,
      BigInt(value),
    );
    if (result < 0) {
      throw opusError(this.#symbols, `set the Opus encoder's ${request} to ${value}`, result);
    }
  }

  /** Encodes one frame of 2.5 to 60 ms, interleaved; the packet is in memory of its own. */
  encode(samples: Float32Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const result = this.#symbols.opus_encode_float(
      this.#unsafeEncoder,
      samples,
      samples.length / this.#channels,
      this.#packet,
      this.#packet.length,
    );
    if (result < 0) throw opusError(this.#symbols, "encode an Opus frame", result);
    return this.#packet.slice(0, result);
  }

  /** Frees it, as often as you like; nothing else may be called on it afterwards. */
  free(): void {
    if (this.#unsafeEncoder !== null) this.#symbols.opus_encoder_destroy(this.#unsafeEncoder);
    this.#unsafeEncoder = null;
  }
}

/** A decoder of libopus: 48 kHz, one call at a time, freed by {@linkcode OpusDecoderContext.free}. */
export class OpusDecoderContext {
  readonly #symbols: Opus;
  readonly #channels: number;
  readonly #samples: Float32Array<ArrayBuffer>;
  #unsafeDecoder: Deno.PointerObject | null;

  /**
   * Opens libopus if need be and starts a decoder.
   *
   * @throws {LibraryMissing | SystemCallError} when libopus is not here or refuses
   */
  constructor(channels: 1 | 2) {
    const symbols = this.#symbols = openOpus();
    const error = new Int32Array(1);
    this.#channels = channels;
    this.#samples = new Float32Array(MAX_PACKET_SAMPLES * channels);
    this.#unsafeDecoder = symbols.opus_decoder_create(48_000, channels, error);
    if (this.#unsafeDecoder === null) throw opusError(symbols, "start an Opus decoder", error[0]!);
  }

  /** The samples of a packet, interleaved, in memory of their own. */
  decode(packet: Uint8Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
    return this.#decode(packet, MAX_PACKET_SAMPLES, false);
  }

  /**
   * What stood before the packet `next`, from the copy in it, or guessed when there is none.
   *
   * @param samples how many of each channel are lost: a multiple of 120
   */
  recover(next: Uint8Array<ArrayBuffer>, samples: number): Float32Array<ArrayBuffer> {
    return this.#decode(next, samples, true);
  }

  /** So many samples of each channel that sound like those before; a multiple of 120. */
  conceal(samples: number): Float32Array<ArrayBuffer> {
    return this.#decode(null, samples, false);
  }

  #decode(
    packet: Uint8Array<ArrayBuffer> | null,
    samples: number,
    copyOfEarlier: boolean,
  ): Float32Array<ArrayBuffer> {
    const result = this.#symbols.opus_decode_float(
      this.#unsafeDecoder,
      packet,
      packet?.length ?? 0,
      this.#samples,
      samples,
      copyOfEarlier ? 1 : 0,
    );
    if (result < 0) {
      throw opusError(this.#symbols, "decode an Opus packet", result, packet !== null);
    }
    return this.#samples.slice(0, result * this.#channels);
  }

  /** Forgets what came before. */
  reset(): void {
    const call = this.#symbols.opus_decoder_ctl as (...args: unknown[]) => number;
    call(this.#unsafeDecoder, RESET_STATE, ...CONTROL_PADDING, 0n);
  }

  /** Frees it, as often as you like; nothing else may be called on it afterwards. */
  free(): void {
    if (this.#unsafeDecoder !== null) this.#symbols.opus_decoder_destroy(this.#unsafeDecoder);
    this.#unsafeDecoder = null;
  }
}

/** @param given whether the call was given data from outside */
function opusError(symbols: Opus, action: string, result: number, given = false): Error {
  const unsafeText = symbols.opus_strerror(result);
  const text = unsafeText === null
    ? "no reason given"
    : Deno.UnsafePointerView.getCString(unsafeText);
  const code = ERRORS[-result] ?? `error ${result}`;
  const state = `Cannot ${action}: libopus says ${code} (${text})`;
  if (given) {
    return new RemoteProtocolError(`${state}; see that what was received is Opus`);
  }
  return new SystemCallError(`${state}; see that memory and settings are sensible`, code);
}
