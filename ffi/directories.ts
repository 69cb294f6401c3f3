/**
 * Looks around in `/dev` and `/sys` through the C library, because Deno's own calls ask for `--allow-all`
 * there. Nothing is opened that is a device: opening a serial port resets the Arduino behind it.
 *
 * ```c
 * struct dirent {           // <dirent.h>, glibc and musl on 64-bit Linux
 *   ino_t d_ino;            //  0
 *   off_t d_off;            //  8
 *   unsigned short d_reclen;// 16
 *   unsigned char d_type;   // 18
 *   char d_name[];          // 19
 * };
 * ```
 */

import { cLibrary, openLibrary } from "./loader.ts";

const LIBC = cLibrary({
  darwin: "macOS has no /sys",
  windows: "Windows has no /sys",
});

const SYMBOLS = {
  // DIR *opendir(const char *name);
  opendir: { parameters: ["buffer"], result: "pointer" },
  // struct dirent *readdir(DIR *dir);
  readdir: { parameters: ["pointer"], result: "pointer" },
  // int closedir(DIR *dir);
  closedir: { parameters: ["pointer"], result: "i32" },
  // char *realpath(const char *path, char *resolved);
  realpath: { parameters: ["buffer", "buffer"], result: "pointer" },
  // int open(const char *path, int flags, ...);
  open: { parameters: ["buffer", "i32"], result: "i32" },
  // ssize_t read(int fd, void *buffer, size_t count);
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  // int close(int fd);
  close: { parameters: ["i32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

const O_RDONLY = 0, O_CLOEXEC = 0o2000000; // <asm-generic/fcntl.h>
const NAME = 19; // offsetof(struct dirent, d_name)
const PATH_MAX = 4096; // <linux/limits.h>
const ATTRIBUTE_BYTES = 4096; // sysfs gives a page at the most

/** What can be asked; all of it is answered by "nothing" for what is not there or not allowed. */
export interface Directories {
  /** The names in a folder. */
  list(folder: string): string[];
  /** Where a path leads when all links are followed, or `null`. */
  resolve(path: string): string | null;
  /** The text of a small file, without white space at its end, or `null`. */
  text(path: string): string | null;
}

/** Opens the C library for the time of one look. */
export function lookAround<T>(look: (directories: Directories) => T): T {
  const libc = openLibrary(LIBC, SYMBOLS);
  const { opendir, readdir, closedir, realpath, open, read, close } = libc.symbols;
  try {
    return look({
      list(folder) {
        const unsafeFolder = opendir(cString(folder));
        if (unsafeFolder === null) return [];
        const names: string[] = [];
        for (let unsafe = readdir(unsafeFolder); unsafe !== null; unsafe = readdir(unsafeFolder)) {
          names.push(new Deno.UnsafePointerView(unsafe).getCString(NAME));
        }
        closedir(unsafeFolder);
        return names.filter((name) => name !== "." && name !== "..").sort();
      },
      resolve(path) {
        const resolved = new Uint8Array(PATH_MAX);
        if (realpath(cString(path), resolved) === null) return null;
        return new TextDecoder().decode(resolved.subarray(0, resolved.indexOf(0)));
      },
      text(path) {
        const fd = open(cString(path), O_RDONLY | O_CLOEXEC);
        if (fd < 0) return null;
        const bytes = new Uint8Array(ATTRIBUTE_BYTES);
        const count = Number(read(fd, bytes, BigInt(bytes.length)));
        close(fd);
        return count < 0 ? null : new TextDecoder().decode(bytes.subarray(0, count)).trimEnd();
      },
    });
  } finally {
    libc.close();
  }
}

function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}
