/// <reference lib="dom" />
import assert from "node:assert/strict";
import {
  commandOfGamepad,
  commandOfKeys,
  isDriveKey,
  isStill,
  sumOfCommands,
} from "../../lib/browser/drive_inputs.ts";

Deno.test("commandOfKeys() gives RTCBot's signs, and no more than full speed", () => {
  assert.deepEqual(commandOfKeys(["KeyW", "KeyA"]), { forward: 1, leftright: -1 });
  assert.deepEqual(commandOfKeys(["KeyS", "ArrowRight"]), { forward: -1, leftright: 1 });
  assert.deepEqual(commandOfKeys(["KeyW", "ArrowUp"]), { forward: 1, leftright: 0 });
  assert.deepEqual(commandOfKeys(["KeyW", "ArrowDown"]), { forward: 0, leftright: 0 });
  assert.deepEqual(commandOfKeys(["constructor", "KeyQ"]), { forward: 0, leftright: 0 });
  assert.equal(isDriveKey("toString"), false);
});

Deno.test("sumOfCommands() stays within -1…1 and knows no -0", () => {
  const full = { forward: 1, leftright: -1 };
  assert.deepEqual(sumOfCommands([full, full]), full);
  const still = sumOfCommands([{ forward: -0, leftright: -0.0001 }]);
  assert.ok(Object.is(still.forward, 0) && Object.is(still.leftright, 0));
  assert.ok(isStill(still));
  assert.deepEqual(sumOfCommands([]), { forward: 0, leftright: 0 });
});

Deno.test("commandOfGamepad() trusts only the axes of a controller it does not know", () => {
  const pad = (mapping: string) => ({
    mapping,
    axes: [0.5, -1],
    buttons: Array.from({ length: 16 }, () => ({ pressed: true, touched: true, value: 1 })),
  } as unknown as Gamepad);
  const { forward, leftright } = commandOfGamepad(pad(""));
  assert.equal(forward, 1);
  assert.ok(Math.abs(leftright - 0.38 / 0.88) < 1e-9);
  // All buttons of a known one cancel each other out.
  assert.equal(commandOfGamepad(pad("standard")).forward, 1);
});
