/**
 * Decodes a stream off the event loop, and keeps up with it: when it is behind, it goes on with the
 * newest key frame, or asks for one; memory is bounded.
 */
import { createVideoDecoder } from "../codecs/choose.ts";
import type { VideoDecoder } from "../codecs/codec.ts";
import { RemoteProtocolError, SubscriptionClosed } from "../errors.ts";
import type { EncodedVideo, VideoCodecName } from "../media/encoded.ts";
import type { VideoFrame } from "../media/video_frame.ts";

/** What the decoding tells its owner. */
export interface DecodingListener {
  /** A picture, in order. */
  frame(frame: VideoFrame): void;
  /** Nothing can be decoded until a key frame comes. */
  needsKeyFrame(): void;
  /** It cannot be decoded at all, and no call follows. */
  failed(error: Error): void;
}

/** Frames that wait at most: half a second of video. */
const MAX_WAITING = 15;
/** From so many on, those before a key frame are left out. */
const BEHIND = 3;
/** So many key frames that cannot be decoded, one after the other, are no accident. */
const MAX_BAD_KEY_FRAMES = 5;

/** One stream's decoder and what waits for it. */
export class VideoDecoding {
  /** Frames left out because the decoder was behind. */
  skipped = 0;
  readonly #listener: DecodingListener;
  readonly #create: (codec: VideoCodecName) => VideoDecoder;
  #waiting: EncodedVideo[] = [];
  #needsKeyFrame = true;
  #decoder: VideoDecoder | null = null;
  #running = false;
  #closed = false;
  #badKeyFrames = 0;

  /** @param create makes the decoder, on the first frame and whenever the codec changes */
  constructor(
    listener: DecodingListener,
    create: (codec: VideoCodecName) => VideoDecoder = (codec) => createVideoDecoder({ codec }),
  ) {
    this.#listener = listener;
    this.#create = create;
  }

  /** Takes the next frame. */
  put(chunk: EncodedVideo): void {
    if (this.#closed) return;
    if (chunk.keyFrame) {
      this.#needsKeyFrame = false;
      if (this.#waiting.length >= BEHIND) this.#skipAll();
    } else if (this.#needsKeyFrame) {
      this.skipped++;
      return this.#listener.needsKeyFrame();
    } else if (this.#waiting.length >= MAX_WAITING) {
      this.#skipAll();
      this.skipped++;
      return this.#loseReference();
    }
    this.#waiting.push(chunk);
    if (!this.#running) this.#run();
  }

  /** Frees the decoder and forgets what waits. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#waiting = [];
    this.#decoder?.close();
    this.#decoder = null;
  }

  async #run(): Promise<void> {
    this.#running = true;
    for (let chunk = this.#waiting.shift(); chunk; chunk = this.#waiting.shift()) {
      await this.#decode(chunk);
    }
    this.#running = false;
  }

  async #decode(chunk: EncodedVideo): Promise<void> {
    let decoder: VideoDecoder;
    try {
      decoder = this.#decoderFor(chunk.codec);
    } catch (error) {
      return this.#fail(error as Error);
    }
    try {
      const frame = await decoder.decode(chunk);
      this.#badKeyFrames = 0;
      if (frame && !this.#closed) this.#listener.frame(frame);
    } catch (error) {
      if (this.#closed || error instanceof SubscriptionClosed) return;
      if (chunk.keyFrame && ++this.#badKeyFrames >= MAX_BAD_KEY_FRAMES) {
        return this.#fail(
          new RemoteProtocolError(
            `Cannot show the video: ${MAX_BAD_KEY_FRAMES} key frames in a row could not be ` +
              `decoded (${(error as Error).message})`,
            { cause: error },
          ),
        );
      }
      const key = this.#waiting.findIndex((waiting) => waiting.keyFrame);
      this.skipped += key < 0 ? this.#waiting.length : key;
      this.#waiting = key < 0 ? [] : this.#waiting.slice(key);
      if (key < 0) this.#loseReference();
    }
  }

  #decoderFor(codec: VideoCodecName): VideoDecoder {
    if (this.#decoder?.codec === codec) return this.#decoder;
    this.#decoder?.close();
    this.#decoder = null;
    return this.#decoder = this.#create(codec);
  }

  #skipAll(): void {
    this.skipped += this.#waiting.length;
    this.#waiting = [];
  }

  #loseReference(): void {
    this.#needsKeyFrame = true;
    this.#listener.needsKeyFrame();
  }

  #fail(error: Error): void {
    if (this.#closed) return;
    this.close();
    this.#listener.failed(error);
  }
}
