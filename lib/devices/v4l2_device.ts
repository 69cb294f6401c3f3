/** One open V4L2 camera: what it is, what it can give, and setting it to something. */
import type { VideoKernel } from "../../ffi/v4l2.ts";
import { ERRNO } from "../../ffi/errno.ts";
import {
  CAP,
  CAPABILITY,
  DISCRETE,
  FIELD_NONE,
  FMTDESC,
  FORMAT,
  fourcc,
  FRMIVAL,
  FRMSIZE,
  STREAMPARM,
  struct,
  textAt,
  TIMEPERFRAME,
  VIDEO_CAPTURE,
  VIDIOC,
} from "../../ffi/v4l2_layout.ts";
import { DeviceMissing } from "../errors.ts";
import {
  type CameraCapability,
  type CameraFormat,
  type CameraInfo,
  type CameraPixelFormat,
  type CameraSize,
  type CameraSizeRange,
  type CameraWish,
  nearestFormat,
} from "./camera_format.ts";
import { cannotOpen, notACamera } from "./v4l2_errors.ts";

/** V4L2's names; the first that a camera has is used. `JPEG` is what some older drivers say for `MJPG`. */
const FOURCC: readonly (readonly [code: number, format: CameraPixelFormat])[] = [
  [fourcc("YU12"), "I420"],
  [fourcc("NV12"), "NV12"],
  [fourcc("YUYV"), "YUYV"],
  [fourcc("MJPG"), "MJPEG"],
  [fourcc("JPEG"), "MJPEG"],
  [fourcc("H264"), "H264"],
  [fourcc("GREY"), "GRAY"],
];
/** More than any driver has; one that never says "no more" must not hold us up. */
const MOST = 256;

/** What a camera was set to, and how its memory is laid out. */
export interface V4l2Format extends CameraFormat {
  /** Bytes from row to row of the first plane; 0 for compressed pictures. */
  readonly stride: number;
}

/** A camera's descriptor. */
export class V4l2Device {
  /** Its file. */
  readonly path: string;
  /** What it calls itself. */
  readonly name: string;
  /** Where it is plugged in. */
  readonly bus: string;
  readonly #kernel: VideoKernel;
  readonly #fd: number;
  readonly #pending = new Set<Promise<unknown>>();
  #closed: Promise<void> | null = null;

  private constructor(kernel: VideoKernel, path: string, fd: number, capability: DataView) {
    this.#kernel = kernel;
    this.#fd = fd;
    this.path = path;
    this.name = textAt(capability, CAPABILITY.card, 32);
    this.bus = textAt(capability, CAPABILITY.bus, 32);
  }

  /** Opens a camera. @throws {DeviceMissing | SystemCallError} one sentence for each that can be */
  static async open(kernel: VideoKernel, path: string): Promise<V4l2Device> {
    const fd = await kernel.open(path);
    if (fd < 0) throw cannotOpen(path, -fd);
    const capability = struct(CAPABILITY);
    const result = kernel.ioctl(fd, VIDIOC.QUERYCAP, capability);
    const all = capability.getUint32(CAPABILITY.all, true);
    const able = all & CAP.DEVICE_CAPS ? capability.getUint32(CAPABILITY.device, true) : all;
    const wanted = CAP.VIDEO_CAPTURE | CAP.STREAMING;
    if (result >= 0 && (able & wanted) === wanted) {
      return new V4l2Device(kernel, path, fd, capability);
    }
    kernel.close(fd);
    const isDevice = result >= 0 || result === -ERRNO.ENODEV;
    throw isDevice && result < 0 ? cannotOpen(path, -result) : notACamera(path, able, result);
  }

  /** The kernel that has it. */
  get kernel(): VideoKernel {
    return this.#kernel;
  }

