/** What a `FakeWebcam` can give, as its kernel tells it. */
import { ERRNO } from "../../ffi/errno.ts";
import { DISCRETE, FMTDESC, fourcc, FRMIVAL, FRMSIZE, VIDIOC } from "../../ffi/v4l2_layout.ts";
import { write } from "./fake_webcam_controls.ts";

/** A format of a {@linkcode FakeWebcam}, by V4L2's four characters: `YUYV`, `NV12`, `YU12`, `GREY`, `MJPG`, `H264`. */
export interface FakeWebcamFormat {
  /** Four characters. */
  readonly fourcc: string;
  /** Its sizes, and how many pictures a second it has at each; or `range`. */
  readonly sizes?: readonly {
    readonly width: number;
    readonly height: number;
    readonly fps: readonly number[];
  }[];
  /** Any size between. */
  readonly range?: { readonly min: number; readonly max: number; readonly step: number };
}

const USUAL: readonly FakeWebcamFormat[] = [{
  fourcc: "YUYV",
  sizes: [[320, 240], [640, 480], [1280, 720]].map(([width, height]) => (
    { width: width!, height: height!, fps: [30, 15, 5] }
  )),
}];

/** A format at a size. */
export interface FakeSetting {
  /** Four characters. */
  readonly code: string;
  /** Width in pixels. */
  readonly width: number;
  /** Height in pixels. */
  readonly height: number;
}

/** Its formats, and the requests that are about them. */
export class FakeFormats {
  readonly #formats: readonly FakeWebcamFormat[];

  /** Those given, or what a plain webcam has. */
  constructor(formats: readonly FakeWebcamFormat[] = USUAL) {
    this.#formats = formats;
  }

  /** Answers; null when the request is not about formats. */
  ioctl(request: number, argument: DataView): number | null {
    switch (request) {
      case VIDIOC.ENUM_FMT:
        return this.#enumerateFormats(argument);
      case VIDIOC.ENUM_FRAMESIZES:
        return this.#enumerateSizes(argument);
      case VIDIOC.ENUM_FRAMEINTERVALS:
        return this.#enumerateIntervals(argument);
    }
    return null;
  }

  #enumerateFormats(argument: DataView): number {
    const format = this.#formats[argument.getUint32(FMTDESC.index, true)];
    if (format === undefined) return -ERRNO.EINVAL;
    write(argument, FMTDESC.description, format.fourcc);
    argument.setUint32(FMTDESC.pixelformat, fourcc(format.fourcc), true);
    return 0;
  }

  #formatOf(code: number): FakeWebcamFormat | undefined {
    return this.#formats.find((format) => fourcc(format.fourcc) === code);
  }

  #enumerateSizes(argument: DataView): number {
    const index = argument.getUint32(FRMSIZE.index, true);
    const format = this.#formatOf(argument.getUint32(FRMSIZE.pixelformat, true));
    const put = (values: readonly number[]) =>
      values.forEach((value, i) => argument.setUint32(FRMSIZE.type + 4 * i, value, true));
    if (format?.range !== undefined && index === 0) {
      const { min, max, step } = format.range;
      put([step === 1 ? 2 : 3, min, max, step, min, max, step]);
      return 0;
    }
    const size = format?.sizes?.[index];
    if (size === undefined) return -ERRNO.EINVAL;
    put([DISCRETE, size.width, size.height]);
    return 0;
  }

  #enumerateIntervals(argument: DataView): number {
    const index = argument.getUint32(FRMIVAL.index, true);
    const format = this.#formatOf(argument.getUint32(FRMIVAL.pixelformat, true));
    const [width, height] = [FRMIVAL.width, FRMIVAL.height]
      .map((offset) => argument.getUint32(offset, true));
    const put = (values: readonly number[]) =>
      values.forEach((value, i) => argument.setUint32(FRMIVAL.type + 4 * i, value, true));
    if (format?.range !== undefined && index === 0) {
      put([3, 1, 60, 1, 1, 1, 60]); // any from 60 to 1 picture a second
      return 0;
    }
    const size = format?.sizes?.find((size) => size.width === width && size.height === height);
    const fps = size?.fps[index];
    if (fps === undefined) return -ERRNO.EINVAL;
    put([DISCRETE, 10_000, Math.round(10_000 * fps)]);
    return 0;
  }

  /** As drivers do: what cannot be is made what can. @param code V4L2's number of the format */
  nearest(code: number, width: number, height: number): FakeSetting {
    const format = this.#formatOf(code) ?? this.#formats[0]!;
    if (format.range !== undefined) {
      const { min, max, step } = format.range;
      const fit = (value: number) => Math.min(max, Math.max(min, value - (value - min) % step));
      return { code: format.fourcc, width: fit(width), height: fit(height) };
    }
    const far = (size: { width: number; height: number }) =>
      Math.abs(size.width - width) + Math.abs(size.height - height);
    const sizes = [...format.sizes ?? []].sort((a, b) => far(a) - far(b));
    return { code: format.fourcc, width: sizes[0]!.width, height: sizes[0]!.height };
  }

  /** How many pictures a second it gives when so many are wanted. */
  rate({ code, width, height }: FakeSetting, wanted: number): number {
    const sizes = this.#formatOf(fourcc(code))?.sizes ?? [];
    const size = sizes.find((size) => size.width === width && size.height === height);
    const far = (fps: number) => Math.abs(fps - wanted);
    return [...size?.fps ?? [wanted]].sort((a, b) => far(a) - far(b))[0]!;
  }
}
