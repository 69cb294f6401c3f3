/** Which native libraries are on this machine, so that tests can say what to install. */

import { openAvcodec } from "../../ffi/avcodec.ts";
import { findDecoder } from "../../ffi/avcodec_decoder.ts";
import { findEncoder } from "../../ffi/avcodec_encoder.ts";
import { openLibrary } from "../../ffi/loader.ts";
import { LIBVPX } from "../../ffi/vpx.ts";
import { LIBYUV } from "../../ffi/yuv.ts";
import { LibraryMissing } from "../../lib/errors.ts";

function works(open: () => unknown): boolean {
  try {
    open();
    return true;
  } catch (error) {
    if (error instanceof LibraryMissing || error instanceof Deno.errors.NotCapable) return false;
    throw error;
  }
}

/** Registers a test that is ignored, with the reason in its title, where the library is missing. */
function needing(
  open: () => unknown,
  hint: string,
): (name: string, fn: () => unknown) => void {
  const here = works(open);
  return (name, fn) =>
    Deno.test({
      name: here ? name : `${name} (${hint})`,
      ignore: !here,
      fn: () => fn() as void | Promise<void>,
    });
}

export const testVpx = needing(
  () => openLibrary(LIBVPX, {}).close(),
  "install libvpx: apt libvpx7, brew libvpx",
);
export const testYuv = needing(
  () => openLibrary(LIBYUV, {}).close(),
  "install libyuv: apt libyuv0",
);
const FFMPEG = "install ffmpeg with x264: apt ffmpeg, brew ffmpeg";
export const testAvcodec = needing(() => findDecoder(openAvcodec(), "h264"), FFMPEG);
export const testX264 = needing(() => findEncoder(openAvcodec(), "libx264"), FFMPEG);
