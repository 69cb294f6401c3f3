/**
 * Terminal lines of the Linux kernel: serial ports, USB serial adapters, pseudo-terminals. Speed, parity and
 * the rest by `termios2`, which takes any number of baud; nothing here ever blocks the event loop.
 *
 * Long because one descriptor's calls, with their C declarations and numbers, are one idea.
 *
 * Layouts and numbers are those of the asm-generic headers, the same on x86_64 and aarch64:
 *
 * ```c
 * struct termios2 {                       // <asm/termbits.h>, 44 bytes
 *   tcflag_t c_iflag, c_oflag, c_cflag, c_lflag;            //  0, 4, 8, 12
 *   cc_t     c_line;                                        // 16
 *   cc_t     c_cc[19];                                      // 17
 *   speed_t  c_ispeed, c_ospeed;                            // 36, 40
 * };
 * struct pollfd { int fd; short events; short revents; };   // <poll.h>, 8 bytes
 * struct serial_struct {                  // <linux/serial.h>, 72 bytes
 *   int type, line; unsigned int port; int irq, flags, xmit_fifo_size, custom_divisor, baud_base;  // 0 … 28
 *   unsigned short close_delay; char io_type, reserved_char; int hub6;                  // 32, 34, 35, 36
 *   unsigned short closing_wait, closing_wait2; ...                                     // 40, 42
 * };
 * ```
 */

import { SystemCallError } from "../lib/errors.ts";
import { errnoName } from "./errno.ts";
import { type LibrarySpec, openLibrary } from "./loader.ts";

const LIBC: LibrarySpec = {
  name: "the C library",
  candidates: {
    linux: ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1", "libc.so"],
    darwin: ["/usr/lib/libSystem.B.dylib"], // only to read and write what npm:serialport opened
    windows: [],
  },
  install: {
    linux: "this system's libc is neither glibc nor musl, please report which it is",
    darwin: "libSystem.B.dylib is part of macOS, please report the version",
    windows: "Windows is served by npm:serialport",
  },
};

const SYMBOLS = {
  // int open(const char *path, int flags, ...);
  open: { parameters: ["buffer", "i32"], result: "i32" },
  // int close(int fd);
  close: { parameters: ["i32"], result: "i32" },
  // Waits until the last bytes are sent, which may take a while.
  closeSlowly: { name: "close", parameters: ["i32"], result: "i32", nonblocking: true },
  // ssize_t read(int fd, void *buffer, size_t count);
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  // ssize_t write(int fd, const void *buffer, size_t count);
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  // int ioctl(int fd, unsigned long request, ...);
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
  ioctlNumber: { name: "ioctl", parameters: ["i32", "u64", "u64"], result: "i32" },
  // int flock(int fd, int operation);
  flock: { parameters: ["i32", "i32"], result: "i32" },
  // int poll(struct pollfd *fds, nfds_t nfds, int timeout);
  poll: { parameters: ["buffer", "u64", "i32"], result: "i32", nonblocking: true },
  // int pipe2(int fds[2], int flags);
  pipe2: { parameters: ["buffer", "i32"], result: "i32", optional: true },
  // int pipe(int fds[2]); for macOS, which has no pipe2
  pipe: { parameters: ["buffer"], result: "i32" },
  // int *__errno_location(void);
  __errno_location: { parameters: [], result: "pointer", optional: true },
  // int *__error(void); its name on macOS
  __error: { parameters: [], result: "pointer", optional: true },
} as const satisfies Deno.ForeignLibraryInterface;

type Libc = Deno.DynamicLibrary<typeof SYMBOLS>;

// <asm-generic/fcntl.h>, <sys/file.h>; <poll.h>, the same on macOS
const O_RDWR = 2, O_NOCTTY = 0o400, O_NONBLOCK = 0o4000, O_CLOEXEC = 0o2000000;
const LOCK_EX = 2, LOCK_NB = 4;
const POLLIN = 0x1, POLLOUT = 0x4, POLLERR = 0x8, POLLHUP = 0x10, POLLNVAL = 0x20;

