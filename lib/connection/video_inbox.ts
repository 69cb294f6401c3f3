import { Queue } from "../subscriptions/queue.ts";
import { isEncodedVideo, type VideoLike } from "../media/video_like.ts";

/** Values that wait when none may be left out. */
const LIMIT = 60;

/**
 * What waits to be sent: of frames only the newest, unless none may be left out; of compressed frames,
 * which are built on each other, all.
 */
export class VideoInbox extends Queue<VideoLike> {
  readonly #newestOnly: boolean;
  #replaced = 0;

  /** @param onGap told when compressed frames were lost, because too many waited */
  constructor(newestOnly: boolean, onGap: () => void = () => {}) {
    super({
      maxSize: LIMIT,
      onDrop: (value) => {
        if (isEncodedVideo(value)) onGap();
      },
    });
    this.#newestOnly = newestOnly;
  }

  /** How many frames were left out for newer ones since the last call. */
  takeReplaced(): number {
    const replaced = this.#replaced;
    this.#replaced = 0;
    return replaced;
  }

  /** See {@linkcode Queue.put_nowait}. */
  override put_nowait(value: VideoLike): void {
    if (this.#newestOnly && !isEncodedVideo(value)) {
      for (; this.size > 0; this.#replaced++) this.get(); // gives at once what is there
    }
    super.put_nowait(value);
  }
}
