import assert from "node:assert/strict";
import { PictureFormats } from "../../lib/connection/picture_format.ts";

function formats(width = 640, height = 480) {
  const made = new PictureFormats();
  let nowMs = 0;
  return (kilobits: number, ms = 0): string => {
    for (const end = nowMs + ms; nowMs <= end; nowMs += 100) {
      made.update(kilobits * 1_000, width, height, 30, nowMs);
    }
    return `${made.format.fps}/${made.format.divisor}`;
  };
}

Deno.test("PictureFormats lowers the frame rate first, then the size, at once", () => {
  const at = formats();
  assert.deepEqual([1_000, 380, 300, 150, 100, 40, 20].map((rate) => at(rate)), [
    "Infinity/1",
    "Infinity/1",
    "15/1",
    "10/1",
    "15/2",
    "10/2",
    "10/4",
  ]);
});

Deno.test("PictureFormats goes back step by step, when the rate has been enough for two seconds", () => {
  const at = formats();
  at(20);
  assert.equal(at(1_000, 1_900), "10/4");
  assert.equal(at(1_000, 300), "10/2");
  assert.equal(at(1_000, 9_000), "Infinity/1");
});

Deno.test("PictureFormats does not swing between two", () => {
  const at = formats();
  assert.equal(at(350), "15/1");
  assert.equal(at(450, 10_000), "15/1");
  assert.equal(at(600, 3_000), "Infinity/1");
});

Deno.test("PictureFormats makes no picture too small to see", () => {
  const at = formats(320, 240);
  assert.equal(at(1), "10/2");
});
