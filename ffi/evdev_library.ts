/**
 * What ffi/evdev.ts needs of the C library, loaded while a device is open, and its errors in words.
 */

import { DeviceMissing, SystemCallError } from "../lib/errors.ts";
import { errnoName } from "./errno.ts";
import { cLibrary, openLibrary } from "./loader.ts";

const LIBC = cLibrary({
  darwin: "macOS has no evdev, its gamepads are read through npm:node-hid",
  windows: "Windows has no evdev, its gamepads are read through npm:node-hid",
});

const SYMBOLS = {
  // int open(const char *path, int flags, ...);
  open: { parameters: ["buffer", "i32"], result: "i32" },
  // int close(int fd);
  close: { parameters: ["i32"], result: "i32" },
  closeWaiting: { name: "close", parameters: ["i32"], result: "i32", nonblocking: true },
  // ssize_t read(int fd, void *buffer, size_t count);
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  // ssize_t write(int fd, const void *buffer, size_t count);
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  // int ioctl(int fd, unsigned long request, ...);
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
  ioctlNumber: { name: "ioctl", parameters: ["i32", "u64", "u64"], result: "i32" },
  ioctlWaiting: {
    name: "ioctl",
    parameters: ["i32", "u64", "buffer"],
    result: "i32",
    nonblocking: true,
  },
  // int poll(struct pollfd *fds, nfds_t nfds, int timeout);
  poll: { parameters: ["buffer", "u64", "i32"], result: "i32", nonblocking: true },
  // int eventfd(unsigned int initval, int flags);
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  // int *__errno_location(void);
  __errno_location: { parameters: [], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

/** The C library, open. */
export type Libc = Deno.DynamicLibrary<typeof SYMBOLS>;

let loaded: Libc | undefined;
let users = 0;

/** Loads it for the first user; each gives it back by {@linkcode giveLibrary}. */
export function takeLibrary(): Libc {
  const libc = loaded ??= openLibrary(LIBC, SYMBOLS);
  users++;
  return libc;
}

/** Lets it go after the last user: a library that stays open is seen as a leak by `deno test`. */
export function giveLibrary(): void {
  if (--users > 0) return;
  loaded?.close();
  loaded = undefined;
}

/** The name of the last error; only right directly after a call that was not made on another thread. */
export function lastError(libc: Libc): string {
  const unsafeErrno = libc.symbols.__errno_location();
  const number = unsafeErrno === null ? 0 : new Deno.UnsafePointerView(unsafeErrno).getInt32();
  return errnoName(number);
}

/** How a person gets at input devices. */
export const JOIN_INPUT = 'join the group "input" (sudo usermod -aG input $USER) and log in again';

/** Why an input device cannot be opened. */
export function openError(path: string, code: string): Error {
  const cannot = `Cannot open input device "${path}"`;
  switch (code) {
    case "ENOENT":
    case "ENODEV":
    case "ENXIO":
    case "ENOTDIR":
      return new DeviceMissing(`${cannot}: there is no such device (${code}); plug it in`);
    case "EACCES":
    case "EPERM":
      return new SystemCallError(`${cannot}: permission denied (${code}); ${JOIN_INPUT}`, code);
    case "ENOTTY":
    case "EINVAL":
      return new SystemCallError(
        `${cannot}: it is no input device (${code}); give one such as "/dev/input/event0"`,
        code,
      );
    default:
      return new SystemCallError(`${cannot}: ${code}; see what it says in open(2)`, code);
  }
}
