/// <reference lib="dom" />
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { chromium, type Kit } from "./harness.ts";
import { loopbackRoutes } from "./loopback_page.ts";

declare const rtcbot: typeof import("../../lib/browser/index.ts");

/** What the page's script keeps for the test to look at. */
declare const seen: Record<string, unknown>[];

const browser = chromium();

/** Makes `seen` gather what `new rtcbot[name]()` gives; the object itself is `input`. */
async function watch(page: Page, name: "Keyboard" | "Gamepad" | "Drive", options: object = {}) {
  await page.evaluate(([name, options]) => {
    const input = new rtcbot[name as "Keyboard"](...[options] as unknown as []);
    const seen: unknown[] = [];
    Object.assign(globalThis, { seen, input });
    input.subscribe((event) => seen.push(event));
  }, [name, options] as const);
}

function take(page: Page): Promise<Record<string, unknown>[]> {
  return page.evaluate(() => seen.splice(0));
}

function closeInput(page: Page): Promise<void> {
  return page.evaluate(() => (globalThis as unknown as { input: { close(): void } }).input.close());
}

/** A page whose clock only moves when the test says so. */
async function openWithClock(kit: Kit, body = ""): Promise<Page> {
  const page = await kit.open(kit.serve(loopbackRoutes(body)).origin);
  await page.clock.install();
  await page.clock.pauseAt(Date.now() + 1000);
  return page;
}

/** Makes the browser believe in these controllers. */
async function plug(page: Page, pads: { buttons: number[]; axes: number[]; mapping?: string }[]) {
  await page.evaluate((pads) => {
    const all = pads.map(({ buttons, axes, mapping = "standard" }, index) => ({
      index,
      axes,
      mapping,
      connected: true,
      buttons: buttons.map((value) => ({ value, pressed: value > 0.5, touched: false })),
    }));
    const counted = globalThis as unknown as { looks: number };
    counted.looks ??= 0;
    navigator.getGamepads = () => {
      counted.looks++;
      return all as unknown as Gamepad[];
    };
    dispatchEvent(new Event(pads.length ? "gamepadconnected" : "gamepaddisconnected"));
  }, pads);
}

browser.test("Keyboard gives each key once down and once up, in RTCBot's form", async (kit) => {
  const page = await kit.open(kit.serve(loopbackRoutes()).origin);
  await watch(page, "Keyboard");
  await page.keyboard.down("w");
  await page.keyboard.down("w"); // a repeat
  await page.keyboard.up("w");
  const [down, up, ...more] = await take(page);
  assert.deepEqual(more, []);
  const { timestamp: downAt, ...downRest } = down ?? {};
  const { timestamp: upAt, ...upRest } = up ?? {};
  assert.deepEqual(downRest, {
    type: "keydown",
    altKey: false,
    shiftKey: false,
    keyCode: 87,
    key: "w",
  });
  assert.deepEqual(upRest, {
    type: "keyup",
    altKey: false,
    shiftKey: false,
    keyCode: 87,
    key: "w",
  });
  assert.ok(Number(upAt) >= Number(downAt) && Number(downAt) > 0);
});

browser.test("Keyboard pairs a key that changes its meaning while it is held", async (kit) => {
  const page = await kit.open(kit.serve(loopbackRoutes()).origin);
  await watch(page, "Keyboard");
  await page.keyboard.down("Shift");
  await page.keyboard.down("KeyH");
  await page.keyboard.up("Shift");
  await page.keyboard.up("KeyH");
  const events = (await take(page)).map((
    { type, key, shiftKey, keyCode },
  ) => [type, key, shiftKey, keyCode]);
  assert.deepEqual(events, [
    ["keydown", "Shift", true, 16],
    ["keydown", "H", true, 72],
    ["keyup", "Shift", false, 16],
    ["keyup", "h", false, 72],
  ]);
});

browser.test("Keyboard lets go of every held key when the window loses the focus", async (kit) => {
  const page = await kit.open(kit.serve(loopbackRoutes()).origin);
  await watch(page, "Keyboard");
  await page.keyboard.down("w");
  await page.keyboard.down("d");
  await take(page);
  await page.evaluate(() => dispatchEvent(new Event("blur")));
  const released = await take(page);
  assert.deepEqual(released.map(({ type, keyCode }) => [type, keyCode]), [["keyup", 87], [
    "keyup",
    68,
  ]]);
  await page.keyboard.up("w"); // told already
  assert.deepEqual(await take(page), []);
});

