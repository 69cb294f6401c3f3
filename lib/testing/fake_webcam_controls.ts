/** The controls of a `FakeWebcam`. */
import { ERRNO } from "../../ffi/errno.ts";
import {
  CID,
  CONTROL,
  CTRL_FLAG,
  CTRL_TYPE,
  QUERYCTRL,
  QUERYMENU,
  VIDIOC,
} from "../../ffi/v4l2_layout.ts";

/** A control of a `FakeWebcam`, as <linux/v4l2-controls.h> numbers them. */
export interface FakeControl {
  /** Its number. */
  readonly id: number;
  /** What the driver calls it, such as `White Balance, Automatic`. */
  readonly label: string;
  /** What it takes. */
  readonly type: "integer" | "boolean" | "menu" | "button" | "integerMenu";
  /** Least value. @default {0} */
  readonly min?: number;
  /** Most value. @default {1} */
  readonly max?: number;
  /** What it is at first. @default {0} */
  readonly default?: number;
  /** A menu's items by their numbers; holes are allowed. */
  readonly items?: Readonly<Record<number, string>>;
  /** Whether it can only be read. @default {false} */
  readonly readOnly?: boolean;
}

/** Like a common webcam's. */
const USUAL: readonly FakeControl[] = [
  { id: 0x00980900, label: "Brightness", type: "integer", max: 255, default: 128 },
  { id: 0x0098090c, label: "White Balance, Automatic", type: "boolean", default: 1 },
  {
    ...{ id: 0x00980918, label: "Power Line Frequency", type: "menu", max: 3, default: 1 },
    items: { 0: "Disabled", 1: "50 Hz", 3: "Auto" },
  },
  {
    ...{ id: CID.EXPOSURE_ABSOLUTE, label: "Exposure Time, Absolute", type: "integer" },
    ...{ min: 3, max: 2047, default: 250 },
  },
  { id: CID.FOCUS_ABSOLUTE, label: "Focus, Absolute", type: "integer", max: 250 },
  {
    id: 0x00980927,
    label: "Gain, Measured",
    type: "integer",
    max: 100,
    default: 7,
    readOnly: true,
  },
  {
    id: CID.MPEG_VIDEO_BITRATE,
    label: "Video Bitrate",
    type: "integer",
    max: 25_000_000,
    default: 2e6,
  },
  { id: CID.MPEG_VIDEO_FORCE_KEY_FRAME, label: "Force Key Frame", type: "button" },
];

/** Their values, and the requests that are about them. */
export class FakeControls {
  readonly #controls: readonly FakeControl[];
  readonly #values = new Map<number, number>();
  #keyFrame = false;

  /** Those given, or what a common webcam has. */
  constructor(controls: readonly FakeControl[] = USUAL) {
    this.#controls = [...controls].sort((a, b) => a.id - b.id);
    for (const control of controls) this.#values.set(control.id, control.default ?? 0);
  }

  /** Whether a key frame was asked for since this was asked last. */
  takeKeyFrameRequest(): boolean {
    const wanted = this.#keyFrame;
    this.#keyFrame = false;
    return wanted;
  }

  /** Answers; null when the request is not about controls. */
  ioctl(request: number, argument: DataView): number | null {
    const id = argument.getUint32(0, true);
    const control = this.#controls.find((control) => control.id === id);
    switch (request) {
      case VIDIOC.QUERYCTRL:
        return this.#describe(id, argument);
      case VIDIOC.QUERYMENU: {
        const item = control?.items?.[argument.getUint32(QUERYMENU.index, true)];
        if (item === undefined) return -ERRNO.EINVAL;
        write(argument, QUERYMENU.name, item);
        return 0;
      }
      case VIDIOC.G_CTRL:
        if (control === undefined) return -ERRNO.EINVAL;
        if (control.type === "button") return -ERRNO.EACCES;
        argument.setInt32(CONTROL.value, this.#values.get(id) ?? 0, true);
        return 0;
      case VIDIOC.S_CTRL:
        if (control === undefined) return -ERRNO.EINVAL;
        return this.#set(control, argument.getInt32(CONTROL.value, true));
    }
    return null;
  }

  #set(control: FakeControl, value: number): number {
    const { id, type, min = 0, max = 1, readOnly = false } = control;
    if (readOnly) return -ERRNO.EACCES;
    if (id === CID.MPEG_VIDEO_FORCE_KEY_FRAME) this.#keyFrame = true;
    if (type === "menu" && control.items?.[value] === undefined) return -ERRNO.EINVAL;
    this.#values.set(id, Math.min(max, Math.max(min, value))); // the kernel clamps numbers
    return 0;
  }

  #describe(wanted: number, argument: DataView): number {
    const next = (wanted & CTRL_FLAG.NEXT) !== 0;
    const id = wanted & 0x0fffffff;
    const control = this.#controls.find((known) => next ? known.id > id : known.id === id);
    if (control === undefined) return -ERRNO.EINVAL;
    argument.setUint32(QUERYCTRL.id, control.id, true);
    argument.setUint32(QUERYCTRL.type, CTRL_TYPE[control.type], true);
    write(argument, QUERYCTRL.name, control.label);
    argument.setInt32(QUERYCTRL.min, control.min ?? 0, true);
    argument.setInt32(QUERYCTRL.max, control.max ?? 1, true);
    argument.setInt32(QUERYCTRL.step, 1, true);
    argument.setInt32(QUERYCTRL.default, control.default ?? 0, true);
    const flags = (control.readOnly ? CTRL_FLAG.READ_ONLY : 0) |
      (control.type === "button" ? CTRL_FLAG.WRITE_ONLY : 0);
    argument.setUint32(QUERYCTRL.flags, flags, true);
    return 0;
  }
}

/** A `char[32]`. */
export function write(view: DataView, offset: number, text: string): void {
  const bytes = new TextEncoder().encode(`${text.slice(0, 31)}\0`);
  bytes.forEach((byte, index) => view.setUint8(offset + index, byte));
}
