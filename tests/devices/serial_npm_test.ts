import assert from "node:assert/strict";
import { npmSerial, type SerialBinding } from "../../lib/devices/serial_npm.ts";
import { SerialConnection } from "../../lib/devices/serial_connection.ts";

Deno.test("SerialConnection frees a port of npm:serialport that cannot be emptied", async () => {
  let closed = 0;
  const binding = {
    fd: null,
    flush: () => Promise.reject(new Error("Resource busy")),
    close: () => Promise.resolve(void closed++),
  } as unknown as SerialBinding;
  const library = {
    SerialPort: {
      binding: { open: () => Promise.resolve(binding) },
      list: () => Promise.resolve([]),
    },
  };
  const conn = new SerialConnection("COM3", {}, npmSerial(() => Promise.resolve(library)));
  const error = await conn.onError();
  assert.match(error!.message, /^Cannot open serial port "COM3": another program is using it/);
  assert.equal(closed, 1);
});

Deno.test("npmSerial() says so when npm:serialport does not load", async () => {
  // Without deno.json nobody knows what "serialport" is.
  const program = `import { npmSerial } from "${
    import.meta.resolve("../../lib/devices/serial_npm.ts")
  }";
    await npmSerial().list().catch((error) => console.log(error.name, error.message, !!error.cause));`;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-config", "--no-check", program],
    stdin: "null",
  }).output();
  assert.match(
    new TextDecoder().decode(stdout),
    /^LibraryMissing Cannot use serial ports: npm:serialport does not load; .+ true\n$/,
    new TextDecoder().decode(stderr),
  );
});
