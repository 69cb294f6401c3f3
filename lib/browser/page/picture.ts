/// <reference lib="dom" />
/** The robot's view: how it fills the screen, how many frames a second it shows, the glow around it. */

/** Filling the screen may hide this part of the picture; else the whole picture is shown. */
const MAY_HIDE = 0.25;
/** No new frame for this long is worth telling. */
const STILL_AFTER_MS = 2000;
/** The glow is a few pixels: four times a second is plenty. */
const GLOW_EVERY_MS = 250;

/** Watches the video element. */
export class Picture {
  /** Frames shown since the page was opened. */
  frames = 0;

  readonly #root: HTMLElement;
  readonly #video: HTMLVideoElement;
  readonly #last: HTMLCanvasElement;
  readonly #glow: CanvasRenderingContext2D | null;
  #times: number[] = [];
  #glowMs = 0;
  #aspect: number | null = null;
  #chosen: "fill" | "fit" | null = null;

  /** @param last what is shown of a stream that has ended */
  constructor(
    root: HTMLElement,
    video: HTMLVideoElement,
    last: HTMLCanvasElement,
    glow: HTMLCanvasElement,
  ) {
    this.#root = root;
    this.#video = video;
    this.#last = last;
    this.#glow = glow.getContext("2d", { alpha: false });
    video.addEventListener("resize", () => this.#layOut());
    globalThis.addEventListener("resize", () => this.#layOut());
    this.#watch();
  }

  /** Shows a stream. */
  show(stream: MediaStream): void {
    this.#video.srcObject = stream;
    // A browser that saves power may refuse; the next touch starts it.
    this.#video.play().catch(() => {
      document.addEventListener("pointerdown", () => void this.#video.play(), { once: true });
    });
  }

  /** The stream has ended: its last picture stays until something comes of another one. */
  freeze(): void {
    const { videoWidth, videoHeight } = this.#video;
    if (videoWidth && videoHeight) {
      Object.assign(this.#last, { width: videoWidth, height: videoHeight });
      this.#last.getContext("2d")?.drawImage(this.#video, 0, 0);
      this.#root.toggleAttribute("data-frozen", true);
    }
    this.#video.srcObject = null;
  }

  /** Frames in the last second. */
  get fps(): number {
    const since = performance.now() - 1000;
    this.#times = this.#times.filter((time) => time > since);
    return this.#times.length;
  }

  /** Whether there is a picture that moves. */
  get moving(): boolean {
    return performance.now() - (this.#times.at(-1) ?? -Infinity) < STILL_AFTER_MS;
  }

  /** Whole picture or full screen, the other than now. */
  toggleFit(): void {
    this.#chosen = this.#root.dataset.fit === "fill" ? "fit" : "fill";
    this.#layOut();
  }

  #watch(): void {
    if (typeof this.#video.requestVideoFrameCallback === "function") {
      const onFrame = () => {
        this.#video.requestVideoFrameCallback(onFrame);
        this.#count(1);
      };
      this.#video.requestVideoFrameCallback(onFrame);
      return;
    }
    // Firefox before 132
    let shown = 0;
    setInterval(() => {
      const total = this.#video.getVideoPlaybackQuality().totalVideoFrames;
      this.#count(Math.max(0, total - shown));
      shown = total;
    }, 100);
  }

  #count(frames: number): void {
    if (frames === 0) return;
    const now = performance.now();
    this.#root.removeAttribute("data-frozen");
    this.frames += frames;
    for (let i = 0; i < frames; i++) this.#times.push(now);
    if (this.#times.length > 300) this.#times.splice(0, 150);
    if (now - this.#glowMs < GLOW_EVERY_MS) return;
    this.#glowMs = now;
    this.#paintGlow();
  }

  #paintGlow(): void {
    const glow = this.#glow;
    if (!glow) return;
    const { width, height } = glow.canvas;
    glow.drawImage(this.#video, 0, 0, width, height);
    glow.fillStyle = "rgb(6 9 13 / 0.62)";
    glow.fillRect(0, 0, width, height);
  }

  #layOut(): void {
    const { videoWidth, videoHeight } = this.#video;
    if (videoWidth && videoHeight) this.#aspect = videoWidth / videoHeight; // else it is the last one's
    const picture = this.#aspect;
    if (picture === null) return;
    const screen = innerWidth / innerHeight;
    const hidden = 1 - Math.min(picture / screen, screen / picture);
    this.#root.style.setProperty("--aspect", String(picture));
    this.#root.dataset.fit = this.#chosen ?? (hidden <= MAY_HIDE ? "fill" : "fit");
  }
}
