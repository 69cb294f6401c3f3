/** Streaming from a V4L2 camera: the driver fills four pieces of memory in turn, and we empty them. */
import { ERRNO } from "../../ffi/errno.ts";
import {
  BUF_FLAG,
  BUFFER,
  MEMORY_MMAP,
  POLL,
  REQUESTBUFFERS,
  struct,
  VIDEO_CAPTURE,
  VIDIOC,
} from "../../ffi/v4l2_layout.ts";
import type { V4l2Device } from "./v4l2_device.ts";
import { cannotOpen, cannotRead, stalled } from "./v4l2_errors.ts";

/** As many as the driver may be ahead: 130 ms at 30 pictures a second. */
const BUFFERS = 4;
/** How long `close()` may have to wait for poll(2), if stopping the stream does not end it. */
const POLL_MS = 200;

/** A picture in the driver's memory. */
export interface CapturedPicture {
  /** Its bytes; they are the driver's again when the call that gave them returns. */
  readonly data: Uint8Array<ArrayBuffer>;
  /** When it was taken, in µs of the kernel's clock; null when the driver does not tell. */
  readonly timestampUs: number | null;
  /** Whether the driver marked it as one that can be decoded alone. */
  readonly keyFrame: boolean;
  /** Whether pictures before it were lost or came damaged. */
  readonly afterGap: boolean;
}

/** How pictures are taken. */
export interface CaptureOptions {
  /** Whether each picture is needed, as with compressed video; otherwise only the newest that are there. */
  readonly every: boolean;
  /** It is an error when nothing comes for so long; 0 for never. */
  readonly stallTimeoutMs: number;
}

/** A running stream. */
export class V4l2Capture {
  readonly #device: V4l2Device;
  readonly #memories: readonly Uint8Array<ArrayBuffer>[];
  #stopping = false;
  #sequence: number | null = null;
  #gap = false;
  /** Pictures that the driver had no memory for. */
  dropped = 0;
  /** Pictures that came damaged. */
  damaged = 0;

  private constructor(device: V4l2Device, memories: readonly Uint8Array<ArrayBuffer>[]) {
    this.#device = device;
    this.#memories = memories;
  }

  /** Starts a camera that is set. @throws {DeviceBusy | DeviceMissing | SystemCallError} */
  static async start(device: V4l2Device): Promise<V4l2Capture> {
    const memories: Uint8Array<ArrayBuffer>[] = [];
    const capture = new V4l2Capture(device, memories);
    const demand = (result: number) => {
      if (result < 0) throw cannotOpen(device.path, -result);
    };
    try {
      const request = requestBuffers(BUFFERS);
      demand(await device.slowRequest(VIDIOC.REQBUFS, request));
      const count = request.getUint32(REQUESTBUFFERS.count, true);
      for (let index = 0; index < count; index++) {
        const buffer = bufferAt(index);
        demand(device.request(VIDIOC.QUERYBUF, buffer));
        const length = buffer.getUint32(BUFFER.length, true);
        const memory = device.map(buffer.getUint32(BUFFER.offset, true), length);
        if (typeof memory === "number") throw cannotOpen(device.path, -memory);
        memories.push(memory);
        demand(device.request(VIDIOC.QBUF, bufferAt(index)));
      }
      demand(await device.slowRequest(VIDIOC.STREAMON, captureType()));
    } catch (error) {
      await capture.#free();
      throw error;
    }
    return capture;
  }

