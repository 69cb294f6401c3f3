/** What the world can do to a serial port, in sentences. */
import { DeviceBusy, DeviceMissing, SystemCallError } from "../errors.ts";
import type { SerialSettings } from "./serial_port.ts";

const ABSENT = ["ENOENT", "ENXIO", "ENODEV", "ENOTDIR", "EIO"];

/** Why a port could not be opened or set. `code` is the system's, such as `EACCES`. */
export function cannotOpenSerial(
  url: string,
  settings: SerialSettings,
  code: string,
  cause?: unknown,
): Error {
  const because = (state: string, mend: string) =>
    `Cannot open serial port "${url}": ${state} (${code}); ${mend}`;
  const options = { cause };
  if (ABSENT.includes(code)) {
    const mend = "plug the board in, or choose another: SerialConnection.list() names them";
    return new DeviceMissing(because("there is no such device", mend), options);
  }
  switch (code) {
    case "EACCES":
    case "EPERM": {
      const mend = 'add yourself to the group "dialout" (sudo usermod -aG dialout $USER) ' +
        "and log in again";
      return new SystemCallError(because("permission denied", mend), code, options);
    }
    case "EBUSY": {
      const mend = `close that one ("fuser -v ${url}" names it)`;
      return new DeviceBusy(because("another program is using it", mend), options);
    }
    case "ENOTTY":
    case "EISDIR": {
      const mend = "choose another: SerialConnection.list() names them";
      return new SystemCallError(because("it is not a serial port", mend), code, options);
    }
    case "EINVAL": {
      const { baudrate, dataBits, parity, stopBits } = settings;
      const frame = `${dataBits}${parity[0]!.toUpperCase()}${stopBits}`;
      const state = `it cannot do ${baudrate} baud ${frame}`;
      return new SystemCallError(
        because(state, "choose a baudrate that its manual names"),
        code,
        options,
      );
    }
  }
  const mend = "unplug it and plug it in again";
  return new SystemCallError(because("the driver refused", mend), code, options);
}

/** It was unplugged while it was in use. */
export function serialUnplugged(url: string, code: string, cause?: unknown): DeviceMissing {
  return new DeviceMissing(
    `Cannot use serial port "${url}": it was unplugged (${code}); plug it in again, ` +
      "or give reconnect: true to have it opened when it is back",
    { cause },
  );
}

/** It was closed while somebody wanted to write. */
export function serialClosed(url: string): DeviceMissing {
  return new DeviceMissing(`Cannot write to serial port "${url}": it was closed; open it again`);
}

/** It has no control lines. */
export function cannotSignal(url: string, code: string, cause?: unknown): SystemCallError {
  return new SystemCallError(
    `Cannot use the control lines of "${url}": the port has none (${code}); ` +
      "ports with DTR and RTS are those of USB adapters and of a computer's own hardware",
    code,
    { cause },
  );
}
