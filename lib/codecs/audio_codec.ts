/** What every audio encoder and decoder can do, whichever library is behind it. */

/** Samples of each channel in the frames that are sent and given out: 20 ms at 48 kHz. */
export const AUDIO_FRAME_SAMPLES = 960;
/** The rate of all sound on a connection (RFC 7587, section 4.1). */
export const AUDIO_RATE_HZ = 48_000;

/** What an audio encoder is made with. */
export interface AudioEncoderOptions {
  /**
   * Mono or stereo.
   * @default {1}
   */
  readonly channels?: 1 | 2;
  /**
   * Bits a second that the stream shall take, from 6000 to 510000.
   * @default {32000 for mono, 64000 for stereo}
   */
  readonly bitrate?: number;
  /**
   * What it is tuned for: `"voip"` keeps speech intelligible, and has copies against loss from 1 % on;
   * `"audio"` keeps any sound like the original, and has copies only when it is voice, or 6 % are lost;
   * `"lowdelay"` saves 4 ms and never has copies.
   * @default {"voip"}
   */
  readonly application?: "voip" | "audio" | "lowdelay";
  /**
   * What is encoded; `"auto"` goes by the application, and from complexity 7 on by listening.
   * @default {"auto"}
   */
  readonly signal?: "auto" | "voice" | "music";
  /**
   * How hard it tries, from 0 to 10.
   * @default {5}
   */
  readonly complexity?: number;
  /**
   * The share of packets that is expected to be lost, from 0 to 1. Packets then carry a rough copy of the
   * packet before them; mono at 32 kbit/s has room for it from 0.06 on, stereo at 64 kbit/s from 0.01 on.
   * @default {0.1 for "voip", else 0.05, which leaves the sound whole}
   */
  readonly expectedLoss?: number;
}

/** Turns sound into packets of 20 ms, within the call. */
export interface AudioEncoder extends Disposable {
  /** Mono or stereo. */
  readonly channels: 1 | 2;
  /** Bits a second that it aims at; see {@linkcode AudioEncoder.setBitrate}. */
  readonly bitrate: number;
  /** See {@linkcode AudioEncoder.setExpectedLoss}. */
  readonly expectedLoss: number;
  /**
   * Encodes 20 ms at 48 kHz.
   *
   * @param samples 960 of each channel, interleaved, from -1 to 1
   * @returns the packet, in memory of its own
   * @throws {RangeError} when they are more or fewer
   * @throws {SubscriptionClosed} when the encoder was closed
   */
  encode(samples: Float32Array): Uint8Array<ArrayBuffer>;
  /** Changes the rate from the next frame on. @throws {RangeError} unless it is from 6000 to 510000 */
  setBitrate(bitsPerSecond: number): void;
  /** Changes how much is spent against loss. @param share from 0 to 1 @throws {RangeError} beyond that */
  setExpectedLoss(share: number): void;
  /** Ends it, as often as you like. */
  close(): void;
}

/** Turns packets into sound, within the call. */
export interface AudioDecoder extends Disposable {
  /** Channels of what it gives out, whatever the packets hold: mono is on both. */
  readonly channels: 2;
  /**
   * Decodes the packet that follows what was decoded, or made up, before.
   *
   * @returns the samples, interleaved, in memory of their own: 960 of each channel for 20 ms
   * @throws {RemoteProtocolError} when it is no such packet; the decoder can be used on
   * @throws {SubscriptionClosed} when the decoder was closed
   */
  decode(packet: Uint8Array): Float32Array<ArrayBuffer>;
  /**
   * Makes up for a packet that did not come.
   *
   * @param next the packet after it, which may hold a copy of it; null when that did not come either
   * @param samples of each channel that are missing, a multiple of 120, at most 5760
   * @returns so many samples, interleaved, in memory of their own
   * @throws {RemoteProtocolError} when `next` is no such packet; the decoder can be used on
   * @throws {SubscriptionClosed} when the decoder was closed
   */
  decodeLost(next: Uint8Array | null, samples?: number): Float32Array<ArrayBuffer>;
  /** Forgets what came before, for another sender. */
  reset(): void;
  /** Ends it, as often as you like. */
  close(): void;
}
