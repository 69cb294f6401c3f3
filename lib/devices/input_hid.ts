/**
 * Gamepads where there is no evdev (macOS, Windows), through `npm:node-hid`. Known models only, since
 * node-hid does not tell how a device's reports are made; no keyboards or mice, which those systems
 * keep to themselves. Not tried on hardware.
 */

import { DeviceMissing, LibraryMissing, SystemCallError } from "../errors.ts";
import type { InputRecord } from "../wire/evdev.ts";
import { hidPad } from "../wire/hid_pads.ts";
import { HidReportReader } from "../wire/hid_report.ts";
import {
  type InputBackend,
  type InputInfo,
  type InputPort,
  type InputScan,
  RecordMailbox,
} from "./input_port.ts";
import { pause } from "./pause.ts";

/** How often a device that is missing is looked for. */
const LOOK_AGAIN_MS = 1000;

/** What is used of node-hid, so that another one can be put in its place. */
export interface HidLibrary {
  /** All HID devices. */
  devicesAsync(): Promise<HidDeviceInfo[]>;
  /** Opens one. */
  HIDAsync: { open(path: string): Promise<HidDevice> };
}

/** One device in node-hid's list. */
export interface HidDeviceInfo {
  vendorId: number;
  productId: number;
  path?: string | undefined;
  serialNumber?: string | undefined;
  product?: string | undefined;
  usagePage?: number | undefined;
  usage?: number | undefined;
}

/** One open device of node-hid. */
export interface HidDevice {
  on(event: "data", listener: (report: Uint8Array) => void): unknown;
  on(event: "error", listener: (error: unknown) => void): unknown;
  close(): Promise<void>;
}

async function nodeHid(): Promise<HidLibrary> {
  try {
    return await import("node-hid");
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    throw new LibraryMissing(
      "Cannot read gamepads: npm:node-hid does not load; see its README for what this system lacks",
      { cause: error },
    );
  }
}

/** Input devices through node-hid; needs `--allow-ffi --allow-read`. */
export function hidBackend(load: () => Promise<HidLibrary> = nodeHid): InputBackend {
  const scan = async (): Promise<InputScan> => {
    const devices = await (await load()).devicesAsync();
    return { found: devices.flatMap((device) => infoOf(device) ?? []), denied: [] };
  };
  return {
    scan,
    async open(path: string): Promise<InputPort> {
      const info = (await scan()).found.find((each) => each.path === path);
      const pad = info && hidPad(info.vendor, info.product);
      if (!info || !pad) {
        throw new DeviceMissing(
          `Cannot open input device "${path}": there is no gamepad of a known model; plug one in`,
        );
      }
      try {
        const device = await (await load()).HIDAsync.open(path);
        return new HidPort(info, device, new HidReportReader(pad.descriptor, pad.names));
      } catch (error) {
        throw new SystemCallError(
          `Cannot open "${info.name}" (${path}): the system refuses it (EACCES); ` +
            "allow this program to monitor input, and see that no other program has it",
          "EACCES",
          { cause: error },
        );
      }
    },
    changed: (signal: AbortSignal): Promise<void> => pause(LOOK_AGAIN_MS, signal),
  };
}

/** Keyboards and mice of those systems. */
export const noInputs: InputBackend = {
  scan: () => Promise.reject(keptError()),
  open: () => Promise.reject(keptError()),
  changed: (signal: AbortSignal): Promise<void> => pause(LOOK_AGAIN_MS, signal),
};

function keptError(): SystemCallError {
  return new SystemCallError(
    "Cannot open keyboard or mouse: this system keeps them to itself (ENOSYS); " +
      "use rtcbot.Keyboard in a page, or Linux",
    "ENOSYS",
  );
}

/** Generic Desktop: a joystick, a gamepad (HID Usage Tables 1.4, section 4.1). */
function infoOf(device: HidDeviceInfo): InputInfo | null {
  const { path, vendorId, productId, usagePage, usage } = device;
  if (path === undefined || hidPad(vendorId, productId) === null) return null;
  // A pad with a touchpad or sound is several devices; systems that tell no usage show one.
  if (usagePage && usage && !(usagePage === 1 && (usage === 4 || usage === 5))) return null;
  return {
    path,
    name: device.product ?? "gamepad",
    kinds: ["gamepad"],
    vendor: vendorId,
    product: productId,
    serial: device.serialNumber ?? "",
    rumble: false,
  };
}

class HidPort implements InputPort {
  readonly info: InputInfo;
  readonly keys: InputPort["keys"];
  readonly axes: InputPort["axes"];
  readonly #device: HidDevice;
  readonly #reader: HidReportReader;
  readonly #mailbox = new RecordMailbox();

  constructor(info: InputInfo, device: HidDevice, reader: HidReportReader) {
    this.info = info;
    this.#device = device;
    this.#reader = reader;
    ({ keys: this.keys, axes: this.axes } = reader);
    device.on("data", (report) => this.#mailbox.put(reader.push(report, Date.now() / 1000)));
    device.on("error", (cause) => {
      const message = `Cannot read "${info.name}" (${info.path}): it was unplugged; ` +
        "plug it in again, or give reconnect: true to wait for it";
      this.#mailbox.fail(new DeviceMissing(message, { cause }));
    });
  }

  read(): Promise<InputRecord[]> {
    return this.#mailbox.read();
  }

  snapshot(): ReturnType<InputPort["snapshot"]> {
    this.#mailbox.clear();
    return this.#reader.snapshot;
  }

  rumble(): Promise<boolean> {
    return Promise.resolve(false);
  }

  async close(): Promise<void> {
    if (this.#mailbox.close()) await this.#device.close();
  }
}
