import type { VideoKernel } from "../../ffi/v4l2.ts";
import type { CameraControlValue } from "./camera_controls.ts";
import type { CameraPixelFormat } from "./camera_format.ts";
import type { Preprocess } from "./camera_preprocess.ts";

/** Options of `Camera`. */
export interface CameraOptions {
  /**
   * Which one: its number (0 is `/dev/video0`), its path, or a part of its name or of where it is plugged
   * in (`name` and `bus` of `Camera.list()`), in any case.
   * @default {0}
   */
  camera?: number | string;
  /** Width of the pictures; the camera's nearest is taken. @default {320} */
  width?: number;
  /** Height of the pictures. @default {240} */
  height?: number;
  /** Pictures a second. @default {30} */
  fps?: number;
  /**
   * How the camera is to hand them over: `"MJPEG"` where USB is the bottleneck, `"H264"` for its own
   * compression, which `conn.video.putSubscription(camera)` passes on to viewers at next to no cost. Its bit
   * rate does not follow their networks; `addTrack(camera, { bitrate })` has frames encoded instead.
   * @default what costs least
   */
  pixelFormat?: CameraPixelFormat;
  /**
   * Called with each picture in a thread of its own; what it returns is what the camera gives. When it is
   * slow, it gets the newest picture next. The function is carried over by its source text, so it can use
   * nothing from around it; a URL names a module that exports it as default. `encoded` is left alone.
   */
  preprocess?: Preprocess | URL;
  /** Controls to be set at opening, by name, in this order: `{ exposure: 200 }`. @default none */
  controls?: Readonly<Record<string, CameraControlValue>>;
  /** Bits a second that a camera with H.264 is to make. @default what it does by itself */
  bitrate?: number;
  /**
   * When it is unplugged or fails, waits until it is back, instead of failing: the camera of the same name
   * on the same bus, or else of the same name anywhere. Subscriptions stay, controls are set again.
   * @default {false}
   */
  reconnect?: boolean;
  /** A camera that gives nothing for so long has failed, in milliseconds; 0 for never. @default {5000} */
  stallTimeoutMs?: number;
  /** Whose cameras. @default this machine's; a test gives `FakeVideoKernel` */
  kernel?: VideoKernel;
}

export type { VideoKernel };
