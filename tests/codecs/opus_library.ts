import { LIBOPUS } from "../../ffi/opus.ts";
import { openLibrary } from "../../ffi/loader.ts";
import { LibraryMissing } from "../../lib/errors.ts";

function isHere(): boolean {
  try {
    openLibrary(LIBOPUS, {}).close();
    return true;
  } catch (error) {
    if (error instanceof LibraryMissing || error instanceof Deno.errors.NotCapable) return false;
    throw error;
  }
}

/** Whether libopus is on this machine. */
export const isOpusHere: boolean = isHere();

/** Registers a test that is ignored, with the reason in its title, where libopus is missing. */
export function testOpus(name: string, fn: () => void | Promise<void>): void {
  const title = isOpusHere ? name : `${name} (install libopus: apt libopus0, brew opus)`;
  Deno.test({ name: title, ignore: !isOpusHere, fn });
}
