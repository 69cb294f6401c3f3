import assert from "node:assert/strict";
import { Gamepad } from "../../lib/devices/gamepad.ts";
import { listInputs, systemInputs } from "../../lib/devices/input_device.ts";
import { hidBackend, type HidDevice, type HidDeviceInfo } from "../../lib/devices/input_hid.ts";
import { Keyboard } from "../../lib/devices/keyboard.ts";
import { DeviceMissing, SystemCallError } from "../../lib/errors.ts";

/** What npm:node-hid is used as, with one DualShock 4 plugged in. */
class StandIn {
  readonly listeners: Record<string, (value: never) => void> = {};
  readonly HIDAsync = { open: (path: string) => this.open(path) };
  plugged = true;
  refuses = false;
  closed = 0;

  devicesAsync(): Promise<HidDeviceInfo[]> {
    const pad = {
      vendorId: 0x054c,
      productId: 0x09cc,
      path: "usb:4",
      product: "Wireless Controller",
    };
    return Promise.resolve([
      { vendorId: 0x046d, productId: 0xc077, path: "usb:1", usagePage: 1, usage: 2 },
      { ...pad, path: "usb:3", usagePage: 0xff00, usage: 1 },
      ...this.plugged ? [{ ...pad, usagePage: 1, usage: 5 }] : [],
    ]);
  }

  open(path: string): Promise<HidDevice> {
    assert.equal(path, "usb:4");
    if (this.refuses) return Promise.reject(new TypeError("cannot open device"));
    return Promise.resolve({
      on: (event: string, listener: (value: never) => void) => this.listeners[event] = listener,
      close: () => Promise.resolve(void this.closed++),
    });
  }

  report(...bytes: number[]): void {
    this.listeners.data!(Uint8Array.from(bytes) as never);
  }
}

const backendOf = (hid: StandIn) => hidBackend(() => Promise.resolve(hid));
const REST = [1, 128, 128, 128, 128, 8, 0, 0, 0, 0];

Deno.test("Gamepad reads a known pad through node-hid", async () => {
  const hid = new StandIn();
  await using gamepad = new Gamepad({ format: "page" }, backendOf(hid));
  await gamepad.onReady();
  assert.equal(gamepad.device?.name, "Wireless Controller");
  const events = gamepad.subscribe();
  hid.report(...REST);
  hid.report(1, 255, 128, 128, 128, 0x18, 0, 0, 0, 0); // the left stick, and the square
  assert.deepEqual(await events.get(), { type: "btn2", value: true });
  assert.deepEqual(await events.get(), { type: "axis0", value: 1 });
  assert.equal(await gamepad.rumble({ strong: 1 }), false);
  await gamepad.close();
  assert.equal(hid.closed, 1);
});

Deno.test("Gamepad fails when a pad that node-hid reads is unplugged", async () => {
  const hid = new StandIn();
  await using gamepad = new Gamepad({}, backendOf(hid));
  await gamepad.onReady();
  const events = gamepad.subscribe();
  hid.report(...REST);
  hid.report(1, 128, 128, 128, 128, 0x28, 0, 0, 0, 0);
  assert.equal((await events.get()).code, "BTN_SOUTH");
  hid.listeners.error!(new TypeError("could not read from HID device") as never);
  assert.equal((await events.get()).state, 0, "what was held goes up");
  const error = await gamepad.onError();
  assert.ok(error instanceof DeviceMissing);
  assert.match(
    error.message,
    /^Cannot read "Wireless Controller" \(usb:4\): it was unplugged; plug/,
  );
  assert.equal(hid.closed, 1);
});

Deno.test("Gamepad says so when no known pad is there, or the system refuses it", async () => {
  const hid = new StandIn();
  hid.plugged = false;
  await using missing = new Gamepad({}, backendOf(hid));
  assert.ok(await missing.onError() instanceof DeviceMissing);
  hid.plugged = hid.refuses = true;
  await using refused = new Gamepad({}, backendOf(hid));
  const error = await refused.onError();
  assert.ok(error instanceof SystemCallError);
  assert.match(
    error.message,
    /^Cannot open "Wireless Controller" \(usb:4\): the system refuses it/,
  );
});

Deno.test("Keyboard and Mouse say that macOS and Windows keep them to themselves", async () => {
  for (const os of ["darwin", "windows"]) {
    await using keyboard = new Keyboard({ reconnect: true }, systemInputs("keyboard", os));
    assert.equal(
      (await keyboard.onError())?.message,
      "Cannot open keyboard or mouse: this system keeps them to itself (ENOSYS); " +
        "use rtcbot.Keyboard in a page, or Linux",
    );
    await assert.rejects(listInputs("mouse", systemInputs("mouse", os)), SystemCallError);
  }
});

Deno.test("npm:node-hid has what is used of it", async () => {
  const hid = await import("node-hid");
  assert.equal(typeof hid.HIDAsync.open, "function");
  assert.equal(typeof hid.devicesAsync, "function");
});
