/**
 * libvpx, opened on first use and checked before it is trusted. The two calls that take milliseconds run
 * on Deno's thread pool, so the event loop stays free; a context takes one call at a time, and whoever
 * uses it sees to that. See vpx_encoder.ts and vpx_decoder.ts.
 */

import { LibraryMissing, RemoteProtocolError, SystemCallError } from "../lib/errors.ts";
import { homebrewPaths, libraryHost, type LibrarySpec, openLibrary } from "./loader.ts";
import {
  CONFIG_BYTES,
  describeConfigMismatch,
  IMAGE_BYTES,
  readImage,
  VPX_ERRORS,
  VPX_IMG_FMT_I420,
} from "./vpx_layout.ts";

/** The soname's number grew from 6 (1.8) to 12 (1.16); those beyond are for what is not out yet. */
const SONAMES = [16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6];

/** Where libvpx is found and how to get it. */
export const LIBVPX: LibrarySpec = {
  name: "libvpx",
  candidates: {
    linux: [...SONAMES.map((number) => `libvpx.so.${number}`), "libvpx.so"],
    darwin: homebrewPaths("libvpx.dylib", ...SONAMES.map((number) => `libvpx.${number}.dylib`)),
    windows: ["libvpx-1.dll", "vpx.dll", "libvpx.dll"],
  },
  install: {
    linux:
      'install it with "sudo apt install libvpx7" (Debian 12; libvpx9 in Debian 13, libvpx6 in ' +
      "Debian 11; libvpx elsewhere)",
    darwin: 'install it with "brew install libvpx"',
    windows: 'install it with MSYS2\'s "pacman -S mingw-w64-x86_64-libvpx" and put it on the PATH',
  },
};

/**
 * vpx_codec_control_ is variadic. On Apple's arm64 variadic arguments are passed on the stack, where the
 * ninth argument of a call with fixed ones goes too: six that nobody reads fill the registers.
 */
const APPLE_ARM = Deno.build.os === "darwin" && Deno.build.arch === "aarch64";
/** What to put between the number of a control and its value. */
export const CONTROL_PADDING: readonly bigint[] = APPLE_ARM ? [0n, 0n, 0n, 0n, 0n, 0n] : [];

/** The C functions, each under its declaration. */
export const VPX_SYMBOLS = {
  // int vpx_codec_version(void);
  vpx_codec_version: { parameters: [], result: "i32" },
  // vpx_codec_iface_t *vpx_codec_vp8_cx(void);
  vpx_codec_vp8_cx: { parameters: [], result: "pointer" },
  // vpx_codec_iface_t *vpx_codec_vp8_dx(void);
  vpx_codec_vp8_dx: { parameters: [], result: "pointer" },
  // vpx_codec_iface_t *vpx_codec_vp9_cx(void);   a build may have been made without VP9
  vpx_codec_vp9_cx: { parameters: [], result: "pointer", optional: true },
  // vpx_codec_iface_t *vpx_codec_vp9_dx(void);
  vpx_codec_vp9_dx: { parameters: [], result: "pointer", optional: true },
  // vpx_codec_err_t vpx_codec_enc_config_default(vpx_codec_iface_t *, vpx_codec_enc_cfg_t *, unsigned usage);
  vpx_codec_enc_config_default: { parameters: ["pointer", "buffer", "u32"], result: "i32" },
  // vpx_codec_err_t vpx_codec_enc_init_ver(vpx_codec_ctx_t *, vpx_codec_iface_t *,
  //     const vpx_codec_enc_cfg_t *, vpx_codec_flags_t /* long */, int ver);
  vpx_codec_enc_init_ver: {
    parameters: ["buffer", "pointer", "buffer", "i64", "i32"],
    result: "i32",
  },
  // vpx_codec_err_t vpx_codec_enc_config_set(vpx_codec_ctx_t *, const vpx_codec_enc_cfg_t *);
  vpx_codec_enc_config_set: { parameters: ["buffer", "buffer"], result: "i32" },
  // vpx_codec_err_t vpx_codec_control_(vpx_codec_ctx_t *, int ctrl_id, ...);
  vpx_codec_control_: {
    parameters: APPLE_ARM
      ? ["buffer", "i32", "i64", "i64", "i64", "i64", "i64", "i64", "i64"]
      : ["buffer", "i32", "i64"],
    result: "i32",
  },
  // vpx_codec_err_t vpx_codec_encode(vpx_codec_ctx_t *, const vpx_image_t *, vpx_codec_pts_t /* int64_t */,
  //     unsigned long duration, vpx_enc_frame_flags_t /* long */, unsigned long deadline);
  vpx_codec_encode: {
    parameters: ["buffer", "buffer", "i64", "u64", "i64", "u64"],
    result: "i32",
    nonblocking: true,
  },
  // const vpx_codec_cx_pkt_t *vpx_codec_get_cx_data(vpx_codec_ctx_t *, vpx_codec_iter_t *);
  vpx_codec_get_cx_data: { parameters: ["buffer", "buffer"], result: "pointer" },
  // vpx_codec_err_t vpx_codec_dec_init_ver(vpx_codec_ctx_t *, vpx_codec_iface_t *,
  //     const vpx_codec_dec_cfg_t *, vpx_codec_flags_t /* long */, int ver);
  vpx_codec_dec_init_ver: {
    parameters: ["buffer", "pointer", "buffer", "i64", "i32"],
    result: "i32",
  },
  // vpx_codec_err_t vpx_codec_decode(vpx_codec_ctx_t *, const uint8_t *, unsigned int data_sz,
  //     void *user_priv, long deadline);
  vpx_codec_decode: {
    parameters: ["buffer", "buffer", "u32", "pointer", "i64"],
    result: "i32",
    nonblocking: true,
  },
  // vpx_image_t *vpx_codec_get_frame(vpx_codec_ctx_t *, vpx_codec_iter_t *);
  vpx_codec_get_frame: { parameters: ["buffer", "buffer"], result: "pointer" },
  // vpx_codec_err_t vpx_codec_destroy(vpx_codec_ctx_t *);
  vpx_codec_destroy: { parameters: ["buffer"], result: "i32" },
  // const char *vpx_codec_error_detail(vpx_codec_ctx_t *);
  vpx_codec_error_detail: { parameters: ["buffer"], result: "pointer" },
  // vpx_image_t *vpx_img_wrap(vpx_image_t *, vpx_img_fmt_t, unsigned d_w, unsigned d_h,
  //     unsigned stride_align, unsigned char *img_data);
  vpx_img_wrap: {
    parameters: ["buffer", "u32", "u32", "u32", "u32", "buffer"],
    result: "pointer",
  },
} as const satisfies Deno.ForeignLibraryInterface;

