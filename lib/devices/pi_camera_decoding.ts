/** Frames of compressed pictures, where both are wanted of one camera. */

import { createVideoDecoder } from "../codecs/choose.ts";
import type { VideoDecoder } from "../codecs/codec.ts";
import { RemoteProtocolError } from "../errors.ts";
import type { EncodedVideo } from "../media/encoded.ts";
import type { VideoFrame } from "../media/video_frame.ts";

/** So many pictures may wait, which is a second of them; then it goes on from a key frame. */
const MAX_WAITING = 30;

/** Decodes one picture after the other. */
export class PiDecoding {
  readonly #give: (frame: VideoFrame) => void;
  readonly #failed: (error: unknown) => void;
  #decoder: VideoDecoder | null = null;
  #waiting: EncodedVideo[] = [];
  #busy = false;
  #needsKeyFrame = true;
  #closed = false;

  /** @param give gets the frames @param failed is told when there can be none */
  constructor(give: (frame: VideoFrame) => void, failed: (error: unknown) => void) {
    this.#give = give;
    this.#failed = failed;
  }

  /** Decodes it when it is its turn. */
  push(chunk: EncodedVideo): void {
    if (this.#closed || (this.#needsKeyFrame && !chunk.keyFrame)) return;
    this.#needsKeyFrame = false;
    this.#waiting.push(chunk);
    if (this.#waiting.length > MAX_WAITING) this.skip();
    if (!this.#busy) this.#work();
  }

  /** Nobody wants what comes until the next key frame. */
  skip(): void {
    this.#waiting = [];
    this.#needsKeyFrame = true;
  }

  /** Frees the decoder. */
  close(): void {
    this.#closed = true;
    this.skip();
    if (!this.#busy) this.#decoder?.[Symbol.dispose]();
  }

  async #work(): Promise<void> {
    this.#busy = true;
    try {
      this.#decoder ??= createVideoDecoder({ codec: "H264" });
      for (let chunk = this.#waiting.shift(); chunk !== undefined; chunk = this.#waiting.shift()) {
        await this.#decode(this.#decoder, chunk);
      }
    } catch (error) {
      this.#failed(error);
    }
    this.#busy = false;
    if (this.#closed) this.#decoder?.[Symbol.dispose]();
  }

  async #decode(decoder: VideoDecoder, chunk: EncodedVideo): Promise<void> {
    try {
      const frame = await decoder.decode(chunk);
      if (frame !== null && !this.#closed) this.#give(frame);
    } catch (error) {
      if (!(error instanceof RemoteProtocolError)) throw error;
      this.skip(); // a broken picture, and those that build on it
    }
  }
}