browser.test("Keyboard leaves alone what is typed into a field", async (kit) => {
  const fields =
    `<input id=text><textarea></textarea><p contenteditable>x</p><input type=checkbox>`;
  const page = await kit.open(kit.serve(loopbackRoutes(fields)).origin);
  await watch(page, "Keyboard");
  for (const field of ["#text", "textarea", "p"]) {
    await page.focus(field);
    await page.keyboard.press("w");
  }
  assert.deepEqual(await take(page), []);
  assert.equal(await page.inputValue("#text"), "w");
  await page.focus("[type=checkbox]");
  await page.keyboard.press("w");
  assert.equal((await take(page)).length, 2);
});

browser.test("Keyboard.close() lets go and then is silent", async (kit) => {
  const page = await kit.open(kit.serve(loopbackRoutes()).origin);
  await watch(page, "Keyboard");
  await page.keyboard.down("s");
  await closeInput(page);
  assert.deepEqual((await take(page)).map(({ type, key }) => [type, key]), [["keydown", "s"], [
    "keyup",
    "s",
  ]]);
  await page.keyboard.press("w");
  assert.deepEqual(await take(page), []);
});

browser.test("Gamepad gives changes of buttons and axes, ten times a second", async (kit) => {
  const page = await openWithClock(kit);
  await watch(page, "Gamepad");
  await plug(page, [{ buttons: [0, 1], axes: [0, -0.28] }]);
  assert.deepEqual(await take(page), [{ type: "btn1", value: true }, {
    type: "axis1",
    value: -0.28,
  }]);
  await page.evaluate(() => (globalThis as unknown as { looks: number }).looks = 0);
  await page.clock.runFor(1000);
  const looks = await page.evaluate(() => (globalThis as unknown as { looks: number }).looks);
  assert.equal(looks, 10);
  assert.deepEqual(await take(page), []); // nothing has changed
  const state = await page.evaluate(() =>
    (globalThis as unknown as { input: { state: object } }).input.state
  );
  assert.deepEqual(state, { btn0: false, btn1: true, axis0: 0, axis1: -0.28 });
});

browser.test("setGamepadRate() changes how often Gamepad looks, and refuses nonsense", async (kit) => {
  const page = await openWithClock(kit);
  await watch(page, "Gamepad");
  await plug(page, [{ buttons: [0], axes: [] }]);
  const message = await page.evaluate(() => {
    rtcbot.setGamepadRate(40);
    (globalThis as unknown as { looks: number }).looks = 0;
    try {
      rtcbot.setGamepadRate(0);
    } catch (error) {
      return String(error);
    }
    return "nothing was thrown";
  });
  assert.equal(
    message,
    "RangeError: Cannot set the gamepad rate: 0 Hz; give more than 0, 1000 at most",
  );
  await page.clock.runFor(1000);
  assert.equal(await page.evaluate(() => (globalThis as unknown as { looks: number }).looks), 40);
});

browser.test("Gamepad lets go when it is unplugged, and then does not look any more", async (kit) => {
  const page = await openWithClock(kit);
  await watch(page, "Gamepad");
  await plug(page, [{ buttons: [1], axes: [0.5] }, { buttons: [1], axes: [] }]);
  assert.deepEqual(await take(page), [
    { type: "btn0", value: true },
    { type: "axis0", value: 0.5 },
    { type: "btn0", value: true, pad: 1 },
  ]);
  await plug(page, []);
  assert.deepEqual(await take(page), [
    { type: "btn0", value: false },
    { type: "axis0", value: 0 },
    { type: "btn0", value: false },
  ]);
  await page.evaluate(() => (globalThis as unknown as { looks: number }).looks = 0);
  await page.clock.runFor(1000);
  assert.equal(await page.evaluate(() => (globalThis as unknown as { looks: number }).looks), 0);
});

