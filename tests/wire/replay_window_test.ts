import assert from "node:assert/strict";
import { ReplayWindow } from "../../lib/wire/replay_window.ts";

Deno.test("ReplayWindow takes each number once, in whatever order", () => {
  const window = new ReplayWindow();
  for (const number of [0, 1, 3, 2, 10, 5]) {
    assert.ok(window.isNew(number), String(number));
    window.note(number);
    assert.equal(window.isNew(number), false, String(number));
  }
  assert.ok(window.isNew(4));
  assert.ok(window.isNew(11));
});

Deno.test("ReplayWindow refuses what is too old to tell, and forgets after a jump", () => {
  const window = new ReplayWindow();
  for (let number = 0; number < 3000; number++) window.note(number);
  assert.equal(window.isNew(2999 - 1024), false);
  window.note(2 ** 40);
  assert.ok(window.isNew(2 ** 40 - 1023));
  assert.equal(window.isNew(2 ** 40 - 1024), false);
  assert.equal(window.isNew(2 ** 40), false);
});

Deno.test("ReplayWindow agrees with a set of all numbers", () => {
  const window = new ReplayWindow();
  const seen = new Set<number>();
  let newest = -1, seed = 7;
  for (let i = 0; i < 20_000; i++) {
    seed = (seed * 48271) % 2147483647;
    const number = Math.max(0, newest + (seed % 60) - 40);
    assert.equal(window.isNew(number), !seen.has(number) && number > newest - 1024);
    if (!window.isNew(number)) continue;
    window.note(number);
    seen.add(number);
    newest = Math.max(newest, number);
  }
});
