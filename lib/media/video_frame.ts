import { convertInto, scaleInto } from "./converter.ts";
import {
  allocatePixels,
  checkPlanes,
  checkSize,
  copyPixels,
  type PixelFormat,
  type Pixels,
  type Plane,
} from "./pixel_format.ts";

export type { PixelFormat, Pixels, Plane };

/** Pixels as a plain array, as OpenCV and NumPy have them: row-major, packed, no padding. */
export interface PixelArray {
  /** `height * width * channels` bytes. */
  readonly data: Uint8Array;
  /** `[height, width, channels]`. */
  readonly shape: readonly [height: number, width: number, channels: number];
}

/** What `VideoFrame.fromBGR` and its friends take. */
export type PixelSource = PixelArray | {
  /** Packed bytes, row by row. */
  readonly data: Uint8Array;
  /** Pixels in a row. */
  readonly width: number;
  /** Number of rows. */
  readonly height: number;
};

/**
 * One picture of a video: pixels, their format and a time.
 *
 * A frame does not copy the memory it is made from and never writes to it. Whoever makes a frame must
 * not write to that memory while others hold the frame; {@linkcode VideoFrame.clone} makes one that
 * stands alone. Every `to…`, `gray` and `resize` returns fresh memory, except where the frame already
 * is what was asked for.
 *
 * @example
 * ```ts
 * import { VideoFrame } from "rtcbot";
 * const bgr = { data: new Uint8Array(480 * 640 * 3), shape: [480, 640, 3] as const };
 * const frame = VideoFrame.fromBGR(bgr, 0);
 * console.assert(frame.toI420().planes.length === 3);
 * console.assert(frame.resize(320, 240).width === 320);
 * ```
 */
export class VideoFrame implements Pixels {
  /** Pixels in a row. */
  readonly width: number;
  /** Number of rows. */
  readonly height: number;
  /** How the pixels lie in memory. */
  readonly format: PixelFormat;
  /** The planes, as many as the format has. */
  readonly planes: readonly Plane[];
  /** When the picture was taken, in microseconds of the source's own clock. */
  readonly timestampUs: number;

  /**
   * Wraps planes without copying them.
   *
   * @throws {TypeError} when the format or number of planes is wrong
   * @throws {RangeError} when a plane is too small, or a size is no whole number from 1 to 16383
   */
  constructor(
    init: {
      width: number;
      height: number;
      format: PixelFormat;
      planes: readonly Plane[];
      timestampUs: number;
    },
  ) {
    checkPlanes(init);
    if (!Number.isFinite(init.timestampUs)) {
      throw new RangeError(
        `Cannot make a frame: timestampUs is ${init.timestampUs}; give a number of microseconds`,
      );
    }
    this.width = init.width;
    this.height = init.height;
    this.format = init.format;
    this.planes = init.planes;
    this.timestampUs = init.timestampUs;
  }

  /** Wraps blue, green, red bytes of shape `(height, width, 3)`. */
  static fromBGR(pixels: PixelSource, timestampUs: number): VideoFrame {
    return wrap("BGR", pixels, 3, timestampUs);
  }

  /** Wraps red, green, blue bytes of shape `(height, width, 3)`. */
  static fromRGB(pixels: PixelSource, timestampUs: number): VideoFrame {
    return wrap("RGB", pixels, 3, timestampUs);
  }

  /** Wraps blue, green, red, alpha bytes of shape `(height, width, 4)`. */
  static fromBGRA(pixels: PixelSource, timestampUs: number): VideoFrame {
    return wrap("BGRA", pixels, 4, timestampUs);
  }

  /** Wraps red, green, blue, alpha bytes of shape `(height, width, 4)`, as canvases have them. */
  static fromRGBA(pixels: PixelSource, timestampUs: number): VideoFrame {
    return wrap("RGBA", pixels, 4, timestampUs);
  }

  /** Wraps full-range grey bytes of shape `(height, width, 1)`. */
  static fromGray(pixels: PixelSource, timestampUs: number): VideoFrame {
    return wrap("GRAY", pixels, 1, timestampUs);
  }

