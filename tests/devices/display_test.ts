import assert from "node:assert/strict";
import { readSdlEvent } from "../../ffi/sdl2_events.ts";
import { Display } from "../../lib/devices/display.ts";
import { displayKey } from "../../lib/devices/display_keys.ts";
import { eventually, near, plain } from "../contract/display_contract.ts";
import { screenTest } from "./screen.ts";
import { startXvfb, X11User } from "./x11.ts";

const ROOT = new URL("../../", import.meta.url);

function deno(args: string[], env: Record<string, string>): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    ...{ args, cwd: ROOT, stdin: "null", stdout: "piped", stderr: "piped" },
    // On a desktop SDL would rather take the user's own screen.
    env: { NO_COLOR: "1", WAYLAND_DISPLAY: "", SDL_VIDEODRIVER: "", ...env },
  });
}

screenTest("Display keeps its promises on an X server", async () => {
  await using xvfb = await startXvfb();
  const args = ["test", "-A", "--no-check", "tests/devices/display_x11.ts"];
  const { success, stdout, stderr } = await deno(args, { DISPLAY: xvfb.display }).output();
  const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assert.ok(success, said);
  assert.match(said, /ok \| 1\d passed/);
});

const PROGRAM = `
  import { Display } from "./lib/devices/display.ts";
  import { FakeCamera } from "./lib/testing/fake_camera.ts";
  await using camera = new FakeCamera({ width: 320, height: 240 });
  await using display = new Display({ name: "allowed" });
  display.putSubscription(camera);
  await display;
  console.log(display.error?.message ?? "closed by the user");
`;

screenTest("Display needs only --allow-ffi, and the program ends with its window", async () => {
  await using xvfb = await startXvfb();
  const user = new X11User(xvfb.display);
  const path = new URL("display_program.ts", `file://${await Deno.makeTempDir()}/`);
  await Deno.writeTextFile(path, PROGRAM.replaceAll('"./lib', `"${ROOT.href}lib`));
  const args = ["run", "--no-prompt", "--no-check", "--allow-ffi", path.pathname];
  const child = deno(args, { DISPLAY: xvfb.display }).spawn();
  const output = child.output();
  // Bars of 40 pixels: grey, yellow, cyan, green …
  let window: string | undefined;
  await eventually("a test card on the screen", async () => {
    [window] = await user.windows("allowed");
    if (window === undefined) return false;
    const at = await user.see(window);
    return near(at(20, 50), [191, 191, 191]) && near(at(60, 50), [191, 191, 0]) &&
      near(at(100, 50), [0, 191, 191]) && near(at(140, 50), [0, 191, 0]);
  });
  user.close(window!);
  const { code, stdout } = await output;
  assert.deepEqual([code, new TextDecoder().decode(stdout)], [0, "closed by the user\n"]);
  await Deno.remove(new URL(".", path), { recursive: true });
});

screenTest("Display says what to do where there is no screen", async () => {
  const code = PROGRAM.replaceAll('"./lib', `"${ROOT.href}lib`);
  const args = ["eval", "--no-check", "--ext=ts", code];
  const { stdout } = await deno(args, { DISPLAY: "" }).output();
  assert.match(
    new TextDecoder().decode(stdout),
    /^Cannot open a window: SDL found no screen \(.+\); start the program on a desktop, or name its screen/,
  );
});

Deno.test("Display leaves three quarters of the event loop to others, however slow the screen", async () => {
  const DRAWING_MS = 20;
  const begins: number[] = [];
  await using display = new Display({}, () => ({
    open() {},
    show() {
      begins.push(performance.now());
      while (performance.now() - begins.at(-1)! < DRAWING_MS);
    },
    close() {},
  }));
  display.putSubscription({ get: () => Promise.resolve(plain([1, 2, 3])) }); // always has one
  await eventually("five frames", () => begins.length >= 5);
  for (const [i, begin] of begins.slice(1).entries()) {
    assert.ok(begin - begins[i]! > 3.9 * DRAWING_MS, `${begin - begins[i]!} ms between two`);
  }
});

Deno.test("displayKey() names keys as pages do", () => {
  const name = (scancode: number, sym: number, modifiers = 0) => {
    const { key, keyCode } = displayKey({ down: true, scancode, sym, modifiers }, 0);
    return [key, keyCode];
  };
  assert.deepEqual(name(4, 97), ["a", 65]);
  assert.deepEqual(name(4, 97, 0x1), ["A", 65]); // shift
  assert.deepEqual(name(4, 97, 0x2000), ["A", 65]); // caps lock
  assert.deepEqual(name(4, 97, 0x2001), ["a", 65]);
  assert.deepEqual(name(51, 246), ["ö", 0]);
  assert.deepEqual(name(54, 44), [",", 188]);
  assert.deepEqual(name(44, 32), [" ", 32]);
  assert.deepEqual(name(40, 13), ["Enter", 13]);
  assert.deepEqual(name(69, 0x40000045), ["F12", 123]);
  assert.deepEqual(name(98, 0x40000062), ["0", 96]); // on the keypad
  assert.deepEqual(name(127, 0x4000007f), ["Unidentified", 0]); // mute
});

Deno.test("readSdlEvent() reads what matters and leaves out the rest", () => {
  const event = (type: number, byte12: number, byte13 = 0) => {
    const view = new DataView(new ArrayBuffer(56));
    view.setUint32(0, type, true);
    view.setUint32(8, 7, true);
    view.setUint8(12, byte12);
    view.setUint8(13, byte13);
    view.setInt32(16, 26, true);
    view.setInt32(20, 119, true);
    view.setUint16(24, 0x100, true);
    return readSdlEvent(new Uint8Array(view.buffer));
  };
  assert.deepEqual(event(0x100, 0), { kind: "quit" });
  assert.deepEqual(event(0x200, 14), { kind: "close", window: 7 });
  assert.deepEqual(event(0x200, 6), { kind: "redraw", window: 7 });
  assert.equal(event(0x200, 4), null); // moved
  assert.equal(event(0x400, 0), null); // the mouse
  const key = { down: true, scancode: 26, sym: 119, modifiers: 0x100 };
  assert.deepEqual(event(0x300, 1), { kind: "key", window: 7, key });
  assert.equal(event(0x300, 1, 1), null); // a repeat
  assert.deepEqual(event(0x301, 0), { kind: "key", window: 7, key: { ...key, down: false } });
});
