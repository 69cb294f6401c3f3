/**
 * Serial ports of macOS and Windows, by npm:serialport, which is loaded when the first port is opened. It
 * opens and sets them; on Unix the bytes go by way of the C library, since its own reading and writing calls
 * Node's `fs` with a descriptor that Deno does not know (EBADF in 2.9).
 *
 * Works on Linux too, where it is tested, with `--allow-ffi --allow-read --allow-env` (for its native part).
 * Nobody has tried it on macOS and Windows yet.
 */
import { Buffer } from "node:buffer";
import { Tty } from "../../ffi/termios.ts";
import { LibraryMissing } from "../errors.ts";
import { cannotOpenSerial, serialClosed, serialUnplugged } from "./serial_errors.ts";
import type {
  SerialBackend,
  SerialOutputs,
  SerialPort,
  SerialPortInfo,
  SerialSettings,
  SerialSignals,
} from "./serial_port.ts";
import { type TtyControl, TtyPort } from "./serial_tty_port.ts";

/** As much as we use of an open port of npm:@serialport/bindings-cpp. */
export interface SerialBinding {
  /** On Unix. */
  readonly fd: number | null;
  read(buffer: Buffer, offset: number, length: number): Promise<{ bytesRead: number }>;
  write(buffer: Buffer): Promise<void>;
  get(): Promise<Record<string, boolean>>;
  set(lines: SerialOutputs): Promise<void>;
  flush(): Promise<void>;
  drain(): Promise<void>;
  close(): Promise<void>;
}

/** As much as we use of npm:serialport, so that another can be put in its place. */
export interface SerialLibrary {
  SerialPort: {
    binding: { open(options: Record<string, unknown>): Promise<SerialBinding> };
    list(): Promise<
      { path: string; pnpId?: string; manufacturer?: string; friendlyName?: string }[]
    >;
  };
}

/** So much is read at once. */
const READ_BYTES = 65_536;
/** The last words have so long to go out. */
const DRAIN_MS = 500;

async function nodeSerial(): Promise<SerialLibrary> {
  try {
    return await import("serialport") as unknown as SerialLibrary;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    throw new LibraryMissing(
      "Cannot use serial ports: npm:serialport does not load; see its README for what this system lacks",
      { cause: error },
    );
  }
}

/** Ports of npm:serialport. */
export function npmSerial(load: () => Promise<SerialLibrary> = nodeSerial): SerialBackend {
  return {
    async open(url: string, settings: SerialSettings): Promise<SerialPort> {
      const { SerialPort } = await load();
      let binding: SerialBinding | null = null;
      try {
        binding = await SerialPort.binding.open({
          path: url,
          baudRate: settings.baudrate,
          dataBits: settings.dataBits,
          parity: settings.parity,
          stopBits: settings.stopBits,
          rtscts: settings.flowControl === "hardware",
          lock: true,
        });
        await binding.flush();
        return portOf(url, binding);
      } catch (error) {
        await binding?.close().catch(() => {});
        if (error instanceof LibraryMissing || error instanceof Deno.errors.NotCapable) throw error;
        throw cannotOpenSerial(url, settings, codeOf(error), error);
      }
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
}

function portOf(url: string, binding: SerialBinding): SerialPort {
  const control = controlOf(binding);
  return binding.fd === null || Deno.build.os === "windows"
    ? new BindingPort(url, binding, control)
    : new TtyPort(url, Tty.fromDescriptor(binding.fd, { borrowed: true }), control);
}

function controlOf(binding: SerialBinding): TtyControl {
  return {
    async signals() {
      const { cts = false, dsr = false, dcd = false, ri = false } = await binding.get();
      return { cts, dsr, dcd, ri };
    },
    setSignals: (outputs) => binding.set(outputs),
    async drain() {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<void>((resolve) => timer = setTimeout(resolve, DRAIN_MS));
      await Promise.race([binding.drain().catch(() => {}), late]);
      clearTimeout(timer);
    },
    close: () => binding.close().catch(() => {}), // it may have been closed by pulling the plug
    codeOf,
  };
}

/** On Windows, where npm:serialport reads and writes by itself. */
class BindingPort implements SerialPort {
  readonly #url: string;
  readonly #binding: SerialBinding;
  readonly #control: TtyControl;
  #closing: Promise<void> | null = null;

  constructor(url: string, binding: SerialBinding, control: TtyControl) {
    this.#url = url;
    this.#binding = binding;
    this.#control = control;
  }

  async read(): Promise<Uint8Array<ArrayBuffer> | null> {
    const buffer = Buffer.alloc(READ_BYTES);
    try {
      while (!this.#closing) {
        const { bytesRead } = await this.#binding.read(buffer, 0, buffer.length);
        if (bytesRead > 0) return Uint8Array.from(buffer.subarray(0, bytesRead));
      }
      return null;
    } catch (error) {
      if (this.#closing) return null;
      throw serialUnplugged(this.#url, codeOf(error), error);
    }
  }

  async write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (this.#closing) throw serialClosed(this.#url);
    try {
      await this.#binding.write(Buffer.from(bytes));
    } catch (error) {
      throw this.#closing
        ? serialClosed(this.#url)
        : serialUnplugged(this.#url, codeOf(error), error);
    }
  }

  signals(): Promise<SerialSignals> {
    return this.#control.signals();
  }

  setSignals(outputs: SerialOutputs): Promise<void> {
    return this.#control.setSignals(outputs);
  }

  close(): Promise<void> {
    return this.#closing ??= this.#control.drain().then(() => this.#control.close());
  }
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
