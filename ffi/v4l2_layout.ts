/**
 * Video4Linux2 as numbers: requests, flags, and where things are in the structs of <linux/videodev2.h>.
 * All of it is the same on x86_64 and aarch64, which are little-endian with `long` and pointers of 8 bytes;
 * `v4l2_format` and `v4l2_buffer` are other structs on 32-bit machines, where Deno does not run.
 */

/** `_IOC(direction, 'V', nr, size)`, <asm-generic/ioctl.h>: direction 30, size 16, type 8, number 0. */
function ioc(direction: number, nr: number, size: number): number {
  return (direction << 30 | size << 16 | 0x56 << 8 | nr) >>> 0;
}
const iow = (nr: number, size: number) => ioc(1, nr, size);
const ior = (nr: number, size: number) => ioc(2, nr, size);
const iowr = (nr: number, size: number) => ioc(3, nr, size);

/** `struct v4l2_capability`: `char driver[16], card[32], bus_info[32]; u32 version, capabilities, device_caps`. */
export const CAPABILITY = { size: 104, driver: 0, card: 16, bus: 48, all: 84, device: 88 } as const;

/** `struct v4l2_fmtdesc`: `u32 index, type, flags; char description[32]; u32 pixelformat, …`. */
export const FMTDESC = { size: 64, index: 0, type: 4, description: 12, pixelformat: 44 } as const;

/** `struct v4l2_frmsizeenum`: a discrete size, or smallest, largest and step of each side. */
export const FRMSIZE = {
  ...{ size: 44, index: 0, pixelformat: 4, type: 8, width: 12, height: 16 },
  ...{ minWidth: 12, maxWidth: 16, stepWidth: 20, minHeight: 24, maxHeight: 28, stepHeight: 32 },
} as const;

/** `struct v4l2_frmivalenum`: a discrete interval, or the shortest, the longest and the step: fractions. */
export const FRMIVAL = {
  ...{ size: 52, index: 0, pixelformat: 4, width: 8, height: 12, type: 16 },
  ...{ interval: 20, shortest: 20, longest: 28 },
} as const;

/** `struct v4l2_format` with its `struct v4l2_pix_format`; the union is aligned to 8 bytes. */
export const FORMAT = {
  ...{ size: 208, type: 0, width: 8, height: 12, pixelformat: 16, field: 20 },
  ...{ bytesPerLine: 24, imageSize: 28 },
} as const;

/** `struct v4l2_streamparm` with its `struct v4l2_captureparm`. */
export const STREAMPARM = { size: 204, type: 0, capability: 4, interval: 12 } as const;

/** `struct v4l2_requestbuffers`. */
export const REQUESTBUFFERS = { size: 20, count: 0, type: 4, memory: 8 } as const;

/** `struct v4l2_buffer`; its time is a `struct timeval` of two 64-bit numbers. */
export const BUFFER = {
  ...{ size: 88, index: 0, type: 4, used: 8, flags: 12, seconds: 24, microseconds: 32 },
  ...{ sequence: 56, memory: 60, offset: 64, length: 72 },
} as const;

/** `struct v4l2_queryctrl`. */
export const QUERYCTRL = {
  ...{ size: 68, id: 0, type: 4, name: 8, min: 40, max: 44, step: 48, default: 52, flags: 56 },
} as const;

/** `struct v4l2_querymenu`, packed: `u32 id, index; union { u8 name[32]; s64 value; }; u32 reserved`. */
export const QUERYMENU = { size: 44, id: 0, index: 4, name: 8, value: 8 } as const;

/** `struct v4l2_control`. */
export const CONTROL = { size: 8, id: 0, value: 4 } as const;