browser.test("Drive tells at once what keys mean, repeats it, and stops on release", async (kit) => {
  const page = await openWithClock(kit);
  await watch(page, "Drive");
  await page.keyboard.down("w");
  assert.deepEqual(await take(page), [{ forward: 1, leftright: 0 }]);
  await page.clock.runFor(500);
  const repeats = await take(page);
  assert.ok(repeats.length >= 9 && repeats.length <= 11, `${repeats.length} in half a second`);
  await page.keyboard.down("ArrowRight");
  await page.clock.runFor(20);
  assert.deepEqual((await take(page)).at(-1), { forward: 1, leftright: 1 });
  await page.keyboard.up("w");
  await page.clock.runFor(20);
  assert.deepEqual((await take(page)).at(-1), { forward: 0, leftright: 1 });
  await page.keyboard.up("ArrowRight");
  const stop = { forward: 0, leftright: 0 };
  assert.deepEqual(await take(page), [stop]); // at once, without waiting for the clock
  await page.clock.runFor(2000);
  assert.deepEqual(await take(page), [stop, stop, stop, stop]); // for a channel that loses, then silence
});

browser.test("Drive stops when the window loses the focus, and on close()", async (kit) => {
  const page = await openWithClock(kit);
  await watch(page, "Drive");
  await page.keyboard.down("s");
  await page.evaluate(() => dispatchEvent(new Event("blur")));
  assert.deepEqual(await take(page), [{ forward: -1, leftright: 0 }, { forward: 0, leftright: 0 }]);
  await page.keyboard.up("s");
  await page.clock.runFor(1000);
  await take(page);
  await page.keyboard.down("a");
  await closeInput(page);
  assert.deepEqual(await take(page), [{ forward: 0, leftright: -1 }, { forward: 0, leftright: 0 }]);
  await page.clock.runFor(1000);
  assert.deepEqual(await take(page), []);
});

browser.test("Drive leaves shortcuts and fields alone", async (kit) => {
  const page = await openWithClock(kit, "<input>");
  await watch(page, "Drive");
  await page.keyboard.press("Control+d");
  await page.focus("input");
  await page.keyboard.press("w");
  assert.deepEqual(await take(page), []);
  assert.equal(await page.inputValue("input"), "w");
});

browser.test("Drive takes the stick of a gamepad, without its slack, and its triggers", async (kit) => {
  const page = await openWithClock(kit);
  await watch(page, "Drive");
  const buttons = Array<number>(16).fill(0);
  await plug(page, [{ buttons, axes: [0.05, -0.08] }]);
  assert.deepEqual(await take(page), []);
  await plug(page, [{ buttons, axes: [1, -0.56] }]);
  assert.deepEqual(await take(page), [{ forward: 0.5, leftright: 1 }]);
  await plug(page, [{ buttons: buttons.with(6, 1), axes: [0, 0] }]);
  await page.clock.runFor(60);
  assert.deepEqual((await take(page)).at(-1), { forward: -1, leftright: 0 });
  await plug(page, []);
  assert.deepEqual((await take(page)).at(-1), { forward: 0, leftright: 0 });
});

browser.test("Drive's joystick follows one finger, whatever the others do", async (kit) => {
  const body =
    `<div id=stick style="position:fixed;left:100px;top:100px;width:200px;height:200px">`;
  const page = await openWithClock(kit, body);
  await page.evaluate(() => {
    const drive = new rtcbot.Drive({ joystick: document.querySelector<HTMLElement>("#stick") });
    const seen: unknown[] = [];
    Object.assign(globalThis, { seen, input: drive });
    drive.subscribe((command) => seen.push(command));
  });
  const session = await page.context().newCDPSession(page);
  const touch = (
    type: "touchStart" | "touchMove" | "touchEnd",
    ...points: [number, number, number][]
  ) =>
    session.send("Input.dispatchTouchEvent", {
      type,
      touchPoints: points.map(([id, x, y]) => ({ id, x, y })),
    });
  const last = async () => {
    await page.clock.runFor(60);
    return (await take(page)).at(-1);
  };
  await touch("touchStart", [1, 200, 100]);
  assert.deepEqual(await last(), { forward: 1, leftright: 0 });
  await touch("touchStart", [1, 200, 100], [2, 150, 250]); // a second finger on the stick
  assert.deepEqual(await last(), { forward: 1, leftright: 0 });
  await touch("touchMove", [1, 500, 200], [2, 150, 150]); // far outside: still held
  assert.deepEqual(await last(), { forward: 0, leftright: 1 });
  await touch("touchEnd", [2, 150, 150]);
  assert.deepEqual(await last(), { forward: 0, leftright: 1 });
  await touch("touchEnd");
  assert.deepEqual(await last(), { forward: 0, leftright: 0 });
});
