import assert from "node:assert/strict";
import { TrainMeter } from "../../lib/connection/train_meter.ts";

function feed(meter: TrainMeter, frames: number, sentGapMs: number, arrivedGapMs: number): void {
  for (let id = 0; id < frames; id++) {
    for (let i = 0; i < 4; i++) {
      const at = id * 33;
      meter.packet(id, 1_000, at + i * sentGapMs, 5_000 + at + i * arrivedGapMs);
    }
  }
}

Deno.test("TrainMeter.passage is the slowest link's rate when it held packets up", () => {
  const meter = new TrainMeter();
  assert.equal(meter.passage, null);
  feed(meter, 9, 1, 8);
  assert.deepEqual(meter.passage, { bitrate: 1_000_000, heldUp: true });
});

Deno.test("TrainMeter.passage is the pace when nothing was held up", () => {
  const meter = new TrainMeter();
  feed(meter, 9, 4, 4);
  assert.deepEqual(meter.passage, { bitrate: 2_000_000, heldUp: false });
});

Deno.test("TrainMeter.passage forgets frames of long ago", () => {
  const meter = new TrainMeter();
  feed(meter, 9, 1, 8);
  meter.packet(100, 1_000, 60_000, 65_000);
  meter.packet(100, 1_000, 60_001, 65_001);
  meter.packet(101, 1_000, 60_033, 65_033);
  assert.equal(meter.passage, null);
});