/** The functions of libvpx that we call. */
export type Vpx = Deno.DynamicLibrary<typeof VPX_SYMBOLS>["symbols"];

let opened: Vpx | undefined;

/** libvpx, opened once and kept; see {@linkcode openLibrary} for what it throws. */
export function openVpx(): Vpx {
  if (opened !== undefined) return opened;
  const library = openLibrary(LIBVPX, VPX_SYMBOLS);
  try {
    checkVpx(library.symbols);
  } catch (error) {
    library.close();
    throw error;
  }
  return opened = library.symbols;
}

/** Refuses a library whose structs are not those of vpx_layout.ts. */
export function checkVpx(symbols: Vpx): void {
  const version = symbols.vpx_codec_version(); // major << 16 | minor << 8 | patch
  const [major, minor] = [version >> 16 & 255, version >> 8 & 255];
  const refuse = (why: string) =>
    new LibraryMissing(
      `Cannot use libvpx ${major}.${minor}.${
        version & 255
      }: ${why}; install a version from 1.8 to 1.17`,
    );
  if (major !== 1 || minor < 8) throw refuse("its interface is not known to us");
  const config = new Uint8Array(CONFIG_BYTES);
  const result = symbols.vpx_codec_enc_config_default(symbols.vpx_codec_vp8_cx(), config, 0);
  if (result !== 0) throw refuse("it was built without the VP8 encoder");
  const mismatch = describeConfigMismatch(new DataView(config.buffer));
  if (mismatch !== null) throw refuse(`its configuration is laid out differently (${mismatch})`);
  const pixels = new Uint8Array(96);
  const image = new Uint8Array(IMAGE_BYTES);
  symbols.vpx_img_wrap(image, VPX_IMG_FMT_I420, 8, 8, 1, pixels);
  const fields = readImage(new DataView(image.buffer));
  const luma = addressOf(pixels);
  const good = fields.format === VPX_IMG_FMT_I420 && fields.width === 8 && fields.height === 8 &&
    fields.strides.join() === "8,4,4" &&
    fields.planes.every((address, plane) => address === luma + BigInt([0, 64, 80][plane]!));
  if (!good) throw refuse("its images are laid out differently");
}

/** What libvpx can be asked for. */
export type VpxCodec = "VP8" | "VP9";

/**
 * The interface to encode or decode by.
 *
 * @throws {LibraryMissing} when libvpx was built without it
 */
export function vpxInterface(
  symbols: Vpx,
  codec: VpxCodec,
  use: "encode" | "decode",
): NonNullable<Deno.PointerValue> {
  const find = use === "encode"
    ? { VP8: symbols.vpx_codec_vp8_cx, VP9: symbols.vpx_codec_vp9_cx }[codec]
    : { VP8: symbols.vpx_codec_vp8_dx, VP9: symbols.vpx_codec_vp9_dx }[codec];
  const found = find?.() ?? null;
  if (found !== null) return found;
  throw new LibraryMissing(
    `Cannot ${use} ${codec}: libvpx was built without it; ${LIBVPX.install[libraryHost()]}`,
  );
}

/** Where the bytes are; good as long as the array is kept, and for arrays above 64 bytes only. */
export function addressOf(bytes: Uint8Array<ArrayBuffer>): bigint {
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes));
}

/**
 * The error of a failed call, with libvpx's own words where it has some: a {@linkcode RemoteProtocolError}
 * if it was given data from outside and did not fail for want of memory or of the feature altogether.
 */
export function vpxError(
  symbols: Vpx,
  context: BufferSource,
  action: string,
  result: number,
  given: "settings" | "data" = "settings",
): Error {
  const code = VPX_ERRORS[result] ?? `error ${result}`;
  const unsafeDetail = symbols.vpx_codec_error_detail(context);
  const detail = unsafeDetail === null
    ? ""
    : `: ${Deno.UnsafePointerView.getCString(unsafeDetail)}`;
  const state = `Cannot ${action}: libvpx says ${code}${detail}`;
  // A partition whose marker bit is wrong is a MEM_ERROR too (vp9/decoder/vp9_decodeframe.c).
  const ours = /MEM_ERROR|ABI_MISMATCH|INCAPABLE/.test(code) && !/bool decoder/.test(detail);
  if (given === "data" && !ours) {
    return new RemoteProtocolError(`${state}; ask the sender for a key frame`);
  }
  return new SystemCallError(`${state}; see that memory, size and rates are sensible`, code);
}
