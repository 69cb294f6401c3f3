import { DeviceMissing, LibraryMissing, RtcbotError } from "../errors.ts";
import type { CompressingSource } from "../media/encoded.ts";
import type { VideoFrame } from "../media/video_frame.ts";
import { MostRecentSubscription } from "../subscriptions/most_recent.ts";
import { Camera } from "./camera.ts";
import { CameraEncoded } from "./camera_encoded.ts";
import type { CameraOptions } from "./camera_options.ts";
import type { Preprocess } from "./camera_preprocess.ts";
import { FFmpegSource } from "./ffmpeg_source.ts";
import { FFmpegTrack } from "./ffmpeg_track.ts";
import { PiCamera } from "./pi_camera.ts";
import { commandsFor, type PiCameraOptions, piWish } from "./pi_camera_args.ts";

/** Options of {@linkcode openCamera}. */
export interface OpenCameraOptions {
  /** Which one, if there are several: a number, or a webcam's path or a part of its name. @default {0} */
  readonly camera?: number | string;
  /** Width of the pictures. @default {320} */
  readonly width?: number;
  /** Height of the pictures. @default {240} */
  readonly height?: number;
  /** Pictures a second. @default {30} */
  readonly fps?: number;
  /** Called with each picture in a thread of its own, on Linux; what it returns is what the camera gives. */
  readonly preprocess?: Preprocess | URL;
  /** Whether it waits until a camera that failed is back. @default {false} */
  readonly reconnect?: boolean;
  /** What else a Pi's camera is to be told. */
  readonly pi?: PiCameraOptions;
  /** What else a webcam is to be told. */
  readonly webcam?: CameraOptions;
}

/**
 * The camera of this machine, whichever it has: a Raspberry Pi's own one, else a webcam (V4L2).
 *
 * Needs `--allow-ffi`; for the Pi's camera `--allow-run=rpicam-vid` too, without which it is not looked for and
 * nobody is asked. On macOS and Windows ffmpeg takes the pictures (`--allow-run=ffmpeg`), which has not been
 * tried; on Windows `camera` must be the camera's name.
 *
 * ```ts no-run
 * import { openCamera, Display } from "rtcbot";
 *
 * await using camera = openCamera({ width: 640, height: 480 });
 * await using display = new Display();
 * display.putSubscription(camera);
 * await display;
 * ```
 *
 * It fails with `DeviceMissing` and all that was looked for when there is none, and otherwise as `PiCamera` and
 * `Camera` do.
 *
 * @throws {RangeError | TypeError} when the options make no sense
 */
export function openCamera(options: OpenCameraOptions = {}): AnyCamera {
  return new AnyCamera(options);
}

/** What a camera was found to be. */
type Found = PiCamera | Camera;

/** The camera that `openCamera()` gives; which it is shows in `source` when it is ready. */
export class AnyCamera extends FFmpegTrack<VideoFrame> implements CompressingSource {
  readonly #options: OpenCameraOptions;
  readonly #running: Promise<void>;
  #source: Found | FFmpegSource | null = null;
  #encoded: CameraEncoded | null = null;
  #passesFrames = false;
  /** Cameras whose H.264 is handed on. */
  readonly #passed = new WeakSet<object>();

