/**
 * What happens to windows of SDL 2, read from its event queue.
 *
 * ```c
 * typedef union SDL_Event { Uint32 type; ...; Uint8 padding[56]; } SDL_Event;            // SDL_events.h
 * typedef struct SDL_WindowEvent {
 *   Uint32 type; Uint32 timestamp; Uint32 windowID;    //  0,  4,  8
 *   Uint8 event; Uint8 padding1, padding2, padding3;   // 12
 *   Sint32 data1; Sint32 data2;                        // 16, 20
 * } SDL_WindowEvent;
 * typedef struct SDL_KeyboardEvent {
 *   Uint32 type; Uint32 timestamp; Uint32 windowID;    //  0,  4,  8
 *   Uint8 state; Uint8 repeat; Uint8 padding2, padding3;   // 12, 13
 *   SDL_Keysym keysym;  // { SDL_Scancode scancode; SDL_Keycode sym; Uint16 mod; Uint32 unused; } from 16
 * } SDL_KeyboardEvent;
 * ```
 */

import type { Sdl } from "./sdl2.ts";

/** A key of a window, as SDL tells it. */
export interface SdlKey {
  /** Whether it goes down. */
  readonly down: boolean;
  /** Its place on the keyboard, SDL_scancode.h. */
  readonly scancode: number;
  /** What it means without shift: a Unicode character, or the place with bit 30 set; SDL_keycode.h. */
  readonly sym: number;
  /** What is held: `KMOD`'s bits. */
  readonly modifiers: number;
}

/** Bits of {@linkcode SdlKey.modifiers}, left and right together: `SDL_Keymod`. */
export const KMOD = { shift: 0x3, alt: 0x300, caps: 0x2000 } as const;

/** Something that happened. */
export type SdlEvent =
  /** The user wants the window gone. */
  | { readonly kind: "close"; readonly window: number }
  /** The user ends the program, as by Cmd+Q: all windows. */
  | { readonly kind: "quit" }
  /** What the window showed is lost, or its size is another. */
  | { readonly kind: "redraw"; readonly window: number }
  /** A key went down or up. */
  | { readonly kind: "key"; readonly window: number; readonly key: SdlKey };

const EVENT_BYTES = 56;
const TYPE = { quit: 0x100, window: 0x200, keyDown: 0x300, keyUp: 0x301 } as const; // SDL_EventType
const WINDOW_EVENT = { exposed: 3, sizeChanged: 6, close: 14 } as const; // SDL_WindowEventID

/** The events that wait, oldest first, without those that matter to nobody. */
export function* pollSdl(sdl: Sdl): Generator<SdlEvent, void, undefined> {
  const bytes = new Uint8Array(EVENT_BYTES);
  while (sdl.SDL_PollEvent(bytes) !== 0) {
    const event = readSdlEvent(bytes);
    if (event !== null) yield event;
  }
}

/** One event, or null if it matters to nobody. */
export function readSdlEvent(bytes: Uint8Array): SdlEvent | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const type = view.getUint32(0, true);
  const window = view.getUint32(8, true);
  const byte = view.getUint8(12);
  switch (type) {
    case TYPE.quit:
      return { kind: "quit" };
    case TYPE.window:
      if (byte === WINDOW_EVENT.close) return { kind: "close", window };
      if (byte === WINDOW_EVENT.exposed || byte === WINDOW_EVENT.sizeChanged) {
        return { kind: "redraw", window };
      }
      return null;
    case TYPE.keyDown:
    case TYPE.keyUp: {
      if (view.getUint8(13) !== 0) return null; // a held key repeats
      const key: SdlKey = {
        down: type === TYPE.keyDown,
        scancode: view.getInt32(16, true),
        sym: view.getInt32(20, true),
        modifiers: view.getUint16(24, true),
      };
      return { kind: "key", window, key };
    }
    default:
      return null;
  }
}
