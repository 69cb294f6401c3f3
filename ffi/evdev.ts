/**
 * The kernel's input devices, `/dev/input/event*`: what they can do, what they say, and rumble.
 *
 * Layouts and numbers are those of linux/input.h on 64-bit Linux, the same on x86_64 and aarch64:
 *
 * ```c
 * struct input_id      { __u16 bustype, vendor, product, version; };                       //  8 bytes
 * struct input_absinfo { __s32 value, minimum, maximum, fuzz, flat, resolution; };         // 24 bytes
 * struct ff_effect {                                                                       // 48 bytes
 *   __u16 type; __s16 id; __u16 direction;            //  0
 *   struct { __u16 button, interval; } trigger;       //  6
 *   struct { __u16 length, delay; } replay;           // 10 in ms
 *   union { struct { __u16 strong_magnitude, weak_magnitude; } rumble; ... } u;            // 16
 * };
 * struct pollfd { int fd; short events; short revents; };                                  //  8 bytes
 * ```
 */

import { DeviceBusy } from "../lib/errors.ts";
import { giveLibrary, lastError, type Libc, openError, takeLibrary } from "./evdev_library.ts";

// fcntl.h and asm-generic/fcntl.h
const O_RDONLY = 0, O_RDWR = 2, O_NONBLOCK = 0o4000, O_CLOEXEC = 0o2000000;
// poll.h
const POLLIN = 0x1, POLLERR = 0x8, POLLHUP = 0x10, POLLNVAL = 0x20;
// linux/input-event-codes.h
const EV_KEY = 0x01, EV_REL = 0x02, EV_ABS = 0x03, EV_FF = 0x15, FF_RUMBLE = 0x50;
const KEY_BYTES = 0x300 / 8, AXES = 0x40, FF_BYTES = 0x80 / 8;

/** The number of an ioctl (asm-generic/ioctl.h): direction, size of what it takes, its letter and number. */
const request = (direction: "read" | "write", number: number, size: number): bigint =>
  BigInt(direction === "read" ? 2 : 1) << 30n | BigInt(size) << 16n | 0x45n << 8n | BigInt(number);

const EVIOCGID = request("read", 0x02, 8);
const EVIOCGNAME = request("read", 0x06, 256);
const EVIOCGUNIQ = request("read", 0x08, 256);
const EVIOCGPROP = request("read", 0x09, 4);
const EVIOCGKEY = request("read", 0x18, KEY_BYTES);
const EVIOCGBIT = (type: number, size: number) => request("read", 0x20 + type, size);
const EVIOCGABS = (axis: number) => request("read", 0x40 + axis, 24);
const EVIOCSFF = request("write", 0x80, 48);
const EVIOCGRAB = request("write", 0x90, 4);

const RECORD = 24; // sizeof(struct input_event)
const RECORDS_AT_ONCE = 64;
/** A poll that nobody wakes ends by itself, so that a Worker can be ended. */
const POLL_MS = 1000;

/** What an axis is like: `struct input_absinfo`. */
export interface EvdevAxis {
  /** Where it is. */
  readonly value: number;
  /** The lowest value. */
  readonly minimum: number;
  /** The highest value. */
  readonly maximum: number;
  /** Within so much of the middle, the driver says, it is at rest. */
  readonly flat: number;
}

/** What a device says of itself; the bitmaps have a bit for each number of linux/input-event-codes.h. */
export interface EvdevDescription {
  /** Its name. */
  readonly name: string;
  /** Its serial number or address, or "". */
  readonly uniq: string;
  /** The numbers of its maker and model. */
  readonly vendor: number;
  /** The number of its model. */
  readonly product: number;
  /** `INPUT_PROP_…`. */
  readonly properties: Uint8Array;
  /** `KEY_…` and `BTN_…`. */
  readonly keys: Uint8Array;
  /** `REL_…`. */
  readonly relative: Uint8Array;
  /** `ABS_…`. */
  readonly absolute: Uint8Array;
  /** Whether it can rumble, and may be written to. */
  readonly rumble: boolean;
}

