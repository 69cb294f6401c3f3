import assert from "node:assert/strict";
import { Gamepad } from "../../lib/devices/gamepad.ts";
import { Keyboard } from "../../lib/devices/keyboard.ts";
import { listInputs } from "../../lib/devices/input_device.ts";
import type { InputBackend, InputInfo } from "../../lib/devices/input_port.ts";
import { SystemCallError } from "../../lib/errors.ts";
import { FakeInput } from "../../lib/testing/fake_input.ts";
import { codeOf } from "../../lib/wire/evdev.ts";
import type { InputKind } from "../../lib/wire/evdev_kinds.ts";

const info = (n: number, name: string, ...kinds: InputKind[]): InputInfo => (
  { path: `/dev/input/event${n}`, name, kinds, vendor: 0, product: 0, serial: "", rumble: false }
);
const keys = new Set([codeOf("BTN_SOUTH")!.code]);
const input = (what: InputInfo) => new FakeInput({ info: what, keys, axes: new Map() }, () => 1);

/** A computer with several devices. */
function computer(...inputs: FakeInput[]): InputBackend {
  return {
    async scan() {
      const scans = await Promise.all(inputs.map((each) => each.scan()));
      return {
        found: scans.flatMap(({ found }) => found),
        denied: scans.flatMap(({ denied }) => denied),
      };
    },
    open(path, grab) {
      const found = inputs.find(({ description }) => description.info.path === path);
      return (found ?? inputs[0]!).open(path, grab);
    },
    changed: (signal) => Promise.race(inputs.map((each) => each.changed(signal))),
  };
}

const devices = () => [
  input(info(0, "Power Button")),
  input(info(3, "Sony Wireless Controller", "gamepad")),
  input(info(4, "Track point keyboard", "keyboard", "mouse")),
  input(info(7, "Microsoft X-Box 360 pad", "gamepad")),
];

Deno.test("Gamepad finds a device by its place, a part of its name, or its path", async () => {
  const chosen: [number | string, string][] = [
    [0, "/dev/input/event3"],
    [1, "/dev/input/event7"],
    ["x-box", "/dev/input/event7"],
    ["/dev/input/event3", "/dev/input/event3"],
    ["/dev/input/event4", "/dev/input/event4"], // a path is taken as it is
  ];
  for (const [device, path] of chosen) {
    await using gamepad = new Gamepad({ device }, computer(...devices()));
    await gamepad.onReady();
    assert.equal(gamepad.device?.path, path);
  }
});

Deno.test("listInputs() gives the devices of one kind in the system's order", async () => {
  const names = async (kind: InputKind) =>
    (await listInputs(kind, computer(...devices()))).map(({ name }) => name);
  assert.deepEqual(await names("gamepad"), ["Sony Wireless Controller", "Microsoft X-Box 360 pad"]);
  assert.deepEqual(await names("mouse"), ["Track point keyboard"]);
});

Deno.test("listInputs() fails only when nothing may be looked at", async () => {
  const all = devices();
  all[0]!.deny();
  assert.equal((await listInputs("keyboard", computer(...all))).length, 1);
  for (const each of all) each.deny();
  await assert.rejects(listInputs("keyboard", computer(...all)), {
    name: "SystemCallError",
    message: "Cannot open keyboard: permission denied for /dev/input/event0 and 3 more (EACCES); " +
      'join the group "input" (sudo usermod -aG input $USER) and log in again',
  });
});

Deno.test("Gamepad with reconnect waits for one that may be read, and says so once", async () => {
  const [button, pad] = devices();
  button!.deny();
  pad!.unplug();
  const warnings: string[] = [];
  const warn = console.warn;
  console.warn = (text: string) => warnings.push(text);
  try {
    await using gamepad = new Gamepad({ reconnect: true }, computer(button!, pad!));
    while (warnings.length === 0) await new Promise((resolve) => setTimeout(resolve));
    assert.equal(gamepad.closed, false);
    pad!.plugIn();
    await gamepad.onReady();
    assert.equal(gamepad.device?.name, "Sony Wireless Controller");
  } finally {
    console.warn = warn;
  }
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /^Cannot open gamepad: permission denied .*; join the group "input"/);

  const keyboard = new Keyboard({ reconnect: true }, computer(button!));
  assert.ok(await keyboard.onError() instanceof SystemCallError);
});

Deno.test("Gamepad fails with the error of a filter that throws", async () => {
  const [, pad] = devices();
  const gamepad = new Gamepad({
    eventFilter: () => {
      throw new RangeError("mine");
    },
  }, computer(pad!));
  await gamepad.onReady();
  pad!.act([["BTN_SOUTH", 1]]);
  assert.equal((await gamepad.onError())?.message, "mine");
});

Deno.test("Gamepad closed while it is opened closes what was opened", async () => {
  const [, pad] = devices();
  const backend = computer(pad!);
  const opened = Promise.withResolvers<void>();
  let closed = 0;
  const gamepad = new Gamepad({}, {
    ...backend,
    async open(path, grab) {
      const port = await backend.open(path, grab);
      const close = port.close.bind(port);
      port.close = () => (closed++, close());
      opened.resolve();
      await Promise.resolve();
      return port;
    },
  });
  await opened.promise;
  await gamepad.close();
  assert.equal(closed, 1);
  assert.equal(gamepad.error, null);
});

Deno.test("Gamepad is at rest as long as the kernel has heard nothing of its sticks", async () => {
  const axes = new Map([0, 1].map((axis) => [axis, { minimum: 0, maximum: 255, flat: 15 }]));
  const pad = new FakeInput({ info: info(0, "Silent pad", "gamepad"), keys, axes }, () => 1);
  await using gamepad = new Gamepad({}, computer(pad));
  await gamepad.onReady();
  assert.deepEqual([gamepad.state.ABS_X, gamepad.state.ABS_Y], [0, 0]);
  const events = gamepad.subscribe();
  pad.act([["ABS_X", 255]]);
  assert.equal((await events.get()).code, "ABS_X");
  assert.deepEqual([gamepad.state.ABS_X, gamepad.state.ABS_Y], [1, 0]);
});
