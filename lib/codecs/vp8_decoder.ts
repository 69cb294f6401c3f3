/** VP8 decoding by libvpx. */

import { VpxDecoderContext } from "../../ffi/vpx.ts";
import { RemoteProtocolError } from "../errors.ts";
import type { EncodedVideo } from "../media/encoded.ts";
import { VideoFrame } from "../media/video_frame.ts";
import type { VideoDecoder } from "./codec.ts";
import { Turns } from "./turns.ts";

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
      checkHeader(chunk.data, this.#maxPixels);
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

/**
 * A frame begins with a tag of 3 bytes; in a key frame follow 9d 01 2a and twice 2 bytes, little-endian,
 * whose lower 14 bits are width and height (RFC 6386 section 9.1).
 */
function checkHeader(data: Uint8Array, maxPixels: number): void {
  const refuse = (why: string) =>
    new RemoteProtocolError(`Cannot decode a VP8 frame: ${why}; ask the sender for a key frame`);
  if (data.length < 3) throw refuse(`${data.length} bytes are too few`);
  if ((data[0]! & 1) === 1) return;
  if (data.length < 10) throw refuse(`${data.length} bytes are too few for a key frame`);
  if (data[3] !== 0x9d || data[4] !== 0x01 || data[5] !== 0x2a) {
    throw refuse("the start code 9d 01 2a is missing");
  }
  const width = (data[6]! | data[7]! << 8) & 0x3fff;
  const height = (data[8]! | data[9]! << 8) & 0x3fff;
  if (width === 0 || height === 0) throw refuse(`a picture of ${width}x${height} is empty`);
  if (width * height > maxPixels) {
    throw refuse(`a picture of ${width}x${height} is larger than ${maxPixels} pixels`);
  }
}
