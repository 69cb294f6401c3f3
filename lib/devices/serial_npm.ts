/**
 * Serial ports of macOS and Windows, by npm:serialport, which is loaded when the first port is opened. It
 * works on Linux too, where it is tested.
 */
import { cannotOpenSerial, cannotSignal, serialClosed, serialUnplugged } from "./serial_errors.ts";
import type {
  SerialBackend,
  SerialOutputs,
  SerialPort,
  SerialPortInfo,
  SerialSettings,
  SerialSignals,
} from "./serial_port.ts";

/** As much as we use of npm:serialport's SerialPort, a Node stream. */
interface NodePort {
  readonly isOpen: boolean;
  open(done: (error: Error | null) => void): void;
  close(done: (error: Error | null) => void): void;
  flush(done: (error: Error | null) => void): void;
  write(bytes: Uint8Array, done: (error?: Error | null) => void): boolean;
  drain(done: (error: Error | null) => void): void;
  get(done: (error: Error | null, lines?: Record<string, boolean>) => void): void;
  set(lines: SerialOutputs, done: (error: Error | null) => void): void;
  on(event: string, listener: (value: never) => void): void;
  pause(): void;
  resume(): void;
}

interface NodeModule {
  SerialPort: {
    new (options: Record<string, unknown>): NodePort;
    list(): Promise<
      { path: string; pnpId?: string; manufacturer?: string; friendlyName?: string }[]
    >;
  };
}

/** More than this is not read ahead of who reads. */
const HELD_BYTES = 65_536;
/** The last words have so long to go out. */
const DRAIN_MS = 500;

const load = (): Promise<NodeModule> => import("serialport") as unknown as Promise<NodeModule>;

/** Ports of npm:serialport. */
export const npmSerial: SerialBackend = {
  async open(url: string, settings: SerialSettings): Promise<SerialPort> {
    const { SerialPort } = await load();
    const port = new SerialPort({
      path: url,
      baudRate: settings.baudrate,
      dataBits: settings.dataBits,
      parity: settings.parity,
      stopBits: settings.stopBits,
      rtscts: settings.flowControl === "hardware",
      lock: true,
      hupcl: true,
      autoOpen: false,
    });
    try {
      await done((call) => port.open(call));
      await done((call) => port.flush(call));
    } catch (error) {
      throw cannotOpenSerial(url, settings, codeOf(error), error);
    }
    return new NpmPort(url, port);
  },

  async list(): Promise<SerialPortInfo[]> {
    const { SerialPort } = await load();
    return (await SerialPort.list()).map(({ path, pnpId, friendlyName, manufacturer }) => ({
      url: path,
      id: pnpId ?? null,
      name: friendlyName ?? manufacturer ?? null,
    }));
  },
};

class NpmPort implements SerialPort {
  readonly #url: string;
  readonly #port: NodePort;
  #held: Uint8Array<ArrayBuffer>[] = [];
  #heldBytes = 0;
  #reader: PromiseWithResolvers<Uint8Array<ArrayBuffer> | null> | null = null;
  #gone: Error | null = null;
  readonly #over = Promise.withResolvers<never>();
  #closing: Promise<void> | null = null;

  constructor(url: string, port: NodePort) {
    this.#url = url;
    this.#port = port;
    this.#over.promise.catch(() => {});
    port.on("data", (bytes: Uint8Array) => this.#take(Uint8Array.from(bytes)));
    port.on("error", (error: Error) => this.#fail(error));
    port.on("close", (error: Error | null) => this.#fail(error ?? undefined));
  }

  read(): Promise<Uint8Array<ArrayBuffer> | null> {
    if (this.#closing) return Promise.resolve(null);
    const first = this.#held.shift();
    if (first !== undefined) {
      this.#heldBytes -= first.length;
      if (this.#heldBytes < HELD_BYTES) this.#port.resume();
      return Promise.resolve(first);
    }
    if (this.#gone) return Promise.reject(this.#gone);
    this.#reader = Promise.withResolvers();
    return this.#reader.promise;
  }

  async write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (this.#closing) throw serialClosed(this.#url);
    if (this.#gone) throw this.#gone;
    try {
      await Promise.race([
        this.#over.promise,
        done((call) => this.#port.write(bytes, (error) => call(error ?? null))),
      ]);
    } catch (error) {
      this.#fail(error);
      throw this.#gone ?? serialClosed(this.#url);
    }
  }

  async signals(): Promise<SerialSignals> {
    try {
      const lines = await new Promise<Record<string, boolean>>((resolve, reject) =>
        this.#port.get((error, lines) => error ? reject(error) : resolve(lines!))
      );
      const { cts = false, dsr = false, dcd = false, ri = false } = lines;
      return { cts, dsr, dcd, ri };
    } catch (error) {
      throw cannotSignal(this.#url, codeOf(error), error);
    }
  }

  async setSignals(outputs: SerialOutputs): Promise<void> {
    try {
      await done((call) => this.#port.set(outputs, call));
    } catch (error) {
      throw cannotSignal(this.#url, codeOf(error), error);
    }
  }

  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    this.#reader?.resolve(null);
    this.#reader = null;
    this.#over.reject(serialClosed(this.#url));
    if (!this.#port.isOpen) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => timer = setTimeout(resolve, DRAIN_MS));
    await Promise.race([done((call) => this.#port.drain(call)).catch(() => {}), late]);
    clearTimeout(timer);
    await done((call) => this.#port.close(call)).catch(() => {}); // it has been closed by a failure
  }

  #take(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#reader !== null) {
      this.#reader.resolve(bytes);
      this.#reader = null;
      return;
    }
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    if (this.#heldBytes >= HELD_BYTES) this.#port.pause();
  }

  #fail(error?: unknown): void {
    if (this.#gone !== null || this.#closing !== null) return;
    this.#gone = serialUnplugged(this.#url, error === undefined ? "EIO" : codeOf(error), error);
    this.#reader?.reject(this.#gone);
    this.#reader = null;
    this.#over.reject(this.#gone);
  }
}

function done(call: (done: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => call((error) => error ? reject(error) : resolve()));
}

/** Its errors are sentences: "Error: No such file or directory, cannot open /dev/x", "Error Resource busy". */
function codeOf(error: unknown): string {
  const text = String(error);
  const known: [RegExp, string][] = [
    [/No such file|File not found|cannot find/i, "ENOENT"],
    [/Permission denied/i, "EACCES"],
    [/Access denied|busy|temporarily unavailable|Cannot lock/i, "EBUSY"],
    [/Inappropriate ioctl|Not a typewriter/i, "ENOTTY"],
    [/baud|Invalid argument|Unknown error code 87/i, "EINVAL"],
    [/Is a directory/i, "EISDIR"],
  ];
  return known.find(([pattern]) => pattern.test(text))?.[1] ?? "EIO";
}
