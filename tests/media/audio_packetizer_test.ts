import assert from "node:assert/strict";
import { AudioFrame } from "../../lib/media/audio_frame.ts";
import { AudioPacketizer, type PacketizedFrame } from "../../lib/media/audio_packetizer.ts";
import { channel, concat, interleave, sine, sineSnr } from "./sounds.ts";

/** A block of a 1 kHz tone that begins with this sample. */
function block(first: number, samples: number, rateHz = 48_000, channels = 1, atUs?: number) {
  const mono = sine(1000, first, samples, rateHz);
  return new AudioFrame({
    data: channels === 1 ? mono : interleave(...new Array<Float32Array>(channels).fill(mono)),
    channels,
    sampleRateHz: rateHz,
    timestampUs: atUs ?? first * 1e6 / rateHz,
  });
}

function takeAll(packetizer: AudioPacketizer, nowMs: number): PacketizedFrame[] {
  const frames: PacketizedFrame[] = [];
  for (let frame; (frame = packetizer.take(nowMs)) !== null;) frames.push(frame);
  return frames;
}

/** Blocks at the times at which a microphone gives them. */
function live(samples: number, rateHz: number, from: number, channels: 1 | 2, seconds = 2) {
  const packetizer = new AudioPacketizer({ channels });
  const frames: PacketizedFrame[] = [];
  for (let first = 0; first < seconds * rateHz; first += samples) {
    const nowMs = 5000 + (first + samples) * 1000 / rateHz;
    packetizer.put(block(first, samples, rateHz, from), nowMs);
    frames.push(...takeAll(packetizer, nowMs));
  }
  return frames;
}

const isContinuous = (frames: PacketizedFrame[]) =>
  frames.every(({ timestamp48kHz }, n) => timestamp48kHz === frames[0]!.timestamp48kHz + n * 960);

for (
  const [samples, rateHz, from, channels] of [
    ...[[1024, 48_000, 1, 1], [1024, 48_000, 2, 2], [441, 44_100, 1, 2], [1024, 44_100, 2, 1]],
    ...[[160, 16_000, 1, 1], [960, 48_000, 1, 1], [7, 8_000, 1, 1], [48_000, 48_000, 1, 1]],
  ] as [number, number, number, 1 | 2][]
) {
  Deno.test(`AudioPacketizer makes even frames of ${samples} samples at ${rateHz} Hz, ${from} to ${channels}`, () => {
    const frames = live(samples, rateHz, from, channels);
    assert(frames.length >= 94, `${frames.length} frames`);
    assert(isContinuous(frames));
    assert(frames.every((frame) => frame.samples.length === 960 * channels));
    assert.deepEqual(frames.map(({ marker }) => marker).indexOf(true, 1), -1);
    assert.equal(frames[0]!.marker, true);
    const sound = channel(concat(frames.map((frame) => frame.samples)), channels - 1, channels);
    assert(sineSnr(1000, sound.subarray(960)) > 70, `${sineSnr(1000, sound.subarray(960))} dB`);
  });
}

Deno.test("AudioPacketizer counts time from the clock of its first block", () => {
  assert.equal(live(960, 48_000, 1, 1)[0]!.timestamp48kHz, 5000 * 48);
});

Deno.test("AudioPacketizer leaves out as much time as the source did", () => {
  const packetizer = new AudioPacketizer({ channels: 1 });
  packetizer.put(block(0, 1000), 1000);
  packetizer.put(block(1000 + 48_000, 1880), 2000); // a second is missing, and nothing was to be heard
  const frames = takeAll(packetizer, 2000);
  const begin = frames[0]!.timestamp48kHz;
  // The rest of the block before the gap is filled up: 40 samples of it, and 920 of silence.
  assert.deepEqual(frames.map(({ timestamp48kHz }) => timestamp48kHz - begin), [0, 960, 49_000]);
  assert.deepEqual(frames.map(({ marker }) => marker), [true, false, true]);
  assert(frames[1]!.samples.subarray(40).every((level) => level === 0));
  assert.deepEqual(frames[2]!.samples, block(49_000, 960).data);
});

Deno.test("AudioPacketizer never invents sound when the source stops", () => {
  const packetizer = new AudioPacketizer({ channels: 1 });
  packetizer.put(block(0, 1024), 1000);
  assert.equal(takeAll(packetizer, 1000).length, 1);
  assert.equal(packetizer.waitMs(60_000), Infinity);
  assert.equal(packetizer.take(60_000), null);
});

Deno.test("AudioPacketizer goes by the clock when the source's is set back or far ahead", () => {
  for (const jumpUs of [-5e6, 3600e6]) {
    const packetizer = new AudioPacketizer({ channels: 1 });
    packetizer.put(block(0, 960, 48_000, 1, 10e6), 1000);
    packetizer.put(block(0, 960, 48_000, 1, 10e6 + jumpUs), 1020); // went on without a pause
    packetizer.put(block(0, 960, 48_000, 1, 10e6 + 2 * jumpUs), 3040); // two seconds are missing
    const begin = 980 * 48;
    assert.deepEqual(
      takeAll(packetizer, 3040).map(({ timestamp48kHz }) => timestamp48kHz - begin),
      [0, 960, 2 * 960 + 96_000],
    );
  }
});