  /** Wraps `I420` bytes that lie one plane after the other without padding. */
  static fromI420(
    pixels: { readonly data: Uint8Array; readonly width: number; readonly height: number },
    timestampUs: number,
  ): VideoFrame {
    const { data, width, height } = pixels;
    checkSize(width, height);
    const half = (width + 1) >> 1;
    const luma = width * height;
    const chroma = half * ((height + 1) >> 1);
    const planes = [
      { data: data.subarray(0, luma), stride: width },
      { data: data.subarray(luma, luma + chroma), stride: half },
      { data: data.subarray(luma + chroma, luma + 2 * chroma), stride: half },
    ];
    return new VideoFrame({ width, height, format: "I420", planes, timestampUs });
  }

  /** The frame as `I420`: itself if it already is. */
  toI420(): VideoFrame {
    return this.convert("I420");
  }

  /** Blue, green, red bytes of shape `(height, width, 3)`, in fresh memory. */
  toBGR(): PixelArray {
    return this.#array("BGR", 3);
  }

  /** Red, green, blue bytes of shape `(height, width, 3)`, in fresh memory. */
  toRGB(): PixelArray {
    return this.#array("RGB", 3);
  }

  /** Red, green, blue, alpha bytes of shape `(height, width, 4)`, in fresh memory. */
  toRGBA(): PixelArray {
    return this.#array("RGBA", 4);
  }

  /** Full-range grey bytes of shape `(height, width, 1)`, in fresh memory. */
  toGray(): PixelArray {
    return this.#array("GRAY", 1);
  }

  /** The frame as full-range grey: itself if it already is. */
  gray(): VideoFrame {
    return this.convert("GRAY");
  }

  /** The frame in another format: itself if it already has it. */
  convert(format: PixelFormat): VideoFrame {
    if (format === this.format) return this;
    const target = allocatePixels(format, this.width, this.height);
    convertInto(this, target);
    return new VideoFrame({ ...target, timestampUs: this.timestampUs });
  }

  /**
   * The picture in another size: itself if it has that size, else `GRAY` of a `GRAY` frame and `I420` of
   * all others. Shrinking both sides to less than half averages boxes of pixels, everything else is
   * bilinear (libyuv's kFilterBox and kFilterBilinear, and within 2 levels of them).
   *
   * @throws {RangeError} unless both are whole numbers from 1 to 16383
   */
  resize(width: number, height: number): VideoFrame {
    checkSize(width, height);
    if (width === this.width && height === this.height) return this;
    const source = this.format === "GRAY" ? this : this.toI420();
    const target = allocatePixels(source.format, width, height);
    scaleInto(source, target);
    return new VideoFrame({ ...target, timestampUs: this.timestampUs });
  }

  /** A copy in fresh memory without padding, for whoever keeps a frame whose memory is reused. */
  clone(): VideoFrame {
    const target = allocatePixels(this.format, this.width, this.height);
    copyPixels(this, target);
    return new VideoFrame({ ...target, timestampUs: this.timestampUs });
  }

  #array(format: PixelFormat, channels: number): PixelArray {
    const target = allocatePixels(format, this.width, this.height);
    if (format === this.format) copyPixels(this, target);
    else convertInto(this, target);
    return { data: target.planes[0]!.data, shape: [this.height, this.width, channels] };
  }
}

function wrap(
  format: PixelFormat,
  pixels: PixelSource,
  channels: number,
  timestampUs: number,
): VideoFrame {
  if ("shape" in pixels && pixels.shape[2] !== channels) {
    throw new RangeError(
      `Cannot make a ${format} frame: the array has ${pixels.shape[2]} channels; give ${channels}`,
    );
  }
  const [height, width] = "shape" in pixels ? pixels.shape : [pixels.height, pixels.width];
  const planes = [{ data: pixels.data, stride: width * channels }];
  checkSize(width, height);
  const expected = width * height * channels;
  if (pixels.data.length !== expected) {
    throw new RangeError(
      `Cannot make a ${width}x${height} ${format} frame: the array has ${pixels.data.length} bytes; ` +
        `give ${expected}`,
    );
  }
  return new VideoFrame({ width, height, format, planes, timestampUs });
}
