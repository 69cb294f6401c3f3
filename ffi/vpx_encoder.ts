/** Encoder contexts of libvpx. */

import {
  addressOf,
  CONTROL_PADDING,
  openVpx,
  type Vpx,
  type VpxCodec,
  vpxError,
  vpxInterface,
} from "./vpx.ts";
import {
  CONFIG,
  CONFIG_BYTES,
  type ConfigField,
  CONTEXT_BYTES,
  IMAGE_BYTES,
  PACKET,
  VPX_CODEC_CX_FRAME_PKT,
  VPX_DL_REALTIME,
  VPX_EFLAG_FORCE_KF,
  VPX_ERRORS,
  VPX_IMG_FMT_I420,
} from "./vpx_layout.ts";

/** What an encoder context is made with: fields of `vpx_codec_enc_cfg_t` and integer controls. */
export interface VpxEncoderSettings {
  /** What to encode to. @default {"VP8"} */
  readonly codec?: VpxCodec;
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
  readonly #codec: VpxCodec;
  readonly #unsafeInterface: NonNullable<Deno.PointerValue>;
  readonly #context = new Uint8Array(CONTEXT_BYTES);
  readonly #config = new Uint8Array(CONFIG_BYTES);
  readonly #image = new Uint8Array(IMAGE_BYTES);

  /**
   * Opens libvpx if need be and starts an encoder.
   *
   * @throws {LibraryMissing | SystemCallError} when libvpx is not here or refuses the settings
   */
  constructor(settings: VpxEncoderSettings) {
    const symbols = this.#symbols = openVpx();
    const { width, height, codec = "VP8" } = settings;
    this.#codec = codec;
    this.#unsafeInterface = vpxInterface(symbols, codec, "encode");
    const chroma = ((width + 1) >> 1) * ((height + 1) >> 1);
    this.pixels = new Uint8Array(width * height + 2 * chroma);
    symbols.vpx_codec_enc_config_default(this.#unsafeInterface, this.#config, 0);
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
        this.#unsafeInterface,
        this.#config,
        0n,
        abi,
      );
      if (VPX_ERRORS[result] !== "VPX_CODEC_ABI_MISMATCH") break;
    }
    if (result !== 0) {
      throw vpxError(symbols, this.#context, `start a ${this.#codec} encoder`, result);
    }
  }

  #control(id: number, value: number): void {
    const call = this.#symbols.vpx_codec_control_ as (...args: unknown[]) => number;
    const result = call(this.#context, id, ...CONTROL_PADDING, BigInt(value));
    if (result !== 0) {
      throw vpxError(
        this.#symbols,
        this.#context,
        `set ${this.#codec} control ${id} to ${value}`,
        result,
      );
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
      throw vpxError(
        this.#symbols,
        this.#context,
        `change the ${this.#codec} encoder's settings`,
        result,
      );
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
    if (result !== 0) {
      throw vpxError(this.#symbols, this.#context, `encode a ${this.#codec} frame`, result);
    }
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
