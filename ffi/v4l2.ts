/**
 * The system calls that a V4L2 camera is driven by, as an interface, so that a stand-in can take the
 * kernel's place under the same camera; and those of this machine, through the C library.
 *
 * Numbers of errors are read where a call was made: they belong to a thread. What may take long (opening,
 * setting up, starting: a USB camera is asked and answers) is done on another thread; if it fails, it is
 * tried once more here, only to learn why.
 */

import { ERRNO } from "./errno.ts";
import { cLibrary, openLibrary } from "./loader.ts";

/** System calls. Results below 0 are error numbers, as `-ENODEV`. */
export interface VideoKernel {
  /** `open(2)`, for reading and writing, without waiting; a descriptor. */
  open(path: string): Promise<number>;
  /** `close(2)`; nothing may be pending on the descriptor. */
  close(fd: number): void;
  /** `ioctl(2)`, at once. */
  ioctl(fd: number, request: number, argument: DataView<ArrayBuffer>): number;
  /** `ioctl(2)` of a request that may take long, off the event loop. */
  slowIoctl(fd: number, request: number, argument: DataView<ArrayBuffer>): Promise<number>;
  /** `mmap(2)`: the driver's own memory, which must not be touched after {@linkcode unmap}. */
  map(fd: number, offset: number, length: number): Uint8Array<ArrayBuffer> | number;
  /** `munmap(2)`. */
  unmap(memory: Uint8Array<ArrayBuffer>): void;
  /** `poll(2)` for data: what there is, of `POLL`; 0 when nothing came for so long. */
  poll(fd: number, timeoutMs: number): Promise<number>;
  /** `CLOCK_MONOTONIC` in microseconds, which drivers stamp pictures with. */
  nowUs(): number;
}

/** V4L2 is Linux's. */
const LIBC = cLibrary({
  name: "Video4Linux",
  darwin: 'read the camera by new FFmpegSource("0", { inputArgs: ["-f", "avfoundation"] }).video',
  windows:
    'read the camera by new FFmpegSource("video=NAME", { inputArgs: ["-f", "dshow"] }).video',
});

const SYMBOLS = {
  // int open(const char *path, int flags, ...);
  open: { parameters: ["buffer", "i32"], result: "i32" },
  openOff: { name: "open", parameters: ["buffer", "i32"], result: "i32", nonblocking: true },
  // int close(int fd);
  close: { parameters: ["i32"], result: "i32" },
  // int ioctl(int fd, unsigned long request, ...);
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
  ioctlOff: {
    name: "ioctl",
    parameters: ["i32", "u64", "buffer"],
    result: "i32",
    nonblocking: true,
  },
  // void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset);
  mmap: { parameters: ["usize", "usize", "i32", "i32", "i32", "i64"], result: "usize" },
  // int munmap(void *address, size_t length);
  munmap: { parameters: ["usize", "usize"], result: "i32" },
  // int poll(struct pollfd { int fd; short events, revents; } *fds, nfds_t n, int timeout);
  poll: { parameters: ["buffer", "u64", "i32"], result: "i32", nonblocking: true },
  // int clock_gettime(clockid_t clock, struct timespec { long seconds, nanoseconds; } *time);
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
  // int *__errno_location(void);   glibc and musl
  __errno_location: { parameters: [], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

// <asm-generic/fcntl.h> and <asm-generic/mman-common.h>, the same on x86_64 and aarch64
const O_RDWR = 0x2, O_NONBLOCK = 0x800, O_CLOEXEC = 0x80000;
const PROT_READ = 1, PROT_WRITE = 2, MAP_SHARED = 1, MAP_FAILED = 0xffff_ffff_ffff_ffffn;
const CLOCK_MONOTONIC = 1; // <linux/time.h>
const POLLIN = 1;

let kernel: VideoKernel | undefined;

/**
 * This machine's kernel; the C library is opened once and kept.
 *
 * @throws {LibraryMissing} where there is no V4L2: it is Linux's, and asked for on 64-bit machines only
 * @throws {Deno.errors.NotCapable} without `--allow-ffi`
 */
export function videoKernel(): VideoKernel {
  return kernel ??= openKernel();
}

function openKernel(): VideoKernel {
  const { symbols: libc } = openLibrary(LIBC, SYMBOLS);
  const unsafeErrno = libc.__errno_location()!; // this thread's, for as long as it lives
  const errno = () => -new Deno.UnsafePointerView(unsafeErrno).getInt32();
  const mapped = new WeakMap<Uint8Array, bigint>();
  const flags = O_RDWR | O_NONBLOCK | O_CLOEXEC;
  const ioctl: VideoKernel["ioctl"] = (fd, request, argument) => {
    const bytes = new Uint8Array(argument.buffer);
    for (;;) {
      const result = libc.ioctl(fd, BigInt(request), bytes);
      if (result >= 0) return result;
      const error = errno();
      if (error !== -ERRNO.EINTR) return error;
    }
  };
  return {
    ioctl,
    async open(path) {
      const name = new TextEncoder().encode(`${path}\0`);
      const fd = await libc.openOff(name, flags);
      if (fd >= 0) return fd;
      const again = libc.open(name, flags);
      return again < 0 ? errno() : again;
    },
    close: (fd) => void libc.close(fd),
    async slowIoctl(fd, request, argument) {
      const result = await libc.ioctlOff(fd, BigInt(request), new Uint8Array(argument.buffer));
      return result < 0 ? ioctl(fd, request, argument) : result;
    },
    map(fd, offset, length) {
      const access = PROT_READ | PROT_WRITE;
      const address = libc.mmap(0n, BigInt(length), access, MAP_SHARED, fd, BigInt(offset));
      if (address === MAP_FAILED) return errno();
      const unsafeMemory = Deno.UnsafePointer.create(address)!;
      const memory = new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(unsafeMemory, length));
      mapped.set(memory, address);
      return memory;
    },
    unmap(memory) {
      const address = mapped.get(memory);
      if (address === undefined) return;
      mapped.delete(memory);
      libc.munmap(address, BigInt(memory.length));
    },
    async poll(fd, timeoutMs) {
      const pollfd = new DataView(new ArrayBuffer(8));
      pollfd.setInt32(0, fd, true);
      pollfd.setInt16(4, POLLIN, true);
      const ready = await libc.poll(new Uint8Array(pollfd.buffer), 1n, timeoutMs);
      return ready > 0 ? pollfd.getInt16(6, true) : 0; // a signal only makes it wait anew
    },
    nowUs() {
      const time = new BigInt64Array(2);
      libc.clock_gettime(CLOCK_MONOTONIC, new Uint8Array(time.buffer));
      return Number(time[0]!) * 1e6 + Number(time[1]!) / 1e3;
    },
  };
}
