/** Serial ports of Linux, by termios. Needs `--allow-ffi`. */
import { type Directories, lookAround } from "../../ffi/directories.ts";
import { Tty } from "../../ffi/termios.ts";
import { SystemCallError } from "../errors.ts";
import { cannotOpenSerial } from "./serial_errors.ts";
import type { SerialBackend, SerialPort, SerialPortInfo, SerialSettings } from "./serial_port.ts";
import { type TtyControl, TtyPort } from "./serial_tty_port.ts";

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
      return new TtyPort(url, tty, controlOf(tty));
    } catch (error) {
      tty?.close();
      if (!(error instanceof SystemCallError)) throw error;
      throw cannotOpenSerial(url, settings, error.code, error);
    }
  },

  // deno-lint-ignore require-await -- what it throws shall reject
  async list(): Promise<SerialPortInfo[]> {
    return lookAround(listPorts);
  },
};

const BY_ID = "/dev/serial/by-id";
/** USB adapters, USB boards, ports of ARM chips (Pi, Jetson), radio, the PC's, a gadget's. */
const NAME = /^tty(USB|ACM|AMA|THS|mxc|SC|S|GS)\d+$|^rfcomm\d+$/;

/** Boards are plugged in here; the first port of the list shall be one. */
const USB = /^tty(USB|ACM)/;

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
      Number(USB.test(b)) - Number(USB.test(a)) ||
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

/** What TtyPort leaves to us. */
function controlOf(tty: Tty): TtyControl {
  return {
    // deno-lint-ignore require-await -- what it throws shall reject
    async signals() {
      const { cts, dsr, dcd, ri } = tty.signals();
      return { cts, dsr, dcd, ri };
    },
    // deno-lint-ignore require-await -- what it throws shall reject
    async setSignals(outputs) {
      tty.setSignals(outputs);
    },
    /** Closing would wait up to 30 s for a device that takes nothing, so what is left then is dropped. */
    async drain() {
      const end = performance.now() + DRAIN_MS;
      while (tty.unsent() > 0 && performance.now() < end) {
        await new Promise((resolve) => setTimeout(resolve, DRAIN_LOOK_MS));
      }
      if (tty.unsent() > 0) tty.flush();
    },
    close: () => Promise.resolve(),
    codeOf: (error) => error instanceof SystemCallError ? error.code : "EIO",
  };
}
