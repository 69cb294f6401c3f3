/**
 * libavcodec and libavutil, ffmpeg's libraries, opened on first use and checked before they are trusted.
 * They are the system's own and never shipped with us: x264, which libavcodec encodes H.264 with, is
 * under the GPL.
 *
 * What is touched of their structs has been in the same place since ffmpeg 4 (libavcodec 58); contexts,
 * which move, are only set by the names of their options. See avcodec_encoder.ts and avcodec_decoder.ts.
 */

import { LibraryMissing, RemoteProtocolError, SystemCallError } from "../lib/errors.ts";
import { homebrewPaths, type LibrarySpec, openLibrary } from "./loader.ts";

/** Majors of libavcodec and the libavutil that goes with each: ffmpeg 4 to 8, and what is not out yet. */
const MAJORS = [[63, 61], [62, 60], [61, 59], [60, 58], [59, 57], [58, 56]] as const;

const INSTALL: LibrarySpec["install"] = {
  linux: 'install it with "sudo apt install ffmpeg" (Debian and Ubuntu; ffmpeg elsewhere)',
  darwin: 'install it with "brew install ffmpeg"',
  windows: "install a shared build of ffmpeg and put its folder on the PATH",
};

function specOf(name: "avcodec" | "avutil", majors: readonly number[]): LibrarySpec {
  return {
    name: `lib${name}`,
    candidates: {
      linux: majors.map((major) => `lib${name}.so.${major}`),
      darwin: homebrewPaths(...majors.map((major) => `lib${name}.${major}.dylib`)),
      windows: majors.map((major) => `${name}-${major}.dll`),
    },
    install: INSTALL,
  };
}

/** Where libavcodec is found and how to get it. */
export const LIBAVCODEC: LibrarySpec = specOf("avcodec", MAJORS.map(([codec]) => codec));

/** The C functions of libavcodec, each under its declaration. */
export const AVCODEC_SYMBOLS = {
  // unsigned avcodec_version(void);
  avcodec_version: { parameters: [], result: "u32" },
  // const AVCodec *avcodec_find_encoder_by_name(const char *name);
  avcodec_find_encoder_by_name: { parameters: ["buffer"], result: "pointer" },
  // const AVCodec *avcodec_find_decoder_by_name(const char *name);
  avcodec_find_decoder_by_name: { parameters: ["buffer"], result: "pointer" },
  // AVCodecContext *avcodec_alloc_context3(const AVCodec *codec);
  avcodec_alloc_context3: { parameters: ["pointer"], result: "pointer" },
  // int avcodec_open2(AVCodecContext *, const AVCodec *, AVDictionary **options);
  avcodec_open2: { parameters: ["pointer", "pointer", "pointer"], result: "i32" },
  // void avcodec_free_context(AVCodecContext **);
  avcodec_free_context: { parameters: ["buffer"], result: "void" },
  // int avcodec_send_frame(AVCodecContext *, const AVFrame *);   encodes
  avcodec_send_frame: { parameters: ["pointer", "pointer"], result: "i32", nonblocking: true },
  // int avcodec_receive_packet(AVCodecContext *, AVPacket *);    hands out what is ready
  avcodec_receive_packet: { parameters: ["pointer", "pointer"], result: "i32" },
  // int avcodec_send_packet(AVCodecContext *, const AVPacket *); decodes
  avcodec_send_packet: { parameters: ["pointer", "pointer"], result: "i32", nonblocking: true },
  // int avcodec_receive_frame(AVCodecContext *, AVFrame *);      hands out what is ready
  avcodec_receive_frame: { parameters: ["pointer", "pointer"], result: "i32" },
  // AVPacket *av_packet_alloc(void);
  av_packet_alloc: { parameters: [], result: "pointer" },
  // int av_new_packet(AVPacket *, int size);
  av_new_packet: { parameters: ["pointer", "i32"], result: "i32" },
  // void av_packet_unref(AVPacket *);
  av_packet_unref: { parameters: ["pointer"], result: "void" },
  // void av_packet_free(AVPacket **);
  av_packet_free: { parameters: ["buffer"], result: "void" },
} as const satisfies Deno.ForeignLibraryInterface;

