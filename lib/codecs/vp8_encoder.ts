/**
 * VP8 encoding by libvpx, set up for a robot that is driven by what is seen: no frame is held back, the
 * rate is kept by quality first and by dropping frames last, and key frames come when asked for.
 */

import { VpxEncoderContext } from "../../ffi/vpx_encoder.ts";
import { type ConfigField, VP8E } from "../../ffi/vpx_layout.ts";
import type { EncodedVideo } from "../media/encoded.ts";
import { copyPixels, type Pixels } from "../media/pixel_format.ts";
import { convertInto } from "../media/converter.ts";
import type { VideoFrame } from "../media/video_frame.ts";
import type { VideoEncoder, VideoEncoderOptions } from "./codec.ts";
import { checkBitrate, planesIn, readEncoderOptions } from "./encoder_settings.ts";
import { PresentationClock } from "./presentation_clock.ts";
import { Turns } from "./turns.ts";
import { readVp8Header } from "./vp8_header.ts";

/** Presentation times are given to libvpx in microseconds. */
const TIMEBASE = 1_000_000;

/**
 * Speed. Negative is a fixed one; positive lets libvpx choose by the clock, which makes the output depend
 * on how busy the machine is. At 640x480 and 1 Mbit/s −10 took 3 to 3.5 ms of processor time a frame, −8
 * up to 5.1 for 0.2 dB more, −4 up to 9.7 for 0.2 to 1.3 dB more; −12 saved nothing.
 */
const CPU_USED = -10;

const CONTROLS = [
  [VP8E.SET_CPUUSED, CPU_USED],
  [VP8E.SET_NOISE_SENSITIVITY, 0],
  [VP8E.SET_STATIC_THRESHOLD, 1], // skip blocks that do not move
  [VP8E.SET_TOKEN_PARTITIONS, 0], // one: packets are cut without regard to them (RFC 7741)
  [VP8E.SET_SCREEN_CONTENT_MODE, 0],
] as const;

/**
 * A key frame may take so much of the mean frame's share, in percent: half of the 600 ms buffer at 30
 * frames a second, the formula of libwebrtc (MaxIntraTarget).
 */
function maxIntraPercent(fps: number): number {
  return Math.max(300, Math.round(BUFFER_MS * 0.5 * fps / 10));
}

const BUFFER_MS = 600;

/** See the comments of `vpx_codec_enc_cfg` in <vpx/vpx_encoder.h>. */
function configOf(bitrate: number): Partial<Record<ConfigField, number>> {
  return {
    g_threads: 1, // two doubled the processor time and did not help the slowest frames
    g_timebase_num: 1,
    g_timebase_den: TIMEBASE,
    g_lag_in_frames: 0,
    // Every loss ends in a retransmission or a key frame, so nothing is spent on hiding it.
    g_error_resilient: 0,
    rc_end_usage: 1, // VPX_CBR
    rc_dropframe_thresh: 30,
    rc_resize_allowed: 0,
    rc_min_quantizer: 2,
    rc_max_quantizer: 56,
    rc_undershoot_pct: 100,
    rc_overshoot_pct: 15,
    rc_buf_initial_sz: 500,
    rc_buf_optimal_sz: BUFFER_MS,
    rc_buf_sz: 1000,
    kf_mode: 0, // VPX_KF_DISABLED: key frames are forced from here
    ...rateOf(bitrate),
  };
}

function rateOf(bitrate: number): { rc_target_bitrate: number } {
  return { rc_target_bitrate: Math.max(1, Math.round(bitrate / 1000)) };
}

/** A VP8 encoder; see {@linkcode VideoEncoder} for what its methods promise. */
export class Vp8Encoder implements VideoEncoder {
  /** Always `"VP8"`. */
  readonly codec = "VP8";
  readonly #turns: Turns = new Turns("Vp8Encoder", () => this.#context.free());
  readonly #fps: number;
  readonly #keyFrameIntervalUs: number;
  readonly #clock: PresentationClock;
  #context: VpxEncoderContext;
  /** The context's own planes, where every frame is copied to. */
  #target: Pixels;
  #bitrate: number;
  #appliedBitrate: number;
  /** Presentation time of the last key frame, or null if the next frame has to be one. */
  #lastKeyUs: number | null = null;

  /**
   * Opens libvpx and makes a context.
   *
   * @throws {RangeError} when size, rate or interval make no sense
   * @throws {LibraryMissing} when libvpx is not on this machine
   */
  constructor(options: VideoEncoderOptions) {
    const { fps, bitrate, keyFrameIntervalUs } = readEncoderOptions("Vp8Encoder", options);
    const { width, height } = options;
    this.#fps = fps;
    this.#keyFrameIntervalUs = keyFrameIntervalUs;
    this.#clock = new PresentationClock(TIMEBASE / fps);
    this.#bitrate = bitrate;
    this.#appliedBitrate = this.#bitrate;
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

  /** Encodes one frame; see {@linkcode VideoEncoder.encode}. */
  encode(frame: VideoFrame, options: { keyFrame?: boolean } = {}): Promise<EncodedVideo | null> {
    return this.#turns.run(() => this.#encode(frame, options.keyFrame ?? false));
  }

  async #encode(frame: VideoFrame, asked: boolean): Promise<EncodedVideo | null> {
    const { width, height, timestampUs } = frame;
    this.#fit(width, height);
    // Copied, so that a camera may reuse its memory and libvpx never reads what JavaScript can move.
    if (frame.format === "I420") copyPixels(frame, this.#target);
    else convertInto(frame, this.#target);
    const { pts, duration } = this.#clock.next(timestampUs);
    const due = this.#lastKeyUs === null || pts - this.#lastKeyUs >= this.#keyFrameIntervalUs;
    const force = asked || due;
    const data = await this.#context.encode(BigInt(pts), BigInt(duration), force);
    if (data === null) {
      if (force) this.#lastKeyUs = null; // a dropped key frame is made up for by the next frame
      return null;
    }
    const { keyFrame } = readVp8Header(data);
    if (keyFrame) this.#lastKeyUs = pts;
    return { codec: "VP8", data, keyFrame, timestampUs, width, height };
  }

  /** Brings the context to the size of the frame and the rate that was asked for. */
  #fit(width: number, height: number): void {
    if (width !== this.#target.width || height !== this.#target.height) {
      // libvpx could shrink a running context (and had security holes there); a new one takes 1 ms.
      const context = this.#open(width, height);
      this.#context.free();
      this.#context = context;
      this.#target = planesIn(context.pixels, width, height);
      this.#appliedBitrate = this.#bitrate;
      this.#lastKeyUs = null;
    } else if (this.#appliedBitrate !== this.#bitrate) {
      this.#context.configure(rateOf(this.#bitrate));
      this.#appliedBitrate = this.#bitrate;
    }
  }

  #open(width: number, height: number): VpxEncoderContext {
    const maxIntra = [VP8E.SET_MAX_INTRA_BITRATE_PCT, maxIntraPercent(this.#fps)] as const;
    const config = configOf(this.#bitrate);
    return new VpxEncoderContext({ width, height, config, controls: [...CONTROLS, maxIntra] });
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
