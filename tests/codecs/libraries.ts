/** Which native libraries are on this machine, so that tests can say what to install. */

import { type LibrarySpec, openLibrary } from "../../ffi/loader.ts";
import { LIBVPX } from "../../ffi/vpx.ts";
import { LIBYUV } from "../../ffi/yuv.ts";
import { LibraryMissing } from "../../lib/errors.ts";

function isHere(spec: LibrarySpec): boolean {
  try {
    openLibrary(spec, {}).close();
    return true;
  } catch (error) {
    if (error instanceof LibraryMissing || error instanceof Deno.errors.NotCapable) return false;
    throw error;
  }
}

/** Registers a test that is ignored, with the reason in its title, where the library is missing. */
function needing(spec: LibrarySpec, hint: string): (name: string, fn: () => unknown) => void {
  const here = isHere(spec);
  return (name, fn) =>
    Deno.test({
      name: here ? name : `${name} (${hint})`,
      ignore: !here,
      fn: () => fn() as void | Promise<void>,
    });
}

export const testVpx = needing(LIBVPX, "install libvpx: apt libvpx7, brew libvpx");
export const testYuv = needing(LIBYUV, "install libyuv: apt libyuv0");
