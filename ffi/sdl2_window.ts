/** One window of SDL 2 that shows pictures. */

import { cString, type Sdl, sdlFailure } from "./sdl2.ts";

/** Pixels in memory, as `VideoFrame` has them. */
export interface WindowPixels {
  /** Pixels in a row. */
  readonly width: number;
  /** Number of rows. */
  readonly height: number;
  /** How they lie in memory; one of {@linkcode TEXTURE_FORMATS}. */
  readonly format: string;
  /** The planes. */
  readonly planes: readonly { readonly data: Uint8Array; readonly stride: number }[];
}

/**
 * SDL's names for our formats, SDL_pixels.h. Packed ones are named after a word, so that on the
 * little-endian machines that Deno runs on its XRGB8888 has blue first in memory.
 */
export const TEXTURE_FORMATS: Readonly<Record<string, number>> = {
  I420: 0x56555949, // SDL_PIXELFORMAT_IYUV, "IYUV"
  NV12: 0x3231564e, // "NV12"
  YUYV: 0x32595559, // SDL_PIXELFORMAT_YUY2, "YUY2"
  BGR: 0x17401803, // SDL_PIXELFORMAT_BGR24
  RGB: 0x17101803, // SDL_PIXELFORMAT_RGB24
  BGRA: 0x16161804, // SDL_PIXELFORMAT_XRGB8888: alpha is not looked at
  RGBA: 0x16561804, // SDL_PIXELFORMAT_XBGR8888
};

const WINDOWPOS_UNDEFINED = 0x1fff0000; // SDL_video.h
const WINDOW = { hidden: 0x8, resizable: 0x20, highDpi: 0x2000 } as const; // SDL_WindowFlags
const RENDERER_SOFTWARE = 0x1; // SDL_RendererFlags
const TEXTUREACCESS_STREAMING = 1; // SDL_TextureAccess
const GL_RENDERER = 0x1f01; // <GL/gl.h>
// const GLubyte *glGetString(GLenum name);
const GET_STRING = { parameters: ["u32"], result: "pointer" } as const;
const ACTION = "show the picture";

/** A window, on the screen once it has been made. */
export class SdlWindow {
  /** Its number, which events name. */
  readonly id: number;
  readonly #sdl: Sdl;
  readonly #unsafeWindow: Deno.PointerValue;
  #unsafeRenderer: Deno.PointerValue = null;
  #unsafeTexture: Deno.PointerValue = null;
  #shape = "";

  /**
   * Opens it.
   *
   * @throws {SystemCallError} when SDL cannot
   */
  constructor(sdl: Sdl, title: string, width: number, height: number) {
    this.#sdl = sdl;
    // Hidden until its renderer is there, which may make the window anew.
    const flags = WINDOW.hidden | WINDOW.resizable | WINDOW.highDpi;
    const at = WINDOWPOS_UNDEFINED;
    this.#unsafeWindow = sdl.SDL_CreateWindow(cString(title), at, at, width, height, flags);
    if (this.#unsafeWindow === null) throw sdlFailure(sdl, "open a window", "SDL_CreateWindow");
    this.#unsafeRenderer = sdl.SDL_CreateRenderer(this.#unsafeWindow, -1, 0);
    if (this.#unsafeRenderer !== null && this.#isEmulated()) {
      sdl.SDL_DestroyRenderer(this.#unsafeRenderer);
      this.#unsafeRenderer = null;
    }
    this.#unsafeRenderer ??= sdl.SDL_CreateRenderer(this.#unsafeWindow, -1, RENDERER_SOFTWARE);
    if (this.#unsafeRenderer === null) {
      const failure = sdlFailure(sdl, "open a window", "SDL_CreateRenderer");
      sdl.SDL_DestroyWindow(this.#unsafeWindow);
      throw failure;
    }
    this.id = sdl.SDL_GetWindowID(this.#unsafeWindow);
    sdl.SDL_ShowWindow(this.#unsafeWindow);
    this.redraw();
  }

  /**
   * Shows a picture, as large as the window allows in its own proportions, with black beside it.
   *
   * @throws {SystemCallError} when SDL cannot
   */
  show(pixels: WindowPixels): void {
    const { width, height, format, planes } = pixels;
    const sdl = this.#sdl;
    this.#fit(width, height, format);
    const [first, second, third] = planes;
    const texture = this.#unsafeTexture;
    let result: number;
    if (third !== undefined) {
      result = sdl.SDL_UpdateYUVTexture(
        ...[texture, null, first!.data, first!.stride] as const,
        ...[second!.data, second!.stride, third.data, third.stride] as const,
      );
    } else if (second !== undefined) {
      result = sdl.SDL_UpdateNVTexture?.(
        ...[texture, null, first!.data, first!.stride, second.data, second.stride] as const,
      ) ?? -1;
    } else result = sdl.SDL_UpdateTexture(texture, null, first!.data, first!.stride);
    if (result !== 0) throw sdlFailure(sdl, ACTION, "SDL_UpdateTexture");
    this.redraw();
  }

  /** Whether pixels of the format can be shown as they are. */
  takes(format: string): boolean {
    if (format === "NV12" && this.#sdl.SDL_UpdateNVTexture === null) return false;
    return Object.hasOwn(TEXTURE_FORMATS, format);
  }

  /** Shows the last picture again, for a window that was covered or has another size now. */
  redraw(): void {
    const sdl = this.#sdl;
    sdl.SDL_RenderClear(this.#unsafeRenderer);
    if (this.#unsafeTexture !== null) {
      sdl.SDL_RenderCopy(this.#unsafeRenderer, this.#unsafeTexture, null, null);
    }
    sdl.SDL_RenderPresent(this.#unsafeRenderer);
  }

  /** Takes it off the screen. */
  destroy(): void {
    this.#sdl.SDL_DestroyRenderer(this.#unsafeRenderer); // and its texture with it
    this.#sdl.SDL_DestroyWindow(this.#unsafeWindow);
  }

  /** Makes the texture for pictures of this shape, if the last one had another. */
  #fit(width: number, height: number, format: string): void {
    const shape = `${width}x${height} ${format}`;
    if (shape === this.#shape) return;
    const sdl = this.#sdl;
    if (this.#unsafeTexture !== null) sdl.SDL_DestroyTexture(this.#unsafeTexture);
    this.#shape = "";
    this.#unsafeTexture = sdl.SDL_CreateTexture(
      ...[this.#unsafeRenderer, TEXTURE_FORMATS[format]!, TEXTUREACCESS_STREAMING] as const,
      ...[width, height] as const,
    );
    if (this.#unsafeTexture === null) throw sdlFailure(sdl, ACTION, "SDL_CreateTexture");
    sdl.SDL_RenderSetLogicalSize(this.#unsafeRenderer, width, height);
    this.#shape = shape;
  }

  /**
   * Whether the processor only plays a graphics card, as in virtual machines and over VNC: SDL's own
   * software renderer takes a fifth of Mesa's time there (3 ms in place of 14 for 640x480).
   */
  #isEmulated(): boolean {
    const unsafeGetString = this.#sdl.SDL_GL_GetProcAddress(cString("glGetString"));
    if (unsafeGetString === null) return false; // not drawn by OpenGL
    const getString = new Deno.UnsafeFnPointer(
      unsafeGetString as Deno.PointerObject<typeof GET_STRING>,
      GET_STRING,
    );
    const unsafeName = getString.call(GL_RENDERER);
    if (unsafeName === null) return false;
    return /llvmpipe|softpipe|swrast/i.test(Deno.UnsafePointerView.getCString(unsafeName));
  }
}
