/**
 * SerialConnection on wires of the kernel, in the virtual lab: a null modem (ttyS1 and ttyS2), a pair of FTDI
 * adapters (ttyUSB0 and ttyUSB1), and a USB board (ttyACM0 and ttyGS0).
 */
import assert from "node:assert/strict";
import { Tty } from "../../ffi/termios.ts";
import { SerialConnection } from "../../lib/devices/serial_connection.ts";
import type { SerialSettings } from "../../lib/devices/serial_port.ts";
import { termiosSerial } from "../../lib/devices/serial_termios.ts";
import { serialContract, type SerialRig } from "../contract/serial_contract.ts";
import { readExactly, writeAll } from "../devices/pty.ts";
import { DEADLINE_MS, HINT, inLab, lab } from "./lab.ts";

const ignore = inLab ? false : HINT;
const SETTINGS: SerialSettings = {
  baudrate: 115_200,
  dataBits: 8,
  parity: "none",
  stopBits: 1,
  flowControl: "none",
};

// deno-lint-ignore require-await -- what it throws shall reject
async function wire(near: string, far: string, usbPort?: () => string): Promise<SerialRig> {
  const openFar = () => {
    const tty = Tty.open(far);
    try {
      tty.configure(SETTINGS);
      tty.flush();
      return tty;
    } catch (error) {
      tty.close();
      throw error;
    }
  };
  let tty = openFar();
  const reopenFar = async () => {
    await tty.close();
    tty = openFar();
  };
  const authorize = (on: number) => Deno.writeTextFile(`${usbPort!()}/authorized`, `${on}`);
  let device = "";
  return {
    url: near,
    backend: termiosSerial,
    write: (bytes: Uint8Array) => writeAll(tty, bytes),
    read: (size: number) => readExactly(tty, size),
    ...(usbPort && {
      unplug: async () => {
        device = usbPort();
        await authorize(0);
      },
      plug: async () => {
        await reopenFar(); // a gadget's end was hung up with the plug
        await Deno.writeTextFile(`${device}/authorized`, "1");
        await appears(near);
        // On a busy machine it may be only now.
        if ((await tty.wait({ read: false, write: false })).hungUp) await reopenFar();
      },
    }),
    async [Symbol.asyncDispose]() {
      await tty.close();
      if (device !== "") {
        await Deno.writeTextFile(`${device}/authorized`, "1");
        await appears(near);
      }
    },
  };
}

/** The folder of the USB device that has a port, where its plug can be pulled. */
function usbDeviceOf(name: string): string {
  let folder = Deno.realPathSync(`/sys/class/tty/${name}/device`);
  while (!exists(`${folder}/authorized`) || !exists(`${folder}/idVendor`)) {
    folder = folder.replace(/\/[^/]+$/, "");
    if (folder === "") throw new Error(`${name} is no USB device`);
  }
  return folder;
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

async function appears(path: string): Promise<void> {
  while (!exists(path)) await new Promise((resolve) => setTimeout(resolve, 50));
}

const MEGABYTE = 1 << 20;
serialContract("null modem", () => wire("/dev/ttyS1", "/dev/ttyS2"), {
  bulk: 65_536, // at 115200 baud, which this one keeps to
  deadlineMs: DEADLINE_MS,
  ignore,
});
serialContract(
  "FTDI pair",
  () => wire("/dev/ttyUSB0", "/dev/ttyUSB1", () => usbDeviceOf("ttyUSB0")),
  {
    plug: true,
    bulk: MEGABYTE,
    deadlineMs: DEADLINE_MS,
    ignore: ignore || (exists("/dev/ttyUSB0") ? false : "without FTDI"),
  },
);
serialContract(
  "CDC-ACM board",
  () => wire("/dev/ttyACM0", "/dev/ttyGS0", () => usbDeviceOf("ttyACM0")),
  {
    plug: true,
    bulk: MEGABYTE,
    deadlineMs: DEADLINE_MS,
    ignore: ignore || (exists("/dev/ttyACM0") ? false : "without CDC-ACM"),
  },
);

lab("SerialConnection switches and sees control lines", async () => {
  await using near = new SerialConnection("/dev/ttyS1");
  await near.onReady();
  const before = await near.signals();
  assert.deepEqual(Object.keys(before).sort(), ["cts", "dcd", "dsr", "ri"]);
  await near.setSignals({ dtr: false, rts: false });
  await near.setSignals({ dtr: true });
});

lab("SerialConnection.list() finds the wires, and no ports that lead nowhere", async () => {
  const urls = (await SerialConnection.list()).map(({ url }) => url);
  for (const name of ["ttyS1", "ttyS2", "ttyUSB0", "ttyUSB1", "ttyACM0", "ttyGS0"]) {
    assert.equal(urls.includes(`/dev/${name}`), exists(`/dev/${name}`), name);
  }
  assert.equal(urls.includes("/dev/ttyS9"), false);
  if (exists("/dev/ttyUSB0")) {
    const [usb] = (await SerialConnection.list()).filter(({ url }) => url === "/dev/ttyUSB0");
    assert.match(usb?.name ?? "", /QEMU/i);
  }
});

lab("SerialConnection says which speed a port cannot do", async () => {
  const conn = new SerialConnection("/dev/ttyS1", { baudrate: 3_000_000 });
  await conn;
  assert.match(
    conn.error?.message ?? "",
    /it cannot do 3000000 baud 8N1 \(EINVAL\); choose a baud/,
  );
});

lab(
  "SerialConnection.close() does not wait for a board that takes nothing, as any user",
  async () => {
    const folder = await Deno.makeTempDir();
    try {
      await Deno.chmod(folder, 0o777);
      await Deno.chmod("/dev/ttyACM0", 0o666);
      const module = import.meta.resolve("../../lib/devices/serial_connection.ts");
      const script = `${folder}/close.ts`;
      await Deno.writeTextFile(
        script,
        `import { SerialConnection } from ${JSON.stringify(module)};
       const conn = new SerialConnection("/dev/ttyACM0");
       await conn.onReady();
       conn.put_nowait(new Uint8Array(200_000));
       await new Promise((resolve) => setTimeout(resolve, 500)); // the kernel has some of it
       const begin = performance.now();
       await conn.close();
       console.log(Math.round(performance.now() - begin));
       Deno.exit();`,
      );
      const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "--no-prompt", "--no-check", "--no-config", "--allow-ffi", script],
        ...{ uid: 65534, gid: 65534, cwd: folder, env: { DENO_DIR: folder, HOME: folder } },
      }).output();
      const [said, complaints] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
      const tookMs = Number(said);
      assert.ok(said !== "" && tookMs > 400 && tookMs < 15_000, `${said} ${complaints}`); // of 30 s
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);
