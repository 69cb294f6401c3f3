/** H.264 decoding by libavcodec's own decoder, one frame in and one out. */

import { AvDecoderContext, type AvPicture } from "../../ffi/avcodec_decoder.ts";
import { RemoteProtocolError } from "../errors.ts";
import type { EncodedVideo } from "../media/encoded.ts";
import { VideoFrame } from "../media/video_frame.ts";
import { checkPixels, MAX_PIXELS, type VideoDecoder, type VideoDecoderOptions } from "./codec.ts";
import { Turns } from "./turns.ts";

/**
 * An H.264 decoder for Annex B; see {@linkcode VideoDecoder} for what its methods promise. That a frame is
 * missing between two shows in the picture only: whoever puts packets in order must notice it.
 */
export class H264Decoder implements VideoDecoder {
  /** Always `"H264"`. */
  readonly codec = "H264";
  #context: AvDecoderContext;
  readonly #turns: Turns;
  readonly #maxPixels: number;
  /** Whether frames have something to build on. */
  #started = false;

  /**
   * Opens libavcodec and makes a context.
   *
   * @throws {LibraryMissing} when libavcodec is not on this machine
   */
  constructor(options: VideoDecoderOptions = {}) {
    this.#maxPixels = options.maxPixels ?? MAX_PIXELS;
    this.#context = this.#open();
    this.#turns = new Turns("H264Decoder", () => this.#context.free());
  }

  #open(): AvDecoderContext {
    return new AvDecoderContext("h264", "an H.264 frame", {
      threads: "1", // several would hold frames back
      flags: "+low_delay",
      // Broken pictures are refused, not guessed: the sender is asked for a key frame.
      err_detect: "+explode",
      // It counts whole macroblocks, of a size that the sender need not have told: exact is checkPixels().
      max_pixels: String(2 * this.#maxPixels + 65536),
    });
  }

  /** Decodes one frame; see {@linkcode VideoDecoder.decode}. */
  decode(chunk: EncodedVideo): Promise<VideoFrame | null> {
    return this.#turns.run(async () => {
      const { data, timestampUs } = chunk;
      if (data.length === 0) throw refusal("there are no bytes");
      checkPixels("an H.264 frame", chunk.width, chunk.height, this.#maxPixels);
      const pts = BigInt(Math.round(timestampUs));
      const picture = await this.#decode(data, pts);
      // A sender that reorders frames (no browser does) has the first ones held back.
      this.#started ||= picture !== null || chunk.keyFrame;
      if (!this.#started) throw refusal("no key frame came before it");
      if (picture === null) return null;
      checkPixels("an H.264 frame", picture.width, picture.height, this.#maxPixels);
      if (picture.fullRange) narrow(picture);
      return VideoFrame.fromI420(picture, picture.pts === pts ? timestampUs : Number(picture.pts));
    });
  }

  async #decode(data: Uint8Array, pts: bigint): Promise<AvPicture | null> {
    try {
      return await this.#context.decode(data, pts);
    } catch (error) {
      // What is left of a broken picture must not be built on, and a broken parameter set may have it
      // hold frames back for ever. A new context takes 0.1 ms.
      const broken = this.#context;
      this.#context = this.#open();
      broken.free();
      this.#started = false;
      throw error;
    }
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

function refusal(why: string): RemoteProtocolError {
  return new RemoteProtocolError(
    `Cannot decode an H.264 frame: ${why}; ask the sender for a key frame`,
  );
}

/** Luma from 0…255 to 16…235, and chroma to 16…240, as frames are (ITU-T T.871 against BT.601). */
const LUMA = Uint8Array.from({ length: 256 }, (_, y) => Math.round(16 + y * 219 / 255));
const CHROMA = Uint8Array.from({ length: 256 }, (_, c) => Math.round(128 + (c - 128) * 224 / 255));

function narrow({ data, width, height }: AvPicture): void {
  const luma = width * height;
  for (let i = 0; i < luma; i++) data[i] = LUMA[data[i]!]!;
  for (let i = luma; i < data.length; i++) data[i] = CHROMA[data[i]!]!;
}
