import { videoKernel } from "../../ffi/v4l2.ts";
import { CID } from "../../ffi/v4l2_layout.ts";
import { DeviceMissing, LibraryMissing, RtcbotError } from "../errors.ts";
import type { CompressingSource } from "../media/encoded.ts";
import type { VideoFrame } from "../media/video_frame.ts";
import { MostRecentSubscription } from "../subscriptions/most_recent.ts";
import { SubscriptionProducer } from "../subscriptions/producer.ts";
import { CameraClock } from "./camera_clock.ts";
import type { CameraControl, CameraControlValue } from "./camera_controls.ts";
import { CameraEncoded } from "./camera_encoded.ts";
import { type CameraFormat, type CameraInfo, checkWish } from "./camera_format.ts";
import type { CameraOptions } from "./camera_options.ts";
import { pictureMaker, type PictureTaker } from "./camera_pictures.ts";
import { Preprocessor } from "./camera_preprocess.ts";
import {
  type CameraIdentity,
  findAgain,
  listCameras,
  openCameraDevice,
  pathOf,
} from "./camera_search.ts";
import { pause } from "./pause.ts";
import { V4l2Capture } from "./v4l2_capture.ts";
import { allBroken } from "./v4l2_errors.ts";
import { V4l2Controls } from "./v4l2_controls.ts";
import type { V4l2Device, V4l2Format } from "./v4l2_device.ts";

/** How often a camera that is away is looked for. */
const LOOK_MS = 500;
/** A camera that is well gives pictures more often, also in the dark. */
const STALL_MS = 5000;
/** Key frames are large. */
const KEY_FRAME_MS = 300;

/** One opening of the device. */
interface Session {
  readonly device: V4l2Device;
  readonly controls: V4l2Controls;
  readonly capture: V4l2Capture;
  readonly format: V4l2Format;
}

/**
 * A camera of Linux: a webcam, an industrial camera, a frame grabber (V4L2).
 *
 * Gives `I420` frames (`GRAY` of a grey camera) that own their memory, the newest only by default. Their
 * `timestampUs` is the driver's, on the clock of `performance.now()`. Pictures are converted or decoded
 * only while somebody is subscribed.
 *
 * It is opened at construction; it is `ready` when it has been started, and `format` says what its pictures
 * are: the nearest that the camera has to what was asked. Needs `--allow-ffi`.
 *
 * ```ts no-run
 * import { Camera } from "rtcbot";
 *
 * await using camera = new Camera({ width: 640, height: 480 });
 * for await (const frame of camera) console.log(frame.width, frame.height, frame.toBGR().shape);
 * ```
 *
 * It fails with `DeviceMissing` when there is no such camera or it was unplugged, with `DeviceBusy` when
 * another program has it, and with `SystemCallError` when it may not be used, breaks down or falls silent.
 *
 * RTCBot: `CVCamera`.
 */
export class Camera extends SubscriptionProducer<VideoFrame> implements CompressingSource {
  /** The camera's own H.264; fails when it gives something else. */
  readonly encoded: CameraEncoded;
  readonly #options: CameraOptions;
  readonly #preprocessor: Preprocessor | null;
  readonly #settings: Map<string, CameraControlValue>;
  readonly #running: Promise<void>;
  readonly #closing = new AbortController();
  readonly #clock = new CameraClock();
  #session: Session | null = null;
  #identity: CameraIdentity | null = null;
  #format: CameraFormat | null = null;
  #dropped = 0;
  #damaged = 0;
  #askedMs = -Infinity;

