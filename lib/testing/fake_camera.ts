import { testCard } from "../media/test_card.ts";
import { VideoFrame } from "../media/video_frame.ts";
import { MostRecentSubscription } from "../subscriptions/most_recent.ts";
import { SubscriptionProducer } from "../subscriptions/producer.ts";
import { type Clock, systemClock } from "./clock.ts";

/** Options of {@linkcode FakeCamera}. */
export interface FakeCameraOptions {
  /** Width of the picture, even, in pixels. @default {640} */
  width?: number;
  /** Height of the picture, even, in pixels. @default {480} */
  height?: number;
  /** Pictures a second. @default {30} */
  fps?: number;
  /** The time that it lives in. @default the system's */
  clock?: Clock;
}

/**
 * A camera that shows numbered test cards, so that a test can tell which of its pictures arrived. A picture is
 * made only when somebody is subscribed; the numbers count on meanwhile, also over pictures that came too
 * late and were left out.
 *
 * ```ts
 * import { FakeCamera, ManualClock } from "rtcbot/testing";
 * import assert from "node:assert/strict";
 *
 * const clock = new ManualClock();
 * await using camera = new FakeCamera({ clock, fps: 10 });
 * const frame = camera.get();
 * clock.advance(100);
 * assert.deepEqual((await frame).toBGR().shape, [480, 640, 3]);
 * ```
 */
export class FakeCamera extends SubscriptionProducer<VideoFrame> {
  readonly #stop: () => void;

  /** Starts to count at once. @param options see {@linkcode FakeCameraOptions} */
  constructor(options: FakeCameraOptions = {}) {
    super({ defaultSubscription: () => new MostRecentSubscription() });
    const { width = 640, height = 480, fps = 30, clock = systemClock } = options;
    testCard(0, { width, height }); // refuses sizes that make no sense now, not at the first picture
    const start = clock.now();
    this.#stop = clock.every(1000 / fps, () => {
      if (!this._hasSubscribers) return;
      const now = clock.now();
      const { format, planes } = testCard(Math.round((now - start) * fps / 1000), {
        width,
        height,
      });
      this._put_nowait(new VideoFrame({ width, height, format, planes, timestampUs: now * 1000 }));
    });
  }

  /** Frees the clock. */
  protected override _close(): void {
    this.#stop();
  }
}
