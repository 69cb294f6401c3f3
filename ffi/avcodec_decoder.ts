/** Decoder contexts of libavcodec. */

import { LibraryMissing, RemoteProtocolError } from "../lib/errors.ts";
import {
  AV_PIX_FMT,
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

/** A decoded picture: `I420` planes without padding, one after the other in fresh memory. */
export interface AvPicture {
  /** The planes. */
  readonly data: Uint8Array<ArrayBuffer>;
  /** Width in pixels. */
  readonly width: number;
  /** Height in pixels. */
  readonly height: number;
  /** What was given with its bytes. */
  readonly pts: bigint;
  /** Whether luma goes from 0 to 255 and not from 16 to 235. */
  readonly fullRange: boolean;
}

/** `AV_INPUT_BUFFER_PADDING_SIZE`, <libavcodec/defs.h>: zeros that decoders read beyond the end. */
const PADDING = 64;

/** A decoder context; one call at a time, as {@linkcode AvEncoderContext}. */
export class AvDecoderContext {
  readonly #library: AvLibrary;
  readonly #frameName: string;
  readonly #unsafeContext: NonNullable<Deno.PointerValue>;
  readonly #unsafeFrame: NonNullable<Deno.PointerValue>;
  readonly #unsafePacket: NonNullable<Deno.PointerValue>;

  /**
   * Opens libavcodec if need be and starts a decoder.
   *
   * @param name libavcodec's name of it, such as `h264`
   * @param frameName what errors call what it decodes, such as `an H.264 frame`
   * @param options by name, <libavcodec/options_table.h>
   * @throws {LibraryMissing | SystemCallError} when libavcodec is not here or cannot decode
   */
  constructor(name: string, frameName: string, options: Readonly<Record<string, string>>) {
    const { symbols } = this.#library = openAvcodec();
    const unsafeCodec = findDecoder(this.#library, name);
    this.#frameName = frameName;
    this.#unsafeContext = here(symbols.avcodec_alloc_context3(unsafeCodec));
    this.#unsafeFrame = here(symbols.av_frame_alloc());
    this.#unsafePacket = here(symbols.av_packet_alloc());
    for (const [option, value] of Object.entries(options)) {
      setOption(symbols, this.#unsafeContext, option, value);
    }
    const result = symbols.avcodec_open2(this.#unsafeContext, unsafeCodec, null);
    if (result >= 0) return;
    this.free();
    throw avError(symbols, `start the decoder ${name}`, result);
  }

  /**
   * Decodes one frame; null if there is nothing to show. `data` is copied before this returns.
   *
   * @param pts comes back with the picture, which is another frame's if the sender reordered them
   */
  async decode(data: Uint8Array, pts: bigint): Promise<AvPicture | null> {
    const { symbols } = this.#library;
    this.#fill(data, pts);
    const sent = await symbols.avcodec_send_packet(this.#unsafeContext, this.#unsafePacket);
    symbols.av_packet_unref(this.#unsafePacket);
    if (sent < 0) throw this.#failed(sent);
    let picture: AvPicture | null = null;
    // More than one only if the sender reordered frames: then the newest is what matters.
    for (;;) {
      const got = symbols.avcodec_receive_frame(this.#unsafeContext, this.#unsafeFrame);
      if (got === AVERROR_EAGAIN) return picture;
      if (got < 0) throw this.#failed(got);
      try {
        picture = copyPicture(this.#unsafeFrame);
      } finally {
        symbols.av_frame_unref(this.#unsafeFrame);
      }
    }
  }

  #fill(data: Uint8Array, pts: bigint): void {
    const { symbols } = this.#library;
    // With room behind it, zeroed by av_new_packet().
    const result = symbols.av_new_packet(this.#unsafePacket, data.length);
    if (result < 0) throw avError(symbols, `decode ${data.length} bytes`, result);
    memory(this.#unsafePacket, PACKET.pts + 8).setBigInt64(PACKET.pts, pts, true);
    const unsafeData = new Deno.UnsafePointerView(this.#unsafePacket).getPointer(PACKET.data);
    if (unsafeData === null) return;
    new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(unsafeData, data.length + PADDING))
      .set(data);
  }

  #failed(result: number): Error {
    return avError(this.#library.symbols, `decode ${this.#frameName}`, result, "data");
  }

  /** Frees the context; nothing may be called on it afterwards. */
  free(): void {
    const { symbols } = this.#library;
    symbols.av_frame_free(holder(this.#unsafeFrame));
    symbols.av_packet_free(holder(this.#unsafePacket));
    symbols.avcodec_free_context(holder(this.#unsafeContext));
  }
}

/**
 * The decoder of this name.
 *
 * @throws {LibraryMissing} when libavcodec was built without it
 */
export function findDecoder(
  { symbols, version }: AvLibrary,
  name: string,
): NonNullable<Deno.PointerValue> {
  const unsafeCodec = symbols.avcodec_find_decoder_by_name(cString(name));
  if (unsafeCodec !== null) return unsafeCodec;
  throw new LibraryMissing(
    `Cannot decode by ${name}: libavcodec ${version} was built without it; install the ffmpeg of ` +
      "Debian, Ubuntu, Homebrew or RPM Fusion, or ask for VP8",
  );
}

/** Takes the picture out of libavcodec's memory. */
function copyPicture(unsafeFrame: NonNullable<Deno.PointerValue>): AvPicture {
  const frame = memory(unsafeFrame, FRAME.pts + 8);
  const [width, height, format] = [FRAME.width, FRAME.height, FRAME.format]
    .map((offset) => frame.getInt32(offset, true)) as [number, number, number];
  const { YUV420P, YUVJ420P, YUVJ422P } = AV_PIX_FMT;
  if (format !== YUV420P && format !== YUVJ420P && format !== YUVJ422P) {
    throw new RemoteProtocolError(
      `Cannot show a frame: its pixels are not 4:2:0 of 8 bits (AVPixelFormat ${format}); ` +
        "ask the sender for one of the profiles baseline, main and high",
    );
  }
  const half = (width + 1) >> 1;
  const sizes = [[width, height], [half, (height + 1) >> 1], [half, (height + 1) >> 1]] as const;
  const data = new Uint8Array(sizes.reduce((sum, [w, h]) => sum + w * h, 0));
  let out = 0;
  for (const [plane, [rowBytes, rows]] of sizes.entries()) {
    const unsafePlane = Deno.UnsafePointer.create(frame.getBigUint64(FRAME.data + 8 * plane, true));
    if (unsafePlane === null) continue;
    // Of 4:2:2 every second row of chroma is left out.
    const every = format === YUVJ422P && plane > 0 ? 2 : 1;
    const stride = every * frame.getInt32(FRAME.linesize + 4 * plane, true);
    const padded = new Uint8Array(
      Deno.UnsafePointerView.getArrayBuffer(unsafePlane, stride * (rows - 1) + rowBytes),
    );
    for (let row = 0; row < rows; row++, out += rowBytes) {
      data.set(padded.subarray(row * stride, row * stride + rowBytes), out);
    }
  }
  const pts = frame.getBigInt64(FRAME.pts, true);
  return { data, width, height, pts, fullRange: format !== YUV420P };
}

function here(unsafePointer: Deno.PointerValue): NonNullable<Deno.PointerValue> {
  if (unsafePointer === null) throw new RangeError("Cannot use libavcodec: no memory is left");
  return unsafePointer;
}