  /** A request that is answered at once; below 0 is an error number. */
  request(request: number, argument: DataView<ArrayBuffer>): number {
    if (this.#closed !== null) return -ERRNO.EBADF;
    return this.#kernel.ioctl(this.#fd, request, argument);
  }

  /** A request that the camera itself may have to answer, off the event loop. */
  slowRequest(request: number, argument: DataView<ArrayBuffer>): Promise<number> {
    return this.#using(() => this.#kernel.slowIoctl(this.#fd, request, argument));
  }

  /** Waits for data; see {@linkcode VideoKernel.poll}. */
  poll(timeoutMs: number): Promise<number> {
    return this.#using(() => this.#kernel.poll(this.#fd, timeoutMs));
  }

  /** The driver's memory; below 0 is an error number. */
  map(offset: number, length: number): Uint8Array<ArrayBuffer> | number {
    return this.#kernel.map(this.#fd, offset, length);
  }

  /** Closes the descriptor as soon as nothing is pending on it. */
  close(): Promise<void> {
    return this.#closed ??= Promise.allSettled(this.#pending)
      .then(() => this.#kernel.close(this.#fd));
  }

  async #using(call: () => Promise<number>): Promise<number> {
    if (this.#closed !== null) return -ERRNO.EBADF;
    const pending = call();
    this.#pending.add(pending);
    try {
      return await pending;
    } finally {
      this.#pending.delete(pending);
    }
  }

  /** Its name, its place, and all that it can give of what we know. */
  get info(): CameraInfo {
    return { name: this.name, path: this.path, bus: this.bus, formats: this.#capabilities() };
  }

  /**
   * Sets it to what is nearest to the wish.
   *
   * @returns what it became
   * @throws {DeviceBusy | DeviceMissing | SystemCallError}
   */
  async set(wish: CameraWish): Promise<V4l2Format> {
    const choice = nearestFormat(
      this.#capabilities(),
      wish,
      ({ pixelFormat }, width, height) =>
        this.#intervals(this.#codeOf(pixelFormat), width, height)[0] ?? Infinity,
    );
    if (choice === null) throw new DeviceMissing(this.#nothingKnown());
    const format = struct(FORMAT);
    format.setUint32(FORMAT.type, VIDEO_CAPTURE, true);
    format.setUint32(FORMAT.width, choice.width, true);
    format.setUint32(FORMAT.height, choice.height, true);
    format.setUint32(FORMAT.pixelformat, this.#codeOf(choice.pixelFormat), true);
    format.setUint32(FORMAT.field, FIELD_NONE, true);
    const result = await this.slowRequest(VIDIOC.S_FMT, format);
    if (result < 0) throw cannotOpen(this.path, -result);
    const code = format.getUint32(FORMAT.pixelformat, true);
    const pixelFormat = FOURCC.find(([known]) => known === code)?.[1];
    if (pixelFormat === undefined) throw new DeviceMissing(this.#nothingKnown());
    return {
      width: format.getUint32(FORMAT.width, true),
      height: format.getUint32(FORMAT.height, true),
      fps: await this.#setFps(wish.fps),
      pixelFormat,
      stride: format.getUint32(FORMAT.bytesPerLine, true),
    };
  }

  /** @returns what it became; what was wanted, when the driver does not tell */
  async #setFps(fps: number): Promise<number> {
    const parm = struct(STREAMPARM);
    parm.setUint32(STREAMPARM.type, VIDEO_CAPTURE, true);
    parm.setUint32(STREAMPARM.interval, 1000, true);
    parm.setUint32(STREAMPARM.interval + 4, Math.round(1000 * fps), true);
    const result = await this.slowRequest(VIDIOC.S_PARM, parm);
    const told = result >= 0 && (parm.getUint32(STREAMPARM.capability, true) & TIMEPERFRAME) !== 0;
    return (told ? rateAt(parm, STREAMPARM.interval) : null) ?? fps;
  }

  #capabilities(): CameraCapability[] {
    const codes = new Set<number>();
    for (let index = 0; index < MOST; index++) {
      const desc = struct(FMTDESC);
      desc.setUint32(FMTDESC.index, index, true);
      desc.setUint32(FMTDESC.type, VIDEO_CAPTURE, true);
      if (this.request(VIDIOC.ENUM_FMT, desc) < 0) break;
      codes.add(desc.getUint32(FMTDESC.pixelformat, true));
    }
    this.#codes = new Map(
      FOURCC.filter(([code]) => codes.has(code)).map(([code, format]) => [format, code]),
    );
    return [...this.#codes].map(([pixelFormat, code]) => ({ pixelFormat, ...this.#sizes(code) }));
  }

  #codes: ReadonlyMap<CameraPixelFormat, number> = new Map();

  #codeOf(format: CameraPixelFormat): number {
    return this.#codes.get(format) ?? 0;
  }

  #sizes(code: number): { sizes: CameraSize[]; range: CameraSizeRange | null } {
    const sizes: CameraSize[] = [];
    for (let index = 0; index < MOST; index++) {
      const size = struct(FRMSIZE);
      const at = (offset: number) => size.getUint32(offset, true);
      size.setUint32(FRMSIZE.index, index, true);
      size.setUint32(FRMSIZE.pixelformat, code, true);
      if (this.request(VIDIOC.ENUM_FRAMESIZES, size) < 0) break;
      if (at(FRMSIZE.type) !== DISCRETE) {
        const range = {
          ...{ minWidth: at(FRMSIZE.minWidth), maxWidth: at(FRMSIZE.maxWidth) },
          ...{ stepWidth: at(FRMSIZE.stepWidth), minHeight: at(FRMSIZE.minHeight) },
          ...{ maxHeight: at(FRMSIZE.maxHeight), stepHeight: at(FRMSIZE.stepHeight) },
        };
        return { sizes, range };
      }
      const [width, height] = [at(FRMSIZE.width), at(FRMSIZE.height)];
      sizes.push({ width, height, fps: this.#intervals(code, width, height) });
    }
    return { sizes, range: null };
  }

  /** Pictures a second at a size, the most first. */
  #intervals(code: number, width: number, height: number): number[] {
    const rates: number[] = [];
    for (let index = 0; index < MOST; index++) {
      const interval = struct(FRMIVAL);
      interval.setUint32(FRMIVAL.index, index, true);
      interval.setUint32(FRMIVAL.pixelformat, code, true);
      interval.setUint32(FRMIVAL.width, width, true);
      interval.setUint32(FRMIVAL.height, height, true);
      if (this.request(VIDIOC.ENUM_FRAMEINTERVALS, interval) < 0) break;
      const discrete = interval.getUint32(FRMIVAL.type, true) === DISCRETE;
      const offsets = discrete ? [FRMIVAL.interval] : [FRMIVAL.shortest, FRMIVAL.longest];
      rates.push(...offsets.flatMap((offset) => rateAt(interval, offset) ?? []));
      if (!discrete) break;
    }
    return rates.sort((a, b) => b - a);
  }

  #nothingKnown(): string {
    return `Cannot open camera "${this.path}": "${this.name}" gives none of YUYV, NV12, I420, MJPEG, ` +
      "H.264 and grey; read it with new FFmpegSource(path).video";
  }
}

/** A `struct v4l2_fract`, seconds a picture, as pictures a second. */
function rateAt(view: DataView, offset: number): number | null {
  const [numerator, denominator] = [view.getUint32(offset, true), view.getUint32(offset + 4, true)];
  if (numerator === 0 || denominator === 0) return null;
  return Math.round(1000 * denominator / numerator) / 1000;
}
