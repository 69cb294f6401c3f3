/**
 * Which encoder and decoder is used for which codec.
 *
 * Frames are encoded to VP8 unless something else is asked for. What was measured through these encoders
 * at 640x480 and 30 frames a second, one thread, by `deno run --allow-ffi --allow-run=ffmpeg
 * scripts/bench_codecs.ts codecs`: processor time a frame in ms, and PSNR of luma in dB
 *
 * ```text
 *                    at 500 kbit/s                       at 1000 kbit/s
 *                    VP8        H.264      VP9           VP8        H.264      VP9
 * simulated robot    2.7  42.8  2.9  45.4  5.4  44.7     3.0  48.0  3.3  52.2  6.1  50.1
 * mandelbrot         3.2  29.7  3.4  29.4  6.2  29.8     3.7  31.7  3.1  31.6  5.9  31.5
 * testsrc2           2.9  36.8  2.6  36.2  4.4  36.5     3.5  40.6  2.0  40.8  4.1  39.8
 * grainy test card   4.5  39.1  3.5  40.4  6.4  40.5     4.9  40.8  4.4  40.5  9.4  40.8
 * robot, 1280x720    at 2500 kbit/s:                     11.5 43.9  7.7  46.5  15.4 45.4
 * ```
 *
 * On an idle machine a packet is out after its processor time; decoding a frame takes 1.3 ms (VP8), 0.9
 * (H.264), 1.4 (VP9). So H.264 is better where all look good, no better where it shows, and saves up to a
 * third of the time. That does not outweigh what speaks for VP8: every build of every browser has it,
 * while Chromium without proprietary codecs has no H.264, and Firefox fetches its own from the internet
 * first, which a robot's network may not have; libvpx is small and BSD, x264 is under the GPL and comes
 * with all of ffmpeg; and at very low rates VP8 leaves frames out where x264 blurs them all.
 *
 * H.264 is for what gives it already (cameras, a Pi, ffmpeg: passed on without decoding), for viewers
 * that have nothing else, and for machines without libvpx. VP9 is received; sent only if asked for.
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
