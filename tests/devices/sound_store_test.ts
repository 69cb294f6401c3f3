import assert from "node:assert/strict";
import { SoundStore } from "../../lib/devices/sound_store.ts";
import { AudioFrame } from "../../lib/media/audio_frame.ts";
import { tone } from "../../lib/media/tone.ts";
import { concat, seeded, sine, sineSnr } from "../media/sounds.ts";

const store = (maxSamples = 9600, keptSamples = 2400, channels = 1) =>
  new SoundStore({ channels, sampleRateHz: 48_000, maxSamples, keptSamples });

Deno.test("SoundStore gives what was put, however it is cut", () => {
  const [random, sound] = [seeded(1), store(Infinity)];
  const got: Float32Array[] = [];
  for (let n = 0; n < 50; n++) {
    sound.put(tone(n, { frequencyHz: 1000 }));
    got.push(sound.take(Math.floor(2000 * random())));
  }
  got.push(sound.take(Infinity));
  const all = concat(got);
  assert.equal(all.length, 48_000);
  assert.ok(sineSnr(1000, all) > 100);
  assert.deepEqual([sound.samples, sound.dropped, sound.take(10).length], [0, 0, 0]);
});

Deno.test("SoundStore drops the oldest blocks when too much waits", () => {
  const sound = store(9600, 2400);
  for (let n = 0; n < 11; n++) {
    sound.put(new AudioFrame({ data: new Float32Array(960).fill(n), sampleRateHz: 48_000 }));
  }
  assert.equal(sound.samples, 1920);
  assert.equal(sound.dropped, 9 * 960);
  assert.deepEqual([...new Set(sound.take(1920))], [9, 10]);
});

Deno.test("SoundStore drops also what is left of a block that was begun", () => {
  const sound = store(2000, 1000);
  const block = (level: number, samples: number) =>
    new AudioFrame({ data: new Float32Array(samples).fill(level), sampleRateHz: 48_000 });
  sound.put(block(1, 1500));
  assert.equal(sound.take(500).length, 500);
  sound.put(block(2, 1500));
  assert.deepEqual([sound.dropped, sound.samples], [1000, 1500]);
  sound.put(block(3, 600));
  assert.equal(sound.dropped, 1000 + 1500);
  assert.deepEqual([...new Set(sound.take(Infinity))], [3]);
});

Deno.test("SoundStore keeps one block that is longer than all", () => {
  const sound = store(9600, 2400);
  sound.put(tone(0, { samples: 480_000 }));
  assert.equal(sound.samples, 480_000);
  assert.equal(sound.dropped, 0);
});

Deno.test("SoundStore makes any rate and channels into its own", () => {
  const sound = store(Infinity, Infinity, 2);
  sound.put(new AudioFrame({ data: sine(500, 0, 4410, 44_100), sampleRateHz: 44_100 }));
  sound.put(tone(0, { channels: 2, samples: 4800 }));
  assert.equal(sound.samples, 9600);
  const data = sound.take(4000);
  assert.ok(data.every((level, i) => i % 2 === 0 || level === data[i - 1]));
});

Deno.test("SoundStore plays a little faster when it is told so", () => {
  const sound = store(Infinity);
  sound.speed = 1.005;
  for (let n = 0; n < 100; n++) sound.put(tone(n, { samples: 960 }));
  assert.ok(Math.abs(sound.samples - 96_000 / 1.005) < 60, `${sound.samples}`);
});
