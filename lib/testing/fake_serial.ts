import {
  cannotOpenSerial,
  cannotSignal,
  serialClosed,
  serialUnplugged,
} from "../devices/serial_errors.ts";
import type {
  SerialBackend,
  SerialOutputs,
  SerialPort,
  SerialPortInfo,
  SerialSettings,
  SerialSignals,
} from "../devices/serial_port.ts";

/** What a serial line holds for the board until it reads. */
const LINE_BYTES = 4096;

/** Options of {@linkcode FakeSerialBoard}. */
export interface FakeSerialBoardOptions {
  /** Where it is plugged in. @default {"/dev/ttyFAKE0"} */
  url?: string;
  /** What it calls itself. @default {"Fake board"} */
  name?: string;
  /** It arrives in pieces of so many bytes, as real serial ports deliver. @default as it was written */
  splitReads?: number;
  /** The speeds that its port can do. @default all */
  baudrates?: readonly number[];
}

/**
 * A board at the other end of a serial line, to be played by a test: it is given to a `SerialConnection` in
 * place of the system.
 *
 * ```ts
 * import { SerialConnection } from "rtcbot";
 * import { FakeSerialBoard } from "rtcbot/testing";
 * import assert from "node:assert/strict";
 *
 * const board = new FakeSerialBoard();
 * await using conn = new SerialConnection(board.url, {}, board);
 * conn.put_nowait("ping\n");
 * assert.equal(new TextDecoder().decode(await board.read(5)), "ping\n");
 * board.write("pong\r\n");
 * assert.equal(new TextDecoder().decode(await conn.get()), "pong");
 * ```
 *
 * Its line holds 4096 bytes for the board; after that the connection waits until the board reads.
 */
export class FakeSerialBoard implements SerialBackend {
  /** Where it is plugged in. */
  readonly url: string;
  readonly #name: string;
  readonly #splitReads: number;
  readonly #baudrates: readonly number[] | null;
  #plugged = true;
  #deniedBy: string | null = null;
  #port: FakePort | null = null;
  #settings: SerialSettings | null = null;
  #opened = 0;
  #received = new Uint8Array(0);
  #reader: { size: number; resolve(bytes: Uint8Array<ArrayBuffer>): void } | null = null;
  #signals: SerialSignals = { cts: true, dsr: true, dcd: false, ri: false };
  #outputs: Required<SerialOutputs> = { dtr: false, rts: false };

  /** Makes a board that is plugged in. */
  constructor(options: FakeSerialBoardOptions = {}) {
    this.url = options.url ?? "/dev/ttyFAKE0";
    this.#name = options.name ?? "Fake board";
    this.#splitReads = options.splitReads ?? Infinity;
    this.#baudrates = options.baudrates ?? null;
  }

  /** How the connection has set the line, or `null` while it is not open. */
  get settings(): SerialSettings | null {
    return this.#port === null ? null : this.#settings;
  }

  /** How often its port was opened. */
  get opened(): number {
    return this.#opened;
  }

  /** How many bytes the board has not read. */
  get unread(): number {
    return this.#received.length;
  }

  /** The control lines that the connection switches. */
  get outputs(): Readonly<Required<SerialOutputs>> {
    return this.#outputs;
  }

  /** The board says something; it is lost when nobody has the port open. */
  write(bytes: Uint8Array | string): void {
    const said = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes.slice();
    for (let at = 0; at < said.length; at += this.#splitReads) {
      this.#port?.arrive(said.slice(at, at + this.#splitReads));
    }
  }

  /** The board waits for so many bytes. One call at a time. */
  read(size: number): Promise<Uint8Array<ArrayBuffer>> {
    return new Promise((resolve) => {
      this.#reader = { size, resolve };
      this.#serve();
    });
  }

  /** Pulls the plug. What is on the line is lost. */
  unplug(): void {
    this.#plugged = false;
    this.#received = new Uint8Array(0);
    this.#port?.fail();
    this.#port = null;
  }

  /** Plugs it in again. */
  plug(): void {
    this.#plugged = true;
  }

  /** From now on the system refuses to open the port, until `null`: not allowed, or in use by another. */
  refuse(why: "denied" | "busy" | null): void {
    this.#deniedBy = why === null ? null : why === "denied" ? "EACCES" : "EBUSY";
  }

  /** Sets the control lines that the connection sees. */
  setSignals(signals: Partial<SerialSignals>): void {
    this.#signals = { ...this.#signals, ...signals };
  }

