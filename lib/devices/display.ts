import { checkSize } from "../media/pixel_format.ts";
import type { PixelArray, VideoFrame } from "../media/video_frame.ts";
import { asVideoFrame } from "../media/video_like.ts";
import { SubscriptionConsumer } from "../subscriptions/consumer.ts";
import { MostRecentSubscription } from "../subscriptions/most_recent.ts";
import { DisplayKeys } from "./display_keys.ts";
import { type DisplayStage, SdlStage, type StageListener } from "./display_screen.ts";
import { pause } from "./pause.ts";

/** Options of {@linkcode Display}. */
export interface DisplayOptions {
  /** The window's title. @default {"RTCBot"} */
  readonly name?: string;
  /** Width of the window in pixels, to begin with. @default the first frame's */
  readonly width?: number;
  /** Height of the window in pixels, to begin with. @default the first frame's */
  readonly height?: number;
}

/** What can be shown; arrays are grey, BGR or BGRA by their number of channels. */
export type Displayable = VideoFrame | PixelArray;

/** Drawing leaves the rest of the program this many times as long as it took. */
const REST = 3;

/**
 * A window that shows frames: the newest only, in their own proportions however the user sizes it.
 *
 * The window opens with the first frame, or at once if `width` and `height` are given. There may be several.
 * When the user closes one, that display is closed, and only that; `onClose` tells. While a display is open
 * the program goes on.
 *
 * Drawing happens on the event loop, as systems want it, and takes at most a quarter of it (a 640x480 frame
 * 1 to 4 ms): when frames come faster than that, some are not shown.
 *
 * Needs `--allow-ffi`, and SDL 2 (`libsdl2-2.0-0`). Runs under X11, Wayland and on a bare console, and is made
 * for macOS and Windows too, where it has not been tried; not in a Worker.
 *
 * ```ts no-run
 * import { Display } from "rtcbot";
 * import { FakeCamera } from "rtcbot/testing";
 *
 * await using camera = new FakeCamera();
 * await using display = new Display({ name: "Front" });
 * display.putSubscription(camera);
 * display.keys.subscribe(({ type, key }) => console.log(type, key));
 * await display; // until the user closes the window
 * ```
 *
 * It fails with `LibraryMissing` where there is no SDL, `DeviceMissing` where there is no screen, and with
 * `TypeError` when what was put is no picture.
 *
 * RTCBot: `CVDisplay`.
 */
export class Display extends SubscriptionConsumer<Displayable> {
  /** The keys that are pressed while the window has the keyboard. */
  readonly keys: DisplayKeys = new DisplayKeys();
  readonly #options: DisplayOptions;
  #stage: DisplayStage | null = null;
  #opened = false;
  #shown = 0;
  /** Ends the rest after a frame. */
  readonly #closing = new AbortController();

  /**
   * Describes the window; `ready` fires when there is a screen for it.
   *
   * @param stage for fakes: what it shows on
   * @throws {TypeError} when only one of width and height is given
   * @throws {RangeError} when they are of no use
   */
  constructor(
    options: DisplayOptions = {},
    stage: (listener: StageListener) => DisplayStage = (listener) => new SdlStage(listener),
  ) {
    super({ ready: false, directPutSubscription: () => new MostRecentSubscription() });
    const { width, height } = options;
    if ((width === undefined) !== (height === undefined)) {
      throw new TypeError(
        "Cannot make a display: only one of width and height is given; give both",
      );
    }
    if (width !== undefined) checkSize(width, height!);
    this.#options = options;
    queueMicrotask(() => this.#run(stage));
  }

  /** How many frames were shown. */
  get shown(): number {
    return this.#shown;
  }

  /** Takes the window away. */
  protected override _close(): Promise<void> {
    this.#closing.abort();
    this.#stage?.close();
    this.#stage = null;
    return this.keys.close();
  }

  async #run(makeStage: (listener: StageListener) => DisplayStage): Promise<void> {
    if (this.closed) return;
    try {
      this.#stage = makeStage({
        onUserClose: () => this.close(),
        onKey: (key) => this.keys.give(key),
      });
      const { width, height } = this.#options;
      if (width !== undefined) this.#open(width, height!);
      this._setReady();
      for (;;) {
        const value = await this._get();
        const beginMs = performance.now();
        this.#show(asVideoFrame(value, 0, "show"));
        await pause(REST * (performance.now() - beginMs), this.#closing.signal);
      }
    } catch (error) {
      this._setError(error); // has no effect when it was closed, which is how the loop ends
    }
  }

  #show(frame: VideoFrame): void {
    if (this.closed) return;
    if (!this.#opened) this.#open(frame.width, frame.height);
    this.#stage!.show(frame);
    this.#shown++;
  }

  #open(width: number, height: number): void {
    this.#opened = true;
    this.#stage!.open(this.#options.name ?? "RTCBot", width, height);
  }
}
