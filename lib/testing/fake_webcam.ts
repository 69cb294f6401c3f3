/** One camera of a `FakeVideoKernel`: answers requests on the structs of <linux/videodev2.h>, as uvcvideo does. */
import { ERRNO } from "../../ffi/errno.ts";
import {
  BUF_FLAG,
  CAP,
  CAPABILITY,
  FORMAT,
  fourcc,
  POLL,
  REQUESTBUFFERS,
  STREAMPARM,
  TIMEPERFRAME,
  VIDIOC,
} from "../../ffi/v4l2_layout.ts";
import type { Clock } from "./clock.ts";
import { FakeBuffers } from "./fake_webcam_buffers.ts";
import { type FakeControl, FakeControls, write } from "./fake_webcam_controls.ts";
import { FakeFormats, type FakeSetting, type FakeWebcamFormat } from "./fake_webcam_formats.ts";
import { bytesPerLine, drawPicture, imageSize } from "./fake_webcam_pictures.ts";

/** What a picture is drawn for. */
export interface FakePicture {
  /** Its number, from 0, since the camera was started. */
  readonly number: number;
  /** Four characters. */
  readonly fourcc: string;
  /** Width in pixels. */
  readonly width: number;
  /** Height in pixels. */
  readonly height: number;
  /** Whether a key frame was asked for. */
  readonly keyFrame: boolean;
}

/** Options of {@linkcode FakeWebcam}. */
export interface FakeWebcamOptions {
  /** Its file. @default the next `/dev/videoN` */
  path?: string;
  /** What it calls itself. @default {"Fake Webcam"} */
  name?: string;
  /** Where it is plugged in. @default {"usb-fake-1"} */
  bus?: string;
  /** What it can give. @default YUYV of some sizes at 30, 15 and 5 pictures a second */
  formats?: readonly FakeWebcamFormat[];
  /** Its controls. @default brightness, power line frequency, exposure and a few more */
  controls?: readonly FakeControl[];
  /** The bytes of a picture. @default the test card of that number; there is none in `MJPG` and `H264` */
  draw?: (picture: FakePicture) => Uint8Array;
  /** Whether it gives pictures, and not metadata. @default {true} */
  capture?: boolean;
}

/** What a webcam needs of its kernel. */
export interface FakeWorld {
  /** The time. */
  readonly clock: Clock;
  /** The time that pictures are stamped with. */
  nowUs(): number;
  /** Those who wait for it look again. */
  wake(webcam: FakeWebcam): void;
}

/** A camera that exists only in software; `Camera` drives it like one that is made of glass. */
export class FakeWebcam {
  /** What it calls itself. */
  readonly name: string;
  /** Where it is plugged in. */
  readonly bus: string;
  /** Whether opening it is refused. */
  denied = false;
  /** Whether another program has it. */
  busy = false;
  /** Whether it stays silent, though it is started. */
  silent = false;
  /** How many of the next pictures come damaged. */
  damage = 0;
  readonly #world: FakeWorld;
  readonly #formats: FakeFormats;
  readonly #draw: (picture: FakePicture) => Uint8Array;
  readonly #controls: FakeControls;
  readonly #capture: boolean;
  #path: string;
  #present = true;
  /** Descriptors from before it was unplugged are good for nothing any more. */
  readonly #lost = new Set<number>();
  readonly #known = new Set<number>();
  #format: FakeSetting;
  #fps = 30;
  /** Who has the memory. */
  #owner: number | null = null;
  readonly #buffers = new FakeBuffers();
  #stop: (() => void) | null = null;
  #sequence = 0;

  /** Made by `FakeVideoKernel`. */
  constructor(options: FakeWebcamOptions, world: FakeWorld) {
    this.#world = world;
    this.#path = options.path ?? "/dev/video0";
    this.name = options.name ?? "Fake Webcam";
    this.bus = options.bus ?? "usb-fake-1";
    this.#formats = new FakeFormats(options.formats);
    this.#draw = options.draw ?? drawPicture;
    this.#controls = new FakeControls(options.controls);
    this.#capture = options.capture ?? true;
    this.#format = this.#formats.nearest(0, 640, 480);
  }

  /** Its file. */
  get path(): string {
    return this.#path;
  }

  /** Whether it is plugged in. */
  get present(): boolean {
    return this.#present;
  }

  /** Whether it gives pictures. */
  get streaming(): boolean {
    return this.#stop !== null;
  }