/** The requests. */
export const VIDIOC = {
  QUERYCAP: ior(0, CAPABILITY.size),
  ENUM_FMT: iowr(2, FMTDESC.size),
  S_FMT: iowr(5, FORMAT.size),
  REQBUFS: iowr(8, REQUESTBUFFERS.size),
  QUERYBUF: iowr(9, BUFFER.size),
  QBUF: iowr(15, BUFFER.size),
  DQBUF: iowr(17, BUFFER.size),
  STREAMON: iow(18, 4),
  STREAMOFF: iow(19, 4),
  S_PARM: iowr(22, STREAMPARM.size),
  G_CTRL: iowr(27, CONTROL.size),
  S_CTRL: iowr(28, CONTROL.size),
  QUERYCTRL: iowr(36, QUERYCTRL.size),
  QUERYMENU: iowr(37, QUERYMENU.size),
  ENUM_FRAMESIZES: iowr(74, FRMSIZE.size),
  ENUM_FRAMEINTERVALS: iowr(75, FRMIVAL.size),
} as const;

/** `V4L2_BUF_TYPE_VIDEO_CAPTURE`. */
export const VIDEO_CAPTURE = 1;
/** `V4L2_MEMORY_MMAP`. */
export const MEMORY_MMAP = 1;
/** `V4L2_FIELD_NONE`: whole pictures, not interlaced. */
export const FIELD_NONE = 1;
/** `V4L2_FRMSIZE_TYPE_DISCRETE` and `V4L2_FRMIVAL_TYPE_DISCRETE`; 2 is continuous, 3 stepwise. */
export const DISCRETE = 1;
/** `V4L2_CAP_TIMEPERFRAME`. */
export const TIMEPERFRAME = 0x1000;

/** `V4L2_CAP_*`. */
export const CAP = {
  VIDEO_CAPTURE: 0x1,
  VIDEO_CAPTURE_MPLANE: 0x1000,
  STREAMING: 0x04000000,
  DEVICE_CAPS: 0x80000000,
} as const;

/** `V4L2_BUF_FLAG_*`. */
export const BUF_FLAG = { KEYFRAME: 0x8, ERROR: 0x40, MONOTONIC: 0x2000, CLOCK: 0xe000 } as const;

/** `V4L2_CTRL_TYPE_*`: those that are shown, of one number each. */
export const CTRL_TYPE = {
  ...{ integer: 1, boolean: 2, menu: 3, button: 4, integerMenu: 9 },
} as const;

/** `V4L2_CTRL_FLAG_*`. */
export const CTRL_FLAG = {
  ...{ DISABLED: 0x1, READ_ONLY: 0x4, INACTIVE: 0x10, WRITE_ONLY: 0x40, NEXT: 0x80000000 },
} as const;

/** Controls that are meant by their meaning, <linux/v4l2-controls.h>. */
export const CID = {
  EXPOSURE: 0x00980911,
  WHITE_BALANCE_TEMPERATURE: 0x0098091a,
  EXPOSURE_ABSOLUTE: 0x009a0902,
  FOCUS_ABSOLUTE: 0x009a090a,
  ZOOM_ABSOLUTE: 0x009a090d,
  MPEG_VIDEO_BITRATE: 0x009909cf,
  MPEG_VIDEO_REPEAT_SEQ_HEADER: 0x009909e2,
  MPEG_VIDEO_FORCE_KEY_FRAME: 0x009909e5,
} as const;

/** `POLLIN`, `POLLERR`, `POLLHUP`, `POLLNVAL`, <poll.h>. */
export const POLL = { IN: 0x1, ERR: 0x8, HUP: 0x10, NVAL: 0x20 } as const;

/** `v4l2_fourcc()` of four characters: a little-endian number. */
export function fourcc(text: string): number {
  return (text.charCodeAt(0) | text.charCodeAt(1) << 8 | text.charCodeAt(2) << 16 |
    text.charCodeAt(3) << 24) >>> 0;
}

/** A fresh struct, all zeros. */
export function struct({ size }: { readonly size: number }): DataView<ArrayBuffer> {
  return new DataView(new ArrayBuffer(size));
}

/** The text in a `char[length]`, up to its zero. */
export function textAt(view: DataView, offset: number, length: number): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + offset, length);
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}
