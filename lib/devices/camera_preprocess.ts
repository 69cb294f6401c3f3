/** A user's work on each picture, in a thread of its own. */
import { type PixelArray, VideoFrame } from "../media/video_frame.ts";
import { FunctionWorker } from "../workers/function_worker.ts";
import { NewestOnly } from "./newest_only.ts";

/** Pixels of shape `(height, width, 3)`, BGR, in; pixels of any size with 1, 3 or 4 channels out. */
export type Preprocess = (pixels: PixelArray) => PixelArray | Promise<PixelArray>;

/** Sends the newest frame to the function, and gives what comes back. */
export class Preprocessor {
  readonly #newest: NewestOnly<VideoFrame>;
  readonly #worker: FunctionWorker<PixelArray, PixelArray>;

  /** Starts the thread. @throws {TypeError} when the function cannot be carried over */
  constructor(
    preprocess: Preprocess | URL,
    taker: { give(frame: VideoFrame): void; failed(error: unknown): void },
  ) {
    const worker = this.#worker = new FunctionWorker(preprocess);
    worker.onError(taker.failed);
    this.#newest = new NewestOnly(async (frame) => {
      const pixels = frame.toBGR();
      const result = await worker.call(pixels, { transfer: [pixels.data.buffer] });
      taker.give(frameOf(result, frame.timestampUs));
    }, taker.failed);
  }

  /** Works on a frame, unless a newer one comes first. */
  push(frame: VideoFrame): void {
    this.#newest.push(frame);
  }

  /** Ends the thread. */
  async close(): Promise<void> {
    await this.#worker.close();
  }
}

function frameOf(pixels: PixelArray, timestampUs: number): VideoFrame {
  const channels = (pixels as Partial<PixelArray> | null)?.shape?.[2];
  if (channels === 1) return VideoFrame.fromGray(pixels, timestampUs);
  if (channels === 3) return VideoFrame.fromBGR(pixels, timestampUs);
  if (channels === 4) return VideoFrame.fromBGRA(pixels, timestampUs);
  throw new TypeError(
    "Cannot use what preprocess returned: no pixels of shape (height, width, 1, 3 or 4); " +
      "return { data, shape }",
  );
}