  /** Pulls the plug. */
  unplug(): void {
    this.#present = false;
    for (const fd of this.#known) this.#lost.add(fd);
    this.#end();
    this.#world.wake(this);
  }

  /** Plugs it in again, perhaps as another file. */
  plugIn(path: string = this.#path): void {
    this.#path = path;
    this.#present = true;
  }

  /** Answers ioctl(2). */
  ioctl(fd: number, request: number, argument: DataView<ArrayBuffer>): number {
    this.#known.add(fd);
    if (this.#lost.has(fd)) return -ERRNO.ENODEV;
    if (request === VIDIOC.QUERYCAP) return this.#describe(argument);
    const answer = this.#controls.ioctl(request, argument) ??
      this.#formats.ioctl(request, argument);
    if (answer !== null) return answer;
    if (this.busy || this.#owner !== null && this.#owner !== fd) return -ERRNO.EBUSY;
    switch (request) {
      case VIDIOC.S_FMT:
        return this.#setFormat(argument);
      case VIDIOC.S_PARM:
        return this.#setInterval(argument);
      case VIDIOC.REQBUFS:
        return this.#allocate(fd, argument);
      case VIDIOC.DQBUF:
        if (this.#stop === null) return -ERRNO.EINVAL;
        break;
      case VIDIOC.STREAMON:
        return this.#begin();
      case VIDIOC.STREAMOFF:
        this.#end();
        this.#world.wake(this);
        return 0;
    }
    return this.#buffers.ioctl(request, argument) ?? -ERRNO.ENOTTY;
  }

  /** The memory at an offset that QUERYBUF told, for mmap(2). */
  memoryAt(offset: number, length: number): Uint8Array<ArrayBuffer> | undefined {
    return this.#buffers.memoryAt(offset, length);
  }

  /** What poll(2) says. */
  events(fd: number): number {
    this.#known.add(fd);
    if (this.#lost.has(fd)) return POLL.ERR | POLL.HUP;
    if (this.#stop === null) return POLL.ERR; // as videobuf2 does
    return this.#buffers.ready ? POLL.IN : 0;
  }

  /** The descriptor is closed. */
  release(fd: number): void {
    this.#known.delete(fd);
    this.#lost.delete(fd);
    if (this.#owner !== fd) return;
    this.#end();
    this.#owner = null;
    this.#buffers.allocate(0, 0);
  }

  #describe(argument: DataView): number {
    write(argument, CAPABILITY.driver, "fake");
    write(argument, CAPABILITY.card, this.name);
    write(argument, CAPABILITY.bus, this.bus);
    const able = this.#capture ? CAP.VIDEO_CAPTURE : 0x00800000; // V4L2_CAP_META_CAPTURE
    argument.setUint32(CAPABILITY.device, able | CAP.STREAMING, true);
    const all = CAP.VIDEO_CAPTURE | CAP.STREAMING | CAP.DEVICE_CAPS; // of all its files together
    argument.setUint32(CAPABILITY.all, all, true);
    return 0;
  }

  #setFormat(argument: DataView): number {
    if (this.#buffers.count > 0) return -ERRNO.EBUSY;
    const at = (offset: number) => argument.getUint32(offset, true);
    const format = this.#format = this.#formats.nearest(
      ...[at(FORMAT.pixelformat), at(FORMAT.width), at(FORMAT.height)] as const,
    );
    const set = (offset: number, value: number) => argument.setUint32(offset, value, true);
    set(FORMAT.width, format.width);
    set(FORMAT.height, format.height);
    set(FORMAT.pixelformat, fourcc(format.code));
    set(FORMAT.bytesPerLine, bytesPerLine(format.code, format.width));
    set(FORMAT.imageSize, imageSize(format.code, format.width, format.height));
    return 0;
  }

  #setInterval(argument: DataView): number {
    const wanted = argument.getUint32(STREAMPARM.interval + 4, true) /
      argument.getUint32(STREAMPARM.interval, true);
    this.#fps = this.#formats.rate(this.#format, wanted);
    argument.setUint32(STREAMPARM.capability, TIMEPERFRAME, true);
    argument.setUint32(STREAMPARM.interval, 10_000, true);
    argument.setUint32(STREAMPARM.interval + 4, Math.round(10_000 * this.#fps), true);
    return 0;
  }

  #allocate(fd: number, argument: DataView): number {
    if (this.#stop !== null) return -ERRNO.EBUSY;
    const { code, width, height } = this.#format;
    const count = Math.min(32, argument.getUint32(REQUESTBUFFERS.count, true));
    this.#buffers.allocate(count, imageSize(code, width, height));
    this.#owner = count > 0 ? fd : null;
    argument.setUint32(REQUESTBUFFERS.count, count, true);
    return 0;
  }

  #begin(): number {
    if (this.#buffers.count === 0) return -ERRNO.EINVAL;
    if (this.#stop !== null) return 0;
    this.#sequence = 0;
    this.#stop = this.#world.clock.every(1000 / this.#fps, () => this.#expose());
    return 0;
  }

  /** One picture's time has come; without memory to put it in, it is lost. */
  #expose(): void {
    if (this.silent) return;
    const number = this.#sequence++;
    const buffer = this.#buffers.next();
    if (buffer === null) return;
    const { code, width, height } = this.#format;
    const keyFrame = this.#controls.takeKeyFrameRequest();
    const picture = this.#draw({ number, fourcc: code, width, height, keyFrame });
    const damaged = this.damage > 0;
    if (damaged) this.damage--;
    buffer.fill(picture, {
      sequence: number,
      flags: BUF_FLAG.MONOTONIC | (damaged ? BUF_FLAG.ERROR : 0),
      timestampUs: this.#world.nowUs(),
    });
    this.#world.wake(this);
  }

  #end(): void {
    this.#stop?.();
    this.#stop = null;
    this.#buffers.stop();
  }
}
