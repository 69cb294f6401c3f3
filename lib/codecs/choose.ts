/**
 * Which encoder and decoder is used for which codec.
 *
 * Frames are encoded to VP8 unless something else is asked for. What was measured, at 640x480 and 30
 * frames a second through these encoders, one thread, on a machine with other work to do (`deno run
 * --allow-ffi scripts/bench_codecs.ts` does it again): processor time a frame, and PSNR of luma
 *
 * ```text
 *                        at 500 kbit/s              at 1000 kbit/s
 *                        VP8          H.264         VP8          H.264
 * simulated robot        3.5 ms 41.5  3.0 ms 42.1   2.7 ms 46.3  2.6 ms 48.0 dB
 * ffmpeg's mandelbrot    3.0 ms 30.5  1.8 ms 30.9   2.4 ms 33.0  2.6 ms 33.2 dB
 * ffmpeg's testsrc2      3.2 ms 36.8  2.5 ms 36.2   2.9 ms 40.6  2.7 ms 40.8 dB
 * test card with noise   4.5 ms 39.1  3.3 ms 40.4   5.2 ms 40.8  4.0 ms 40.5 dB
 * ```
 *
 * From frame in to packet out, half of the frames took about their processor time; to decode one, 1.3 ms
 * (VP8) and 0.9 ms (H.264). So H.264 is a little cheaper and a little better, and not by so much that it
 * outweighs what speaks for VP8: every WebRTC endpoint has it (RFC 7742) in every build, while Chromium
 * built without proprietary codecs has no H.264 and Firefox downloads its one from the network first,
 * which a robot's own network may not have; libvpx is small and under a BSD licence, while x264 is under
 * the GPL and comes with the whole of ffmpeg; and VP8 leaves frames out by itself where x264 makes mud.
 *
 * H.264 is for what gives it already (cameras, a Pi, ffmpeg: passed on without decoding), for viewers
 * that have nothing else, and for machines without libvpx. VP9 encoding costs most; decoding it is cheap.
 */

import { LibraryMissing, SystemCallError } from "../errors.ts";
import type { VideoCodecName } from "../media/encoded.ts";
import type {
  VideoDecoder,
  VideoDecoderOptions,
  VideoEncoder,
  VideoEncoderOptions,
} from "./codec.ts";
import { H264Decoder } from "./h264_decoder.ts";
import { H264Encoder } from "./h264_encoder.ts";
import "./libyuv.ts";
import { Vp8Decoder } from "./vp8_decoder.ts";
import { Vp8Encoder } from "./vp8_encoder.ts";
import { Vp9Decoder } from "./vp9_decoder.ts";
import { Vp9Encoder } from "./vp9_encoder.ts";

/** How one codec's encoder and decoder are made; neither opens anything before it is called. */
export interface VideoCodecFactory {
  /** Makes an encoder. */
  encoder(options: VideoEncoderOptions): VideoEncoder;
  /** Makes a decoder. */
  decoder(options: VideoDecoderOptions): VideoDecoder;
  /**
   * Whether it can be used on this machine; asked once, and only when `--allow-ffi` was granted.
   * @default {always}
   */
  works?(use: "encode" | "decode"): boolean;
}

/** Best first, for the reasons above. */
const factories = new Map<VideoCodecName, VideoCodecFactory>([
  [
    "VP8",
    tried({
      encoder: (options) => new Vp8Encoder(options),
      decoder: (options) => new Vp8Decoder(options),
    }),
  ],
  [
    "H264",
    tried({
      encoder: (options) => new H264Encoder(options),
      decoder: (options) => new H264Decoder(options),
    }),
  ],
  [
    "VP9",
    tried({
      encoder: (options) => new Vp9Encoder(options),
      decoder: (options) => new Vp9Decoder(options),
    }),
  ],
]);

/** Says whether it works by making one, which opens the library and has it refuse what it cannot do. */
function tried(factory: VideoCodecFactory): VideoCodecFactory {
  return {
    ...factory,
    works(use) {
      try {
        if (use === "decode") factory.decoder({}).close();
        else factory.encoder({ width: 64, height: 64, fps: 30 }).close();
        return true;
      } catch (error) {
        if (error instanceof LibraryMissing || error instanceof SystemCallError) return false;
        throw error;
      }
    },
  };
}

/** Adds a codec, or puts another implementation in the place of one. */
export function registerVideoCodec(name: VideoCodecName, factory: VideoCodecFactory): void {
  factories.set(name, factory);
}

const known = new WeakMap<VideoCodecFactory, Map<string, boolean>>();

function works(factory: VideoCodecFactory, use: "encode" | "decode"): boolean {
  if (factory.works === undefined) return true;
  let answers = known.get(factory);
  if (answers === undefined) known.set(factory, answers = new Map());
  let answer = answers.get(use);
  if (answer === undefined) answers.set(use, answer = factory.works(use));
  return answer;
}

/**
 * The codecs that work on this machine, best first: their libraries are here and of a kind that we know.
 * Where that cannot be seen, because `--allow-ffi` has not been granted (nobody is asked for it), all are
 * named, and using them says what is missing.
 *
 * @param use what they are wanted for; a library may decode what it cannot encode
 * @example
 * ```ts ignore
 * const codec = videoCodecs("encode").find((name) => viewerTakes(name));
 * ```
 */
export function videoCodecs(use: "encode" | "decode" = "decode"): VideoCodecName[] {
  const canLook = Deno.permissions.querySync({ name: "ffi" }).state === "granted";
  return [...factories].filter(([, factory]) => !canLook || works(factory, use))
    .map(([name]) => name);
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
      `Cannot use codec "${codec}": it is not built in; use one of ${
        [...factories.keys()].join(", ")
      }`,
    );
  }
  return factory;
}