  /** For `SerialConnection`. */
  // deno-lint-ignore require-await -- what it throws shall reject
  async open(url: string, settings: SerialSettings): Promise<SerialPort> {
    const code = url !== this.url || !this.#plugged
      ? "ENOENT"
      : this.#port !== null
      ? "EBUSY"
      : this.#deniedBy ??
        (this.#baudrates?.includes(settings.baudrate) === false ? "EINVAL" : null);
    if (code !== null) throw cannotOpenSerial(url, settings, code);
    this.#settings = settings;
    this.#opened++;
    this.#outputs = { dtr: true, rts: true };
    return this.#port = new FakePort(url, {
      take: (bytes) => this.#take(bytes),
      signals: () => this.#signals,
      setSignals: (outputs) => this.#outputs = { ...this.#outputs, ...outputs },
      closed: () => this.#port = null,
    });
  }

  /** For `SerialConnection.list()`. */
  list(): Promise<SerialPortInfo[]> {
    const info = { url: this.url, id: null, name: this.#name };
    return Promise.resolve(this.#plugged ? [info] : []);
  }

  /** As many of the bytes as the line holds. */
  #take(bytes: Uint8Array<ArrayBuffer>): number {
    const taken = bytes.subarray(0, LINE_BYTES - this.#received.length);
    const line = new Uint8Array(this.#received.length + taken.length);
    line.set(this.#received);
    line.set(taken, this.#received.length);
    this.#received = line;
    if (taken.length > 0) queueMicrotask(() => this.#serve());
    return taken.length;
  }

  /** A board that waits for more than the line holds takes it in pieces. */
  #serve(): void {
    const reader = this.#reader;
    if (reader === null) return;
    if (this.#received.length < Math.min(reader.size, LINE_BYTES)) return;
    const piece = this.#received.slice(0, reader.size);
    this.#received = this.#received.slice(piece.length);
    this.#reader = null;
    if (piece.length === reader.size) reader.resolve(piece);
    else {
      this.read(reader.size - piece.length).then((rest) => {
        const whole = new Uint8Array(reader.size);
        whole.set(piece);
        whole.set(rest, piece.length);
        reader.resolve(whole);
      });
    }
    this.#port?.room();
  }
}

/** What a port asks of its board. */
interface FakeLine {
  take(bytes: Uint8Array<ArrayBuffer>): number;
  signals(): SerialSignals;
  setSignals(outputs: SerialOutputs): void;
  closed(): void;
}

class FakePort implements SerialPort {
  readonly #url: string;
  readonly #line: FakeLine;
  readonly #arrived: Uint8Array<ArrayBuffer>[] = [];
  #reader: PromiseWithResolvers<Uint8Array<ArrayBuffer> | null> | null = null;
  #writer: (PromiseWithResolvers<void> & { bytes: Uint8Array<ArrayBuffer> }) | null = null;
  #gone: Error | null = null;
  #closed = false;

  constructor(url: string, line: FakeLine) {
    this.#url = url;
    this.#line = line;
  }

  read(): Promise<Uint8Array<ArrayBuffer> | null> {
    if (this.#closed) return Promise.resolve(null);
    const first = this.#arrived.shift();
    if (first !== undefined) return Promise.resolve(first);
    if (this.#gone) return Promise.reject(this.#gone);
    this.#reader = Promise.withResolvers();
    return this.#reader.promise;
  }

  write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (this.#closed) return Promise.reject(serialClosed(this.#url));
    if (this.#gone) return Promise.reject(this.#gone);
    const { promise } = this.#writer = { ...Promise.withResolvers<void>(), bytes };
    this.room();
    return promise;
  }

  // deno-lint-ignore require-await -- what it throws shall reject
  async signals(): Promise<SerialSignals> {
    if (this.#gone) throw cannotSignal(this.#url, "EIO");
    return this.#line.signals();
  }

  // deno-lint-ignore require-await -- what it throws shall reject
  async setSignals(outputs: SerialOutputs): Promise<void> {
    if (this.#gone) throw cannotSignal(this.#url, "EIO");
    this.#line.setSignals(outputs);
  }

  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#reader?.resolve(null);
      this.#writer?.reject(serialClosed(this.#url));
      if (!this.#gone) this.#line.closed();
    }
    return Promise.resolve();
  }

  /** Bytes of the board. */
  arrive(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#reader === null) return void this.#arrived.push(bytes);
    this.#reader.resolve(bytes);
    this.#reader = null;
  }

  /** The board has read. */
  room(): void {
    const writer = this.#writer;
    if (writer === null) return;
    writer.bytes = writer.bytes.subarray(this.#line.take(writer.bytes));
    if (writer.bytes.length > 0) return;
    this.#writer = null;
    writer.resolve();
  }

  /** The plug was pulled. */
  fail(): void {
    this.#gone = serialUnplugged(this.#url, "EIO");
    this.#reader?.reject(this.#gone);
    this.#writer?.reject(this.#gone);
    this.#reader = this.#writer = null;
  }
}
