/** Streams of sound to and from PulseAudio or PipeWire: 32-bit floats, interleaved. Nothing here waits. */

import { cString, pulseError, text } from "./pulse.ts";
import type { PulseClient, PulseDirection } from "./pulse_client.ts";

/** What a stream is opened with. */
export interface PulseStreamOptions {
  readonly direction: PulseDirection;
  /** The server's name of the device, or `null` for the one that is usual there, wherever that moves. */
  readonly device: string | null;
  /** Channels of the samples; the server remixes. */
  readonly channels: number;
  /** Samples of each channel in a second; the server resamples. */
  readonly sampleRateHz: number;
  /** Playing: samples of each channel between us and the ear. Recording: so many come at a time. */
  readonly bufferSamples: number;
  /** How errors go on after "Cannot". */
  readonly action: string;
}

const FLOAT32LE = 5; // <pulse/sample.h> pa_sample_format_t
// <pulse/def.h> pa_stream_flags_t
const FLAG = {
  INTERPOLATE_TIMING: 0x0002,
  AUTO_TIMING_UPDATE: 0x0008,
  DONT_MOVE: 0x0200,
  ADJUST_LATENCY: 0x2000,
} as const;
const STREAM = { READY: 2, FAILED: 3, TERMINATED: 4 } as const; // pa_stream_state_t
const SEEK_RELATIVE = 0;
const SERVERS_CHOICE = 0xffffffff; // (uint32_t) -1 in pa_buffer_attr
/** How much the server keeps of a recording for us while our event loop is held up, in seconds. */
const RECORD_BACKLOG_S = 2;

/** One stream. Belongs to a client, which has to be iterated for it. */
export class PulseStream {
  readonly #client: PulseClient;
  readonly #options: PulseStreamOptions;
  readonly #unsafeStream: Deno.PointerValue;
  readonly #frameBytes: number;
  #underflow: bigint;
  #freed = false;