  /**
   * Gives pictures until {@linkcode stop}.
   *
   * @throws {DeviceMissing | SystemCallError} when it was unplugged, failed, or gives nothing any more
   */
  async run(options: CaptureOptions, give: (picture: CapturedPicture) => void): Promise<void> {
    const { path, name, kernel } = this.#device;
    let silentUs = 0;
    let polledUs = kernel.nowUs();
    try {
      while (!this.#stopping) {
        const events = await this.#device.poll(POLL_MS);
        if (this.#stopping) return;
        const nowUs = kernel.nowUs();
        const whole = events === 0 ? null : this.#take(options.every, give);
        if (this.#stopping) return;
        // A driver that fails says so with each poll: asking on would keep a processor busy.
        if (whole === null && (events & (POLL.ERR | POLL.HUP | POLL.NVAL)) !== 0) {
          throw cannotRead(path, name, events & POLL.HUP ? ERRNO.ENODEV : ERRNO.EIO);
        }
        // If the whole program was held up, the camera is not to blame for all of that time.
        silentUs = whole ? 0 : silentUs + Math.min(nowUs - polledUs, 2 * POLL_MS * 1000);
        polledUs = nowUs;
        const { stallTimeoutMs } = options;
        if (stallTimeoutMs > 0 && silentUs >= stallTimeoutMs * 1000) {
          throw stalled(path, name, stallTimeoutMs);
        }
      }
    } finally {
      await this.#free();
    }
  }

  /** Ends {@linkcode run}. Stopping the stream ends a poll that is pending. */
  stop(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#device.slowRequest(VIDIOC.STREAMOFF, captureType());
  }

  /** Empties what is full. @returns how many whole pictures that were; null when there was nothing */
  #take(every: boolean, give: (picture: CapturedPicture) => void): number | null {
    let held: DataView<ArrayBuffer> | null = null;
    let whole: number | null = null;
    for (let turn = 0; turn < 4 * BUFFERS && !this.#stopping; turn++) {
      const buffer = bufferAt(0);
      const result = this.#device.request(VIDIOC.DQBUF, buffer);
      if (result === -ERRNO.EAGAIN) break;
      if (result < 0) throw this.#failed(-result);
      whole ??= 0;
      this.#count(buffer.getUint32(BUFFER.sequence, true));
      if (buffer.getUint32(BUFFER.flags, true) & BUF_FLAG.ERROR) {
        this.damaged++;
        this.#gap = true;
        this.#return(buffer);
        continue;
      }
      whole++;
      if (held !== null) this.#return(held);
      held = buffer;
      if (!every) continue;
      this.#give(held, give);
      held = null;
    }
    if (held !== null) this.#give(held, give);
    return whole;
  }

  #give(buffer: DataView<ArrayBuffer>, give: (picture: CapturedPicture) => void): void {
    const memory = this.#memories[buffer.getUint32(BUFFER.index, true)];
    const flags = buffer.getUint32(BUFFER.flags, true);
    const timestampUs = (flags & BUF_FLAG.CLOCK) === BUF_FLAG.MONOTONIC
      ? Number(buffer.getBigInt64(BUFFER.seconds, true)) * 1e6 +
        Number(buffer.getBigInt64(BUFFER.microseconds, true))
      : null;
    try {
      const data = memory?.subarray(0, buffer.getUint32(BUFFER.used, true));
      const keyFrame = (flags & BUF_FLAG.KEYFRAME) !== 0;
      const afterGap = this.#gap;
      this.#gap = false;
      if (data !== undefined) give({ data, timestampUs, keyFrame, afterGap });
    } finally {
      this.#return(buffer);
    }
  }

  /** Gives the memory back to the driver. */
  #return(buffer: DataView<ArrayBuffer>): void {
    const result = this.#device.request(
      VIDIOC.QBUF,
      bufferAt(buffer.getUint32(BUFFER.index, true)),
    );
    if (result < 0 && !this.#stopping) throw this.#failed(-result);
  }

  #count(sequence: number): void {
    const lost = this.#sequence === null ? 0 : Math.max(0, sequence - this.#sequence - 1);
    this.dropped += lost;
    if (lost > 0) this.#gap = true;
    this.#sequence = sequence;
  }

  #failed(errno: number): Error {
    return cannotRead(this.#device.path, this.#device.name, errno);
  }

  /** The stream must be off before its memory goes; all of it fails when the camera is gone. */
  async #free(): Promise<void> {
    this.#stopping = true;
    await this.#device.slowRequest(VIDIOC.STREAMOFF, captureType());
    for (const memory of this.#memories) this.#device.kernel.unmap(memory);
    await this.#device.slowRequest(VIDIOC.REQBUFS, requestBuffers(0));
  }
}

function bufferAt(index: number): DataView<ArrayBuffer> {
  const buffer = struct(BUFFER);
  buffer.setUint32(BUFFER.index, index, true);
  buffer.setUint32(BUFFER.type, VIDEO_CAPTURE, true);
  buffer.setUint32(BUFFER.memory, MEMORY_MMAP, true);
  return buffer;
}

function requestBuffers(count: number): DataView<ArrayBuffer> {
  const request = struct(REQUESTBUFFERS);
  request.setUint32(REQUESTBUFFERS.count, count, true);
  request.setUint32(REQUESTBUFFERS.type, VIDEO_CAPTURE, true);
  request.setUint32(REQUESTBUFFERS.memory, MEMORY_MMAP, true);
  return request;
}

/** The `int` that the streaming requests point to. */
function captureType(): DataView<ArrayBuffer> {
  const type = struct({ size: 4 });
  type.setUint32(0, VIDEO_CAPTURE, true);
  return type;
}
