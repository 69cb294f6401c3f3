/**
 * H.264 encoding by x264 through libavcodec, set up as VP8 is: no frame is held back, the rate is kept by
 * quality first and by dropping frames last, key frames come when asked for. What comes out is Annex B,
 * constrained baseline (every browser's `42e01f`), with the parameter sets before each IDR picture.
 *
 * Why so, measured at 640x480, 500 and 1000 kbit/s:
 *
 * - libx264 by itself has a struct that is another one in each of its builds, and gives no more.
 * - libopenh264 (2.3) took 1.2–1.8 ms of processor time a frame where x264's superfast took 1.8–3.5 and
 *   was from 0.6 dB worse to 0.8 dB better. It is one more library to
 *   find, and is set by a struct that its versions changed (see the conditions in libavcodec's
 *   libopenh264enc.c).
 * - libavcodec takes settings by name, so nothing depends on its version, and is wherever ffmpeg is.
 *
 * x264 is under the GPL. It is the system's own and loaded when it is needed; nothing of it is shipped.
 */

import { AvEncoderContext } from "../../ffi/avcodec_encoder.ts";
import type { EncodedVideo } from "../media/encoded.ts";
import { convertInto } from "../media/converter.ts";
import { copyPixels, type Pixels } from "../media/pixel_format.ts";
import type { VideoFrame } from "../media/video_frame.ts";
import type { VideoEncoder, VideoEncoderOptions } from "./codec.ts";
import { checkBitrate, planesIn, readEncoderOptions } from "./encoder_settings.ts";
import { PresentationClock } from "./presentation_clock.ts";
import { RateGuard } from "./rate_guard.ts";
import { Turns } from "./turns.ts";

/** How much of a second's bits may come at once: as much as VP8's (see vp8_encoder.ts). */
const BUFFER_SECONDS = 0.6;

/** x264 refuses rates below 1 kbit/s. */
const LEAST_BITRATE = 1000;

/** How far the frames' real rate may be from the one that x264 was told, before it is told anew. */
const RATE_TOLERANCE = 0.03;

/** Over so many frames the time from one to the next is averaged. */
const MEAN_FRAMES = 20;

/**
 * x264's own names, see `x264 --fullhelp`. The colours are named because a browser would take a large
 * picture for BT.709: ours is BT.601, luma from 16 to 235.
 */
const X264_PARAMS = [
  "keyint=infinite", // IDR pictures are forced from here
  "scenecut=0",
  "sliced-threads=0",
  "fullrange=off",
  "colorprim=smpte170m",
  "transfer=smpte170m",
  "colormatrix=smpte170m",
].join(":");

/**
 * Speed. At 640x480 ultrafast took 1.2–2.3 ms of processor time a frame, superfast 1.8–3.5 for up to 1.9 dB
 * more in what moves, veryfast 3–6 for up to 1.6 dB more again.
 */
const PRESET = "superfast";

/** An H.264 encoder; see {@linkcode VideoEncoder} for what its methods promise. */
export class H264Encoder implements VideoEncoder {
  /** Always `"H264"`. */
  readonly codec = "H264";
  readonly #turns: Turns = new Turns("H264Encoder", () => this.#context.free());
  readonly #fps: number;
  readonly #keyFrameIntervalUs: number;
  readonly #clock: PresentationClock;
  readonly #guard = new RateGuard();
  #context: AvEncoderContext;
  /** The context's own planes, where every frame is copied to. */
  #target: Pixels;
  #bitrate: number;
  /** The rate as it was asked for, and as x264 was told. */
  #applied = { asked: 0, nominal: 0 };
  /** Frames that were encoded. */
  #count = 0n;
  /** Presentation time of the last frame. */
  #lastUs: number | null = null;
  /** Mean time from one frame to the next, and how many of them were seen. */
  #steps = 0;
  #stepUs: number;
  /** Presentation time of the last key frame, or null if the next frame has to be one. */
  #lastKeyUs: number | null = null;

  /**
   * Opens libavcodec and makes a context.
   *
   * @throws {RangeError} when size, rate or interval make no sense
   * @throws {LibraryMissing} when libavcodec is not on this machine, or was built without x264
   */
  constructor(options: VideoEncoderOptions) {
    const { fps, bitrate, keyFrameIntervalUs } = readEncoderOptions("H264Encoder", options);
    this.#fps = fps;
    this.#bitrate = bitrate;
    this.#keyFrameIntervalUs = keyFrameIntervalUs;
    this.#stepUs = 1e6 / fps;
    this.#clock = new PresentationClock(1e6 / fps);
    const { width, height } = evenSize(options);
    this.#context = this.#open(width, height);
    this.#target = planesIn(this.#context.pixels, width, height);
  }