  /** Made by {@linkcode openCamera}. */
  constructor(options: OpenCameraOptions) {
    super(() => new MostRecentSubscription(), () => this.#pass());
    piWish(piOptions(options)); // the bounds of webcams are no narrower
    this.#options = options;
    this.#running = this.#run();
  }

  /** The camera that was found, for what only it can do; `null` before. */
  get source(): PiCamera | Camera | FFmpegSource | null {
    return this.#source;
  }

  /** What connections pass on: the H.264 of the camera that was found, as it does by itself. */
  get passThrough(): CameraEncoded | null {
    return this.#source instanceof FFmpegSource ? null : this.#source?.passThrough ?? null;
  }

  /** The camera's own H.264. A Pi's makes it once this was looked at; a webcam that has none fails it. */
  get encoded(): CameraEncoded {
    if (this.#encoded === null) {
      this.#encoded = new CameraEncoded(() => {
        if (this.#source instanceof Camera) this.#source.encoded.requestKeyFrame();
      });
      if (this.closed) this.#encoded.close();
      else if (this.#source !== null) this.#passEncoded();
    }
    return this.#encoded;
  }

  /** Closes the camera that was found. */
  protected override async _close(): Promise<void> {
    if (this.error !== null) this.#encoded?.fail(this.error);
    this.#encoded?.close();
    await this.#source?.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve)); // until it is known what is subscribed to
    if (this.closed) return;
    const { os } = Deno.build;
    try {
      if (os === "darwin" || os === "windows") this.#keep(ffmpegCamera(this.#options, os));
      else await this.#find();
    } catch (error) {
      this.fail(error);
    }
  }

  async #find(): Promise<void> {
    const { camera, pi: _, webcam, ...common } = this.#options;
    const looked: string[] = [];
    if (typeof camera === "string") looked.push("only a webcam can be meant by a name");
    else if (!mayRun(this.#options)) {
      looked.push("the Pi's was not looked for without --allow-run=rpicam-vid");
    } else if (await this.#try(() => new PiCamera(piOptions(this.#options)), looked)) return;
    const options = { ...webcam, ...common, ...(camera === undefined ? {} : { camera }) };
    if (this.closed || await this.#try(() => new Camera(options), looked)) return;
    throw new DeviceMissing(
      `Cannot open a camera: none was found (${
        looked.join("; ")
      }); plug one in, or see "deno task doctor"`,
    );
  }

  /** @returns whether it is the one, or it is over @throws when there is one that does not work */
  async #try(make: () => Found, looked: string[]): Promise<boolean> {
    const source = make();
    this.#source = source;
    this.#pass();
    try {
      await source.onReady();
    } catch (error) {
      this.#source = null;
      this.#passesFrames = false;
      await source.close();
      if (this.closed) return true;
      if (!(error instanceof DeviceMissing || error instanceof LibraryMissing)) throw error;
      looked.push(error.message.replace(/^Cannot /, "cannot "));
      return false;
    }
    this.#keep(source);
    return true;
  }

  /** From now on its end is ours. */
  #keep(source: Found | FFmpegSource): void {
    this.#source = source;
    this.#pass();
    source.onClose(() => {
      if (source.error !== null) this.fail(source.error);
      else this.close();
    });
    if (this.#encoded !== null) this.#passEncodedError();
    this.begin();
  }

  /** Hands on what somebody wants, from the camera that is there. */
  #pass(): void {
    const source = this.#source;
    if (source === null || source.closed) return;
    if (this.wanted && !this.#passesFrames) {
      this.#passesFrames = true;
      const frames = source instanceof FFmpegSource ? source.video : source;
      frames.subscribe((frame: VideoFrame) => this.give(frame));
    }
    if (this.#encoded !== null) this.#passEncoded();
  }

  #passEncoded(): void {
    const [source, encoded] = [this.#source, this.#encoded!];
    if (source === null || this.#passed.has(source)) return;
    this.#passed.add(source);
    if (source instanceof FFmpegSource) {
      return encoded.fail(
        new RtcbotError("Cannot give H.264: this camera is read by ffmpeg; use its frames"),
      );
    }
    source.encoded.subscribe((chunk) => {
      encoded.begin();
      encoded.give(chunk);
    });
    if (this.ready) this.#passEncodedError();
  }

  #passEncodedError(): void {
    const source = this.#source;
    if (source === null || source instanceof FFmpegSource) return;
    source.encoded.onError((error) => this.#encoded!.fail(error));
  }
}

function piOptions({ camera, pi, webcam: _, ...common }: OpenCameraOptions): PiCameraOptions {
  return { ...pi, ...common, ...(typeof camera === "number" ? { camera } : {}) };
}

/** Whether one of the Pi's commands may be run without asking anybody. */
function mayRun(options: OpenCameraOptions): boolean {
  return commandsFor(piOptions(options)).some((command) =>
    Deno.permissions.querySync({ name: "run", command }).state === "granted"
  );
}

function ffmpegCamera(options: OpenCameraOptions, os: "darwin" | "windows"): FFmpegSource {
  const { camera = 0, width = 320, height = 240, fps = 30 } = options;
  if (os === "windows" && typeof camera === "number") {
    throw new TypeError(
      "Cannot open a camera: on Windows it needs a name; give camera: one of those that " +
        '"ffmpeg -list_devices true -f dshow -i dummy" shows',
    );
  }
  const [format, input] = os === "darwin"
    ? ["avfoundation", `${camera}`]
    : ["dshow", `video=${camera}`];
  return new FFmpegSource(input, {
    ...{ format, size: [width, height], fps, video: true },
    inputArgs: ["-framerate", `${fps}`],
    restart: options.reconnect ? "on-exit" : "never",
  });
}
