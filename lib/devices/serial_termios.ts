/** Serial ports of Linux, by termios. Needs `--allow-ffi`. */
import { type Directories, lookAround } from "../../ffi/directories.ts";
import { Tty } from "../../ffi/termios.ts";
import { SystemCallError } from "../errors.ts";
import { cannotOpenSerial, cannotSignal, serialClosed, serialUnplugged } from "./serial_errors.ts";
import type {
  SerialBackend,
  SerialOutputs,
  SerialPort,
  SerialPortInfo,
  SerialSettings,
  SerialSignals,
} from "./serial_port.ts";

/** Who was given bytes asks for more within so many microtasks, before the next wait begins. */
const ASK_MICROTASKS = 4;
/** So much is read before others have their turn. */
const READ_AT_ONCE = 65_536;
/** So much is written before others have their turn; a fast device would take without end. */
const WRITE_AT_ONCE = 4096;
/** The last words have so long to go out. */
const DRAIN_MS = 500;
/** How often is looked whether they are out. */
const DRAIN_LOOK_MS = 10;

/** Ports of the kernel. */
export const termiosSerial: SerialBackend = {
  // deno-lint-ignore require-await -- what it throws shall reject
  async open(url: string, settings: SerialSettings): Promise<SerialPort> {
    let tty: Tty | null = null;
    try {
      tty = Tty.open(url);
      tty.configure(settings);
      tty.flush();
      return new TermiosPort(url, tty);
    } catch (error) {
      tty?.close();
      if (!(error instanceof SystemCallError)) throw error;
      throw cannotOpenSerial(url, settings, error.code, error);
    }
  },

  list(): Promise<SerialPortInfo[]> {
    return Promise.resolve(lookAround(listPorts));
  },
};

const BY_ID = "/dev/serial/by-id";
/** USB adapters, USB boards, ports of ARM chips (Pi, Jetson), radio, the PC's, a gadget's. */
const NAME = /^tty(USB|ACM|AMA|THS|mxc|SC|S|GS)\d+$|^rfcomm\d+$/;

/** What `/dev` has, told apart from ports that are in the chip and lead nowhere. */
export function listPorts(directories: Directories): SerialPortInfo[] {
  const ids = new Map(
    directories.list(BY_ID).map((name) =>
      [directories.resolve(`${BY_ID}/${name}`), `${BY_ID}/${name}`] as const
    ),
  );
  const number = (name: string) => Number(/\d+$/.exec(name)![0]);
  return directories.list("/dev").filter((name) => NAME.test(name))
    // The kernel makes ttyS0…31 whether there is hardware or not; its type is 0 (PORT_UNKNOWN) then.
    .filter((name) => directories.text(`/sys/class/tty/${name}/type`) !== "0")
    .sort((a, b) =>
      a.replace(/\d+$/, "").localeCompare(b.replace(/\d+$/, "")) || number(a) - number(b)
    )
    .map((name) => ({
      url: `/dev/${name}`,
      id: ids.get(`/dev/${name}`) ?? null,
      name: productName(directories, name),
    }));
}

/** The USB device is one folder above the interface (cdc-acm), or two (usb-serial). */
function productName(directories: Directories, name: string): string | null {
  const device = `/sys/class/tty/${name}/device`;
  return directories.text(`${device}/../product`) ?? directories.text(`${device}/../../product`);
}

/** Somebody who waits. */
interface Waiting<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}

/** One thread of Deno's pool waits for both directions, and is woken when what it waits for changes. */
class TermiosPort implements SerialPort {
  readonly #url: string;
  readonly #tty: Tty;
  #reader: Waiting<Uint8Array<ArrayBuffer> | null> | null = null;
  #writer: (Waiting<void> & { bytes: Uint8Array<ArrayBuffer> }) | null = null;
  #gone: Error | null = null;
  #closing: Promise<void> | null = null;
  /** What the wait that is under way is for. */
  #awaited: { read: boolean; write: boolean } | null = null;
  /** Called when somebody reads again after the line was hung up. */
  #askedAgain: () => void = () => {};

  constructor(url: string, tty: Tty) {
    this.#url = url;
    this.#tty = tty;
    this.#run();
  }

