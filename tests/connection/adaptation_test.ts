/** How sending follows a network, in simulated time; the table is printed with RTCBOT_TABLE=1. */
import assert from "node:assert/strict";
import { quantile, type Second, SimulatedViewer } from "./simulated_viewer.ts";

const GOOD = { bitrate: 3e6, queueBytes: 50_000, delayMs: 25, jitterMs: 3, loss: 0 };
const SEEDS = [1, 2, 3, 4, 5];

function table(name: string, seconds: readonly Second[]): void {
  if (Deno.env.get("RTCBOT_TABLE") !== "1") return;
  console.log(name);
  console.table(seconds.map((second) =>
    Object.fromEntries(
      Object.entries(second).map(([key, value]) => [
        key,
        value > 10_000 ? `${(value / 1e6).toFixed(2)}M` : Math.round(value),
      ]),
    )
  ));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

for (const seed of SEEDS) {
  Deno.test(`sending follows a link from 3 to 0.5 Mbit/s and back (seed ${seed})`, () => {
    const viewer = new SimulatedViewer({ link: { ...GOOD }, seed });
    const before = viewer.run(12);
    viewer.link.conditions.bitrate = 0.5e6;
    const slow = viewer.run(12);
    viewer.link.conditions.bitrate = 3e6;
    const after = viewer.run(12);
    table(`3, 0.5, 3 Mbit/s, seed ${seed}`, [...before, ...slow, ...after]);

    assert.ok(mean(before.slice(4).map((s) => s.arrived)) > 2.1e6, "most of the link is used");
    assert.ok(slow.slice(2).every((s) => s.target < 0.55e6), "down within 2 s");
    assert.ok(slow.slice(2).every((s) => s.delayP50 < 120), "the delay is back within 2 s");
    assert.ok(slow.slice(3).every((s) => s.delayP95 < 200), "of all frames");
    // At 0.5 Mbit/s what the queue holds takes 800 ms, and it is full before any feedback can tell.
    assert.ok(slow.every((s) => s.longestGapMs < 750), "no longer freeze");
    assert.ok(mean(slow.slice(3).map((s) => s.arrived)) > 0.35e6, "the slow link is used");
    assert.ok(after.slice(9).every((s) => s.target > 2e6), "up within 9 s");
    assert.ok(after.every((s) => s.delayP95 < 200), "without a queue");
  });
}

for (const loss of [0, 0.01, 0.05, 0.1]) {
  Deno.test(`sending goes on over a link that loses ${loss * 100} %`, () => {
    for (const seed of SEEDS) {
      const viewer = new SimulatedViewer({ link: { ...GOOD, loss }, seed });
      const seconds = viewer.run(25);
      table(`${loss * 100} % lost, seed ${seed}`, seconds);
      const late = seconds.slice(5);
      assert.ok(late.every((s) => s.longestGapMs < 500), "no freeze");
      assert.ok(mean(late.map((s) => s.frames)) > 28, "the frame rate stays");
      assert.ok(mean(late.map((s) => s.arrived)) > 1.5e6, "the rate stays");
      assert.ok(quantile(viewer.shown.map((s) => s.delayMs), 0.95) < 250);
    }
  });
}

Deno.test("jitter is not taken for a queue", () => {
  const viewer = new SimulatedViewer({ link: { ...GOOD, jitterMs: 25 }, max: 2e6 });
  const seconds = viewer.run(25);
  table("25 ms of jitter", seconds);
  assert.ok(mean(seconds.slice(8).map((s) => s.arrived)) > 1.2e6);
});

Deno.test("a link slower than the first rate is found at once", () => {
  const link = { ...GOOD, bitrate: 0.3e6, queueBytes: 20_000 };
  const viewer = new SimulatedViewer({ link });
  const seconds = viewer.run(10);
  table("0.3 Mbit/s from the start", seconds);
  assert.ok(seconds.slice(3).every((s) => s.target < 0.4e6));
  assert.ok(seconds.slice(3).every((s) => s.delayP95 < 400));
});

Deno.test("the estimate does not run away while the source sends little, nor is it lost", () => {
  const viewer = new SimulatedViewer({ link: { ...GOOD }, sourceBitrate: 300_000, max: 10e6 });
  const seconds = viewer.run(30);
  table("a source at rest", seconds);
  const estimate = seconds.at(-1)!.estimate;
  assert.ok(estimate >= 0.5e6 && estimate <= 1.3e6, `${estimate}`);
});

Deno.test("nothing is held back on a quick link", () => {
  const link = { bitrate: 100e6, queueBytes: 1e6, delayMs: 0.2, jitterMs: 0.1, loss: 0 };
  const viewer = new SimulatedViewer({ link, max: 1e6 });
  const [first] = viewer.run(1);
  const rest = viewer.run(10);
  table("100 Mbit/s", [first!, ...rest]);
  assert.ok(viewer.shown[0]!.delayMs < 60, "the first key frame");
  assert.ok(rest.every((s) => s.delayP95 <= 5));
  assert.ok(rest.every((s) => s.frames >= 29));
});

Deno.test("without transport-wide feedback the viewer's own estimate bounds the rate", () => {
  const viewer = new SimulatedViewer({ link: { ...GOOD, bitrate: 0.5e6 }, wide: false });
  const seconds = viewer.run(10);
  table("REMB", seconds);
  assert.ok(seconds.slice(5).every((s) => s.estimate <= 0.45e6 && s.delayP95 < 200));
});
