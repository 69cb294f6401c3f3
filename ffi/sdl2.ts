/**
 * SDL 2: windows on X11, Wayland, a bare Linux console, macOS and Windows. Everything here is called on the
 * thread that runs the program (on macOS windows live on no other), so no call is nonblocking.
 */

import { DeviceMissing, SystemCallError } from "../lib/errors.ts";
import { homebrewPaths, type LibrarySpec, openLibrary } from "./loader.ts";

/** Where SDL 2 is found and how to get it. */
export const LIBSDL2: LibrarySpec = {
  name: "SDL 2",
  candidates: {
    linux: ["libSDL2-2.0.so.0", "libSDL2-2.0.so", "libSDL2.so"],
    darwin: homebrewPaths("libSDL2-2.0.0.dylib", "libSDL2.dylib"),
    windows: ["SDL2.dll"],
  },
  install: {
    linux: 'install it with "sudo apt install libsdl2-2.0-0"',
    darwin: 'install it with "brew install sdl2"',
    windows: "put SDL2.dll (from libsdl.org) beside the program",
  },
};

const SYMBOLS = {
  // SDL_bool SDL_SetHint(const char *name, const char *value);              SDL_hints.h
  SDL_SetHint: { parameters: ["buffer", "buffer"], result: "i32" },
  // const char *SDL_GetHint(const char *name);
  SDL_GetHint: { parameters: ["buffer"], result: "pointer" },
  // const char *SDL_GetError(void);                                         SDL_error.h
  SDL_GetError: { parameters: [], result: "pointer" },
  // int SDL_InitSubSystem(Uint32 flags);                                    SDL.h
  SDL_InitSubSystem: { parameters: ["u32"], result: "i32" },
  // void SDL_QuitSubSystem(Uint32 flags);
  SDL_QuitSubSystem: { parameters: ["u32"], result: "void" },
  // const char *SDL_GetCurrentVideoDriver(void);                            SDL_video.h
  SDL_GetCurrentVideoDriver: { parameters: [], result: "pointer" },
  // int SDL_GetDisplayUsableBounds(int displayIndex, SDL_Rect *rect);
  SDL_GetDisplayUsableBounds: { parameters: ["i32", "buffer"], result: "i32" },
  // SDL_Window *SDL_CreateWindow(const char *title, int x, int y, int w, int h, Uint32 flags);
  SDL_CreateWindow: {
    parameters: ["buffer", "i32", "i32", "i32", "i32", "u32"],
    result: "pointer",
  },
  // Uint32 SDL_GetWindowID(SDL_Window *window);
  SDL_GetWindowID: { parameters: ["pointer"], result: "u32" },
  // void SDL_ShowWindow(SDL_Window *window);
  SDL_ShowWindow: { parameters: ["pointer"], result: "void" },
  // void SDL_DestroyWindow(SDL_Window *window);
  SDL_DestroyWindow: { parameters: ["pointer"], result: "void" },
  // void *SDL_GL_GetProcAddress(const char *proc);
  SDL_GL_GetProcAddress: { parameters: ["buffer"], result: "pointer" },
  // SDL_Renderer *SDL_CreateRenderer(SDL_Window *window, int index, Uint32 flags);     SDL_render.h
  SDL_CreateRenderer: { parameters: ["pointer", "i32", "u32"], result: "pointer" },
  // void SDL_DestroyRenderer(SDL_Renderer *renderer);
  SDL_DestroyRenderer: { parameters: ["pointer"], result: "void" },
  // int SDL_RenderSetLogicalSize(SDL_Renderer *renderer, int w, int h);
  SDL_RenderSetLogicalSize: { parameters: ["pointer", "i32", "i32"], result: "i32" },
  // SDL_Texture *SDL_CreateTexture(SDL_Renderer *renderer, Uint32 format, int access, int w, int h);
  SDL_CreateTexture: { parameters: ["pointer", "u32", "i32", "i32", "i32"], result: "pointer" },
  // void SDL_DestroyTexture(SDL_Texture *texture);
  SDL_DestroyTexture: { parameters: ["pointer"], result: "void" },
  // int SDL_UpdateTexture(SDL_Texture *, const SDL_Rect *rect, const void *pixels, int pitch);
  SDL_UpdateTexture: { parameters: ["pointer", "pointer", "buffer", "i32"], result: "i32" },
  // int SDL_UpdateYUVTexture(SDL_Texture *, const SDL_Rect *, const Uint8 *Yplane, int Ypitch,
  //     const Uint8 *Uplane, int Upitch, const Uint8 *Vplane, int Vpitch);
  SDL_UpdateYUVTexture: {
    parameters: ["pointer", "pointer", "buffer", "i32", "buffer", "i32", "buffer", "i32"],
    result: "i32",
  },
  // int SDL_UpdateNVTexture(SDL_Texture *, const SDL_Rect *, const Uint8 *Yplane, int Ypitch,
  //     const Uint8 *UVplane, int UVpitch);                                 since 2.0.16
  SDL_UpdateNVTexture: {
    parameters: ["pointer", "pointer", "buffer", "i32", "buffer", "i32"],
    result: "i32",
    optional: true,
  },
  // void SDL_SetYUVConversionMode(SDL_YUV_CONVERSION_MODE mode);            SDL_surface.h
  SDL_SetYUVConversionMode: { parameters: ["i32"], result: "void" },
  // int SDL_RenderClear(SDL_Renderer *renderer);
  SDL_RenderClear: { parameters: ["pointer"], result: "i32" },
  // int SDL_RenderCopy(SDL_Renderer *, SDL_Texture *, const SDL_Rect *src, const SDL_Rect *dst);
  SDL_RenderCopy: { parameters: ["pointer", "pointer", "pointer", "pointer"], result: "i32" },
  // void SDL_RenderPresent(SDL_Renderer *renderer);
  SDL_RenderPresent: { parameters: ["pointer"], result: "void" },
  // int SDL_PollEvent(SDL_Event *event);                                    SDL_events.h
  SDL_PollEvent: { parameters: ["buffer"], result: "i32" },
  // void SDL_StopTextInput(void);                                           SDL_keyboard.h
  SDL_StopTextInput: { parameters: [], result: "void" },
} as const satisfies Deno.ForeignLibraryInterface;