/** The C functions of libavutil, each under its declaration. */
export const AVUTIL_SYMBOLS = {
  // AVFrame *av_frame_alloc(void);
  av_frame_alloc: { parameters: [], result: "pointer" },
  // int av_frame_get_buffer(AVFrame *, int align);
  av_frame_get_buffer: { parameters: ["pointer", "i32"], result: "i32" },
  // void av_frame_unref(AVFrame *);
  av_frame_unref: { parameters: ["pointer"], result: "void" },
  // void av_frame_free(AVFrame **);
  av_frame_free: { parameters: ["buffer"], result: "void" },
  // int av_opt_set(void *obj, const char *name, const char *value, int search_flags);
  av_opt_set: { parameters: ["pointer", "buffer", "buffer", "i32"], result: "i32" },
  // int av_strerror(int errnum, char *errbuf, size_t errbuf_size);
  av_strerror: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  // void av_log_set_level(int level);
  av_log_set_level: { parameters: ["i32"], result: "void" },
} as const satisfies Deno.ForeignLibraryInterface;

/** The functions that we call. */
export type AvSymbols =
  & Deno.DynamicLibrary<typeof AVCODEC_SYMBOLS>["symbols"]
  & Deno.DynamicLibrary<typeof AVUTIL_SYMBOLS>["symbols"];

/** Both libraries, and where in an `AVFrame` of theirs `pict_type` is. */
export interface AvLibrary {
  /** The functions. */
  readonly symbols: AvSymbols;
  /** As `59.37.100`. */
  readonly version: string;
  /** Offset of `AVFrame.pict_type`: 124, or 120 since `key_frame` before it went (libavutil 60). */
  readonly pictTypeOffset: number;
}

/** Offsets in `AVFrame`, <libavutil/frame.h>; the sizes of `data` and `linesize` are 8. */
export const FRAME = { data: 0, linesize: 64, width: 104, height: 108, format: 116, pts: 136 };

/** Offsets in `AVPacket`, <libavcodec/packet.h>. */
export const PACKET = { pts: 8, dts: 16, data: 24, size: 32, flags: 40 };

/** `AV_PKT_FLAG_KEY`, <libavcodec/packet.h>. */
export const AV_PKT_FLAG_KEY = 1;

/** `AV_PICTURE_TYPE_I`, <libavutil/avutil.h>. */
export const AV_PICTURE_TYPE_I = 1;

/**
 * `AV_PIX_FMT_YUV420P` and, with luma from 0 to 255, `AV_PIX_FMT_YUVJ420P` and (of webcams' JPEG, with twice
 * as many rows of chroma) `AV_PIX_FMT_YUVJ422P`, <libavutil/pixfmt.h>.
 */
export const AV_PIX_FMT = { YUV420P: 0, YUVJ420P: 12, YUVJ422P: 13 } as const;

/** `AVERROR(EAGAIN)`: nothing is ready. The number of EAGAIN is 35 on BSD and macOS, 11 elsewhere. */
export const AVERROR_EAGAIN: number = Deno.build.os === "darwin" || Deno.build.os === "freebsd"
  ? -35
  : -11;

/** `AV_OPT_SEARCH_CHILDREN`, <libavutil/opt.h>: options of x264 as well. */
const AV_OPT_SEARCH_CHILDREN = 1;

/** `AV_LOG_QUIET`, <libavutil/log.h>: what goes wrong is thrown, not printed. */
const AV_LOG_QUIET = -8;

/** `AV_NOPTS_VALUE`, <libavutil/avutil.h>. */
const AV_NOPTS_VALUE = -0x8000000000000000n;

let opened: AvLibrary | undefined;

/** libavcodec and libavutil, opened once and kept; see {@linkcode openLibrary} for what it throws. */
export function openAvcodec(): AvLibrary {
  if (opened !== undefined) return opened;
  const codec = openLibrary(LIBAVCODEC, AVCODEC_SYMBOLS);
  try {
    const major = codec.symbols.avcodec_version() >> 16;
    const utilMajor = MAJORS.find(([known]) => known === major)?.[1];
    const util = openLibrary(specOf("avutil", utilMajor ? [utilMajor] : []), AVUTIL_SYMBOLS);
    const library = checkAvcodec({ ...codec.symbols, ...util.symbols });
    library.symbols.av_log_set_level(AV_LOG_QUIET);
    return opened = library;
  } catch (error) {
    codec.close();
    throw error;
  }
}

/** Refuses libraries whose structs are not as known, by looking at freshly made ones. */
export function checkAvcodec(symbols: AvSymbols): AvLibrary {
  const number = symbols.avcodec_version(); // major << 16 | minor << 8 | micro
  const version = [number >> 16, number >> 8 & 255, number & 255].join(".");
  const refuse = (why: string) =>
    new LibraryMissing(
      `Cannot use libavcodec ${version}: ${why}; install one of ffmpeg 4 to 8`,
    );
  if (!MAJORS.some(([major]) => major === number >> 16)) {
    throw refuse("its interface is not known to us");
  }
  if (!packetsAreKnown(symbols)) throw refuse("its packets are laid out differently");
  const pictTypeOffset = examineFrame(symbols);
  if (pictTypeOffset === null) throw refuse("its frames are laid out differently");
  return { symbols, version, pictTypeOffset };
}

