/**
 * Received packets as sound: a jitter buffer says what to play and how fast, Opus decodes it or makes up
 * for it, and every 20 ms a frame of shape (960, 2) goes out. Nothing runs and nothing is kept while
 * nobody listens.
 */
import type { AudioDecoder } from "../codecs/audio_codec.ts";
import { OpusDecoder } from "../codecs/opus.ts";
import { RemoteProtocolError } from "../errors.ts";
import { AudioFrame } from "../media/audio_frame.ts";
import {
  AudioJitterBuffer,
  type AudioJitterBufferOptions,
  type AudioJitterCounts,
  type PlayOut,
} from "../media/audio_jitter_buffer.ts";
import { Resampler } from "../media/resample.ts";
import { asError } from "../subscriptions/report.ts";
import { opusPacketSamples } from "../wire/opus_packet.ts";
import { type AudioClock, systemAudioClock } from "./audio_clock.ts";

/** Takes a frame, and the RTP time of its first sample, in 32 bits. */
export type AudioFrameCallback = (frame: AudioFrame, timestamp48kHz: number) => void;

/** What a receiver is made with. */
export interface AudioReceiverOptions {
  /** The bounds of the latency. */
  readonly latency?: AudioJitterBufferOptions;
  /** Told when no sound can be had, for example because libopus is missing. */
  readonly onError: (error: Error) => void;
  /** @default {that of the system} */
  readonly clock?: AudioClock;
  /** @default {libopus} */
  readonly createDecoder?: () => AudioDecoder;
}

/** How it goes. */
export interface AudioReceiverStats extends AudioJitterCounts {
  /** Missing packets that the next one had a copy for. */
  readonly copiesUsed: number;
  /** Packets that were no Opus. */
  readonly broken: number;
  /** From when the quickest packets arrive until they are given out, in ms. */
  readonly latencyMs: number;
  /** What latency is aimed at. */
  readonly targetMs: number;
  /** The share of packets that were missing lately. */
  readonly loss: number;
}

const FRAME = 960;
const CHANNELS = 2;
const TICK_MS = 20;
/** A tick that is late by no more is made up for, so that what plays the sound does not run dry. */
const CATCH_UP_MS = 100;
/** Enough for changing the speed by 1 %; half of what changing the rate takes. */
const TAPS = 24;
/** Sound that begins in the middle of something is raised over 2.5 ms. */
const RISE = 120;

/** See the head of this file. */
export class AudioReceiver {
  readonly #options: AudioReceiverOptions;
  readonly #clock: AudioClock;
  #onFrame: AudioFrameCallback | null = null;
  #playing: Playing | null = null;
  /** When the next frame is due, and how to prevent it; null while nothing comes. */
  #due: { atMs: number; cancel: () => void } | null = null;

  constructor(options: AudioReceiverOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemAudioClock;
  }

  /** Who listens; null for nobody, which frees the decoder and forgets what has come. */
  get onFrame(): AudioFrameCallback | null {
    return this.#onFrame;
  }

  set onFrame(callback: AudioFrameCallback | null) {
    this.#onFrame = callback;
    if (callback === null) this.#stop();
  }

  /** How it goes; null while nobody listens or nothing has come. */
  get stats(): AudioReceiverStats | null {
    return this.#playing?.stats ?? null;
  }

  /**
   * Takes the payload of a packet as it came: late, in disorder or twice.
   *
   * @param arrivalMs when it came, on the clock of the receiver
   */
  packet(sequence: number, timestamp48kHz: number, payload: Uint8Array, arrivalMs: number): void {
    if (this.#onFrame === null) return;
    try {
      const { latency, createDecoder = () => new OpusDecoder() } = this.#options;
      this.#playing ??= new Playing(new AudioJitterBuffer(latency), createDecoder());
    } catch (error) {
      return this.#fail(error);
    }
    this.#playing.put(sequence, timestamp48kHz, payload, arrivalMs);
    if (this.#due === null && !this.#playing.resting) this.#schedule(this.#clock.nowMs());
  }

  /** Ends it, as often as you like. */
  close(): void {
    this.onFrame = null;
  }

  #schedule(atMs: number): void {
    const waitMs = Math.max(0, atMs - this.#clock.nowMs());
    this.#due = { atMs, cancel: this.#clock.after(waitMs, () => this.#tick()) };
  }

  #tick(): void {
    const nowMs = this.#clock.nowMs();
    let { atMs } = this.#due!;
    this.#due = null;
    if (nowMs - atMs > CATCH_UP_MS) atMs = nowMs;
    try {
      for (; atMs <= nowMs; atMs += TICK_MS) {
        const played = this.#playing?.play(atMs);
        if (played) this.#onFrame?.(played.frame, played.timestamp48kHz);
      }
    } catch (error) {
      return this.#fail(error);
    }
    if (this.#playing !== null && !this.#playing.resting) this.#schedule(atMs);
  }

  #fail(error: unknown): void {
    this.onFrame = null;
    this.#options.onError(asError(error));
  }

  #stop(): void {
    this.#due?.cancel();
    this.#due = null;
    this.#playing?.free();
    this.#playing = null;
  }
}

