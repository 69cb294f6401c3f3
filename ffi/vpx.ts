/**
 * libvpx: VP8 encoding and decoding. The two calls that take milliseconds run on Deno's thread pool, so
 * the event loop stays free; a context takes one call at a time, and whoever uses it sees to that.
 */

import { LibraryMissing, RemoteProtocolError, SystemCallError } from "../lib/errors.ts";
import { homebrewPaths, type LibrarySpec, openLibrary } from "./loader.ts";
import {
  CONFIG,
  CONFIG_BYTES,
  type ConfigField,
  CONTEXT_BYTES,
  describeConfigMismatch,
  IMAGE_BYTES,
  PACKET,
  readImage,
  VPX_CODEC_CX_FRAME_PKT,
  VPX_DL_REALTIME,
  VPX_EFLAG_FORCE_KF,
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
const CONTROL_PADDING = APPLE_ARM ? [0n, 0n, 0n, 0n, 0n, 0n] as const : [];

const SYMBOLS = {
  // int vpx_codec_version(void);
  vpx_codec_version: { parameters: [], result: "i32" },
  // vpx_codec_iface_t *vpx_codec_vp8_cx(void);
  vpx_codec_vp8_cx: { parameters: [], result: "pointer" },
  // vpx_codec_iface_t *vpx_codec_vp8_dx(void);
  vpx_codec_vp8_dx: { parameters: [], result: "pointer" },
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

type Vpx = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

let opened: Vpx | undefined;

/** libvpx, opened once and kept; see {@linkcode openLibrary} for what it throws. */
function vpx(): Vpx {
  if (opened !== undefined) return opened;
  const library = openLibrary(LIBVPX, SYMBOLS);
  try {
    checkLibrary(library.symbols);
  } catch (error) {
    library.close();
    throw error;
  }
  return opened = library.symbols;
}

/** Refuses a library whose structs are not those of {@link ./vpx_layout.ts}. */
function checkLibrary(symbols: Vpx): void {
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

function addressOf(bytes: Uint8Array<ArrayBuffer>): bigint {
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes));
}

/** The error of a failed call, with libvpx's own words where it has some. */
function failure(symbols: Vpx, context: BufferSource, action: string, result: number): Error {
  const code = VPX_ERRORS[result] ?? `error ${result}`;
  const unsafeDetail = symbols.vpx_codec_error_detail(context);
  const detail = unsafeDetail === null
    ? ""
    : `: ${Deno.UnsafePointerView.getCString(unsafeDetail)}`;
  if (/UNSUP_BITSTREAM|UNSUP_FEATURE|CORRUPT_FRAME/.test(code)) {
    return new RemoteProtocolError(
      `Cannot ${action}: libvpx says ${code}${detail}; ask the sender for a key frame`,
    );
  }
  return new SystemCallError(
    `Cannot ${action}: libvpx says ${code}${detail}; see that size and rates are sensible`,
    code,
  );
}

/** What an encoder context is made with: fields of `vpx_codec_enc_cfg_t` and integer controls. */
export interface VpxEncoderSettings {
  /** Width of every frame. */
  readonly width: number;
  /** Height of every frame. */
  readonly height: number;
  /** Fields that differ from libvpx's defaults. */
  readonly config: Partial<Record<ConfigField, number>>;
  /** Pairs of control number and value, see `VP8E`. */
  readonly controls: readonly (readonly [id: number, value: number])[];
}

/**
 * An encoder context and the frame buffer that it reads. One call at a time: {@linkcode encode} must have
 * settled before any other method is called, also `free`.
 */
export class VpxEncoderContext {
  /** `I420` planes without padding that the next `encode` reads; write into them between calls. */
  readonly pixels: Uint8Array<ArrayBuffer>;
  readonly #symbols: Vpx;
  readonly #context = new Uint8Array(CONTEXT_BYTES);
  readonly #config = new Uint8Array(CONFIG_BYTES);
  readonly #image = new Uint8Array(IMAGE_BYTES);

  /** @throws {LibraryMissing | SystemCallError} when libvpx is not here or refuses the settings */
  constructor(settings: VpxEncoderSettings) {
    const symbols = this.#symbols = vpx();
    const { width, height } = settings;
    const chroma = ((width + 1) >> 1) * ((height + 1) >> 1);
    this.pixels = new Uint8Array(width * height + 2 * chroma);
    symbols.vpx_codec_enc_config_default(symbols.vpx_codec_vp8_cx(), this.#config, 0);
    this.#write({ ...settings.config, g_w: width, g_h: height });
    this.#init();
    try {
      for (const [id, value] of settings.controls) this.#control(id, value);
      this.#wrap(width, height);
    } catch (error) {
      this.free();
      throw error;
    }
  }

  /**
   * The ABI number changes with every release and is only compared, so it is found by asking: from
   * above, because some builds accept what is lower than theirs. 23 is that of 1.8, 39 of 1.16.
   */
  #init(): void {
    const symbols = this.#symbols;
    let result = 0;
    for (let abi = 64; abi >= 20; abi--) {
      this.#context.fill(0);
      result = symbols.vpx_codec_enc_init_ver(
        this.#context,
        symbols.vpx_codec_vp8_cx(),
        this.#config,
        0n,
        abi,
      );
      if (VPX_ERRORS[result] !== "VPX_CODEC_ABI_MISMATCH") break;
    }
    if (result !== 0) throw failure(symbols, this.#context, "start a VP8 encoder", result);
  }

  #control(id: number, value: number): void {
    const call = this.#symbols.vpx_codec_control_ as (...args: unknown[]) => number;
    const result = call(this.#context, id, ...CONTROL_PADDING, BigInt(value));
    if (result !== 0) {
      throw failure(this.#symbols, this.#context, `set VP8 control ${id} to ${value}`, result);
    }
  }

  /**
   * vpx_img_wrap lays planes out for even sizes only, so they are written here. The address stays good
   * because `pixels` is kept by this object.
   */
  #wrap(width: number, height: number): void {
    const view = new DataView(this.#image.buffer);
    this.#symbols.vpx_img_wrap(this.#image, VPX_IMG_FMT_I420, width, height, 1, this.pixels);
    const half = (width + 1) >> 1;
    const luma = addressOf(this.pixels);
    const u = luma + BigInt(width * height);
    const v = u + BigInt(half * ((height + 1) >> 1));
    for (const [plane, address] of [luma, u, v].entries()) {
      view.setBigUint64(48 + 8 * plane, address, true);
      view.setInt32(80 + 4 * plane, plane === 0 ? width : half, true);
    }
  }

  #write(fields: Partial<Record<ConfigField, number>>): void {
    const view = new DataView(this.#config.buffer);
    for (const [field, value] of Object.entries(fields)) {
      view.setUint32(CONFIG[field as ConfigField], value, true);
    }
  }

  /** Changes the configuration from the next frame on. */
  configure(fields: Partial<Record<ConfigField, number>>): void {
    this.#write(fields);
    const result = this.#symbols.vpx_codec_enc_config_set(this.#context, this.#config);
    if (result !== 0) {
      throw failure(this.#symbols, this.#context, "change the VP8 encoder's settings", result);
    }
  }

  /** Encodes what is in `pixels`; the packet in fresh memory, or null if the frame was dropped. */
  async encode(pts: bigint, duration: bigint, keyFrame: boolean): Promise<Uint8Array | null> {
    const flags = keyFrame ? BigInt(VPX_EFLAG_FORCE_KF) : 0n;
    const result = await this.#symbols.vpx_codec_encode(
      this.#context,
      this.#image,
      pts,
      duration,
      flags,
      BigInt(VPX_DL_REALTIME),
    );
    if (result !== 0) throw failure(this.#symbols, this.#context, "encode a VP8 frame", result);
    return this.#packet();
  }

  #packet(): Uint8Array | null {
    const iterator = new Uint8Array(8);
    for (;;) {
      const unsafePacket = this.#symbols.vpx_codec_get_cx_data(this.#context, iterator);
      if (unsafePacket === null) return null;
      const packet = new Deno.UnsafePointerView(unsafePacket);
      if (packet.getUint32(PACKET.kind) !== VPX_CODEC_CX_FRAME_PKT) continue;
      const unsafeData = packet.getPointer(PACKET.buf);
      const data = new Uint8Array(Number(packet.getBigUint64(PACKET.sz)));
      if (unsafeData === null || data.length === 0) return null;
      Deno.UnsafePointerView.copyInto(unsafeData, data);
      return data;
    }
  }

  /** Frees the context; nothing may be called on it afterwards. */
  free(): void {
    this.#symbols.vpx_codec_destroy(this.#context);
  }
}

/** A decoded picture: `I420` planes without padding, one after the other in fresh memory. */
export interface VpxPicture {
  /** The planes. */
  readonly data: Uint8Array;
  /** Width in pixels. */
  readonly width: number;
  /** Height in pixels. */
  readonly height: number;
}

/** `VPX_DECODER_ABI_VERSION` from 1.8 to 1.17, <vpx/vpx_decoder.h>. */
const DECODER_ABI = 12;

/** A VP8 decoder context; one call at a time, as {@linkcode VpxEncoderContext}. */
export class VpxDecoderContext {
  readonly #symbols: Vpx;
  readonly #context = new Uint8Array(CONTEXT_BYTES);

  /** @throws {LibraryMissing | SystemCallError} when libvpx is not here or cannot decode */
  constructor() {
    const symbols = this.#symbols = vpx();
    const config = new Uint32Array([1, 0, 0]); // vpx_codec_dec_cfg_t { unsigned threads, w, h; }
    const result = symbols.vpx_codec_dec_init_ver(
      this.#context,
      symbols.vpx_codec_vp8_dx(),
      config,
      0n,
      DECODER_ABI,
    );
    if (result !== 0) throw failure(symbols, this.#context, "start a VP8 decoder", result);
  }

  /** Decodes one frame; null if it is not meant to be shown. `data` must not change meanwhile. */
  async decode(data: Uint8Array<ArrayBuffer>): Promise<VpxPicture | null> {
    const result = await this.#symbols.vpx_codec_decode(
      this.#context,
      data,
      data.length,
      null,
      0n,
    );
    if (result !== 0) throw failure(this.#symbols, this.#context, "decode a VP8 frame", result);
    const unsafeImage = this.#symbols.vpx_codec_get_frame(this.#context, new Uint8Array(8));
    if (unsafeImage === null) return null;
    const bytes = new Uint8Array(96); // up to and with `stride`
    Deno.UnsafePointerView.copyInto(unsafeImage, bytes);
    return copyPicture(readImage(new DataView(bytes.buffer)));
  }

  /** Frees the context; nothing may be called on it afterwards. */
  free(): void {
    this.#symbols.vpx_codec_destroy(this.#context);
  }
}

/** Takes the picture out of libvpx's memory, which the next call overwrites. */
function copyPicture(image: ReturnType<typeof readImage>): VpxPicture {
  const { width, height } = image;
  const half = (width + 1) >> 1;
  const sizes = [[width, height], [half, (height + 1) >> 1], [half, (height + 1) >> 1]] as const;
  const data = new Uint8Array(sizes.reduce((sum, [w, h]) => sum + w * h, 0));
  let out = 0;
  for (const [plane, [rowBytes, rows]] of sizes.entries()) {
    const unsafePlane = Deno.UnsafePointer.create(image.planes[plane]!);
    if (unsafePlane === null) continue;
    const stride = image.strides[plane]!;
    const padded = new Uint8Array(stride * (rows - 1) + rowBytes);
    Deno.UnsafePointerView.copyInto(unsafePlane, padded);
    for (let row = 0; row < rows; row++, out += rowBytes) {
      data.set(padded.subarray(row * stride, row * stride + rowBytes), out);
    }
  }
  return { data, width, height };
}
