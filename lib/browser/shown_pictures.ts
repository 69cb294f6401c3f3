/// <reference lib="dom" />
/** Tells the robot when its pictures were displayed, from which it knows how old they were. */

import { SHOWN_INTERVAL_MS } from "../wire/library_channel.ts";

/** Watches video elements, and picks a few of their pictures a second. */
export class ShownPictures {
  readonly #tell: (timestamp90kHz: number, shownMs: number) => void;
  readonly #stops = new Map<HTMLVideoElement, () => void>();

  /** @param tell told of a picture, on the clock of `performance.now()` */
  constructor(tell: (timestamp90kHz: number, shownMs: number) => void) {
    this.#tell = tell;
  }

  /** Watches one more element; a browser without `requestVideoFrameCallback` tells nothing. */
  watch(video: HTMLVideoElement): void {
    if (this.#stops.has(video) || typeof video.requestVideoFrameCallback !== "function") return;
    let dueMs = -Infinity;
    const onFrame: VideoFrameRequestCallback = (nowMs, { rtpTimestamp, expectedDisplayTime }) => {
      request = video.requestVideoFrameCallback(onFrame);
      if (rtpTimestamp === undefined || nowMs < dueMs) return;
      dueMs = nowMs + SHOWN_INTERVAL_MS;
      this.#tell(rtpTimestamp, expectedDisplayTime);
    };
    let request = video.requestVideoFrameCallback(onFrame);
    this.#stops.set(video, () => video.cancelVideoFrameCallback(request));
  }

  /** Watches no more. */
  close(): void {
    for (const stop of this.#stops.values()) stop();
    this.#stops.clear();
  }
}