/** A buffer, a decoder, and the samples between them and the next frame. */
class Playing {
  readonly #buffer: AudioJitterBuffer;
  readonly #decoder: AudioDecoder;
  #resampler = newResampler();
  /** Samples ready to go, interleaved; less than a frame between two calls. */
  #ready: Float32Array<ArrayBuffer> = new Float32Array(0);
  /** RTP time up to which sound was decoded. */
  #decodedTo = 0;
  #silent = true;
  #copiesUsed = 0;
  #broken = 0;

  constructor(buffer: AudioJitterBuffer, decoder: AudioDecoder) {
    this.#buffer = buffer;
    this.#decoder = decoder;
  }

  /** Whether nothing will happen until a packet comes. */
  get resting(): boolean {
    return this.#buffer.empty;
  }

  get stats(): AudioReceiverStats {
    const { counts, latencyMs, targetMs, loss } = this.#buffer;
    const [copiesUsed, broken] = [this.#copiesUsed, this.#broken];
    return { ...counts, copiesUsed, broken, latencyMs, targetMs, loss };
  }

  put(sequence: number, timestamp48kHz: number, payload: Uint8Array, arrivalMs: number): void {
    const samples = opusPacketSamples(payload);
    if (samples === null) this.#broken++;
    // A copy, for the memory may be the network's.
    else this.#buffer.put(sequence, timestamp48kHz, arrivalMs, new Uint8Array(payload), samples);
  }

  /** The frame that is due; null when there is nothing to be heard. */
  play(dueMs: number): { frame: AudioFrame; timestamp48kHz: number } | null {
    while (this.#ready.length < FRAME * CHANNELS) {
      const decision = this.#buffer.pull(dueMs, this.#held);
      if (decision.kind === "wait") return null;
      this.#decode(decision);
    }
    const first = Math.round(this.#decodedTo - this.#held);
    const data = this.#ready.slice(0, FRAME * CHANNELS);
    this.#ready = this.#ready.subarray(FRAME * CHANNELS);
    const frame = new AudioFrame({
      data,
      channels: CHANNELS,
      sampleRateHz: 48_000,
      timestampUs: Math.round(dueMs * 1000),
    });
    return { frame, timestamp48kHz: (first + 2 ** 32) % 2 ** 32 };
  }

  free(): void {
    this.#decoder.close();
  }

  /** Samples of each channel that were decoded and not yet given out. */
  get #held(): number {
    return this.#resampler.held + this.#ready.length / CHANNELS;
  }

  #decode(decision: Exclude<PlayOut, { kind: "wait" }>): void {
    if (decision.kind === "decode" && decision.fresh) this.#begin();
    const samples = this.#samplesOf(decision);
    const last = decision.kind === "conceal" && decision.last;
    if (last) fade(samples, samples.length / CHANNELS, -1);
    else if (this.#silent) fade(samples, RISE, 1);
    this.#silent = last;
    this.#decodedTo = decision.timestamp48kHz + samples.length / CHANNELS;
    this.#resampler.speed = this.#buffer.speed;
    this.#ready = join(this.#ready, this.#resampler.process(samples));
  }

  #samplesOf(decision: Exclude<PlayOut, { kind: "wait" }>): Float32Array<ArrayBuffer> {
    const lost = decision.kind === "conceal"
      ? decision.samples
      : opusPacketSamples(decision.packet)!;
    try {
      if (decision.kind === "decode") return this.#decoder.decode(decision.packet);
      const samples = this.#decoder.decodeLost(decision.next, lost);
      if (decision.next !== null) this.#copiesUsed++;
      return samples;
    } catch (error) {
      if (!(error instanceof RemoteProtocolError)) throw error;
      this.#broken++;
      return this.#decoder.decodeLost(null, lost);
    }
  }

  /** What follows has nothing to do with what came before. */
  #begin(): void {
    this.#decoder.reset();
    this.#resampler = newResampler();
    this.#ready = new Float32Array(0);
    this.#silent = true;
  }
}

function newResampler(): Resampler {
  return new Resampler({
    fromRateHz: 48_000,
    toRateHz: 48_000,
    fromChannels: CHANNELS,
    taps: TAPS,
  });
}

/** Raises (1) the beginning or lowers (-1) the whole, over so many samples of each channel. */
function fade(data: Float32Array, samples: number, direction: 1 | -1): void {
  const count = Math.min(samples * CHANNELS, data.length);
  for (let i = 0; i < count; i++) {
    const share = Math.floor(i / CHANNELS) / samples;
    data[i] = data[i]! * (direction === 1 ? share : 1 - share);
  }
}

function join(a: Float32Array, b: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  if (a.length === 0) return b;
  const both = new Float32Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