  /** Begins to open it. @throws {SystemCallError} when the server does not take it */
  constructor(client: PulseClient, options: PulseStreamOptions) {
    this.#client = client;
    this.#options = options;
    const { direction, device, channels, sampleRateHz, bufferSamples } = options;
    const { pulse } = client;
    this.#frameBytes = 4 * channels;
    const spec = new DataView(new ArrayBuffer(12));
    spec.setInt32(0, FLOAT32LE, true);
    spec.setUint32(4, sampleRateHz, true);
    spec.setUint8(8, channels);
    this.#unsafeStream = pulse.pa_stream_new(
      client.unsafeContext,
      cString(direction === "record" ? "Microphone" : "Speaker"),
      new Uint8Array(spec.buffer),
      null,
    );
    if (this.#unsafeStream === null) throw client.lastError();
    const bytes = bufferSamples * this.#frameBytes;
    const flags = FLAG.INTERPOLATE_TIMING | FLAG.AUTO_TIMING_UPDATE | FLAG.ADJUST_LATENCY |
      (device === null ? 0 : FLAG.DONT_MOVE);
    // pa_buffer_attr: maxlength, tlength, prebuf, minreq, fragsize (<pulse/def.h>). It plays when
    // prebuf is there, and after it ran dry again, so what comes unevenly gets its store back.
    const attributes = direction === "record"
      ? [sampleRateHz * RECORD_BACKLOG_S * this.#frameBytes, 0, 0, 0, bytes]
      : [2 * bytes, bytes, bytes, SERVERS_CHOICE, 0];
    const attr = Uint32Array.from(attributes);
    const result = direction === "record"
      ? pulse.pa_stream_connect_record(this.#unsafeStream, cString(device), attr, flags)
      : pulse.pa_stream_connect_playback(
        ...[this.#unsafeStream, cString(device), attr, flags, null, null] as const,
      );
    if (result < 0) {
      const error = client.lastError();
      this.free();
      throw error;
    }
    this.#underflow = pulse.pa_stream_get_underflow_index(this.#unsafeStream);
  }

  /** Whether it is open. @throws {SystemCallError} when it was refused, or the device went away */
  get open(): boolean {
    const state = this.#client.pulse.pa_stream_get_state(this.#unsafeStream);
    if (state === STREAM.FAILED) throw this.#client.lastError();
    if (state === STREAM.TERMINATED) throw pulseError(this.#options.action, 12); // PA_ERR_KILLED
    return state === STREAM.READY;
  }

  /** Whether the server has put the device to sleep. */
  get suspended(): boolean {
    return this.#client.pulse.pa_stream_is_suspended(this.#unsafeStream) > 0;
  }

  /** The server's name of the device that it is on. */
  get deviceName(): string {
    return text(this.#client.pulse.pa_stream_get_device_name(this.#unsafeStream));
  }

  /**
   * Recording: how long ago the sample sounded that is read next. Playing: when the sample will sound
   * that is written next. In milliseconds; `null` when the server has not told yet.
   */
  get latencyMs(): number | null {
    const us = new BigUint64Array(1);
    const negative = new Int32Array(1);
    const result = this.#client.pulse.pa_stream_get_latency(this.#unsafeStream, us, negative);
    if (result < 0) return null;
    return Number(us[0]!) / (negative[0] === 0 ? 1000 : -1000);
  }

  /** All that was recorded; `lost` when there was more, which nobody fetched in time. */
  read(): { samples: Float32Array<ArrayBuffer>; lost: boolean } {
    const { pulse } = this.#client;
    const parts: Float32Array<ArrayBuffer>[] = [];
    const [address, size] = [new BigUint64Array(1), new BigUint64Array(1)];
    let lost = false;
    for (;;) {
      if (pulse.pa_stream_peek(this.#unsafeStream, address, size) < 0) {
        throw this.#client.lastError();
      }
      if (size[0] === 0n) break;
      const unsafeData = Deno.UnsafePointer.create(address[0]!);
      if (unsafeData === null) lost = true; // a hole
      else {
        const part = new Float32Array(Number(size[0]!) / 4);
        Deno.UnsafePointerView.copyInto(unsafeData, part);
        parts.push(part);
      }
      pulse.pa_stream_drop(this.#unsafeStream);
    }
    if (parts.length === 1) return { samples: parts[0]!, lost };
    const samples = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      samples.set(part, at);
      at += part.length;
    }
    return { samples, lost };
  }

  /** How many samples of each channel can be written now. */
  get room(): number {
    const bytes = Number(this.#client.pulse.pa_stream_writable_size(this.#unsafeStream));
    return bytes > 2 ** 31 ? 0 : Math.floor(bytes / this.#frameBytes); // (size_t) -1 for an error
  }

  /** Writes samples, which are copied. */
  write(samples: Float32Array<ArrayBuffer>): void {
    const result = this.#client.pulse.pa_stream_write(
      ...[
        this.#unsafeStream,
        samples,
        BigInt(samples.byteLength),
        null,
        0n,
        SEEK_RELATIVE,
      ] as const,
    );
    if (result < 0) throw this.#client.lastError();
  }

  /** Plays what was written, also if it is less than what it waits for. */
  trigger(): void {
    const unsafeOperation = this.#client.pulse.pa_stream_trigger(this.#unsafeStream, null, null);
    if (unsafeOperation !== null) this.#client.pulse.pa_operation_unref(unsafeOperation);
  }

  /** Whether it ran dry since it was last asked. */
  ranDry(): boolean {
    const index = this.#client.pulse.pa_stream_get_underflow_index(this.#unsafeStream);
    const ran = index !== this.#underflow;
    this.#underflow = index;
    return ran;
  }

  /** Ends it; may be called twice. The client has to be freed afterwards, not before. */
  free(): void {
    if (this.#freed) return;
    this.#freed = true;
    this.#client.pulse.pa_stream_disconnect(this.#unsafeStream);
    this.#client.pulse.pa_stream_unref(this.#unsafeStream);
  }
}
