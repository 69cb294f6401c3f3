/** A serial port that is a terminal line of Unix, whoever has opened and set it. */
import type { Tty } from "../../ffi/termios.ts";
import type { SystemCallError } from "../errors.ts";
import { cannotSignal, serialClosed, serialUnplugged } from "./serial_errors.ts";
import type { SerialOutputs, SerialPort, SerialSignals } from "./serial_port.ts";

/** What is not the same for all: whoever opened the line does it. */
export interface TtyControl {
  /** How the incoming control lines are. */
  signals(): Promise<SerialSignals>;
  /** Switches the outgoing control lines. */
  setSignals(outputs: SerialOutputs): Promise<void>;
  /** Lets the last bytes go out, for half a second. */
  drain(): Promise<void>;
  /** Frees what is left when the line is not waited for any more. */
  close(): Promise<void>;
  /** The system's code in an error of these. */
  codeOf(error: unknown): string;
}

/** Who was given bytes asks for more within so many microtasks, before the next wait begins. */
const ASK_MICROTASKS = 4;
/** So much is read before others have their turn. */
const READ_AT_ONCE = 65_536;
/** So much is written before others have their turn; a fast device would take without end. */
const WRITE_AT_ONCE = 4096;
/** Somebody who waits. */
interface Waiting<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}

/** One thread of Deno's pool waits for both directions, and is woken when what it waits for changes. */
export class TtyPort implements SerialPort {
  readonly #url: string;
  readonly #tty: Tty;
  readonly #control: TtyControl;
  #reader: Waiting<Uint8Array<ArrayBuffer> | null> | null = null;
  #writer: (Waiting<void> & { bytes: Uint8Array<ArrayBuffer> }) | null = null;
  #gone: Error | null = null;
  #closing: Promise<void> | null = null;
  /** What the wait that is under way is for. */
  #awaited: { read: boolean; write: boolean } | null = null;
  /** Called when somebody reads again after the line was hung up. */
  #askedAgain: () => void = () => {};

  /** Takes an open line. */
  constructor(url: string, tty: Tty, control: TtyControl) {
    this.#url = url;
    this.#tty = tty;
    this.#control = control;
    this.#run();
  }

  /** The bytes that came. */
  read(): Promise<Uint8Array<ArrayBuffer> | null> {
    if (this.#closing) return Promise.resolve(null);
    if (this.#gone) return Promise.reject(this.#gone);
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
      this.#askedAgain();
      if (this.#awaited?.read === false) this.#tty.wake();
    });
  }

  /** Writes as the line takes it. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (this.#closing) return Promise.reject(serialClosed(this.#url));
    if (this.#gone) return Promise.reject(this.#gone);
    return new Promise((resolve, reject) => {
      this.#writer = { bytes, resolve, reject };
      this.#serveWriter();
      if (this.#writer !== null && this.#awaited?.write === false) this.#tty.wake();
    });
  }

  /** How the incoming control lines are. */
  signals(): Promise<SerialSignals> {
    return this.#signal(() => this.#control.signals());
  }

  /** Switches the outgoing control lines. */
  setSignals(outputs: SerialOutputs): Promise<void> {
    return this.#signal(() => this.#control.setSignals(outputs));
  }

  /** Ends and frees all. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    this.#reader?.resolve(null);
    this.#writer?.reject(serialClosed(this.#url));
    this.#askedAgain();
    this.#reader = this.#writer = null;
    if (this.#gone === null) await this.#control.drain();
    await this.#tty.close();
    await this.#control.close();
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

  async #signal<T>(call: () => Promise<T>): Promise<T> {
    if (this.#gone) throw this.#gone;
    try {
      return await call();
    } catch (error) {
      throw cannotSignal(this.#url, this.#control.codeOf(error), error);
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
