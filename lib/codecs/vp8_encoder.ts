/** VP8 encoding by libvpx. */

import { VP8E } from "../../ffi/vpx_layout.ts";
import type { VideoEncoderOptions } from "./codec.ts";
import { readVp8Header } from "./vp8_header.ts";
import { VpxEncoder, type VpxEncoderProfile } from "./vpx_encoder.ts";

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

const PROFILE: VpxEncoderProfile = {
  owner: "Vp8Encoder",
  config: { rc_min_quantizer: 2, rc_max_quantizer: 56 },
  controls: CONTROLS,
  isKeyFrame: (data) => readVp8Header(data).keyFrame,
};

/** A VP8 encoder; see {@linkcode VideoEncoder} for what its methods promise. */
export class Vp8Encoder extends VpxEncoder {
  /** Always `"VP8"`. */
  override readonly codec = "VP8";

  /**
   * Opens libvpx and makes a context.
   *
   * @throws {RangeError} when size, rate or interval make no sense
   * @throws {LibraryMissing} when libvpx is not on this machine
   */
  constructor(options: VideoEncoderOptions) {
    super("VP8", PROFILE, options);
  }
}
