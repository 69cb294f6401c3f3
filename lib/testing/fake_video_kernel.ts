/** A kernel without hardware, beneath `Camera`: V4L2 devices that are opened, asked and mapped as real ones are. */
import type { VideoKernel } from "../../ffi/v4l2.ts";
import { ERRNO } from "../../ffi/errno.ts";
import { POLL } from "../../ffi/v4l2_layout.ts";
import { type Clock, systemClock } from "./clock.ts";
import { FakeWebcam, type FakeWebcamOptions } from "./fake_webcam.ts";

/** Options of {@linkcode FakeVideoKernel}. */
export interface FakeVideoKernelOptions {
  /** The cameras that are plugged in: `/dev/video0` and so on, unless they say otherwise. @default one */
  cameras?: readonly FakeWebcamOptions[];
  /** Files that are there and no cameras. @default none */
  otherFiles?: readonly string[];
  /** The time that it lives in. @default the system's */
  clock?: Clock;
}

/** It was booted a while ago: its clock is not that of `performance.now()`. */
const UPTIME_US = 3_600e6;

interface OpenFile {
  /** null: some other file. */
  readonly webcam: FakeWebcam | null;
  readonly waiting: Set<() => void>;
}

/**
 * Stands in for the kernel beneath a `Camera`, so that all of it is at work but the system calls.
 *
 * ```ts
 * import { Camera } from "rtcbot";
 * import { FakeVideoKernel } from "rtcbot/testing";
 * import assert from "node:assert/strict";
 *
 * const kernel = new FakeVideoKernel();
 * await using camera = new Camera({ kernel, width: 640, height: 480 });
 * assert.deepEqual((await camera.get()).toBGR().shape, [480, 640, 3]);
 * kernel.cameras[0].unplug();
 * assert.match((await camera.onError())!.message, /it was unplugged/);
 * ```
 */
export class FakeVideoKernel implements VideoKernel {
  /** The cameras, with the calls of a stage manager: `unplug()`, `plugIn()` … */
  readonly cameras: readonly [FakeWebcam, ...FakeWebcam[]];
  readonly #clock: Clock;
  readonly #otherFiles: ReadonlySet<string>;
  readonly #files = new Map<number, OpenFile>();
  readonly #mapped = new Set<Uint8Array>();
  #nextFd = 3;

  /** Plugs its cameras in. @param options see {@linkcode FakeVideoKernelOptions} */
  constructor(options: FakeVideoKernelOptions = {}) {
    const { cameras = [{}], otherFiles = [], clock = systemClock } = options;
    this.#clock = clock;
    this.#otherFiles = new Set(otherFiles);
    const world = {
      clock,
      nowUs: () => this.nowUs(),
      wake: (webcam: FakeWebcam) => this.#wake(webcam),
    };
    this.cameras = cameras.map((camera, number) =>
      new FakeWebcam({ path: `/dev/video${number}`, ...camera }, world)
    ) as [FakeWebcam, ...FakeWebcam[]];
  }

  /** How many descriptors and pieces of memory are in use: 0 when all was freed. */
  get held(): number {
    return this.#files.size + this.#mapped.size;
  }

  /** See {@linkcode VideoKernel.open}. */
  async open(path: string): Promise<number> {
    await null;
    const webcam = this.cameras.find((webcam) => webcam.present && webcam.path === path) ?? null;
    if (webcam === null && !this.#otherFiles.has(path)) return -ERRNO.ENOENT;
    if (webcam?.denied) return -ERRNO.EACCES;
    const fd = this.#nextFd++;
    this.#files.set(fd, { webcam, waiting: new Set() });
    return fd;
  }

  /** See {@linkcode VideoKernel.close}. */
  close(fd: number): void {
    const file = this.#files.get(fd);
    if (file === undefined) throw new Error(`close(${fd}): that descriptor is not open`);
    if (file.waiting.size > 0) throw new Error(`close(${fd}): somebody waits for it in poll()`);
    this.#files.delete(fd);
    file.webcam?.release(fd);
  }

  /** See {@linkcode VideoKernel.ioctl}. */
  ioctl(fd: number, request: number, argument: DataView<ArrayBuffer>): number {
    const file = this.#files.get(fd);
    if (file === undefined) return -ERRNO.EBADF;
    return file.webcam === null ? -ERRNO.ENOTTY : file.webcam.ioctl(fd, request, argument);
  }

  /** See {@linkcode VideoKernel.slowIoctl}. */
  async slowIoctl(fd: number, request: number, argument: DataView<ArrayBuffer>): Promise<number> {
    await null;
    return this.ioctl(fd, request, argument);
  }

  /** See {@linkcode VideoKernel.map}. */
  map(fd: number, offset: number, length: number): Uint8Array<ArrayBuffer> | number {
    const memory = this.#files.get(fd)?.webcam?.memoryAt(offset, length) ?? -ERRNO.EINVAL;
    if (typeof memory !== "number") this.#mapped.add(memory);
    return memory;
  }

  /** See {@linkcode VideoKernel.unmap}: whoever still looks at the memory sees nonsense. */
  unmap(memory: Uint8Array<ArrayBuffer>): void {
    if (!this.#mapped.delete(memory)) throw new Error("munmap(): that memory is not mapped");
    memory.fill(0xdb);
  }

  /** See {@linkcode VideoKernel.poll}. */
  poll(fd: number, timeoutMs: number): Promise<number> {
    const file = this.#files.get(fd);
    if (file === undefined) return Promise.resolve(POLL.NVAL);
    const events = () => file.webcam?.events(fd) ?? POLL.IN;
    return new Promise((resolve) => {
      if (events() !== 0) return resolve(events());
      const done = () => {
        stop();
        file.waiting.delete(done);
        resolve(events());
      };
      const stop = this.#clock.every(timeoutMs, done);
      file.waiting.add(done);
    });
  }

  /** See {@linkcode VideoKernel.nowUs}. */
  nowUs(): number {
    return this.#clock.now() * 1000 + UPTIME_US;
  }

  #wake(webcam: FakeWebcam): void {
    for (const file of this.#files.values()) {
      if (file.webcam === webcam) { for (const done of [...file.waiting]) done(); }
    }
  }
}
