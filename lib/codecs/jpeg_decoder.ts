/** JPEG decoding, for cameras that send their pictures so: by libyuv, and by libavcodec where that cannot. */

import { AvDecoderContext } from "../../ffi/avcodec_decoder.ts";
import { openYuvJpeg, type YuvJpeg } from "../../ffi/jpeg.ts";
import { LibraryMissing, RemoteProtocolError } from "../errors.ts";
import { allocatePixels, MAX_DIMENSION } from "../media/pixel_format.ts";
import { VideoFrame } from "../media/video_frame.ts";
import { checkPixels, MAX_PIXELS } from "./codec.ts";
import { Turns } from "./turns.ts";

/** Turns one picture into a frame. */
interface Engine {
  decode(jpeg: Uint8Array<ArrayBuffer>, timestampUs: number): Promise<VideoFrame>;
  free(): void;
}

/** undefined: not tried. */
let yuv: YuvJpeg | null | undefined;

/**
 * Decodes JPEG pictures, one after the other, off the event loop. Colours are brought from JPEG's full
 * range to the limited range that frames have.
 */
export class JpegDecoder implements Disposable {
  #engine: Engine;
  /** libavcodec's, after libyuv has refused a picture. */
  #other: Engine | null | undefined;
  readonly #choosable: boolean;
  readonly #turns: Turns;

  /**
   * Opens what can decode.
   *
   * @param options.library to use no other, for tests
   * @throws {LibraryMissing} when there is neither a libyuv that reads JPEG nor libavcodec
   */
  constructor(options: { library?: "libyuv" | "libavcodec" } = {}) {
    this.#engine = open(options.library);
    this.#choosable = options.library === undefined && yuv !== null;
    this.#turns = new Turns("JpegDecoder", () => {
      this.#engine.free();
      if (this.#other !== this.#engine) this.#other?.free();
    });
  }

  /**
   * The picture as `I420` in memory of its own. The bytes must stay as they are until it settles.
   *
   * @throws {RemoteProtocolError} when it is broken
   * @throws {SubscriptionClosed} when the decoder was closed
   */
  decode(jpeg: Uint8Array<ArrayBuffer>, timestampUs: number): Promise<VideoFrame> {
    return this.#turns.run(async () => {
      try {
        return await this.#engine.decode(jpeg, timestampUs);
      } catch (error) {
        const final = !this.#choosable || this.#engine === this.#other;
        if (final || !(error instanceof RemoteProtocolError)) throw error;
        return await this.#secondOpinion(jpeg, timestampUs, error);
      }
    });
  }

  /** libyuv takes the common samplings of chroma only; what libavcodec can read is left to it from then on. */
  async #secondOpinion(
    jpeg: Uint8Array<ArrayBuffer>,
    timestampUs: number,
    refusal: Error,
  ): Promise<VideoFrame> {
    this.#other ??= byAvcodecIfHere();
    if (this.#other === null) throw refusal;
    const frame = await this.#other.decode(jpeg, timestampUs);
    this.#engine = this.#other;
    return frame;
  }

  /** Ends it, as often as you like; a picture in work is finished first. */
  close(): void {
    this.#turns.close();
  }

  /** The same as `close`. */
  [Symbol.dispose](): void {
    this.close();
  }
}

function open(library: "libyuv" | "libavcodec" | undefined): Engine {
  if (library !== "libavcodec") {
    try {
      yuv ??= yuv === null ? null : openYuvJpeg();
    } catch (error) {
      if (!(error instanceof LibraryMissing) || library === "libyuv") throw error;
      yuv = null;
    }
    if (yuv) return byYuv(yuv);
  }
  const engine = byAvcodecIfHere();
  if (engine !== null) return engine;
  throw new LibraryMissing(
    "Cannot decode JPEG: neither a libyuv that reads it nor libavcodec is on this machine; " +
      'install one, "sudo apt install libyuv0" (Debian and Ubuntu)',
  );
}

function byYuv(library: YuvJpeg): Engine {
  return {
    async decode(jpeg, timestampUs) {
      const size = library.size(jpeg);
      if (size === null) throw broken("it has no header");
      const { width, height } = size;
      if (Math.max(width, height) > MAX_DIMENSION) throw broken("its header is damaged");
      checkPixels("a JPEG picture", width, height, MAX_PIXELS);
      const target = allocatePixels("I420", width, height);
      const planes = target.planes as { data: Uint8Array<ArrayBuffer>; stride: number }[];
      if (!await library.decode(jpeg, width, height, planes)) throw broken("it is damaged");
      const [half, halfHeight] = [(width + 1) >> 1, (height + 1) >> 1];
      // 16 + y * 219/255 is y moved by 36/255 of the way to 113.3; and 224/255 of chroma's distance from 128.
      library.blend(planes[0]!, width, height, 114, 36);
      for (const plane of planes.slice(1)) library.blend(plane, half, halfHeight, 128, 31);
      return new VideoFrame({ ...target, timestampUs });
    },
    free: () => {},
  };
}

function byAvcodecIfHere(): Engine | null {
  try {
    return byAvcodec();
  } catch (error) {
    if (error instanceof LibraryMissing) return null;
    throw error;
  }
}

function byAvcodec(): Engine {
  const context = new AvDecoderContext("mjpeg", "a JPEG picture", {
    ...{ threads: "1", err_detect: "+explode", max_pixels: String(2 * MAX_PIXELS) },
  });
  return {
    async decode(jpeg, timestampUs) {
      const picture = await context.decode(jpeg, BigInt(Math.round(timestampUs)));
      if (picture === null) throw broken("it is not whole");
      if (picture.fullRange) narrow(picture);
      return VideoFrame.fromI420(picture, timestampUs);
    },
    free: () => context.free(),
  };
}

function broken(why: string): RemoteProtocolError {
  return new RemoteProtocolError(
    `Cannot decode a JPEG picture: ${why}; see that the camera's cable and hub are good`,
  );
}

/** Luma from 0…255 to 16…235, and chroma to 16…240, as frames are (ITU-T T.871 against BT.601). */
function narrow(
  { data, width, height }: { data: Uint8Array; width: number; height: number },
): void {
  const luma = width * height;
  for (let i = 0; i < luma; i++) data[i] = 16.5 + data[i]! * 219 / 255;
  for (let i = luma; i < data.length; i++) data[i] = 128.5 + (data[i]! - 128) * 224 / 255;
}
