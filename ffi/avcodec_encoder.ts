/** Encoder contexts of libavcodec. */

import { LibraryMissing } from "../lib/errors.ts";
import {
  AV_PICTURE_TYPE_I,
  AV_PIX_FMT,
  AV_PKT_FLAG_KEY,
  avError,
  AVERROR_EAGAIN,
  type AvLibrary,
  cString,
  FRAME,
  holder,
  memory,
  openAvcodec,
  PACKET,
  setOption,
} from "./avcodec.ts";
import { addressOf } from "./vpx.ts";

/** What an encoder context is made with. */
export interface AvEncoderSettings {
  /** libavcodec's name of the encoder, such as `libx264`. */
  readonly name: string;
  /** What errors call what comes out, such as `an H.264 frame`. */
  readonly frameName: string;
  /** Width of every frame, even. */
  readonly width: number;
  /** Height of every frame, even. */
  readonly height: number;
  /** Options by name. */
  readonly options: Readonly<Record<string, string>>;
}

/** A compressed frame in memory of its own. */
export interface AvPacket {
  /** The bytes. */
  readonly data: Uint8Array<ArrayBuffer>;
  /** Whether `AV_PKT_FLAG_KEY` is set. */
  readonly keyFrame: boolean;
}

/**
 * An encoder context and the frame buffer that it reads. One call at a time: {@linkcode encode} must have
 * settled before any other method is called, also `free`.
 */
export class AvEncoderContext {
  /** `I420` planes without padding that the next `encode` reads; write into them between calls. */
  readonly pixels: Uint8Array<ArrayBuffer>;
  readonly #library: AvLibrary;
  readonly #name: string;
  readonly #frameName: string;
  readonly #unsafeContext: NonNullable<Deno.PointerValue>;
  readonly #unsafeFrame: NonNullable<Deno.PointerValue>;
  readonly #unsafePacket: NonNullable<Deno.PointerValue>;
  readonly #frame: DataView;

  /**
   * Opens libavcodec if need be and starts an encoder.
   *
   * @throws {LibraryMissing} when libavcodec is not here or was built without the encoder
   * @throws {SystemCallError} when it refuses the settings
   */
  constructor(settings: AvEncoderSettings) {
    const { name, frameName, width, height } = settings;
    const { symbols, pictTypeOffset } = this.#library = openAvcodec();
    const unsafeCodec = findEncoder(this.#library, name);
    this.#name = name;
    this.#frameName = frameName;
    this.#unsafeContext = here(symbols.avcodec_alloc_context3(unsafeCodec));
    this.#unsafeFrame = here(symbols.av_frame_alloc());
    this.#unsafePacket = here(symbols.av_packet_alloc());
    this.#frame = memory(this.#unsafeFrame, Math.max(pictTypeOffset + 4, FRAME.pts + 8));
    // The address of a small array would not stay good, see addressOf().
    this.pixels = new Uint8Array(Math.max(256, width * height * 3 / 2));
    try {
      this.#open(unsafeCodec, settings);
      this.#describeFrame(width, height);
    } catch (error) {
      this.free();
      throw error;
    }
  }

  #open(unsafeCodec: Deno.PointerValue, { width, height, options }: AvEncoderSettings): void {
    const { symbols } = this.#library;
    const all = { video_size: `${width}x${height}`, pixel_format: "yuv420p", ...options };
    for (const [name, value] of Object.entries(all)) {
      if (setOption(symbols, this.#unsafeContext, name, value)) continue;
      throw avError(symbols, `set ${name} of ${this.#name} to ${value}`, AVERROR_EINVAL);
    }
    const result = symbols.avcodec_open2(this.#unsafeContext, unsafeCodec, null);
    if (result < 0) throw avError(symbols, `start the encoder ${this.#name}`, result);
  }

  /** The planes have no owner that libavcodec knows, so it copies them whenever it is given them. */
  #describeFrame(width: number, height: number): void {
    const frame = this.#frame;
    const luma = addressOf(this.pixels);
    const planes = [luma, luma + BigInt(width * height), luma + BigInt(width * height * 5 / 4)];
    for (const [plane, address] of planes.entries()) {
      frame.setBigUint64(FRAME.data + 8 * plane, address, true);
      frame.setInt32(FRAME.linesize + 4 * plane, plane === 0 ? width : width / 2, true);
    }
    frame.setInt32(FRAME.width, width, true);
    frame.setInt32(FRAME.height, height, true);
    frame.setInt32(FRAME.format, AV_PIX_FMT.YUV420P, true);
  }

  /** Changes options of the running encoder; false if it does not take them. */
  configure(options: Readonly<Record<string, string>>): boolean {
    const { symbols } = this.#library;
    return Object.entries(options).every(([name, value]) =>
      setOption(symbols, this.#unsafeContext, name, value)
    );
  }

  /** Encodes what is in `pixels`; null if nothing came out. */
  async encode(pts: bigint, keyFrame: boolean): Promise<AvPacket | null> {
    const { symbols, pictTypeOffset } = this.#library;
    this.#frame.setBigInt64(FRAME.pts, pts, true);
    this.#frame.setInt32(pictTypeOffset, keyFrame ? AV_PICTURE_TYPE_I : 0, true);
    const sent = await symbols.avcodec_send_frame(this.#unsafeContext, this.#unsafeFrame);
    if (sent < 0) throw avError(symbols, `encode ${this.#frameName}`, sent);
    const got = symbols.avcodec_receive_packet(this.#unsafeContext, this.#unsafePacket);
    if (got === AVERROR_EAGAIN) return null;
    if (got < 0) throw avError(symbols, `encode ${this.#frameName}`, got);
    const packet = new Deno.UnsafePointerView(this.#unsafePacket);
    const data = new Uint8Array(packet.getInt32(PACKET.size));
    const unsafeData = packet.getPointer(PACKET.data);
    if (unsafeData !== null) Deno.UnsafePointerView.copyInto(unsafeData, data);
    const isKey = (packet.getInt32(PACKET.flags) & AV_PKT_FLAG_KEY) !== 0;
    symbols.av_packet_unref(this.#unsafePacket);
    return { data, keyFrame: isKey };
  }

  /** Frees the context; nothing may be called on it afterwards. */
  free(): void {
    const { symbols } = this.#library;
    // Its planes are not libavcodec's to free: they have no AVBufferRef.
    symbols.av_frame_free(holder(this.#unsafeFrame));
    symbols.av_packet_free(holder(this.#unsafePacket));
    symbols.avcodec_free_context(holder(this.#unsafeContext));
  }
}

/** `AVERROR(EINVAL)`; 22 everywhere. */
const AVERROR_EINVAL = -22;

/**
 * The encoder of this name.
 *
 * @throws {LibraryMissing} when libavcodec was built without it
 */
export function findEncoder(
  { symbols, version }: AvLibrary,
  name: string,
): NonNullable<Deno.PointerValue> {
  const unsafeCodec = symbols.avcodec_find_encoder_by_name(cString(name));
  if (unsafeCodec !== null) return unsafeCodec;
  throw new LibraryMissing(
    `Cannot encode by ${name}: libavcodec ${version} was built without it; install the ffmpeg of ` +
      "Debian, Ubuntu, Homebrew or RPM Fusion, or use VP8",
  );
}

function here(unsafePointer: Deno.PointerValue): NonNullable<Deno.PointerValue> {
  if (unsafePointer === null) throw new RangeError("Cannot use libavcodec: no memory is left");
  return unsafePointer;
}