  /** Bits a second that it aims at. */
  get bitrate(): number {
    return this.#bitrate;
  }

  /** Changes the rate from the next frame on; see {@linkcode VideoEncoder.setBitrate}. */
  setBitrate(bitsPerSecond: number): void {
    this.#bitrate = checkBitrate(bitsPerSecond);
  }

  /**
   * Encodes one frame; see {@linkcode VideoEncoder.encode}. H.264 has no odd sizes: the last column or
   * row of such a frame is left out, and the chunk's size says so.
   */
  encode(frame: VideoFrame, options: { keyFrame?: boolean } = {}): Promise<EncodedVideo | null> {
    return this.#turns.run(() => this.#encode(frame, options.keyFrame ?? false));
  }

  async #encode(frame: VideoFrame, asked: boolean): Promise<EncodedVideo | null> {
    const { pts } = this.#clock.next(frame.timestampUs);
    this.#measure(pts);
    const { width, height } = evenSize(frame);
    this.#fit(width, height);
    const due = this.#lastKeyUs === null || pts - this.#lastKeyUs >= this.#keyFrameIntervalUs;
    const full = this.#guard.isFull(pts, this.#bitrate);
    if (full && !due && !asked) return null;
    this.#copy(frame, width, height);
    const packet = await this.#context.encode(this.#count++, asked || due);
    if (packet === null) return null;
    const { data, keyFrame } = packet;
    this.#guard.add(data.length);
    if (keyFrame) this.#lastKeyUs = pts;
    return { codec: "H264", data, keyFrame, timestampUs: frame.timestampUs, width, height };
  }

  /** Copied, so that a camera may reuse its memory and x264 never reads what JavaScript can move. */
  #copy(frame: VideoFrame, width: number, height: number): void {
    const whole = frame.width >= width && frame.height >= height;
    const source: Pixels = whole ? frame : frame.toI420().resize(width, height);
    const cut: Pixels = { width, height, format: source.format, planes: source.planes };
    if (cut.format === "I420") copyPixels(cut, this.#target);
    else convertInto(cut, this.#target);
  }

  /** x264 without delay counts frames, not time, so the rate it gets is for the frames that really come. */
  #measure(pts: number): void {
    if (this.#lastUs !== null) {
      const share = 1 / Math.min(++this.#steps, MEAN_FRAMES);
      this.#stepUs += share * (pts - this.#lastUs - this.#stepUs);
    }
    this.#lastUs = pts;
  }

  /** Bits a second if as many frames came as x264 was told. */
  #nominalBitrate(): number {
    return Math.max(LEAST_BITRATE, this.#bitrate * this.#stepUs * this.#fps / 1e6);
  }

  /** Brings the context to the size of the frame and the rate that was asked for. */
  #fit(width: number, height: number): void {
    const { width: oldWidth, height: oldHeight } = this.#target;
    if (width === oldWidth && height === oldHeight) {
      const { asked, nominal } = this.#applied;
      const off = Math.abs(this.#nominalBitrate() / nominal - 1);
      if (asked === this.#bitrate && off <= RATE_TOLERANCE) return;
      if (this.#context.configure(this.#rateOptions())) return;
    }
    const context = this.#open(width, height);
    this.#context.free();
    this.#context = context;
    this.#target = planesIn(context.pixels, width, height);
    this.#lastKeyUs = null;
  }

  /** CBR: libavcodec's `b` and `maxrate` are alike, and the buffer is small. */
  #rateOptions(): Record<string, string> {
    const nominal = this.#nominalBitrate();
    this.#applied = { asked: this.#bitrate, nominal };
    const buffer = Math.max(LEAST_BITRATE, this.#bitrate * BUFFER_SECONDS);
    const rate = String(Math.round(nominal));
    return { b: rate, maxrate: rate, bufsize: String(Math.round(buffer)) };
  }

  #open(width: number, height: number): AvEncoderContext {
    return new AvEncoderContext({
      name: "libx264",
      frameName: "an H.264 frame",
      width,
      height,
      options: {
        time_base: `1000/${Math.max(1, Math.round(1000 * this.#fps))}`,
        threads: "1", // as libvpx: more threads cost more than they help
        preset: PRESET,
        tune: "zerolatency",
        profile: "baseline",
        "forced-idr": "1",
        "x264-params": X264_PARAMS,
        ...this.#rateOptions(),
      },
    });
  }

  /** Ends it; see {@linkcode VideoEncoder.close}. */
  close(): void {
    this.#turns.close();
  }

  /** The same as `close`. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/** 4:2:0 pictures have whole pairs of columns and rows (ITU-T H.264 table 6-1 and 7.4.2.1.1). */
function evenSize({ width, height }: { width: number; height: number }) {
  return { width: Math.max(2, width & ~1), height: Math.max(2, height & ~1) };
}
