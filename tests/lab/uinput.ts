/**
 * Input devices made by a program, through `/dev/uinput` (linux/uinput.h): a hand for the kernel's real
 * input layer. Everything read back has gone through the kernel.
 *
 * ```c
 * struct uinput_setup     { struct input_id id; char name[80]; __u32 ff_effects_max; };            //  92
 * struct uinput_abs_setup { __u16 code; __u16 pad; struct input_absinfo absinfo; };                 //  28
 * struct uinput_ff_upload { __u32 request_id; __s32 retval; struct ff_effect effect, old; };        // 104
 * struct uinput_ff_erase  { __u32 request_id; __s32 retval; __u32 effect_id; };                     //  12
 * ```
 */
import { codeOf, encodeInputRecord, InputRecordParser } from "../../lib/wire/evdev.ts";

const SYMBOLS = {
  open: { parameters: ["buffer", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
  ioctlNumber: { name: "ioctl", parameters: ["i32", "u64", "u64"], result: "i32" },
  poll: { parameters: ["buffer", "u64", "i32"], result: "i32", nonblocking: true },
} as const satisfies Deno.ForeignLibraryInterface;

const request = (direction: number, number: number, size: number) =>
  BigInt(direction) << 30n | BigInt(size) << 16n | 0x55n << 8n | BigInt(number);
const UI_DEV_CREATE = request(0, 1, 0), UI_DEV_DESTROY = request(0, 2, 0);
const UI_DEV_SETUP = request(1, 3, 92), UI_ABS_SETUP = request(1, 4, 28);
const UI_SET_EVBIT = request(1, 100, 4);
/** UI_SET_KEYBIT, RELBIT, ABSBIT, MSCBIT, FFBIT by the event type that they are for. */
const SET_BIT: Readonly<Record<number, number>> = { 1: 101, 2: 102, 3: 103, 4: 104, 0x15: 107 };
const UI_BEGIN_FF_UPLOAD = request(3, 200, 104), UI_END_FF_UPLOAD = request(1, 201, 104);
const UI_BEGIN_FF_ERASE = request(3, 202, 12), UI_END_FF_ERASE = request(1, 203, 12);
const EV_FF = 0x15, EV_UINPUT = 0x0101, UI_FF_UPLOAD = 1, UI_FF_ERASE = 2, FF_RUMBLE = 0x50;
const O_RDWR = 2, O_NONBLOCK = 0o4000;

/** What a virtual device shall be. */
export interface UinputOptions {
  name: string;
  vendor?: number;
  /** Names of its keys, buttons and relative axes. */
  codes: readonly string[];
  /** Absolute axes, with their ranges. */
  axes?: Readonly<
    Record<string, { minimum: number; maximum: number; flat?: number; value?: number }>
  >;
  rumble?: boolean;
  /** Whether the kernel repeats held keys. */
  repeat?: boolean;
}

/** What a program that rumbles told the device. */
export type FeltRumble =
  | { strong: number; weak: number; durationMs: number }
  | { playing: boolean }
  | { erased: true };

/** Whether virtual devices can be made here. */
export function uinputHere(): boolean {
  try {
    new UinputDevice({ name: "rtcbot probe", codes: ["KEY_A"] })[Symbol.dispose]();
    return true;
  } catch {
    return false;
  }
}

/** One virtual device, gone at the end of the block. */
export class UinputDevice implements Disposable {
  readonly name: string;
  readonly #libc = Deno.dlopen("libc.so.6", SYMBOLS);
  readonly #fd: number;
  #open = true;

  constructor({ name, vendor = 0x045e, codes, axes = {}, rumble, repeat }: UinputOptions) {
    this.name = name;
    this.#fd = this.#libc.symbols.open(
      new TextEncoder().encode("/dev/uinput\0"),
      O_RDWR | O_NONBLOCK,
    );
    if (this.#fd < 0) {
      this.#libc.close();
      throw new Error("Cannot open /dev/uinput; run this in the lab");
    }
    const types = new Set<number>();
    for (const each of [...codes, ...Object.keys(axes)]) {
      const { type, code } = codeOf(each)!;
      types.add(type);
      this.#set(UI_SET_EVBIT, type);
      this.#set(request(1, SET_BIT[type]!, 4), code);
    }
    for (const [axis, { minimum, maximum, flat = 0, value = 0 }] of Object.entries(axes)) {
      const setup = new DataView(new ArrayBuffer(28));
      setup.setUint16(0, codeOf(axis)!.code, true);
      [value, minimum, maximum, 0, flat, 0].forEach((n, i) => setup.setInt32(4 + 4 * i, n, true));
      this.#tell(UI_ABS_SETUP, setup);
    }
    if (repeat) this.#set(UI_SET_EVBIT, 0x14); // EV_REP
    if (rumble) {
      this.#set(UI_SET_EVBIT, EV_FF);
      this.#set(request(1, SET_BIT[EV_FF]!, 4), FF_RUMBLE);
    }
    const setup = new DataView(new ArrayBuffer(92));
    [3, vendor, 0x028e, 1].forEach((n, i) => setup.setUint16(2 * i, n, true)); // BUS_USB
    new TextEncoder().encodeInto(name, new Uint8Array(setup.buffer, 8, 79));
    setup.setUint32(88, rumble ? 16 : 0, true);
    this.#tell(UI_DEV_SETUP, setup);
    this.#set(UI_DEV_CREATE, 0);
  }

  /** Does several things at one moment, each as the name of a code and its value; then SYN_REPORT. */
  act(...changes: (readonly [code: string, value: number])[]): void {
    for (const [name, value] of [...changes, ["SYN_REPORT", 0] as const]) {
      const bytes = encodeInputRecord({ ...codeOf(name)!, value, timestamp: 0 });
      if (this.#libc.symbols.write(this.#fd, bytes, 24n) !== 24n) throw new Error(`lost ${name}`);
    }
  }

  /** Answers the programs that rumble, and tells what they want, until `count` things were felt. */
  async feel(count: number, deadlineMs = 20_000): Promise<FeltRumble[]> {
    const felt: FeltRumble[] = [];
    const until = performance.now() + deadlineMs;
    const buffer = new Uint8Array(24 * 16);
    const pollfd = new Uint8Array(8);
    new DataView(pollfd.buffer).setInt32(0, this.#fd, true);
    pollfd[4] = 1; // POLLIN
    while (felt.length < count) {
      if (performance.now() > until) throw new Error(`felt only ${JSON.stringify(felt)}`);
      await this.#libc.symbols.poll(pollfd, 1n, 100);
      const size = Number(this.#libc.symbols.read(this.#fd, buffer, BigInt(buffer.length)));
      if (size <= 0) continue;
      for (const { type, code, value } of new InputRecordParser().push(buffer.subarray(0, size))) {
        if (type === EV_FF) felt.push({ playing: value > 0 });
        if (type !== EV_UINPUT) continue;
        const erase = code === UI_FF_ERASE;
        if (!erase && code !== UI_FF_UPLOAD) continue;
        const upload = new DataView(new ArrayBuffer(erase ? 12 : 104));
        upload.setUint32(0, value, true);
        this.#tell(erase ? UI_BEGIN_FF_ERASE : UI_BEGIN_FF_UPLOAD, upload);
        if (erase) felt.push({ erased: true });
        else {
          const durationMs = upload.getUint16(8 + 10, true);
          const [strong, weak] = [upload.getUint16(8 + 16, true), upload.getUint16(8 + 18, true)];
          felt.push({ strong, weak, durationMs });
        }
        upload.setInt32(4, 0, true);
        this.#tell(erase ? UI_END_FF_ERASE : UI_END_FF_UPLOAD, upload);
      }
    }
    return felt;
  }

  /** Pulls the plug. */
  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    this.#libc.symbols.ioctlNumber(this.#fd, UI_DEV_DESTROY, 0n);
    this.#libc.symbols.close(this.#fd);
    this.#libc.close();
  }

  #set(number: bigint, value: number): void {
    if (this.#libc.symbols.ioctlNumber(this.#fd, number, BigInt(value)) < 0) {
      throw new Error(`uinput refused ${number.toString(16)} ${value}`);
    }
  }

  #tell(number: bigint, view: DataView<ArrayBuffer>): void {
    if (this.#libc.symbols.ioctl(this.#fd, number, new Uint8Array(view.buffer)) < 0) {
      throw new Error(`uinput refused ${number.toString(16)}`);
    }
  }
}