function packetsAreKnown(symbols: AvSymbols): boolean {
  const unsafePacket = symbols.av_packet_alloc();
  if (unsafePacket === null) return false;
  const packet = new Deno.UnsafePointerView(unsafePacket);
  const fresh = packet.getBigInt64(PACKET.pts) === AV_NOPTS_VALUE &&
    packet.getBigInt64(PACKET.dts) === AV_NOPTS_VALUE &&
    packet.getPointer(PACKET.data) === null && packet.getInt32(PACKET.size) === 0;
  const filled = symbols.av_new_packet(unsafePacket, 4321) === 0 &&
    packet.getPointer(PACKET.data) !== null && packet.getInt32(PACKET.size) === 4321 &&
    packet.getInt32(PACKET.flags) === 0;
  symbols.av_packet_free(holder(unsafePacket));
  return fresh && filled;
}

/** Where `pict_type` is, or null if the frame is not one that we know. */
function examineFrame(symbols: AvSymbols): number | null {
  const unsafeFrame = symbols.av_frame_alloc();
  if (unsafeFrame === null) return null;
  const frame = memory(unsafeFrame, FRAME.pts + 8);
  const fresh = frame.getBigInt64(FRAME.pts, true) === AV_NOPTS_VALUE &&
    frame.getInt32(FRAME.format, true) === -1;
  // { int format; [int key_frame;] enum pict_type; AVRational sample_aspect_ratio = 0/1; … int64 pts; }
  const numbers = [120, 124, 128, 132].map((offset) => frame.getInt32(offset, true)).join();
  const pictTypeOffset = numbers.startsWith("0,0,1,") ? 120 : numbers === "1,0,0,1" ? 124 : null;
  frame.setInt32(FRAME.width, 66, true);
  frame.setInt32(FRAME.height, 34, true);
  frame.setInt32(FRAME.format, AV_PIX_FMT.YUV420P, true);
  const filled = symbols.av_frame_get_buffer(unsafeFrame, 0) === 0 &&
    [0, 1, 2].every((plane) => {
      const stride = frame.getInt32(FRAME.linesize + 4 * plane, true);
      return frame.getBigUint64(FRAME.data + 8 * plane, true) !== 0n &&
        stride >= (plane === 0 ? 66 : 33) && stride <= 512;
    });
  symbols.av_frame_free(holder(unsafeFrame));
  return fresh && filled ? pictTypeOffset : null;
}

/** A C string. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}

/** A `T **` for the functions that free and forget. */
export function holder(unsafePointer: NonNullable<Deno.PointerValue>): BigUint64Array<ArrayBuffer> {
  return new BigUint64Array([Deno.UnsafePointer.value(unsafePointer)]);
}

/** C memory to read and write, good until it is freed there. */
export function memory(unsafePointer: NonNullable<Deno.PointerValue>, bytes: number): DataView {
  return new DataView(Deno.UnsafePointerView.getArrayBuffer(unsafePointer, bytes));
}

/** Sets an option of a context by name, <libavcodec/options_table.h>; false if it does not take it. */
export function setOption(
  symbols: AvSymbols,
  unsafeContext: Deno.PointerValue,
  name: string,
  value: string,
): boolean {
  const flags = AV_OPT_SEARCH_CHILDREN;
  return symbols.av_opt_set(unsafeContext, cString(name), cString(value), flags) >= 0;
}

/**
 * The error of a failed call in libavcodec's words: a {@linkcode RemoteProtocolError} if it was given
 * data from outside and did not fail for want of memory.
 */
export function avError(
  symbols: AvSymbols,
  action: string,
  result: number,
  given: "settings" | "data" = "settings",
): Error {
  const text = new Uint8Array(128);
  symbols.av_strerror(result, text, BigInt(text.length));
  const words = new TextDecoder().decode(text.subarray(0, Math.max(0, text.indexOf(0))));
  const state = `Cannot ${action}: libavcodec says "${words || result}"`;
  if (given === "data" && result !== AVERROR_ENOMEM) {
    return new RemoteProtocolError(`${state}; ask the sender for a key frame`);
  }
  return new SystemCallError(
    `${state}; see that memory, size and rates are sensible`,
    result === AVERROR_ENOMEM ? "ENOMEM" : `AVERROR(${-result})`,
  );
}

/** `AVERROR(ENOMEM)`; 12 everywhere. */
const AVERROR_ENOMEM = -12;
