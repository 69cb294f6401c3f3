/** VP8 decoding by libvpx. */

import { VpxDecoderContext } from "../../ffi/vpx_decoder.ts";
import { RemoteProtocolError } from "../errors.ts";
import type { EncodedVideo } from "../media/encoded.ts";
import { VideoFrame } from "../media/video_frame.ts";
import type { VideoDecoder } from "./codec.ts";
import { Turns } from "./turns.ts";
import { readVp8Header } from "./vp8_header.ts";

/** What a decoder may be made with. */
export interface VideoDecoderOptions {
  /**
   * The largest picture that is decoded, in pixels: a key frame of a few bytes can ask for 400 MB.
   * @default {4096 * 2304}
   */
  readonly maxPixels?: number;
}

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
    this.#maxPixels = options.maxPixels ?? 4096 * 2304;
    const context = this.#context = new VpxDecoderContext();
    this.#turns = new Turns("Vp8Decoder", () => context.free());
  }

  /** Decodes one frame; see {@linkcode VideoDecoder.decode}. */
  decode(chunk: EncodedVideo): Promise<VideoFrame | null> {
    return this.#turns.run(async () => {
      checkSize(chunk.data, this.#maxPixels);
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

function checkSize(data: Uint8Array, maxPixels: number): void {
  const header = readVp8Header(data);
  if (header.keyFrame && header.width * header.height > maxPixels) {
    throw new RemoteProtocolError(
      `Cannot decode a VP8 frame: ${header.width}x${header.height} is more than ${maxPixels} ` +
        "pixels; ask the sender for a smaller picture or raise maxPixels",
    );
  }
}
