import assert from "node:assert/strict";
import type { AudioFrame } from "../../lib/media/audio_frame.ts";
import { FakeMicrophone, ManualClock } from "../../lib/testing.ts";
import { amplitudeAt, channel, concat, sineSnr } from "../media/sounds.ts";

const BLOCK_MS = 1024 / 48;

function record(microphone: FakeMicrophone): AudioFrame[] {
  const blocks: AudioFrame[] = [];
  microphone.subscribe((block: AudioFrame) => void blocks.push(block));
  return blocks;
}

Deno.test("FakeMicrophone gives blocks of (1024, 1) that join to a tone", async () => {
  const clock = new ManualClock(5000);
  await using microphone = new FakeMicrophone({ clock, frequencyHz: 1000 });
  const blocks = record(microphone);
  clock.advance(10 * BLOCK_MS + 1);
  assert.equal(blocks.length, 10);
  assert.ok(blocks.every(({ shape }) => shape[0] === 1024 && shape[1] === 1));
  assert.deepEqual(blocks.map(({ timestampUs }) => timestampUs).slice(0, 3), [
    5_000_000,
    5_021_333,
    5_042_667,
  ]);
  assert.ok(sineSnr(1000, concat(blocks.map(({ data }) => data))) > 100);
});

Deno.test("FakeMicrophone plays another pitch on each channel", async () => {
  const clock = new ManualClock();
  await using microphone = new FakeMicrophone({ clock, frequencyHz: [440, 880], amplitude: 0.5 });
  const blocks = record(microphone);
  clock.advance(20 * BLOCK_MS + 1);
  const all = concat(blocks.map(({ data }) => data));
  const [left, right] = [channel(all, 0, 2), channel(all, 1, 2)];
  assert.ok(Math.abs(amplitudeAt(440, left) - 0.5) < 0.02 && amplitudeAt(880, left) < 0.02);
  assert.ok(Math.abs(amplitudeAt(880, right) - 0.5) < 0.02 && amplitudeAt(440, right) < 0.02);
});

Deno.test("FakeMicrophone sounds on while nobody listens", async () => {
  const clock = new ManualClock();
  await using microphone = new FakeMicrophone({ clock });
  clock.advance(100 * BLOCK_MS + 1);
  const blocks = record(microphone);
  clock.advance(BLOCK_MS);
  assert.deepEqual(blocks.map(({ timestampUs }) => timestampUs), [Math.round(102_400_000 / 48)]);
});

Deno.test("FakeMicrophone gives up to a second of what was missed", async () => {
  const clock = new ManualClock();
  await using microphone = new FakeMicrophone({ clock });
  const blocks = record(microphone);
  clock.skip(10 * BLOCK_MS + 1);
  assert.equal(blocks.length, 10);
  clock.skip(1000 * BLOCK_MS);
  assert.equal(blocks.length, 10 + 47);
});

Deno.test("FakeMicrophone.close() frees its clock", async () => {
  const clock = new ManualClock();
  const microphone = new FakeMicrophone({ clock });
  await microphone.close();
  assert.equal(clock.pending, 0);
});

Deno.test("FakeMicrophone refuses more pitches than channels at once", () => {
  const clock = new ManualClock();
  assert.throws(
    () => new FakeMicrophone({ clock, channels: 1, frequencyHz: [440, 880] }),
    { name: "RangeError", message: /it has 1 channels and 2 pitches; give one pitch, or one for/ },
  );
  assert.equal(clock.pending, 0);
});