/** The functions of SDL that we call. */
export type Sdl = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

const INIT_VIDEO = 0x20; // SDL.h
const YUV_CONVERSION_BT601 = 1; // SDL_surface.h
/** Drivers that show nothing to anybody: what SDL falls back to when there is no screen. */
const INVISIBLE = ["offscreen", "dummy", "evdev"];

let library: Sdl | undefined;

/**
 * Starts SDL's video, after which windows can be made; `stopSdl()` ends it.
 *
 * @throws {LibraryMissing} when SDL is not on this machine
 * @throws {DeviceMissing} when there is no screen
 */
export function startSdl(): Sdl {
  // Kept open: graphics drivers that SDL loads do not survive being unloaded.
  const sdl = library ??= openLibrary(LIBSDL2, SYMBOLS).symbols;
  const hint = (name: string, value: string) => sdl.SDL_SetHint(cString(name), cString(value));
  hint("SDL_NO_SIGNAL_HANDLERS", "1"); // or Ctrl+C would no longer end the program
  hint("SDL_VIDEO_ALLOW_SCREENSAVER", "1");
  hint("SDL_RENDER_SCALE_QUALITY", "linear");
  hint("SDL_FRAMEBUFFER_ACCELERATION", "0"); // what is drawn by software goes straight to the screen
  hint("SDL_RENDER_VSYNC", "0"); // or each picture would hold the program up until the screen's next
  if (sdl.SDL_InitSubSystem(INIT_VIDEO) !== 0) throw noScreen(sdlError(sdl));
  const driver = text(sdl.SDL_GetCurrentVideoDriver());
  const wanted = text(sdl.SDL_GetHint(cString("SDL_VIDEODRIVER"))); // SDL looks into the environment
  if (INVISIBLE.includes(driver) && !wanted.includes(driver)) {
    sdl.SDL_QuitSubSystem(INIT_VIDEO);
    throw noScreen(`no X11, Wayland or console screen, only "${driver}"`);
  }
  sdl.SDL_SetYUVConversionMode(YUV_CONVERSION_BT601); // as all our frames are; SDL would guess by size
  sdl.SDL_StopTextInput();
  return sdl;
}

/** Ends what `startSdl()` began. */
export function stopSdl(sdl: Sdl): void {
  sdl.SDL_QuitSubSystem(INIT_VIDEO);
}

/** The error for when there is nothing to show windows on. */
export function noScreen(state: string): DeviceMissing {
  return new DeviceMissing(
    `Cannot open a window: SDL found no screen (${state}); start the program on a desktop, or name its ` +
      'screen as in "DISPLAY=:0 deno run …"',
  );
}

/** The error for a call that failed. */
export function sdlFailure(sdl: Sdl, action: string, call: string): SystemCallError {
  const said = sdlError(sdl);
  return new SystemCallError(
    `Cannot ${action}: ${call} says "${said}"; another renderer may help, as in ` +
      '"SDL_RENDER_DRIVER=software deno run …"',
    call,
  );
}

function sdlError(sdl: Sdl): string {
  return text(sdl.SDL_GetError()) || "no reason given";
}

/** A C string for a call. */
export function cString(value: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${value.replaceAll("\0", "")}\0`);
}

function text(unsafeText: Deno.PointerValue): string {
  return unsafeText === null ? "" : Deno.UnsafePointerView.getCString(unsafeText);
}

/** The size of the first screen without its bars, or null where SDL does not know it. */
export function usableSize(sdl: Sdl): readonly [width: number, height: number] | null {
  const rect = new Int32Array(4); // SDL_Rect: x, y, w, h
  return sdl.SDL_GetDisplayUsableBounds(0, rect) === 0 ? [rect[2]!, rect[3]!] : null;
}
