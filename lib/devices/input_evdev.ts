/** Input devices of Linux, read from the kernel. */

import { DeviceMissing, SystemCallError } from "../errors.ts";
import { EVDEV_PATHS, type EvdevDescription, EvdevDevice, withEvdev } from "../../ffi/evdev.ts";
import { bitsOf, type InputRecord, InputRecordParser } from "../wire/evdev.ts";
import { inputKinds } from "../wire/evdev_kinds.ts";
import type { AxisRange } from "../wire/evdev_pad.ts";
import type { InputSnapshot } from "../wire/evdev_tracker.ts";
import type { InputBackend, InputInfo, InputPort, InputScan } from "./input_port.ts";
import { pause } from "./pause.ts";

/** How often a device that is missing is looked for. A look holds the program up for 4 ms. */
const LOOK_AGAIN_MS = 1000;

/** `/dev/input/event*`; needs only `--allow-ffi`. */
export const evdevBackend: InputBackend = {
  scan: () => withEvdev(scan),

  async open(path: string, grab: boolean): Promise<InputPort> {
    const device = new EvdevDevice(path);
    try {
      if (grab) device.grab();
      return new EvdevPort(device);
    } catch (error) {
      await device.close();
      throw error;
    }
  },

  changed: (signal: AbortSignal): Promise<void> => pause(LOOK_AGAIN_MS, signal),
};

/** Asks every device what it is. They are closed all at once, since each takes the kernel its time. */
async function scan(): Promise<InputScan> {
  const found: InputInfo[] = [];
  const denied: string[] = [];
  const closing: Promise<void>[] = [];
  try {
    for (const path of EVDEV_PATHS) {
      try {
        const device = new EvdevDevice(path);
        try {
          found.push(infoOf(path, device.describe()));
        } finally {
          closing.push(device.close());
        }
      } catch (error) {
        if (error instanceof SystemCallError && /^(EACCES|EPERM)$/.test(error.code)) {
          denied.push(path);
        } else if (!(error instanceof DeviceMissing)) throw error;
      }
    }
  } finally {
    await Promise.all(closing);
  }
  return { found, denied };
}

class EvdevPort implements InputPort {
  readonly info: InputInfo;
  readonly keys: ReadonlySet<number>;
  readonly axes: ReadonlyMap<number, AxisRange>;
  readonly #device: EvdevDevice;
  readonly #parser = new InputRecordParser();

  constructor(device: EvdevDevice) {
    this.#device = device;
    const description = device.describe();
    this.info = infoOf(device.path, description);
    this.keys = new Set(bitsOf(description.keys));
    this.axes = new Map(
      bitsOf(description.absolute).map((axis) => [axis, device.axis(axis)] as const),
    );
  }

  async read(): Promise<InputRecord[]> {
    for (;;) {
      const state = await this.#device.wait();
      if (state === "closed") return [];
      if (state === "gone") {
        throw new DeviceMissing(
          `Cannot read "${this.info.name}" (${this.info.path}): it was unplugged; ` +
            "plug it in again, or give reconnect: true to wait for it",
        );
      }
      const records = this.#parser.push(this.#device.read());
      if (records.length > 0) return records;
    }
  }

  snapshot(): InputSnapshot {
    // What waits in the kernel is older than what it answers.
    while (this.#device.read().length > 0);
    const keys = this.#device.keysDown();
    const axes = new Map(
      [...this.axes.keys()].map((axis) => [axis, this.#device.axis(axis).value] as const),
    );
    return { keys, axes };
  }

  rumble(strong: number, weak: number, durationMs: number): Promise<boolean> {
    if (!this.info.rumble) return Promise.resolve(false);
    return this.#device.rumble(strong, weak, durationMs);
  }

  close(): Promise<void> {
    return this.#device.close();
  }
}

function infoOf(path: string, description: EvdevDescription): InputInfo {
  const { name, uniq, vendor, product, rumble } = description;
  const kinds = inputKinds({
    keys: new Set(bitsOf(description.keys)),
    absolute: new Set(bitsOf(description.absolute)),
    relative: new Set(bitsOf(description.relative)),
    properties: new Set(bitsOf(description.properties)),
  });
  return { path, name, kinds, vendor, product, serial: uniq, rumble };
}
