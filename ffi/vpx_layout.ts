/**
 * The structs of libvpx that we read and write, as bytes. The offsets are the same on all 64-bit systems
 * from libvpx 1.8 to 1.17; newer fields were only ever appended. Whoever opens the library compares
 * known defaults ({@linkcode describeConfigMismatch}) before trusting them.
 */

/** `VPX_CODEC_…` of `vpx_codec_err_t`, <vpx/vpx_codec.h>. */
export const VPX_ERRORS = [
  "VPX_CODEC_OK",
  "VPX_CODEC_ERROR",
  "VPX_CODEC_MEM_ERROR",
  "VPX_CODEC_ABI_MISMATCH",
  "VPX_CODEC_INCAPABLE",
  "VPX_CODEC_UNSUP_BITSTREAM",
  "VPX_CODEC_UNSUP_FEATURE",
  "VPX_CODEC_CORRUPT_FRAME",
  "VPX_CODEC_INVALID_PARAM",
  "VPX_CODEC_LIST_END",
] as const;

/** `VPX_IMG_FMT_I420` = `VPX_IMG_FMT_PLANAR | 2`, <vpx/vpx_image.h>. */
export const VPX_IMG_FMT_I420 = 0x102;

/** `VPX_EFLAG_FORCE_KF`, <vpx/vpx_encoder.h>. */
export const VPX_EFLAG_FORCE_KF = 1;

/** `VPX_DL_REALTIME`, <vpx/vpx_encoder.h>. */
export const VPX_DL_REALTIME = 1;

/** Control numbers of `enum vp8e_enc_control_id`, <vpx/vp8cx.h>; all take an int. */
export const VP8E = {
  SET_CPUUSED: 13,
  SET_NOISE_SENSITIVITY: 15,
  SET_STATIC_THRESHOLD: 17,
  SET_TOKEN_PARTITIONS: 18,
  SET_MAX_INTRA_BITRATE_PCT: 26,
  SET_SCREEN_CONTENT_MODE: 31,
} as const;

/** Those of them that only VP9 has, <vpx/vp8cx.h>. */
export const VP9E = {
  SET_FRAME_PARALLEL_DECODING: 35,
  SET_AQ_MODE: 36,
  SET_NOISE_SENSITIVITY: 38,
} as const;

/** `vpx_codec_ctx_t` takes 56 bytes; more is given in case it grows. */
export const CONTEXT_BYTES = 256;

/** `vpx_codec_enc_cfg_t` takes 384 bytes up to 1.10 and 504 from 1.11. */
export const CONFIG_BYTES = 1024;

/** `vpx_image_t` takes 136 bytes. */
export const IMAGE_BYTES = 256;

/** Offsets of the fields of `vpx_codec_enc_cfg_t` that we touch, <vpx/vpx_encoder.h>; each is 32 bits. */
export const CONFIG = {
  g_usage: 0,
  g_threads: 4,
  g_profile: 8,
  g_w: 12,
  g_h: 16,
  g_bit_depth: 20,
  g_timebase_num: 28,
  g_timebase_den: 32,
  g_error_resilient: 36,
  g_pass: 40,
  g_lag_in_frames: 44,
  rc_dropframe_thresh: 48,
  rc_resize_allowed: 52,
  rc_end_usage: 72, // VPX_VBR 0, VPX_CBR 1
  // 80, 96: rc_twopass_stats_in, rc_firstpass_mb_stats_in, each a pointer and a size_t
  rc_target_bitrate: 112, // kilobits per second
  rc_min_quantizer: 116,
  rc_max_quantizer: 120,
  rc_undershoot_pct: 124,
  rc_overshoot_pct: 128,
  rc_buf_sz: 132, // milliseconds, as the two below
  rc_buf_initial_sz: 136,
  rc_buf_optimal_sz: 140,
  kf_mode: 160, // VPX_KF_DISABLED 0, VPX_KF_AUTO 1
  kf_min_dist: 164,
  kf_max_dist: 168,
} as const;

/** A field of the encoder's configuration. */
export type ConfigField = keyof typeof CONFIG;

/**
 * What `vpx_codec_enc_config_default(vpx_codec_vp8_cx(), …)` has put into a configuration in every
 * version (vp8/vp8_cx_iface.c, `vp8e_usage_cfg_map`). They are spread over the struct, so that a moved
 * field shows.
 */
const VP8_DEFAULTS: Partial<Record<ConfigField, number>> = {
  g_w: 320,
  g_h: 240,
  g_bit_depth: 8,
  g_timebase_num: 1,
  g_timebase_den: 30,
  rc_target_bitrate: 256,
  rc_min_quantizer: 4,
  rc_max_quantizer: 63,
  rc_buf_sz: 6000,
  rc_buf_initial_sz: 4000,
  rc_buf_optimal_sz: 5000,
  kf_mode: 1,
  kf_max_dist: 128,
};

/** The first default that is not where it must be, as words for an error, or null if all are. */
export function describeConfigMismatch(config: DataView): string | null {
  for (const [field, expected] of Object.entries(VP8_DEFAULTS)) {
    const found = config.getUint32(CONFIG[field as ConfigField], true);
    if (found !== expected) return `${field} is ${found} and not ${expected}`;
  }
  return null;
}

/**
 * `vpx_image_t`, <vpx/vpx_image.h>: the size at 24 and 28, four plane pointers from 48, four strides
 * from 80.
 */
export interface VpxImageFields {
  /** `fmt`, such as {@linkcode VPX_IMG_FMT_I420}. */
  readonly format: number;
  /** `d_w`: width that is shown. */
  readonly width: number;
  /** `d_h`: height that is shown. */
  readonly height: number;
  /** `planes[0…2]`, addresses. */
  readonly planes: readonly [bigint, bigint, bigint];
  /** `stride[0…2]`, bytes. */
  readonly strides: readonly [number, number, number];
}

/** Reads a `vpx_image_t`. */
export function readImage(image: DataView): VpxImageFields {
  return {
    format: image.getUint32(0, true),
    width: image.getUint32(24, true),
    height: image.getUint32(28, true),
    planes: [
      image.getBigUint64(48, true),
      image.getBigUint64(56, true),
      image.getBigUint64(64, true),
    ],
    strides: [image.getInt32(80, true), image.getInt32(84, true), image.getInt32(88, true)],
  };
}

/**
 * `vpx_codec_cx_pkt_t`, <vpx/vpx_encoder.h>:
 * `{ enum kind @0; union { struct { void *buf @8; size_t sz @16; pts @24; duration @32; flags @40 … } } }`.
 */
export const PACKET = { kind: 0, buf: 8, sz: 16 } as const;

/** `VPX_CODEC_CX_FRAME_PKT`, <vpx/vpx_encoder.h>. */
export const VPX_CODEC_CX_FRAME_PKT = 0;
