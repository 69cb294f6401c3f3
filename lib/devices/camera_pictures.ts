/** From the bytes that a camera hands over to frames: copied, converted or decoded, when somebody wants them. */
import "../codecs/libyuv.ts";
import { H264Decoder } from "../codecs/h264_decoder.ts";
import { JpegDecoder } from "../codecs/jpeg_decoder.ts";
import { RemoteProtocolError, SubscriptionClosed } from "../errors.ts";
import type { EncodedVideo } from "../media/encoded.ts";
import type { PixelFormat } from "../media/pixel_format.ts";
import { VideoFrame } from "../media/video_frame.ts";
import type { CameraEncoded } from "./camera_encoded.ts";
import { encodedVideo, type Maker } from "./ffmpeg_values.ts";
import { NewestOnly } from "./newest_only.ts";
import type { CapturedPicture } from "./v4l2_capture.ts";
import type { V4l2Format } from "./v4l2_device.ts";

/** Who gets what is made. */
export interface PictureTaker {
  /** Whether anybody wants frames. */
  wanted(): boolean;
  /** Compressed pictures go here, if the camera makes them. */
  readonly encoded: CameraEncoded;
  /** A compressed stream cannot be decoded from here on: a key frame would help. */
  requestKeyFrame(): void;
  /** A frame that owns its memory. */
  give(frame: VideoFrame): void;
  /** A picture was broken and left out. */
  damaged(): void;
  /** Nothing can be made any more. */
  failed(error: unknown): void;
}

/** Makes frames of one stream's pictures. */
export interface PictureMaker extends Disposable {
  /** Takes a picture, whose memory is the driver's again afterwards. */
  take(picture: CapturedPicture, timestampUs: number): void;
}

/** What makes frames of the pictures of a camera that is set so. */
export function pictureMaker(format: V4l2Format, taker: PictureTaker): PictureMaker {
  if (format.pixelFormat === "MJPEG") return jpegPictures(taker);
  if (format.pixelFormat === "H264") return new H264Pictures(format, taker);
  return rawPictures(format, taker);
}

function rawPictures(format: V4l2Format, taker: PictureTaker): PictureMaker {
  return {
    take({ data }, timestampUs) {
      if (!taker.wanted()) return;
      let mapped: VideoFrame;
      try {
        mapped = new VideoFrame({ ...layOut(format, data), timestampUs });
      } catch {
        return taker.damaged(); // fewer bytes than there should be: a part was lost on the cable
      }
      const inPlace = mapped.format === "I420" || mapped.format === "GRAY";
      taker.give(inPlace ? mapped.clone() : mapped.toI420());
    },
    [Symbol.dispose]: () => {},
  };
}

/** The planes lie one after the other, with the rows of chroma as much padded as those of luma. */
function layOut(format: V4l2Format, data: Uint8Array) {
  const { width, height, stride } = format;
  const pixelFormat = format.pixelFormat as PixelFormat;
  const luma = stride * height, half = stride >> 1, rows = (height + 1) >> 1;
  const planes = [{ data, stride }];
  if (pixelFormat === "NV12") planes.push({ data: data.subarray(luma), stride });
  if (pixelFormat === "I420") {
    const chroma = [luma, luma + half * rows];
    planes.push(...chroma.map((start) => ({ data: data.subarray(start), stride: half })));
  }
  return { width, height, format: pixelFormat, planes };
}

/** One picture at a time, and the newest next. */
function jpegPictures(taker: PictureTaker): PictureMaker {
  let decoder: JpegDecoder | null = null;
  const newest = new NewestOnly<{ data: Uint8Array<ArrayBuffer>; timestampUs: number }>(
    async ({ data, timestampUs }) => taker.give(await decoder!.decode(data, timestampUs)),
    (error) => broken(error, taker),
  );
  return {
    take({ data }, timestampUs) {
      if (!taker.wanted()) return;
      try {
        decoder ??= new JpegDecoder();
      } catch (error) {
        return taker.failed(error);
      }
      newest.push({ data: data.slice(), timestampUs });
    },
    [Symbol.dispose]: () => decoder?.close(),
  };
}

/** As many may wait for the decoder; after that it starts anew at a key frame. */
const MOST_BEHIND = 8;

/** Each builds on the one before it. */
class H264Pictures implements PictureMaker {
  readonly #taker: PictureTaker;
  readonly #chunkOf: Maker<EncodedVideo>;
  #decoder: H264Decoder | null = null;
  #waiting = 0;
  /** Whether the decoder has all that the next picture builds on. */
  #inStep = false;

  constructor(format: V4l2Format, taker: PictureTaker) {
    this.#taker = taker;
    const { width, height } = format;
    const extradata = new Uint8Array();
    this.#chunkOf = encodedVideo(
      { kind: "video", fourcc: "H264", extradata, width, height, sampleRateHz: 0, channels: 0 },
      "Cannot pass on the camera's pictures",
    );
  }

  take(picture: CapturedPicture, timestampUs: number): void {
    const { encoded } = this.#taker;
    if (picture.afterGap) {
      this.#inStep = false;
      this.#taker.requestKeyFrame();
    }
    let chunk: EncodedVideo;
    try {
      // Its parameter sets are remembered, so the memory must be ours.
      const data = picture.data.slice();
      chunk = this.#chunkOf(
        { stream: 0, timestampUs, keyFrame: picture.keyFrame, data },
        timestampUs,
      );
    } catch (error) {
      this.#inStep = false;
      return broken(error, this.#taker);
    }
    encoded.give(chunk);
    if (this.#taker.wanted()) this.#decode(chunk);
    else this.#inStep = false;
  }

  #decode(chunk: EncodedVideo): void {
    if (this.#waiting >= MOST_BEHIND) this.#inStep = false;
    if (chunk.keyFrame && this.#waiting < MOST_BEHIND) this.#inStep = true;
    if (!this.#inStep) return this.#taker.requestKeyFrame();
    try {
      this.#decoder ??= new H264Decoder();
    } catch (error) {
      return this.#taker.failed(error);
    }
    this.#waiting++;
    this.#decoder.decode(chunk).then(
      (frame) => {
        this.#waiting--;
        if (frame !== null) this.#taker.give(frame);
      },
      (error) => {
        this.#waiting--;
        this.#inStep = false;
        broken(error, this.#taker);
      },
    );
  }

  [Symbol.dispose](): void {
    this.#decoder?.close();
  }
}

function broken(error: unknown, taker: PictureTaker): void {
  if (error instanceof SubscriptionClosed) return; // the camera was closed meanwhile
  if (error instanceof RemoteProtocolError) taker.damaged();
  else taker.failed(error);
}