  /**
   * Begins to open it.
   *
   * @param options see {@linkcode CameraOptions}
   * @throws {RangeError | TypeError} when they make no sense
   */
  constructor(options: CameraOptions = {}) {
    super({ ready: false, defaultSubscription: () => new MostRecentSubscription() });
    checkWish(wishOf(options));
    pathOf(options.camera ?? 0);
    this.#options = options;
    this.#settings = new Map(Object.entries(options.controls ?? {}));
    this.encoded = new CameraEncoded(() => this.#requestKeyFrame());
    const { preprocess } = options;
    this.#preprocessor = preprocess === undefined ? null : new Preprocessor(preprocess, {
      give: (frame) => this._put_nowait(frame),
      failed: (error) => this._setError(error),
    });
    this.#running = this.#run();
  }

  /** What connections pass on: its own H.264, if it gives that and no `preprocess` alters its frames. */
  get passThrough(): CameraEncoded | null {
    return this.#preprocessor === null && this.encoded.ready ? this.encoded : null;
  }

  /** The cameras that are here, and what they can give. Needs `--allow-ffi`. */
  static async list(options: Pick<CameraOptions, "kernel"> = {}): Promise<CameraInfo[]> {
    return await listCameras(options.kernel ?? videoKernel());
  }

  /** What the camera was set to; `null` before it is open. */
  get format(): CameraFormat | null {
    return this.#format;
  }

  /** What it calls itself; `null` before it is open. */
  get name(): string | null {
    return this.#identity?.name ?? null;
  }

  /** Its file; `null` before it is open. */
  get path(): string | null {
    return this.#identity?.path ?? null;
  }

  /** Pictures that were lost because we did not empty the driver's memory in time. */
  get dropped(): number {
    return this.#dropped + (this.#session?.capture.dropped ?? 0);
  }

  /** Pictures that came broken and were left out: a bad cable, or a busy hub. */
  get damaged(): number {
    return this.#damaged + (this.#session?.capture.damaged ?? 0);
  }

  /** Its controls, with what they can be set to. Waits until it is open. */
  async controls(): Promise<readonly CameraControl[]> {
    return await (await this.#control("list the controls of")).list();
  }

  /**
   * The value of a control: a number, on or off, or the name of a menu's item.
   *
   * @param name as in {@linkcode controls}; `exposure`, `focus`, `zoom` and `white_balance` will do
   * @throws {TypeError} when it has no such control
   */
  async getControl(name: string): Promise<CameraControlValue> {
    return await (await this.#control("get a control of")).get(name);
  }

  /**
   * Sets a control, and again whenever the camera is reopened.
   *
   * @returns what it became: drivers round to their steps
   * @throws {TypeError} when it has no such control @throws {RangeError} when it does not take the value
   */
  async setControl(name: string, value: CameraControlValue): Promise<CameraControlValue> {
    const controls = await this.#control("set a control of");
    await controls.set(name, value);
    const is = await controls.get(name).catch(() => null);
    if (is === null) return value; // a button, which is not pressed again when it is reopened
    this.#settings.delete(name);
    this.#settings.set(name, value);
    return is;
  }

  /** Stops it and frees everything. */
  protected override async _close(): Promise<void> {
    this.#closing.abort();
    this.#session?.capture.stop();
    if (this.error !== null) this.encoded.fail(this.error);
    this.encoded.close();
    await this.#running;
    await this.#preprocessor?.close();
  }

  async #control(action: string): Promise<V4l2Controls> {
    this._refuseIfClosed(action);
    await this.onReady();
    this._refuseIfClosed(action);
    if (this.#session !== null) return this.#session.controls;
    throw new DeviceMissing(`Cannot ${action} "${this.name}": it is away; wait until it is back`);
  }

  async #run(): Promise<void> {
    await null; // so that the object is whole
    while (!this.closed) {
      try {
        await this.#once();
      } catch (error) {
        if (this.closed) return;
        const hopeless = error instanceof LibraryMissing || this.#identity === null;
        if (hopeless || !this.#options.reconnect) return this._setError(error);
        await pause(LOOK_MS, this.#closing.signal);
      }
    }
  }

  /** From opening to the end. @throws why it ended, if it was not by `close()` */
  async #once(): Promise<void> {
    const { camera = 0, kernel = videoKernel(), stallTimeoutMs = STALL_MS } = this.#options;
    const device = this.#identity === null
      ? await openCameraDevice(kernel, camera)
      : await findAgain(kernel, this.#identity);
    try {
      if (this.closed) return;
      const session = this.#session = await this.#start(device);
      const { capture, format } = session;
      const { path, name, bus } = device;
      this.#identity = { path, name, bus };
      const { width, height, fps, pixelFormat } = format;
      this.#format = { width, height, fps, pixelFormat };
      this.#tellEncoded(format);
      this._setReady();
      const broken = { sinceMs: Infinity, error: null as Error | null };
      using maker = pictureMaker(format, this.#taker(session, broken));
      const offsetUs = performance.now() * 1000 - kernel.nowUs();
      if (this.closed) capture.stop();
      await capture.run(
        { every: pixelFormat === "H264", stallTimeoutMs },
        (picture) => {
          const { timestampUs } = picture, nowUs = performance.now() * 1000;
          maker.take(picture, this.#clock.stamp(timestampUs, offsetUs, nowUs));
        },
      );
      if (broken.error !== null) throw broken.error;
    } finally {
      this.#dropped = this.dropped;
      this.#damaged = this.damaged;
      this.#session = null;
      await device.close();
    }
  }

  async #start(device: V4l2Device): Promise<Session> {
    const format = await device.set(wishOf(this.#options));
    const controls = new V4l2Controls(device);
    for (const [name, value] of this.#settings) {
      await controls.set(name, value).catch((error) => {
        if (this.#identity === null) throw error; // and later it is better to see than to insist
      });
    }
    if (format.pixelFormat === "H264") {
      const { bitrate } = this.#options;
      if (bitrate !== undefined) await controls.setById(CID.MPEG_VIDEO_BITRATE, bitrate);
      await controls.setById(CID.MPEG_VIDEO_REPEAT_SEQ_HEADER, 1);
    }
    return { device, controls, format, capture: await V4l2Capture.start(device) };
  }

  #tellEncoded({ pixelFormat }: CameraFormat): void {
    if (pixelFormat === "H264") return this.encoded.begin();
    this.encoded.fail(
      new RtcbotError(
        `Cannot pass on what camera "${this.path}" compresses: it gives ${pixelFormat}; ` +
          'make it with pixelFormat: "H264" if it can, or take its frames',
      ),
    );
  }

  /** @param broken since when all pictures have been, and the error when that was too long */
  #taker(
    { device, capture }: Session,
    broken: { sinceMs: number; error: Error | null },
  ): PictureTaker {
    const { stallTimeoutMs = STALL_MS } = this.#options;
    return {
      wanted: () => this._hasSubscribers,
      encoded: this.encoded,
      requestKeyFrame: () => this.#requestKeyFrame(),
      give: (frame) => {
        broken.sinceMs = Infinity;
        if (this.#preprocessor === null) this._put_nowait(frame);
        else this.#preprocessor.push(frame);
      },
      damaged: () => {
        this.#damaged++;
        const nowMs = performance.now();
        broken.sinceMs = Math.min(broken.sinceMs, nowMs);
        if (stallTimeoutMs <= 0 || nowMs - broken.sinceMs < stallTimeoutMs) return;
        broken.error = allBroken(device.path, device.name, stallTimeoutMs);
        capture.stop();
      },
      failed: (error) => this._setError(error),
    };
  }

  #requestKeyFrame(): void {
    const nowMs = performance.now();
    if (nowMs - this.#askedMs < KEY_FRAME_MS) return;
    this.#askedMs = nowMs;
    this.#session?.controls.setById(CID.MPEG_VIDEO_FORCE_KEY_FRAME, 1);
  }
}

function wishOf({ width = 320, height = 240, fps = 30, pixelFormat }: CameraOptions) {
  return { width, height, fps, pixelFormat };
}
