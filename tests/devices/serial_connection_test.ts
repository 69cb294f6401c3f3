/** SerialConnection on pseudo-terminals of the kernel, by both of its ways to reach them. */
import { npmSerial } from "../../lib/devices/serial_npm.ts";
import { termiosSerial } from "../../lib/devices/serial_termios.ts";
import { serialContract } from "../contract/serial_contract.ts";
import { hasPty, openPtyRig } from "./pty.ts";

const ignore = hasPty ? false : "needs Linux";

serialContract("termios on a pty", () => openPtyRig(termiosSerial), { bulk: 262_144, ignore });
serialContract("npm:serialport on a pty", () => openPtyRig(npmSerial), { bulk: 65_536, ignore });