/** The number of an ioctl of the letter T (asm-generic/ioctl.h): direction, size, letter, number. */
const request = (direction: "read" | "write", number: number, size: number): bigint =>
  BigInt(direction === "read" ? 2 : 1) << 30n | BigInt(size) << 16n | 0x54n << 8n | BigInt(number);

const TERMIOS2 = 44; // sizeof(struct termios2)
const TCGETS2 = request("read", 0x2a, TERMIOS2), TCSETS2 = request("write", 0x2b, TERMIOS2);
const TIOCGEXCL = request("read", 0x40, 4);
// <asm-generic/ioctls.h>: these are older than the scheme and have plain numbers.
const TCFLSH = 0x540bn, TIOCEXCL = 0x540cn, TIOCNXCL = 0x540dn, TIOCOUTQ = 0x5411n;
const TIOCMGET = 0x5415n, TIOCMBIS = 0x5416n, TIOCMBIC = 0x5417n;
const TCIOFLUSH = 2n;
const TIOCGSERIAL = 0x541en, TIOCSSERIAL = 0x541fn;
const SERIAL_STRUCT = 72, CLOSING_WAIT = 40, CLOSING_WAIT_NONE = 65_535; // <linux/serial.h>

// <asm-generic/termbits.h>, c_cflag
const BOTHER = 0o10000; // the speed is a number, in c_ospeed
const CS5 = 0, CS6 = 0o20, CS7 = 0o40, CS8 = 0o60;
const CSTOPB = 0o100, CREAD = 0o200, PARENB = 0o400, PARODD = 0o1000, CLOCAL = 0o4000;
const CRTSCTS = 0o20000000000, HUPCL = 0o2000;
const C_CC = 17, VTIME = 5, VMIN = 6;
// <asm-generic/termios.h>
const LINES = { dtr: 0x002, rts: 0x004, cts: 0x020, dcd: 0x040, ri: 0x080, dsr: 0x100 } as const;

/** A wait that nobody wakes ends by itself, so that a Worker can be ended. */
const POLL_MS = 500;
/** Closing is waited for so long; it is usually done at once. */
const CLOSE_MS = 2000;
/** What the kernel's line discipline holds is 4096 bytes; adapters may give more at once. */
const READ_BYTES = 16_384;
/** A speed that is off by more is not understood at the other end. */
const SPEED_TOLERANCE = 0.03;

/** How a line is set. */
export interface TtySettings {
  /** Bits a second, any number that the hardware can do. */
  readonly baudrate: number;
  /** Bits of a byte. */
  readonly dataBits: 5 | 6 | 7 | 8;
  /** The bit that checks a byte. */
  readonly parity: "none" | "even" | "odd";
  /** Bits that end a byte. */
  readonly stopBits: 1 | 2;
  /** Whether RTS and CTS say who may send. */
  readonly flowControl: "none" | "hardware";
}

/** What {@linkcode Tty.wait} saw. */
export interface TtyEvents {
  /** There are bytes to read. */
  readonly readable: boolean;
  /** There is room for bytes. */
  readonly writable: boolean;
  /** The device is gone, or the other end of a pseudo-terminal is. */
  readonly hungUp: boolean;
}

/** Opened for the first user and closed after the last one. */
const library = {
  libc: undefined as Libc | undefined,
  users: 0,
  take(): Libc {
    const libc = this.libc ??= openLibrary(LIBC, SYMBOLS);
    this.users++;
    return libc;
  },
  give(): void {
    if (--this.users > 0) return;
    this.libc?.close();
    this.libc = undefined;
  },
};

/** The system's error code after a call that was not `nonblocking` failed in this thread. */
function errnoOf(libc: Libc): string {
  const { __errno_location, __error } = libc.symbols;
  const unsafeErrno = (__errno_location ?? __error!)();
  const number = new Deno.UnsafePointerView(unsafeErrno!).getInt32();
  if (number === 35 && Deno.build.os === "darwin") return "EAGAIN"; // <sys/errno.h>
  return errnoName(number); // up to 34 the same on macOS
}

/** An open terminal line. */
export class Tty {
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #borrowed: boolean;
  /** A pipe: what is written into its end ends a wait. */
  readonly #wake: readonly [read: number, write: number];
  /** Whether something is in the pipe. */
  #woken = false;
  readonly #buffer = new Uint8Array(READ_BYTES);
  #waiting: Promise<unknown> | null = null;
  #closing: Promise<void> | null = null;

