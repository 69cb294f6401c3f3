/** Which encoder and decoder is used for which codec. */

import type { VideoCodecName } from "../media/encoded.ts";
import type { VideoDecoder, VideoEncoder, VideoEncoderOptions } from "./codec.ts";
import "./libyuv.ts";
import { type VideoDecoderOptions, Vp8Decoder } from "./vp8_decoder.ts";
import { Vp8Encoder } from "./vp8_encoder.ts";

/** How one codec's encoder and decoder are made; neither opens anything before it is called. */
export interface VideoCodecFactory {
  /** Makes an encoder. */
  encoder(options: VideoEncoderOptions): VideoEncoder;
  /** Makes a decoder. */
  decoder(options: VideoDecoderOptions): VideoDecoder;
}

const factories = new Map<VideoCodecName, VideoCodecFactory>([
  ["VP8", {
    encoder: (options) => new Vp8Encoder(options),
    decoder: (options) => new Vp8Decoder(options),
  }],
]);

/** Adds a codec, or puts another implementation in the place of one. */
export function registerVideoCodec(name: VideoCodecName, factory: VideoCodecFactory): void {
  factories.set(name, factory);
}

/** The codecs that can be made, best first. */
export function videoCodecs(): VideoCodecName[] {
  return [...factories.keys()];
}

/**
 * Makes an encoder, VP8 unless told otherwise: every browser decodes it.
 *
 * @throws {TypeError} when there is no such codec
 * @throws {LibraryMissing} when its native library is not on this machine
 * @example
 * ```ts ignore
 * using encoder = createVideoEncoder({ width: 640, height: 480, fps: 30, bitrate: 1_000_000 });
 * const chunk = await encoder.encode(frame, { keyFrame: true });
 * ```
 */
export function createVideoEncoder(options: VideoEncoderOptions): VideoEncoder {
  return factoryOf(options.codec ?? "VP8").encoder(options);
}

/**
 * Makes a decoder.
 *
 * @throws {TypeError} when there is no such codec
 * @throws {LibraryMissing} when its native library is not on this machine
 */
export function createVideoDecoder(
  options: VideoDecoderOptions & { readonly codec?: VideoCodecName } = {},
): VideoDecoder {
  return factoryOf(options.codec ?? "VP8").decoder(options);
}

function factoryOf(codec: VideoCodecName): VideoCodecFactory {
  const factory = factories.get(codec);
  if (factory === undefined) {
    throw new TypeError(
      `Cannot use codec "${codec}": it is not built in; use one of ${videoCodecs().join(", ")}`,
    );
  }
  return factory;
}
