/** VP9 decoding by libvpx: profile 0, which is what browsers send. */

import { VpxDecoderContext } from "../../ffi/vpx_decoder.ts";
import { RemoteProtocolError } from "../errors.ts";
import type { EncodedVideo } from "../media/encoded.ts";
import { VideoFrame } from "../media/video_frame.ts";
import { checkPixels, MAX_PIXELS, type VideoDecoder, type VideoDecoderOptions } from "./codec.ts";
import { Turns } from "./turns.ts";
import { asSuperframe, readVp9Header } from "./vp9_header.ts";

/** A VP9 decoder; see {@linkcode VideoDecoder} for what its methods promise. */
export class Vp9Decoder implements VideoDecoder {
  /** Always `"VP9"`. */
  readonly codec = "VP9";
  readonly #context: VpxDecoderContext;
  readonly #turns: Turns;
  readonly #maxPixels: number;
  /** Whether frames have something to build on. */
  #started = false;

  /**
   * Opens libvpx and makes a context.
   *
   * @throws {LibraryMissing} when libvpx is not on this machine, or was built without VP9
   */
  constructor(options: VideoDecoderOptions = {}) {
    this.#maxPixels = options.maxPixels ?? MAX_PIXELS;
    const context = this.#context = new VpxDecoderContext("VP9");
    this.#turns = new Turns("Vp9Decoder", () => context.free());
  }

  /** Decodes one frame; see {@linkcode VideoDecoder.decode}. */
  decode(chunk: EncodedVideo): Promise<VideoFrame | null> {
    return this.#turns.run(async () => {
      const { keyFrame, sizes } = readVp9Header(chunk.data);
      for (const { width, height } of sizes) {
        checkPixels("a VP9 frame", width, height, this.#maxPixels);
      }
      if (!keyFrame && !this.#started) {
        throw new RemoteProtocolError(
          "Cannot decode a VP9 frame: no key frame came before it; ask the sender for a key frame",
        );
      }
      this.#started = false; // for the case that it fails: libvpx then shows nothing but a key frame
      const picture = await this.#context.decode(asSuperframe(chunk.data));
      this.#started = true;
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