  private constructor(libc: Libc, fd: number, borrowed: boolean, wake: readonly [number, number]) {
    this.#libc = libc;
    this.#fd = fd;
    this.#borrowed = borrowed;
    this.#wake = wake;
  }

  /**
   * Opens a line for us alone: other programs that ask are told that it is busy, by TIOCEXCL (which root
   * may ignore) and by flock(2) (which programs may ignore).
   *
   * @throws {SystemCallError} with the code of the system; `EBUSY` when somebody else has it
   */
  static open(path: string): Tty {
    const tty = Tty.#take(path, (libc) =>
      libc.symbols.open(
        new TextEncoder().encode(`${path}\0`),
        O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC,
      ));
    try {
      tty.#claim(path);
      return tty;
    } catch (error) {
      tty.#closing = Promise.resolve();
      tty.#libc.symbols.close(tty.#fd);
      tty.#free();
      throw error;
    }
  }

  /**
   * Takes a descriptor that was opened elsewhere with `O_NONBLOCK`. A borrowed one is only waited for, read
   * and written, and not closed in the end.
   */
  static fromDescriptor(fd: number, options: { borrowed?: boolean } = {}): Tty {
    return Tty.#take(`descriptor ${fd}`, () => fd, options.borrowed);
  }

  static #take(name: string, open: (libc: Libc) => number, borrowed = false): Tty {
    const libc = library.take();
    let fd = -1;
    try {
      fd = open(libc);
      if (fd < 0) throw failure(`open "${name}"`, errnoOf(libc));
      const ends = new Int32Array(2), bytes = new Uint8Array(ends.buffer);
      const { pipe2, pipe } = libc.symbols;
      if ((pipe2 ? pipe2(bytes, O_CLOEXEC) : pipe(bytes)) !== 0) {
        throw failure("make a pipe", errnoOf(libc));
      }
      return new Tty(libc, fd, borrowed, [ends[0]!, ends[1]!]);
    } catch (error) {
      if (fd >= 0 && !borrowed) libc.symbols.close(fd);
      library.give();
      throw error;
    }
  }

  #claim(path: string): void {
    const { symbols } = this.#libc;
    // Asks for the settings first: a file that is no terminal says ENOTTY, a port without hardware EIO.
    this.#settings();
    const taken = new Int32Array(1);
    const told = symbols.ioctl(this.#fd, TIOCGEXCL, new Uint8Array(taken.buffer)) === 0;
    if ((told && taken[0] !== 0) || symbols.flock(this.#fd, LOCK_EX | LOCK_NB) !== 0) {
      throw failure(`open "${path}"`, "EBUSY");
    }
    symbols.ioctlNumber(this.#fd, TIOCEXCL, 0n);
  }

  /**
   * Sets the line: raw bytes, the modem lines ignored.
   *
   * @returns the speed that the hardware really has now; any number where there is none, as with the kernel's
   * own USB gadget
   * @throws {SystemCallError} with `EINVAL` when it cannot do this speed, else with the system's code
   */
  configure(settings: TtySettings): number {
    const before = speedOf(this.#settings());
    const speed = this.#set(settings);
    // The kernel sets what it can and says nothing of the rest.
    if (Math.abs(speed / settings.baudrate - 1) <= SPEED_TOLERANCE) return speed;
    const other = before === 9600 ? 19_200 : 9600;
    const hasNone = speed === before && this.#set({ ...settings, baudrate: other }) === before;
    if (hasNone) return speed;
    throw failure(`run at ${settings.baudrate} baud (${speed} is what it does)`, "EINVAL");
  }

  #set(settings: TtySettings): number {
    const termios = this.#settings();
    const view = new DataView(termios.buffer);
    const size = { 5: CS5, 6: CS6, 7: CS7, 8: CS8 }[settings.dataBits];
    const parity = { none: 0, even: PARENB, odd: PARENB | PARODD }[settings.parity];
    const flags = BOTHER | size | parity | CREAD | CLOCAL |
      (view.getUint32(8, true) & HUPCL) | // whether closing drops DTR stays as the system has it
      (settings.stopBits === 2 ? CSTOPB : 0) |
      (settings.flowControl === "hardware" ? CRTSCTS : 0);
    // No c_iflag, c_oflag and c_lflag: nothing is translated, echoed or taken for a signal.
    view.setUint32(0, 0, true);
    view.setUint32(4, 0, true);
    view.setUint32(8, flags, true); // no speed of the input: it is the output's
    view.setUint32(12, 0, true);
    termios[C_CC + VMIN] = 1; // so that a read of nothing is EAGAIN, and 0 means hung up
    termios[C_CC + VTIME] = 0;
    view.setUint32(36, settings.baudrate, true);
    view.setUint32(40, settings.baudrate, true);
    if (this.#libc.symbols.ioctl(this.#fd, TCSETS2, termios) !== 0) {
      throw failure("set a serial line", errnoOf(this.#libc));
    }
    return speedOf(this.#settings());
  }

  /**
   * The bytes that are here, at least one; `null` when there are none now.
   *
   * @param maxBytes at least 1; no more than 16 KiB come at once
   * @throws {SystemCallError} with `EIO` when the line is hung up
   */
  read(maxBytes: number = READ_BYTES): Uint8Array<ArrayBuffer> | null {
    this.#refuseIfClosed();
    const room = BigInt(Math.min(maxBytes, READ_BYTES));
    const count = Number(this.#libc.symbols.read(this.#fd, this.#buffer, room));
    if (count > 0) return this.#buffer.slice(0, count);
    const code = count === 0 ? "EIO" : errnoOf(this.#libc);
    if (code === "EAGAIN" || code === "EINTR") return null;
    throw failure("read from a serial line", code);
  }

  /**
   * Hands bytes to the kernel.
   *
   * @returns how many it took, 0 when it has no room
   * @throws {SystemCallError} with `EIO` when the line is hung up
   */
  write(bytes: Uint8Array<ArrayBuffer>): number {
    this.#refuseIfClosed();
    const count = Number(this.#libc.symbols.write(this.#fd, bytes, BigInt(bytes.length)));
    if (count >= 0) return count;
    const code = errnoOf(this.#libc);
    if (code === "EAGAIN" || code === "EINTR") return 0;
    throw failure("write to a serial line", code);
  }

  /**
   * Waits until one of the events is there, until {@linkcode Tty.wake}, or half a second. One call at a
   * time. Being hung up is told in any case.
   */
  async wait(events: { read: boolean; write: boolean }): Promise<TtyEvents> {
    this.#refuseIfClosed();
    const polled = new Uint8Array(16);
    const view = new DataView(polled.buffer);
    view.setInt32(0, this.#fd, true);
    view.setInt16(4, (events.read ? POLLIN : 0) | (events.write ? POLLOUT : 0), true);
    view.setInt32(8, this.#wake[0], true);
    view.setInt16(12, POLLIN, true);
    const waiting = this.#libc.symbols.poll(polled, 2n, POLL_MS);
    this.#waiting = waiting;
    await waiting;
    this.#waiting = null;
    const seen = view.getInt16(6, true);
    if (this.#woken && this.#closing === null) {
      this.#libc.symbols.read(this.#wake[0], new Uint8Array(1), 1n); // it is there: never blocks
      this.#woken = false;
    }
    return {
      readable: (seen & POLLIN) !== 0,
      writable: (seen & POLLOUT) !== 0,
      hungUp: (seen & (POLLERR | POLLHUP | POLLNVAL)) !== 0,
    };
  }

  /** Ends a wait at once. */
  wake(): void {
    if (this.#closing !== null || this.#woken) return;
    this.#woken = true;
    this.#libc.symbols.write(this.#wake[1], new Uint8Array(1), 1n);
  }

  /** Bytes that were written and are not sent yet, as far as the driver knows. */
  unsent(): number {
    this.#refuseIfClosed();
    const count = new Int32Array(1);
    this.#libc.symbols.ioctl(this.#fd, TIOCOUTQ, new Uint8Array(count.buffer));
    return count[0]!;
  }

  /**
   * Forgets what came and was not read, and what was written and is not sent. A driver that cannot do the
   * latter, as cdc-acm of older kernels, is told not to wait for it at the end, which root may.
   */
  flush(): void {
    this.#refuseIfClosed();
    const { ioctl, ioctlNumber } = this.#libc.symbols;
    ioctlNumber(this.#fd, TCFLSH, TCIOFLUSH);
    if (this.unsent() === 0) return;
    const settings = new Uint8Array(SERIAL_STRUCT);
    if (ioctl(this.#fd, TIOCGSERIAL, settings) !== 0) return;
    new DataView(settings.buffer).setUint16(CLOSING_WAIT, CLOSING_WAIT_NONE, true);
    ioctl(this.#fd, TIOCSSERIAL, settings);
  }

  /**
   * How the control lines are.
   *
   * @throws {SystemCallError} with `ENOTTY` or `EINVAL` when it has none, as a pseudo-terminal
   */
  signals(): Record<keyof typeof LINES, boolean> {
    this.#refuseIfClosed();
    const lines = new Int32Array(1);
    if (this.#libc.symbols.ioctl(this.#fd, TIOCMGET, new Uint8Array(lines.buffer)) !== 0) {
      throw failure("read the control lines", errnoOf(this.#libc));
    }
    const on = (name: keyof typeof LINES) => (lines[0]! & LINES[name]) !== 0;
    return {
      ...{ dtr: on("dtr"), rts: on("rts"), cts: on("cts") },
      ...{ dcd: on("dcd"), ri: on("ri"), dsr: on("dsr") },
    };
  }

  /**
   * Switches the outgoing control lines; those that are not named stay.
   *
   * @throws {SystemCallError} with `ENOTTY` or `EINVAL` when it has none, as a pseudo-terminal
   */
  setSignals(signals: { dtr?: boolean; rts?: boolean }): void {
    this.#refuseIfClosed();
    for (const on of [true, false]) {
      const bits = (signals.dtr === on ? LINES.dtr : 0) | (signals.rts === on ? LINES.rts : 0);
      if (bits === 0) continue;
      const lines = new Uint8Array(new Int32Array([bits]).buffer);
      if (this.#libc.symbols.ioctl(this.#fd, on ? TIOCMBIS : TIOCMBIC, lines) !== 0) {
        throw failure("switch the control lines", errnoOf(this.#libc));
      }
    }
  }

  /**
   * Ends a wait, and frees the line. What was written and is not sent yet still is: the kernel waits for that
   * up to 30 s (`closing_wait`), which only shows with drivers that cannot forget it (see {@linkcode flush}).
   * The promise does not wait longer than two seconds; the process, unless it is told to exit, does.
   */
  close(): Promise<void> {
    if (this.#closing === null) {
      this.wake();
      this.#closing = this.#close();
    }
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#waiting; // a descriptor that is waited for must stay
    const { symbols } = this.#libc;
    if (this.#borrowed) return this.#free();
    symbols.ioctlNumber(this.#fd, TIOCNXCL, 0n);
    const freed = symbols.closeSlowly(this.#fd).then(() => this.#free());
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => timer = setTimeout(resolve, CLOSE_MS));
    await Promise.race([freed, late]).finally(() => clearTimeout(timer));
  }

  #free(): void {
    for (const end of this.#wake) this.#libc.symbols.close(end);
    library.give();
  }

  #settings(): Uint8Array<ArrayBuffer> {
    this.#refuseIfClosed();
    const termios = new Uint8Array(TERMIOS2);
    if (this.#libc.symbols.ioctl(this.#fd, TCGETS2, termios) === 0) return termios;
    throw failure("read the settings of a serial line", errnoOf(this.#libc));
  }

  #refuseIfClosed(): void {
    if (this.#closing !== null) throw failure("use a serial line that was closed", "EBADF");
  }
}

/** `c_ospeed` */
function speedOf(termios: Uint8Array<ArrayBuffer>): number {
  return new DataView(termios.buffer).getUint32(40, true);
}

function failure(action: string, code: string): SystemCallError {
  return new SystemCallError(
    `Cannot ${action}: the system says ${code}; see "man 3 errno" for what that is`,
    code,
  );
}
