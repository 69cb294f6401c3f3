/** Opus (RFC 6716) by libopus, set up for a robot: 20 ms, nothing left out in silence, copies against loss. */

import { OPUS_SIGNAL as SIGNAL, OpusDecoderContext, OpusEncoderContext } from "../../ffi/opus.ts";
import { RemoteProtocolError, SubscriptionClosed } from "../errors.ts";
import {
  AUDIO_FRAME_SAMPLES,
  type AudioDecoder,
  type AudioEncoder,
  type AudioEncoderOptions,
} from "./audio_codec.ts";

/** <opus/opus_defines.h>, OPUS_SET_BITRATE. */
const MIN_BITRATE = 6_000, MAX_BITRATE = 510_000;
/** A frame of stereo speech takes 0.3 to 0.4 ms; 9 takes 0.5 to 0.7 ms and saves no bits. */
const COMPLEXITY = 5;

/**
 * An Opus encoder; see {@linkcode AudioEncoder} for what its methods promise.
 *
 * @example
 * ```ts ignore
 * using encoder = new OpusEncoder({ channels: 1 });
 * const packet = encoder.encode(tone(0).data);
 * ```
 */
export class OpusEncoder implements AudioEncoder {
  /** Mono or stereo. */
  readonly channels: 1 | 2;
  #context: OpusEncoderContext | null;
  #bitrate: number;
  #expectedLoss: number;

  /**
   * Opens libopus and makes a context.
   *
   * @throws {RangeError} when an option is out of its range
   * @throws {LibraryMissing} when libopus is not on this machine
   */
  constructor(options: AudioEncoderOptions = {}) {
    const { channels = 1, application = "voip", complexity = COMPLEXITY } = options;
    if (channels !== 1 && channels !== 2) {
      throw new RangeError(`Cannot encode Opus: ${channels} channels; give 1 or 2`);
    }
    if (!(Number.isInteger(complexity) && complexity >= 0 && complexity <= 10)) {
      throw new RangeError(`Cannot encode Opus: complexity ${complexity}; give 0 to 10`);
    }
    this.channels = channels;
    this.#bitrate = checkBitrate(options.bitrate ?? 32_000 * channels);
    this.#expectedLoss = checkLoss(options.expectedLoss ?? (application === "voip" ? 0.1 : 0.05));
    const context = this.#context = new OpusEncoderContext(channels, application);
    try {
      context.set("complexity", complexity);
      context.set("inbandFec", 1);
      context.set("dtx", 0); // receivers that adapt want to hear from us all the time
      context.set("signal", SIGNAL[options.signal ?? "auto"]);
      context.set("bitrate", this.#bitrate);
      context.set("packetLossPercent", toPercent(this.#expectedLoss));
    } catch (error) {
      context.free();
      throw error;
    }
  }

  /** Bits a second that it aims at. */
  get bitrate(): number {
    return this.#bitrate;
  }

  /** The share of packets that is expected to be lost, from 0 to 1. */
  get expectedLoss(): number {
    return this.#expectedLoss;
  }

  /** Encodes 20 ms; see {@linkcode AudioEncoder.encode}. */
  encode(samples: Float32Array): Uint8Array<ArrayBuffer> {
    const context = this.#open();
    const wanted = AUDIO_FRAME_SAMPLES * this.channels;
    if (samples.length !== wanted) {
      throw new RangeError(
        `Cannot encode an Opus frame: ${samples.length} samples; give ${wanted}, which is 20 ms`,
      );
    }
    return context.encode(samples as Float32Array<ArrayBuffer>);
  }

  /** Changes the rate; see {@linkcode AudioEncoder.setBitrate}. */
  setBitrate(bitsPerSecond: number): void {
    const bitrate = checkBitrate(bitsPerSecond);
    this.#open().set("bitrate", bitrate);
    this.#bitrate = bitrate;
  }

  /** Changes how much is spent against loss; see {@linkcode AudioEncoder.setExpectedLoss}. */
  setExpectedLoss(share: number): void {
    const expectedLoss = checkLoss(share);
    this.#open().set("packetLossPercent", toPercent(expectedLoss));
    this.#expectedLoss = expectedLoss;
  }

  /** Ends it; see {@linkcode AudioEncoder.close}. */
  close(): void {
    this.#context?.free();
    this.#context = null;
  }

  /** The same as `close`. */
  [Symbol.dispose](): void {
    this.close();
  }

  #open(): OpusEncoderContext {
    if (this.#context === null) throw closed("OpusEncoder");
    return this.#context;
  }
}

/** An Opus decoder; see {@linkcode AudioDecoder} for what its methods promise. */
export class OpusDecoder implements AudioDecoder {
  /** Always 2. */
  readonly channels = 2;
  #context: OpusDecoderContext | null = new OpusDecoderContext(2);

  /** Decodes a packet; see {@linkcode AudioDecoder.decode}. */
  decode(packet: Uint8Array): Float32Array<ArrayBuffer> {
    return this.#open().decode(checkPacket(packet));
  }

  /** Makes up for a packet; see {@linkcode AudioDecoder.decodeLost}. */
  decodeLost(
    next: Uint8Array | null,
    samples: number = AUDIO_FRAME_SAMPLES,
  ): Float32Array<ArrayBuffer> {
    const context = this.#open();
    if (!(samples > 0 && samples % 120 === 0 && samples <= 5760)) {
      throw new RangeError(
        `Cannot make up for lost sound: ${samples} samples; give a multiple of 120 up to 5760`,
      );
    }
    return next === null ? context.conceal(samples) : context.recover(checkPacket(next), samples);
  }

  /** Forgets what came before. */
  reset(): void {
    this.#open().reset();
  }

  /** Ends it; see {@linkcode AudioDecoder.close}. */
  close(): void {
    this.#context?.free();
    this.#context = null;
  }

  /** The same as `close`. */
  [Symbol.dispose](): void {
    this.close();
  }

  #open(): OpusDecoderContext {
    if (this.#context === null) throw closed("OpusDecoder");
    return this.#context;
  }
}

function closed(name: string): SubscriptionClosed {
  return new SubscriptionClosed(`Cannot use this ${name}: it was closed; make a new one`);
}

/** libopus takes no bytes for a packet that was lost. */
function checkPacket(packet: Uint8Array): Uint8Array<ArrayBuffer> {
  if (packet.length > 0) return packet as Uint8Array<ArrayBuffer>;
  throw new RemoteProtocolError(
    "Cannot decode an Opus packet: it is empty; see that what was received is Opus",
  );
}

function checkBitrate(bitrate: number): number {
  if (Number.isFinite(bitrate) && bitrate >= MIN_BITRATE && bitrate <= MAX_BITRATE) {
    return Math.round(bitrate);
  }
  throw new RangeError(
    `Cannot encode Opus: ${bitrate} bits a second; give ${MIN_BITRATE} to ${MAX_BITRATE}`,
  );
}

function checkLoss(share: number): number {
  if (share >= 0 && share <= 1) return share;
  throw new RangeError(`Cannot encode Opus: an expected loss of ${share}; give 0 to 1`);
}

/** Rounded up, that a small loss is not taken for none. */
function toPercent(share: number): number {
  return Math.ceil(share * 100 - 1e-9);
}