/**
 * Where the kernel puts input devices: 32 old numbers, then those from 256 (drivers/input/input.c,
 * `input_get_new_minor`), of which as many are tried. One that is not there costs 2 µs.
 */
export const EVDEV_PATHS: readonly string[] = Array.from(
  { length: 64 },
  (_, i) => `/dev/input/event${i < 32 ? i : 256 + i - 32}`,
);

/** Does something with many devices without loading the C library for each. */
export async function withEvdev<T>(action: () => Promise<T>): Promise<T> {
  takeLibrary();
  try {
    return await action();
  } finally {
    giveLibrary();
  }
}

/** One open device. After {@linkcode EvdevDevice.close} nothing of it may be called. */
export class EvdevDevice {
  /** Its path. */
  readonly path: string;
  readonly #libc: Libc;
  readonly #fd: number;
  /** Read by poll too, and written to by close, to end a poll at once. */
  readonly #wake: number;
  readonly #writable: boolean;
  readonly #buffer = new Uint8Array(RECORD * RECORDS_AT_ONCE);
  readonly #effect = new Uint8Array(48);
  #closing = false;
  #pending: Promise<unknown> = Promise.resolve();
  #waiting: Promise<unknown> = Promise.resolve();

  /**
   * @param path such as `/dev/input/event3`
   * @throws {DeviceMissing} when there is no such device
   * @throws {SystemCallError} when it may not be read, or is no input device
   */
  constructor(path: string) {
    this.path = path;
    this.#libc = takeLibrary();
    try {
      const flags = O_NONBLOCK | O_CLOEXEC;
      const name = new TextEncoder().encode(`${path}\0`);
      let fd = this.#libc.symbols.open(name, O_RDWR | flags);
      this.#writable = fd >= 0;
      if (fd < 0) fd = this.#libc.symbols.open(name, O_RDONLY | flags);
      if (fd < 0) throw openError(path, lastError(this.#libc));
      this.#fd = fd;
      try {
        // Asks for something that only input devices answer.
        if (this.#libc.symbols.ioctl(fd, EVIOCGID, new Uint8Array(8)) < 0) {
          throw openError(path, lastError(this.#libc));
        }
        this.#wake = this.#libc.symbols.eventfd(0, O_NONBLOCK | O_CLOEXEC);
        if (this.#wake < 0) throw openError(path, lastError(this.#libc));
        const effect = new DataView(this.#effect.buffer);
        effect.setUint16(0, FF_RUMBLE, true);
        effect.setInt16(2, -1, true); // not uploaded; the kernel writes the number that it gives
      } catch (error) {
        this.#libc.symbols.close(fd);
        throw error;
      }
    } catch (error) {
      giveLibrary();
      throw error;
    }
  }

  /** What it says of itself. */
  describe(): EvdevDescription {
    const id = new DataView(this.#ask(EVIOCGID, 8).buffer);
    const bits = (type: number, size: number) => this.#ask(EVIOCGBIT(type, size), size);
    const effects = bits(EV_FF, FF_BYTES);
    return {
      name: text(this.#ask(EVIOCGNAME, 256)),
      uniq: text(this.#ask(EVIOCGUNIQ, 256)),
      vendor: id.getUint16(2, true),
      product: id.getUint16(4, true),
      properties: this.#ask(EVIOCGPROP, 4),
      keys: bits(EV_KEY, KEY_BYTES),
      relative: bits(EV_REL, 2),
      absolute: bits(EV_ABS, AXES / 8),
      rumble: this.#writable && ((effects[FF_RUMBLE >> 3] ?? 0) >> (FF_RUMBLE & 7) & 1) === 1,
    };
  }

  /** A bit for each key that is down. The kernel forgets what it had not yet told of keys. */
  keysDown(): Uint8Array {
    return this.#ask(EVIOCGKEY, KEY_BYTES);
  }

  /** Where an axis is, and between what. */
  axis(axis: number): EvdevAxis {
    const view = new DataView(this.#ask(EVIOCGABS(axis), 24).buffer);
    return {
      value: view.getInt32(0, true),
      minimum: view.getInt32(4, true),
      maximum: view.getInt32(8, true),
      flat: view.getInt32(16, true),
    };
  }

  /**
   * Keeps what it says from everybody else, so that typed keys reach no other program.
   * @throws {DeviceBusy} when somebody else keeps it
   */
  grab(): void {
    if (this.#libc.symbols.ioctlNumber(this.#fd, EVIOCGRAB, 1n) >= 0) return;
    throw new DeviceBusy(
      `Cannot grab "${this.path}": another program has grabbed it (${lastError(this.#libc)}); ` +
        "end that program, or leave grab out",
    );
  }

  /**
   * Waits until there is something to read; "gone" when it was unplugged. One call at a time. A
   * thread of Deno's pool waits meanwhile.
   */
  async wait(): Promise<"readable" | "gone" | "closed"> {
    const fds = new Uint8Array(16);
    const view = new DataView(fds.buffer);
    view.setInt32(0, this.#fd, true);
    view.setInt16(4, POLLIN, true);
    view.setInt32(8, this.#wake, true);
    view.setInt16(12, POLLIN, true);
    while (!this.#closing) {
      const polled = this.#libc.symbols.poll(fds, 2n, POLL_MS);
      this.#waiting = polled;
      await polled;
      const events = view.getInt16(6, true);
      if (this.#closing) break;
      if (events & (POLLERR | POLLHUP | POLLNVAL)) return "gone";
      if (events & POLLIN) return "readable";
    }
    return "closed";
  }

  /** Whole records that are here, 64 at most; empty when there are none. The bytes are overwritten by the next call. */
  read(): Uint8Array {
    const size = this.#libc.symbols.read(this.#fd, this.#buffer, BigInt(this.#buffer.length));
    return this.#buffer.subarray(0, Math.max(0, Number(size)));
  }

  /**
   * Starts to rumble, in place of what it did before; both magnitudes 0 stop it. Some drivers take
   * their time to answer, so a thread waits for them.
   *
   * @param strong the heavy motor, from 0 to 0xffff
   * @param weak the light motor, from 0 to 0xffff
   * @param durationMs up to 0xffff
   * @returns whether the device took it
   */
  rumble(strong: number, weak: number, durationMs: number): Promise<boolean> {
    const turn = this.#pending.then(async () => {
      if (this.#closing) return false;
      const effect = new DataView(this.#effect.buffer);
      effect.setUint16(10, durationMs, true);
      effect.setUint16(16, strong, true);
      effect.setUint16(18, weak, true);
      const result = await this.#libc.symbols.ioctlWaiting(this.#fd, EVIOCSFF, this.#effect);
      if (result < 0) return false;
      const play = new DataView(new ArrayBuffer(RECORD));
      play.setUint16(16, EV_FF, true);
      play.setUint16(18, effect.getInt16(2, true), true);
      play.setInt32(20, strong === 0 && weak === 0 ? 0 : 1, true);
      const bytes = new Uint8Array(play.buffer);
      return this.#libc.symbols.write(this.#fd, bytes, BigInt(RECORD)) === BigInt(RECORD);
    });
    this.#pending = turn;
    return turn;
  }

  /**
   * Ends a {@linkcode wait} at once and frees all. The kernel ends grabbing and rumbling itself. A thread
   * waits for it: any input device takes some 10 to 40 ms to close (`synchronize_rcu` in evdev_release).
   */
  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    const one = new Uint8Array(new BigUint64Array([1n]).buffer);
    this.#libc.symbols.write(this.#wake, one, 8n);
    // Descriptors are numbers that are used again: none is closed while a thread waits for it.
    await Promise.allSettled([this.#waiting, this.#pending]);
    this.#libc.symbols.close(this.#wake);
    await this.#libc.symbols.closeWaiting(this.#fd);
    giveLibrary();
  }

  /** What an ioctl fills in; zeros when the device does not know it. */
  #ask(request: bigint, size: number): Uint8Array<ArrayBuffer> {
    const answer = new Uint8Array(size);
    this.#libc.symbols.ioctl(this.#fd, request, answer);
    return answer;
  }
}

/** A C string in a buffer. */
function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(bytes.subarray(0, end < 0 ? bytes.length : end));
}
