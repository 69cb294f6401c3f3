/**
 * VP9 encoding by libvpx. It costs more than VP8 and H.264, so nothing uses it unless it is asked for.
 */

import { VP8E, VP9E } from "../../ffi/vpx_layout.ts";
import type { VideoEncoderOptions } from "./codec.ts";
import { readVp9Header } from "./vp9_header.ts";
import { VpxEncoder, type VpxEncoderProfile } from "./vpx_encoder.ts";

const PROFILE: VpxEncoderProfile = {
  owner: "Vp9Encoder",
  config: { rc_min_quantizer: 2, rc_max_quantizer: 56 },
  controls: [
    [VP8E.SET_CPUUSED, 8], // the fastest that libvpx 1.8 to 1.17 all have for small pictures
    [VP8E.SET_STATIC_THRESHOLD, 1],
    [VP9E.SET_AQ_MODE, 3], // cyclic refresh, as libwebrtc
    [VP9E.SET_FRAME_PARALLEL_DECODING, 0],
    [VP9E.SET_NOISE_SENSITIVITY, 0],
  ],
  isKeyFrame: (data) => readVp9Header(data).keyFrame,
};

/** A VP9 encoder; see {@linkcode VideoEncoder} for what its methods promise. */
export class Vp9Encoder extends VpxEncoder {
  /** Always `"VP9"`. */
  override readonly codec = "VP9";

  /**
   * Opens libvpx and makes a context.
   *
   * @throws {RangeError} when size, rate or interval make no sense
   * @throws {LibraryMissing} when libvpx is not on this machine, or was built without VP9
   */
  constructor(options: VideoEncoderOptions) {
    super("VP9", PROFILE, options);
  }
}
