/** Which libraries are here, and which networks. */
import { LIBASOUND } from "../../ffi/alsa.ts";
import { LIBAVCODEC } from "../../ffi/avcodec.ts";
import { openYuvJpeg } from "../../ffi/jpeg.ts";
import { networkAddresses } from "../../ffi/libc.ts";
import { type LibrarySpec, openLibrary } from "../../ffi/loader.ts";
import { LIBOPUS } from "../../ffi/opus.ts";
import { LIBPULSE } from "../../ffi/pulse.ts";
import { LIBSDL2 } from "../../ffi/sdl2.ts";
import { LIBVPX } from "../../ffi/vpx.ts";
import { LIBYUV } from "../../ffi/yuv.ts";
import { LibraryMissing } from "../../lib/errors.ts";
import type { Finding, Mend } from "./finding.ts";

/** A library that the project uses. */
export interface Library {
  readonly spec: LibrarySpec;
  readonly use: string;
  readonly mend: Mend;
  readonly required?: boolean;
  /** A function without arguments that tells the version as bytes of an int, if it has one. */
  readonly versionSymbol?: string;
  /** Linux's alone. */
  readonly linux?: boolean;
}

const LIBRARIES: readonly Library[] = [
  {
    ...{ spec: LIBVPX, use: "VP8 and VP9 video", required: true },
    versionSymbol: "vpx_codec_version",
    mend: { setup: "demo", brew: "libvpx" }, // its package's name has a number that changes
  },
  // Homebrew has no libyuv.
  {
    ...{ spec: LIBYUV, use: "quick pixels, and JPEG of webcams" },
    mend: { setup: "demo" },
  },
  {
    ...{ spec: LIBOPUS, use: "sound on connections" },
    mend: { apt: "libopus0", brew: "opus" },
  },
  {
    ...{ spec: LIBAVCODEC, use: "H.264 video", versionSymbol: "avcodec_version" },
    mend: { apt: "ffmpeg", brew: "ffmpeg" },
  },
  {
    ...{ spec: LIBSDL2, use: "windows" },
    mend: { apt: "libsdl2-2.0-0", brew: "sdl2" },
  },
  {
    ...{ spec: LIBPULSE, use: "microphones and speakers", linux: true },
    mend: { apt: "libpulse0" },
  },
  {
    ...{ spec: LIBASOUND, use: "the same where there is no sound server", linux: true },
    mend: { apt: "libasound2" },
  },
];

/** Opens each library, as the project does when it needs it, and closes it again. */
export function libraries(): Finding[] {
  return LIBRARIES.filter(({ linux }) => !linux || Deno.build.os === "linux").map(examineLibrary);
}

/** Opens one. */
export function examineLibrary(
  { spec, use, required = false, versionSymbol, mend }: Library,
): Finding {
  const finding = { name: spec.name, use, required };
  try {
    const symbols: Deno.ForeignLibraryInterface = versionSymbol
      ? { [versionSymbol]: { parameters: [], result: "i32" } }
      : {};
    const library = openLibrary(spec, symbols);
    const calls = library.symbols as Record<string, () => number>;
    const version = versionSymbol ? calls[versionSymbol]!() : undefined;
    library.close();
    const detail = version === undefined
      ? spec === LIBYUV ? jpegOf() : "yes"
      : [version >> 16, version >> 8 & 0xff, version & 0xff].join(".");
    return { ...finding, state: "here", detail };
  } catch (error) {
    if (!(error instanceof LibraryMissing)) throw error;
    const unusable = /cannot be used \((.*)\)/.exec(error.message)?.[1];
    return { ...finding, state: "missing", detail: unusable ?? "not found", mend };
  }
}

/** libyuv may have been built without JPEG. */
function jpegOf(): string {
  try {
    openYuvJpeg();
    return "yes";
  } catch (error) {
    if (error instanceof LibraryMissing) return "no JPEG";
    throw error;
  }
}

/** Where others reach this machine. */
export function networks(addresses = networkAddresses()): Finding[] {
  const byName = Map.groupBy(addresses, ({ name }) => name);
  return [...byName].map(([name, all]) => ({
    ...{ name, state: "here" },
    detail: all.map(({ address }) => address).join(", ") +
      (all[0]!.loopback ? "  (this machine only: there is no network)" : ""),
  }));
}
