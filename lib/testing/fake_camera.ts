import {
  type CameraControl,
  type CameraControlValue,
  controlName,
  controlNumber,
  controlValue,
} from "../devices/camera_controls.ts";
import type { CameraFormat } from "../devices/camera_format.ts";
import { type Preprocess, Preprocessor } from "../devices/camera_preprocess.ts";
import { DeviceMissing } from "../errors.ts";
import { testCard } from "../media/test_card.ts";
import { VideoFrame } from "../media/video_frame.ts";
import { MostRecentSubscription } from "../subscriptions/most_recent.ts";
import { SubscriptionProducer } from "../subscriptions/producer.ts";
import { type Clock, systemClock } from "./clock.ts";

/** Options of {@linkcode FakeCamera}; what they mean is said of `Camera`. */
export interface FakeCameraOptions {
  /** Width of the picture, even, in pixels. @default {640} */
  width?: number;
  /** Height of the picture, even, in pixels. @default {480} */
  height?: number;
  /** Pictures a second. @default {30} */
  fps?: number;
  /** Called with each picture in a thread of its own; what it returns is given. */
  preprocess?: Preprocess | URL;
  /** Controls to be set at once, by name. @default none */
  controls?: Readonly<Record<string, CameraControlValue>>;
  /** Whether it goes on when it is plugged in again, instead of failing. @default {false} */
  reconnect?: boolean;
  /** The time that it lives in. @default the system's */
  clock?: Clock;
}

const RANGE = { step: 1, items: [], readOnly: false, inactive: false } as const;
const FREQUENCIES = ["Disabled", "50 Hz", "60 Hz"].map((name, value) => ({ value, name }));
const CONTROLS: readonly CameraControl[] = [
  {
    ...RANGE,
    name: "brightness",
    label: "Brightness",
    type: "integer",
    min: 0,
    max: 255,
    default: 128,
  },
  {
    ...{ ...RANGE, name: "white_balance_automatic", label: "White Balance, Automatic" },
    ...{ type: "boolean", min: 0, max: 1, default: true },
  },
  {
    ...{ ...RANGE, name: "power_line_frequency", label: "Power Line Frequency" },
    ...{ type: "menu", min: 0, max: 2, items: FREQUENCIES, default: "50 Hz" },
  },
];

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
 * camera.unplug();
 * assert.match(camera.error!.message, /it was unplugged/);
 * ```
 */
export class FakeCamera extends SubscriptionProducer<VideoFrame> {
  /** What it gives. */
  readonly format: CameraFormat;
  /** What it calls itself. */
  readonly name = "Fake camera";
  readonly #stop: () => void;
  readonly #reconnect: boolean;
  readonly #preprocessor: Preprocessor | null;
  readonly #values = new Map<CameraControl, number>();
  #present = true;

  /** Starts to count at once. @param options see {@linkcode FakeCameraOptions} */
  constructor(options: FakeCameraOptions = {}) {
    super({ defaultSubscription: () => new MostRecentSubscription() });
    const { width = 640, height = 480, fps = 30, clock = systemClock } = options;
    testCard(0, { width, height }); // refuses sizes that make no sense now, not at the first picture
    this.format = { width, height, fps, pixelFormat: "I420" };
    this.#reconnect = options.reconnect ?? false;
    for (const control of CONTROLS) this.#set(control, control.default!);
    for (const [name, value] of Object.entries(options.controls ?? {})) {
      this.#set(find(name), value);
    }
    const { preprocess } = options;
    this.#preprocessor = preprocess === undefined ? null : new Preprocessor(preprocess, {
      give: (frame) => this._put_nowait(frame),
      failed: (error) => this._setError(error),
    });
    const start = clock.now();
    this.#stop = clock.every(1000 / fps, () => {
      if (!this._hasSubscribers || !this.#present) return;
      const now = clock.now();
      const { format, planes } = testCard(Math.round((now - start) * fps / 1000), {
        width,
        height,
      });
      const frame = new VideoFrame({ width, height, format, planes, timestampUs: now * 1000 });
      if (this.#preprocessor === null) this._put_nowait(frame);
      else this.#preprocessor.push(frame);
    });
  }

  /** Its controls; those that a webcam has, without effect on the picture. */
  // deno-lint-ignore require-await
  async controls(): Promise<readonly CameraControl[]> {
    this.#check("list the controls of");
    return CONTROLS;
  }

  /** The value of a control. @throws {TypeError} when it has no such control */
  // deno-lint-ignore require-await
  async getControl(name: string): Promise<CameraControlValue> {
    this.#check("get a control of");
    const control = find(name);
    return controlValue(control, this.#values.get(control)!);
  }

  /** Sets a control. @throws {TypeError | RangeError} when there is no such control, or it does not take it */
  // deno-lint-ignore require-await
  async setControl(name: string, value: CameraControlValue): Promise<CameraControlValue> {
    this.#check("set a control of");
    const control = find(name);
    this.#set(control, value);
    return controlValue(control, this.#values.get(control)!);
  }

  /** Pulls the plug: it fails, or with `reconnect` is silent until it is plugged in again. */
  unplug(): void {
    this.#present = false;
    if (this.#reconnect) return;
    this._setError(
      new DeviceMissing(
        `Cannot read camera "${this.name}": it was unplugged; plug it in again, ` +
          "or make it with reconnect: true to have it opened when it is back",
      ),
    );
  }

  /** Plugs it in again. */
  plugIn(): void {
    this.#present = true;
  }

  /** Frees the clock and the thread. */
  protected override async _close(): Promise<void> {
    this.#stop();
    await this.#preprocessor?.close();
  }

  #check(action: string): void {
    this._refuseIfClosed(action);
    if (this.#present) return;
    throw new DeviceMissing(`Cannot ${action} "${this.name}": it is away; wait until it is back`);
  }

  #set(control: CameraControl, value: CameraControlValue): void {
    this.#values.set(control, controlNumber(control, value));
  }
}

function find(name: string): CameraControl {
  const control = CONTROLS.find((control) => control.name === controlName(name));
  if (control !== undefined) return control;
  const names = CONTROLS.map((control) => control.name).join(", ");
  throw new TypeError(`Cannot find control "${name}" of camera "Fake camera": it has ${names}`);
}
