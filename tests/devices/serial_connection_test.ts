/** SerialConnection on pseudo-terminals of the kernel. */
import { npmSerial } from "../../lib/devices/serial_npm.ts";
import { termiosSerial } from "../../lib/devices/serial_termios.ts";
import { serialContract } from "../contract/serial_contract.ts";
import { hasPty, openPtyRig } from "./pty.ts";

const ignore = hasPty ? false as const : "needs Linux";

serialContract("termios on a pty", () => openPtyRig(termiosSerial), {
  plug: true,
  bulk: 262_144,
  ignore,
});

serialContract("npm:serialport on a pty", () => openPtyRig(npmSerial()), {
  plug: true,
  bulk: 65_536,
  ignore,
});