  read(): Promise<Uint8Array<ArrayBuffer> | null> {
    if (this.#closing) return Promise.resolve(null);
    if (this.#gone) return Promise.reject(this.#gone);
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
      this.#askedAgain();
      if (this.#awaited?.read === false) this.#tty.wake();
    });
  }

  write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (this.#closing) return Promise.reject(serialClosed(this.#url));
    if (this.#gone) return Promise.reject(this.#gone);
    return new Promise((resolve, reject) => {
      this.#writer = { bytes, resolve, reject };
      this.#serveWriter();
      if (this.#writer !== null && this.#awaited?.write === false) this.#tty.wake();
    });
  }

  // deno-lint-ignore require-await -- what it throws shall reject
  async signals(): Promise<SerialSignals> {
    return this.#signal(() => {
      const { cts, dsr, dcd, ri } = this.#tty.signals();
      return { cts, dsr, dcd, ri };
    });
  }

  // deno-lint-ignore require-await -- what it throws shall reject
  async setSignals(outputs: SerialOutputs): Promise<void> {
    this.#signal(() => this.#tty.setSignals(outputs));
  }

  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    this.#reader?.resolve(null);
    this.#writer?.reject(serialClosed(this.#url));
    this.#askedAgain();
    this.#reader = this.#writer = null;
    if (this.#gone === null) await this.#drain();
    await this.#tty.close();
  }

  /** Closing would wait up to 30 s for a device that takes nothing, so what is left then is dropped. */
  async #drain(): Promise<void> {
    const end = performance.now() + DRAIN_MS;
    while (this.#tty.unsent() > 0 && performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, DRAIN_LOOK_MS));
    }
    if (this.#tty.unsent() > 0) this.#tty.flush();
  }

  async #run(): Promise<void> {
    while (this.#closing === null && this.#gone === null) {
      for (let i = 0; i < ASK_MICROTASKS; i++) await null;
      if (this.#closing !== null) return;
      this.#awaited = { read: this.#reader !== null, write: this.#writer !== null };
      const { readable, writable, hungUp } = await this.#tty.wait(this.#awaited);
      this.#awaited = null;
      if (this.#closing !== null) return;
      if (writable || hungUp) this.#serveWriter();
      if (readable || hungUp) this.#serveReader();
      if (!hungUp) continue;
      // What came before the plug was pulled is read first.
      if (this.#reader !== null) this.#fail("EIO");
      else await new Promise<void>((resolve) => this.#askedAgain = resolve);
    }
  }

  #serveReader(): void {
    if (this.#reader === null) return;
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    let size = 0;
    try {
      while (size < READ_AT_ONCE) {
        const piece = this.#tty.read();
        if (piece === null) break;
        pieces.push(piece);
        size += piece.length;
      }
    } catch (error) {
      if (size === 0) return this.#fail((error as SystemCallError).code, error);
    }
    if (size === 0) return;
    this.#reader.resolve(joined(pieces, size));
    this.#reader = null;
  }

  #serveWriter(): void {
    const writer = this.#writer;
    if (writer === null) return;
    try {
      const taken = this.#tty.write(writer.bytes.subarray(0, WRITE_AT_ONCE));
      writer.bytes = writer.bytes.subarray(taken);
    } catch (error) {
      return this.#fail((error as SystemCallError).code, error);
    }
    if (writer.bytes.length > 0) return;
    this.#writer = null;
    writer.resolve();
  }

  #fail(code: string, cause?: unknown): void {
    if (this.#gone !== null) return;
    this.#gone = serialUnplugged(this.#url, code, cause);
    this.#reader?.reject(this.#gone);
    this.#writer?.reject(this.#gone);
    this.#reader = this.#writer = null;
  }

  #signal<T>(call: () => T): T {
    if (this.#gone) throw this.#gone;
    try {
      return call();
    } catch (error) {
      if (!(error instanceof SystemCallError)) throw error;
      throw cannotSignal(this.#url, error.code, error);
    }
  }
}

function joined(pieces: Uint8Array<ArrayBuffer>[], size: number): Uint8Array<ArrayBuffer> {
  if (pieces.length === 1) return pieces[0]!;
  const whole = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
