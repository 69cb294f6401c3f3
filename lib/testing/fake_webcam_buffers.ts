/** The memory that a `FakeWebcam` fills in turn, as videobuf2 hands it out. */
import { ERRNO } from "../../ffi/errno.ts";
import { BUFFER, VIDIOC } from "../../ffi/v4l2_layout.ts";

const PAGE = 4096;

/** What is told of a picture. */
export interface FakeShot {
  /** Its number. */
  readonly sequence: number;
  /** `V4L2_BUF_FLAG_…` */
  readonly flags: number;
  /** When it was taken. */
  readonly timestampUs: number;
}

interface Slot {
  readonly memory: Uint8Array<ArrayBuffer>;
  state: "ours" | "queued" | "done";
  used: number;
  shot: FakeShot;
}

/** Its pieces of memory, and the requests that are about them. */
export class FakeBuffers {
  #slots: Slot[] = [];

  /** How many there are. */
  get count(): number {
    return this.#slots.length;
  }

  /** Whether a picture waits to be fetched. */
  get ready(): boolean {
    return this.#slots.some(({ state }) => state === "done");
  }

  /** Makes so many pieces for pictures of a size, in place of those before. */
  allocate(count: number, bytes: number): void {
    const shot = { sequence: 0, flags: 0, timestampUs: 0 };
    this.#slots = Array.from({ length: count }, () => (
      { memory: new Uint8Array(Math.ceil(bytes / PAGE) * PAGE), state: "ours", used: 0, shot }
    ));
  }

  /** Takes all of them from the driver. */
  stop(): void {
    for (const slot of this.#slots) slot.state = "ours";
  }

  /** The memory at an offset that QUERYBUF told, for mmap(2). */
  memoryAt(offset: number, length: number): Uint8Array<ArrayBuffer> | undefined {
    const slot = this.#slots.find((_, index) => this.#offsetOf(index) === offset);
    return slot?.memory.length === length ? slot.memory : undefined;
  }

  /** Where the next picture goes, or `null` when nothing is free. */
  next(): { fill(picture: Uint8Array, shot: FakeShot): void } | null {
    const slot = this.#slots.find(({ state }) => state === "queued");
    if (slot === undefined) return null;
    return {
      fill(picture, shot) {
        slot.memory.set(picture.subarray(0, slot.memory.length));
        Object.assign(slot, { state: "done", used: picture.length, shot });
      },
    };
  }

  /** Answers; null when the request is not about buffers. */
  ioctl(request: number, argument: DataView): number | null {
    switch (request) {
      case VIDIOC.QUERYBUF:
        return this.#describe(argument);
      case VIDIOC.QBUF:
        return this.#queue(argument);
      case VIDIOC.DQBUF:
        return this.#dequeue(argument);
    }
    return null;
  }

  #offsetOf(index: number): number {
    return index * (this.#slots[0]?.memory.length ?? 0);
  }

  #describe(argument: DataView): number {
    const index = argument.getUint32(BUFFER.index, true);
    const slot = this.#slots[index];
    if (slot === undefined) return -ERRNO.EINVAL;
    argument.setUint32(BUFFER.length, slot.memory.length, true);
    argument.setUint32(BUFFER.offset, this.#offsetOf(index), true);
    return 0;
  }

  #queue(argument: DataView): number {
    const slot = this.#slots[argument.getUint32(BUFFER.index, true)];
    if (slot === undefined || slot.state !== "ours") return -ERRNO.EINVAL;
    slot.state = "queued";
    slot.memory.fill(0x55); // the driver's again: whoever still looks at it sees nonsense
    return 0;
  }

  #dequeue(argument: DataView): number {
    const done = this.#slots.filter(({ state }) => state === "done")
      .sort((a, b) => a.shot.sequence - b.shot.sequence)[0];
    if (done === undefined) return -ERRNO.EAGAIN;
    done.state = "ours";
    const { sequence, flags, timestampUs } = done.shot;
    argument.setUint32(BUFFER.index, this.#slots.indexOf(done), true);
    argument.setUint32(BUFFER.used, done.used, true);
    argument.setUint32(BUFFER.flags, flags, true);
    argument.setUint32(BUFFER.sequence, sequence, true);
    const us = Math.round(timestampUs);
    argument.setBigInt64(BUFFER.seconds, BigInt(Math.floor(us / 1e6)), true);
    argument.setBigInt64(BUFFER.microseconds, BigInt(us % 1e6), true);
    return 0;
  }
}
