/** What may be used, asked of the C library: Deno's own calls want more permissions than the answer is worth. */
import { cLibrary, openLibrary } from "../../ffi/loader.ts";

const LIBC = cLibrary({
  darwinPaths: ["/usr/lib/libSystem.B.dylib"],
  darwin: "update macOS",
  windows: "Windows has another one",
});

const SYMBOLS = {
  // int access(const char *path, int mode);
  access: { parameters: ["buffer", "i32"], result: "i32" },
  // char *getenv(const char *name);
  getenv: { parameters: ["buffer"], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

const R_OK = 4, W_OK = 2, X_OK = 1; // <unistd.h>

/** Whether this user may read and write a device. It is not opened: that resets an Arduino. */
export function mayUse(path: string): boolean {
  using libc = open();
  return libc.access(path, R_OK | W_OK);
}

/** Whether a program would be found. */
export function isOnPath(program: string): boolean {
  using libc = open();
  return libc.path().some((folder) => libc.access(`${folder}/${program}`, X_OK));
}

function open() {
  const library = openLibrary(LIBC, SYMBOLS);
  const { symbols } = library;
  return {
    access: (path: string, mode: number) => symbols.access(cString(path), mode) === 0,
    path() {
      const unsafeText = symbols.getenv(cString("PATH"));
      if (unsafeText === null) return [];
      return Deno.UnsafePointerView.getCString(unsafeText).split(":");
    },
    [Symbol.dispose]: () => library.close(),
  };
}

function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}
