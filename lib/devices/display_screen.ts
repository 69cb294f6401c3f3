/** The windows of all displays of this program: SDL is started once, and its events are read in one place. */

import { type Sdl, startSdl, stopSdl, usableSize } from "../../ffi/sdl2.ts";
import { pollSdl, type SdlEvent } from "../../ffi/sdl2_events.ts";
import { SdlWindow } from "../../ffi/sdl2_window.ts";
import type { VideoFrame } from "../media/video_frame.ts";
import { type DisplayKey, displayKey } from "./display_keys.ts";

/** What a `Display` is told of its window. */
export interface StageListener {
  /** The user closed it. */
  onUserClose(): void;
  /** The user pressed a key in it, or let go of one. */
  onKey(key: DisplayKey): void;
}

/** Where a `Display` shows its frames: a window of SDL's, or a fake one. */
export interface DisplayStage {
  /** Puts the window on the screen. Called once, before `show`. */
  open(title: string, width: number, height: number): void;
  /** Shows a frame, in its own proportions. */
  show(frame: VideoFrame): void;
  /** Takes the window away. */
  close(): void;
}

/** How often events are looked for: a key waits 10 ms on average. A look that finds none takes 3 µs. */
const PUMP_MS = 20;
/** So much of the screen may a window have that nobody gave a size. */
const LARGEST_PART = 0.9;

/** SDL, from the first display's start to the last one's end. */
class Screen {
  readonly sdl: Sdl = startSdl();
  readonly #stages = new Set<SdlStage>();
  readonly #timer = setInterval(() => this.#pump(), PUMP_MS);

  join(stage: SdlStage): void {
    this.#stages.add(stage);
  }

  leave(stage: SdlStage): void {
    this.#stages.delete(stage);
    if (this.#stages.size > 0) return;
    clearInterval(this.#timer);
    stopSdl(this.sdl);
    screen = null;
  }

  #pump(): void {
    for (const event of [...pollSdl(this.sdl)]) {
      for (const stage of [...this.#stages]) stage.take(event);
    }
  }
}

let screen: Screen | null = null;

/** A window of SDL's. */
export class SdlStage implements DisplayStage {
  readonly #listener: StageListener;
  readonly #screen: Screen;
  #window: SdlWindow | null = null;

  /**
   * Starts SDL if this is the first one; there is no window yet.
   *
   * @throws {LibraryMissing} when SDL is not on this machine
   * @throws {DeviceMissing} when there is no screen
   */
  constructor(listener: StageListener) {
    this.#listener = listener;
    this.#screen = screen ??= new Screen();
    this.#screen.join(this);
  }

  /** Puts the window on the screen, smaller if the screen is. @throws {SystemCallError} when SDL cannot */
  open(title: string, width: number, height: number): void {
    const { sdl } = this.#screen;
    const [right, bottom] = usableSize(sdl) ?? [Infinity, Infinity];
    const scale = Math.min(1, LARGEST_PART * right / width, LARGEST_PART * bottom / height);
    const [fitWidth, fitHeight] = [Math.round(scale * width), Math.round(scale * height)];
    this.#window = new SdlWindow(sdl, title, Math.max(1, fitWidth), Math.max(1, fitHeight));
  }

  /** Shows a frame. @throws {SystemCallError} when SDL cannot */
  show(frame: VideoFrame): void {
    this.#window?.show(this.#window.takes(frame.format) ? frame : frame.toI420());
  }

  /** Takes the window away; the last one ends SDL. */
  close(): void {
    this.#window?.destroy();
    this.#window = null;
    this.#screen.leave(this);
  }

  /** For the screen: something happened to some window. */
  take(event: SdlEvent): void {
    if (event.kind === "quit") return this.#listener.onUserClose();
    if (event.window !== this.#window?.id) return;
    if (event.kind === "close") this.#listener.onUserClose();
    else if (event.kind === "key") this.#listener.onKey(displayKey(event.key, performance.now()));
    else this.#window.redraw();
  }
}