Deno.test("AudioPacketizer does not need time stamps", () => {
  const packetizer = new AudioPacketizer({ channels: 1 });
  const frames: PacketizedFrame[] = [];
  for (let n = 0; n < 100; n++) {
    packetizer.put(block(n * 9600, 9600, 48_000, 1, 0), 1000 + n * 200 + n % 3 * 10);
    frames.push(...takeAll(packetizer, 1200 + n * 200));
  }
  assert.equal(frames.length, 1000);
  assert(isContinuous(frames));
});

Deno.test("AudioPacketizer does not take a clock 200 ppm off for gaps, in ten minutes", () => {
  for (const skew of [1.0002, 0.9998]) {
    const packetizer = new AudioPacketizer({ channels: 1 });
    const data = new Float32Array(4800);
    let [frames, held] = [0, 0];
    let last = -1;
    for (let n = 0; n < 6_000; n++) {
      const nowMs = n * 100 / skew;
      const timestampUs = nowMs * 1000;
      packetizer.put(new AudioFrame({ data, sampleRateHz: 48_000, timestampUs }), nowMs + 100);
      for (const { timestamp48kHz } of takeAll(packetizer, nowMs + 100)) {
        assert(last === -1 || timestamp48kHz === last + 960);
        last = timestamp48kHz;
        frames++;
      }
      held = Math.max(held, packetizer.size);
    }
    assert.equal(frames, 6_000 * 5);
    assert.equal(held, 0, `${held} frames waited`);
    assert.equal(packetizer.dropped, 0);
  }
});

Deno.test("AudioPacketizer holds a source back that is too fast, and holds no more than a second", () => {
  const packetizer = new AudioPacketizer({ channels: 1 });
  const taken: { nowMs: number; timestamp48kHz: number }[] = [];
  for (let n = 0; n < 1000; n++) { // ten times too fast, for 2 s
    const nowMs = n * 2;
    packetizer.put(block(n * 960, 960), nowMs);
    for (const { timestamp48kHz } of takeAll(packetizer, nowMs)) {
      taken.push({ nowMs, timestamp48kHz });
    }
  }
  assert(packetizer.size <= 50);
  assert(taken.length > 100 && taken.length < 108, `${taken.length} frames in 2 s`);
  assert(packetizer.dropped > 800);
  for (const [n, { nowMs, timestamp48kHz }] of taken.entries()) {
    if (n > 0) assert(timestamp48kHz >= taken[n - 1]!.timestamp48kHz + 960);
    const aheadMs = (timestamp48kHz - taken[0]!.timestamp48kHz) / 48 - nowMs;
    assert(aheadMs < 130, `${aheadMs} ms ahead of time`);
  }
});

Deno.test("AudioPacketizer.waitMs() says when the next frame of a fast source may go", () => {
  const packetizer = new AudioPacketizer({ channels: 1 });
  assert.equal(packetizer.waitMs(0), Infinity);
  packetizer.put(block(0, 9600), 0);
  packetizer.put(block(9600, 9600), 0);
  assert.equal(takeAll(packetizer, 0).length, 10); // all of one block
  assert(Math.abs(packetizer.waitMs(0) - 20) < 1e-9);
  assert(Math.abs(packetizer.waitMs(15) - 5) < 0.1);
  assert.equal(packetizer.take(19.5), null);
  assert.notEqual(packetizer.take(20), null);
});

Deno.test("AudioPacketizer hands on at once what was held up, and drops what is older", () => {
  const packetizer = new AudioPacketizer({ channels: 1 });
  const at = (n: number) => 1000 + n * 20;
  for (let n = 0; n < 3000; n++) {
    packetizer.put(block(n * 960, 960), at(n));
    assert.equal(takeAll(packetizer, at(n)).length, 1);
  }
  // For 2 s nobody ran; then everything is there.
  for (let n = 3000; n < 3100; n++) packetizer.put(block(n * 960, 960), at(3100));
  const frames = takeAll(packetizer, at(3100));
  assert.equal(frames.length, 50);
  assert.equal(packetizer.dropped, 50);
  assert.equal(frames.at(-1)!.timestamp48kHz, (at(3099) - 20) * 48);
  assert.equal(frames[0]!.marker, true);
});

Deno.test("AudioPacketizer takes another rate and other channels in the middle", () => {
  const packetizer = new AudioPacketizer({ channels: 2 });
  const blocks = [block(0, 4800), block(4410, 4410, 44_100, 2), block(9600, 4800, 48_000, 6)];
  const frames: PacketizedFrame[] = [];
  for (const [n, one] of blocks.entries()) {
    packetizer.put(one, n * 100);
    frames.push(...takeAll(packetizer, n * 100));
  }
  assert.equal(frames.length, 15);
  assert(isContinuous(frames));
  const sound = channel(concat(frames.map((frame) => frame.samples)), 1, 2);
  assert(sineSnr(1000, sound) > 40, `${sineSnr(1000, sound)} dB`);
});

Deno.test("AudioPacketizer refuses a bound that is none", () => {
  assert.throws(() => new AudioPacketizer({ channels: 1, maxFrames: 0 }), {
    name: "RangeError",
    message: "Cannot packetize sound: maxFrames is 0; give a whole number above 0",
  });
});
