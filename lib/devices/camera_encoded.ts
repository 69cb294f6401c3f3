import type { EncodedVideo, EncodedVideoSource } from "../media/encoded.ts";
import { SubscriptionProducer } from "../subscriptions/producer.ts";
import { Queue } from "../subscriptions/queue.ts";

/** Compressed pictures cannot be skipped one by one: 4 s at 30 a second. */
const QUEUE = 120;

/** What a camera compresses by itself, as it is: Annex B, with the parameter sets before each key frame. */
export class CameraEncoded extends SubscriptionProducer<EncodedVideo>
  implements EncodedVideoSource {
  /** What cameras compress with that is passed on. */
  readonly codec = "H264";
  readonly #requestKeyFrame: () => void;

  /** Made by `Camera`. */
  constructor(requestKeyFrame: () => void) {
    super({ ready: false, defaultSubscription: () => new Queue({ maxSize: QUEUE }) });
    this.#requestKeyFrame = requestKeyFrame;
  }

  /** Asks the camera for a key frame; one that cannot make them on demand sends them at its own pace. */
  requestKeyFrame(): void {
    this._refuseIfClosed("request a key frame of");
    this.#requestKeyFrame();
  }

  /** For `Camera`: hands a picture to all. */
  give(chunk: EncodedVideo): void {
    this._put_nowait(chunk);
  }

  /** For `Camera`: the camera compresses. */
  begin(): void {
    this._setReady();
  }

  /** For `Camera`: it failed, or does not compress. */
  fail(error: Error): void {
    this._setError(error);
  }
}
