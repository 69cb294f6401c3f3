/** Error numbers of Linux, <asm-generic/errno-base.h> and <asm-generic/errno.h>: of x86_64 and aarch64 alike. */
export const ERRNO = {
  ...{ EPERM: 1, ENOENT: 2, EINTR: 4, EIO: 5, ENXIO: 6, EBADF: 9, EAGAIN: 11, ENOMEM: 12 },
  ...{ EACCES: 13, EBUSY: 16, ENODEV: 19, ENOTDIR: 20, EISDIR: 21, EINVAL: 22, ENFILE: 23 },
  ...{ EMFILE: 24, ENOTTY: 25, ENOSPC: 28, EROFS: 30, EPIPE: 32, ERANGE: 34, EPROTO: 71 },
  ...{ EBADFD: 77, ESTRPIPE: 86, ETIMEDOUT: 110, ECONNREFUSED: 111 },
} as const;

/** The symbolic name of an error number, such as `EACCES`. */
export function errnoName(errno: number): string {
  return Object.entries(ERRNO).find(([, known]) => known === errno)?.[0] ?? `errno ${errno}`;
}
