import assert from "node:assert/strict";
import type { Directories } from "../../ffi/directories.ts";
import { SerialConnection } from "../../lib/devices/serial_connection.ts";
import { listPorts } from "../../lib/devices/serial_termios.ts";
import { hasPty, openPty, openPtyRig, readExactly } from "./pty.ts";
import { termiosSerial } from "../../lib/devices/serial_termios.ts";

/** A computer with an Uno, two adapters, a port of its own, and one that leads nowhere. */
const COMPUTER: Directories = {
  list: (folder) =>
    folder === "/dev"
      ? ["null", "tty", "tty0", "ttyACM0", "ttyS0", "ttyS1", "ttyUSB10", "ttyUSB9", "ttyprintk"]
      : folder === "/dev/serial/by-id"
      ? ["usb-Arduino_Uno_5573-if00"]
      : [],
  resolve: (path) => path.endsWith("/usb-Arduino_Uno_5573-if00") ? "/dev/ttyACM0" : null,
  text: (path) =>
    ({
      "/sys/class/tty/ttyS0/type": "4",
      "/sys/class/tty/ttyS1/type": "0",
      "/sys/class/tty/ttyACM0/device/../product": "Arduino Uno",
      "/sys/class/tty/ttyUSB9/device/../../product": "FT232R USB UART",
    })[path] ?? null,
};

Deno.test("listPorts() names what is plugged in, USB before what is built in, and nothing that leads nowhere", () => {
  const id = "/dev/serial/by-id/usb-Arduino_Uno_5573-if00";
  assert.deepEqual(listPorts(COMPUTER), [
    { url: "/dev/ttyACM0", id, name: "Arduino Uno" },
    { url: "/dev/ttyUSB9", id: null, name: "FT232R USB UART" },
    { url: "/dev/ttyUSB10", id: null, name: null },
    { url: "/dev/ttyS0", id: null, name: null },
  ]);
});

Deno.test({
  name: "SerialConnection.list() looks at this computer (needs Linux)",
  ignore: !hasPty,
  permissions: { ffi: true },
  async fn() {
    for (const { url } of await SerialConnection.list()) assert.match(url, /^\/dev\//);
  },
});

Deno.test({
  name:
    "SerialConnection needs --allow-ffi and no other permission, and lets the script end (needs Linux)",
  ignore: !hasPty,
  async fn() {
    const { master, path } = openPty();
    const script = `
      import { SerialConnection } from ${
      JSON.stringify(new URL("../../lib/devices/serial_connection.ts", import.meta.url).href)
    };
      const conn = new SerialConnection(${JSON.stringify(path)});
      console.log(new TextDecoder().decode(await conn.get()));
      conn.put_nowait("bye");
      await conn.close();
    `;
    const file = await Deno.makeTempFile({ suffix: ".ts" });
    await Deno.writeTextFile(file, script);
    const config = new URL("../../deno.json", import.meta.url).pathname;
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--quiet",
        "--no-prompt",
        "--no-check",
        `--config=${config}`,
        "--allow-ffi",
        file,
      ],
      stdout: "piped",
      stderr: "piped",
      env: { NO_COLOR: "1" },
    }).spawn();
    // Said again and again: what comes before the port is open is dropped.
    const beat = setInterval(() => master.write(new TextEncoder().encode("hello\n")), 200);
    try {
      const [{ code, stdout, stderr }, said] = await Promise.all([
        child.output(),
        readExactly(master, 3),
      ]);
      assert.equal(new TextDecoder().decode(stderr), "");
      assert.equal(code, 0);
      assert.equal(new TextDecoder().decode(stdout), "hello\n");
      assert.equal(new TextDecoder().decode(said), "bye");
    } finally {
      clearInterval(beat);
      await master.close();
      await Deno.remove(file);
    }
  },
});

Deno.test({
  name: "SerialConnection without --allow-ffi fails with Deno's own error (needs Linux)",
  ignore: !hasPty,
  permissions: { ffi: false },
  async fn() {
    const conn = new SerialConnection("/dev/ttyNONE7");
    await conn;
    assert.ok(conn.error instanceof Deno.errors.NotCapable);
  },
});

Deno.test({
  name: "SerialConnection says which file is no serial port (needs Linux)",
  ignore: !hasPty,
  async fn() {
    const conn = new SerialConnection("/dev/null");
    await conn;
    assert.equal(
      conn.error?.message,
      'Cannot open serial port "/dev/null": it is not a serial port (ENOTTY); ' +
        "choose another: SerialConnection.list() names them",
    );
    await using rig = await openPtyRig(termiosSerial);
    await using pty = new SerialConnection(rig.url, {});
    await pty.onReady();
    await assert.rejects(
      pty.signals(),
      /Cannot use the control lines of ".*": the port has none \(ENOTTY\)/,
    );
  },
});
