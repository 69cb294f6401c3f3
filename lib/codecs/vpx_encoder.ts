/**
 * What the encoders of libvpx have in common, set up for a robot that is driven by what is seen: no frame
 * is held back, the rate is kept by quality first and by dropping frames last, and key frames come when
 * asked for.
 */

import type { VpxCodec } from "../../ffi/vpx.ts";
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

/** In what the codecs differ. */
export interface VpxEncoderProfile {
  /** The class that errors name. */
  readonly owner: string;
  /** Fields of the configuration besides the common ones. */
  readonly config: Partial<Record<ConfigField, number>>;
  /** Pairs of control number and value. */
  readonly controls: readonly (readonly [id: number, value: number])[];
  /** Whether what came out is a key frame. */
  isKeyFrame(data: Uint8Array): boolean;
}

/** Presentation times are given to libvpx in microseconds. */
const TIMEBASE = 1_000_000;

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

/** An encoder of libvpx; see {@linkcode VideoEncoder} for what its methods promise. */
export abstract class VpxEncoder implements VideoEncoder {
  /** What it encodes to. */
  abstract readonly codec: VpxCodec;
  readonly #profile: VpxEncoderProfile;
  readonly #name: VpxCodec;
  readonly #turns: Turns;
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
  constructor(codec: VpxCodec, profile: VpxEncoderProfile, options: VideoEncoderOptions) {
    const { fps, bitrate, keyFrameIntervalUs } = readEncoderOptions(profile.owner, options);
    this.#name = codec;
    this.#profile = profile;
    this.#turns = new Turns(profile.owner, () => this.#context.free());
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
    const keyFrame = this.#profile.isKeyFrame(data);
    if (keyFrame) this.#lastKeyUs = pts;
    return { codec: this.#name, data, keyFrame, timestampUs, width, height };
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
    const config = { ...configOf(this.#bitrate), ...this.#profile.config };
    const controls = [...this.#profile.controls, maxIntra];
    return new VpxEncoderContext({ codec: this.#name, width, height, config, controls });
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
