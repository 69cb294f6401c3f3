/** Tests that need a screen. */

import { X11_LACKS } from "./x11.ts";

function hasSdl(): boolean {
  try {
    Deno.dlopen("libSDL2-2.0.so.0", {}).close();
    return true;
  } catch {
    return false;
  }
}

const CAN_SHOW = X11_LACKS.length === 0 && hasSdl();

/** A test that needs a screen; without the programs for one, it is ignored under a title that says so. */
export function screenTest(name: string, fn: () => Promise<void>): void {
  const title = CAN_SHOW
    ? name
    : `${name} (sudo apt install libsdl2-2.0-0 xvfb xdotool imagemagick)`;
  Deno.test({ name: title, ignore: !CAN_SHOW, fn });
}
