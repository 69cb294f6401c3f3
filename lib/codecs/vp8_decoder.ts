/** VP8 decoding by libvpx. */

import { VpxDecoderContext } from "../../ffi/vpx_decoder.ts";
import type { EncodedVideo } from "../media/encoded.ts";
import { VideoFrame } from "../media/video_frame.ts";
import { checkPixels, MAX_PIXELS, type VideoDecoder, type VideoDecoderOptions } from "./codec.ts";
import { Turns } from "./turns.ts";
import { readVp8Header } from "./vp8_header.ts";

export type { VideoDecoderOptions } from "./codec.ts";

/** A VP8 decoder; see {@linkcode VideoDecoder} for what its methods promise. */
export class Vp8Decoder implements VideoDecoder {
  /** Always `"VP8"`. */
  readonly codec = "VP8";
  readonly #context: VpxDecoderContext;
  readonly #turns: Turns;
  readonly #maxPixels: number;

  /**
   * Opens libvpx and makes a context.
   *
   * @throws {LibraryMissing} when libvpx is not on this machine
   */
  constructor(options: VideoDecoderOptions = {}) {
    this.#maxPixels = options.maxPixels ?? MAX_PIXELS;
    const context = this.#context = new VpxDecoderContext("VP8");
    this.#turns = new Turns("Vp8Decoder", () => context.free());
  }

  /** Decodes one frame; see {@linkcode VideoDecoder.decode}. */
  decode(chunk: EncodedVideo): Promise<VideoFrame | null> {
    return this.#turns.run(async () => {
      const header = readVp8Header(chunk.data);
      if (header.keyFrame) {
        checkPixels("a VP8 frame", header.width, header.height, this.#maxPixels);
      }
      const picture = await this.#context.decode(chunk.data as Uint8Array<ArrayBuffer>);
      return picture && VideoFrame.fromI420(picture, chunk.timestampUs);
    });
  }

  /** Ends it; see {@linkcode VideoDecoder.close}. */
  close(): void {
    this.#turns.close();
  }

  /** The same as `close`. */
  [Symbol.dispose](): void {
    this.close();
  }
}
