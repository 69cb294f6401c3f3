import { noScreen } from "../../ffi/sdl2.ts";
import { Display, type DisplayOptions } from "../devices/display.ts";
import { type DisplayKey, keyCodeOf } from "../devices/display_keys.ts";
import type { DisplayStage, StageListener } from "../devices/display_screen.ts";
import type { VideoFrame } from "../media/video_frame.ts";

/** Options of {@linkcode FakeDisplay}. */
export interface FakeDisplayOptions extends DisplayOptions {
  /** Whether there is a screen; without one it fails as a `Display` does. @default {true} */
  readonly screen?: boolean;
}

/** The window that a user would see. */
export interface FakeWindow {
  /** Its title. */
  readonly title: string;
  /** Its width in pixels. */
  readonly width: number;
  /** Its height in pixels. */
  readonly height: number;
}

/**
 * A display without a screen that keeps the frames it showed; a test plays the user who closes its window
 * and presses keys.
 *
 * ```ts
 * import { FakeCamera, FakeDisplay } from "rtcbot/testing";
 *
 * await using camera = new FakeCamera();
 * const display = new FakeDisplay({ name: "Front" });
 * display.putSubscription(camera);
 * display.keys.subscribe(({ key }) => key === "q" && display.closeByUser());
 * await camera.subscribe().get();
 * display.press("q");
 * await display;
 * ```
 */
export class FakeDisplay extends Display {
  readonly #stage: FakeStage;

  /** Has a screen at once, and a window with the first frame. @param options see {@linkcode FakeDisplayOptions} */
  constructor(options: FakeDisplayOptions = {}) {
    const stage = new FakeStage(options.screen ?? true);
    super(options, (listener) => stage.begin(listener));
    this.#stage = stage;
  }

  /** The frames that were shown, oldest first. */
  get frames(): readonly VideoFrame[] {
    return this.#stage.frames;
  }

  /** The window, or `null` before the first frame and after the close. */
  get window(): FakeWindow | null {
    return this.#stage.window;
  }

  /** Closes the window as its user does. */
  closeByUser(): void {
    this.#stage.listener?.onUserClose();
  }

  /** Presses a key and lets go of it, by its name in pages: `"w"`, `"W"`, `"ArrowUp"`. */
  press(key: string): void {
    this.hold(key);
    this.release(key);
  }

  /** Presses a key and keeps it down. */
  hold(key: string): void {
    this.#key("keydown", key);
  }

  /** Lets go of a key. */
  release(key: string): void {
    this.#key("keyup", key);
  }

  #key(type: DisplayKey["type"], key: string): void {
    const shiftKey = key.length === 1 && key !== key.toLowerCase();
    const timestamp = performance.now();
    this.#stage.listener?.onKey({
      ...{ type, altKey: false, shiftKey, keyCode: keyCodeOf(key), key, timestamp },
    });
  }
}

/** What the fake shows on. */
class FakeStage implements DisplayStage {
  readonly frames: VideoFrame[] = [];
  readonly #hasScreen: boolean;
  listener: StageListener | null = null;
  window: FakeWindow | null = null;

  constructor(hasScreen: boolean) {
    this.#hasScreen = hasScreen;
  }

  begin(listener: StageListener): FakeStage {
    if (!this.#hasScreen) throw noScreen("a fake one that is not there");
    this.listener = listener;
    return this;
  }

  open(title: string, width: number, height: number): void {
    this.window = { title, width, height };
  }

  show(frame: VideoFrame): void {
    this.frames.push(frame);
  }

  close(): void {
    this.window = null;
    this.listener = null;
  }
}
