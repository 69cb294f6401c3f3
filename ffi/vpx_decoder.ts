/** Decoder contexts of libvpx. */

import { RemoteProtocolError } from "../lib/errors.ts";
import { openVpx, type Vpx, type VpxCodec, vpxError, vpxInterface } from "./vpx.ts";
import { CONTEXT_BYTES, readImage, VPX_IMG_FMT_I420 } from "./vpx_layout.ts";

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

/** A decoder context; one call at a time, as {@linkcode VpxEncoderContext}. */
export class VpxDecoderContext {
  readonly #symbols: Vpx;
  readonly #codec: VpxCodec;
  readonly #context = new Uint8Array(CONTEXT_BYTES);

  /**
   * Opens libvpx if need be and starts a decoder.
   *
   * @throws {LibraryMissing | SystemCallError} when libvpx is not here or cannot decode
   */
  constructor(codec: VpxCodec = "VP8") {
    this.#codec = codec;
    const symbols = this.#symbols = openVpx();
    const config = new Uint32Array([1, 0, 0]); // vpx_codec_dec_cfg_t { unsigned threads, w, h; }
    const result = symbols.vpx_codec_dec_init_ver(
      this.#context,
      vpxInterface(symbols, codec, "decode"),
      config,
      0n,
      DECODER_ABI,
    );
    if (result !== 0) throw vpxError(symbols, this.#context, `start a ${codec} decoder`, result);
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
    if (result !== 0) {
      throw vpxError(this.#symbols, this.#context, `decode a ${this.#codec} frame`, result, "data");
    }
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
  if (image.format !== VPX_IMG_FMT_I420) {
    throw new RemoteProtocolError(
      `Cannot show a frame: its pixels are not 4:2:0 of 8 bits (vpx_img_fmt ${image.format}); ` +
        "ask the sender for profile 0",
    );
  }
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
