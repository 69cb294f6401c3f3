import assert from "node:assert/strict";
import { Resampler, type ResamplerOptions } from "../../lib/media/resample.ts";
import {
  amplitudeAt,
  channel,
  concat,
  interleave,
  power,
  seeded,
  sine,
  sineSnr,
} from "./sounds.ts";

/** A second of sound in blocks of `block` samples. */
function run(
  options: ResamplerOptions,
  whole: Float32Array,
  block = 1024,
  speed = 1,
): Float32Array {
  const resampler = new Resampler(options);
  resampler.speed = speed;
  const out: Float32Array[] = [];
  const step = block * resampler.fromChannels;
  for (let i = 0; i < whole.length; i += step) {
    out.push(resampler.process(whole.subarray(i, i + step)));
  }
  return concat([...out, resampler.flush()]);
}

const RATES = [
  ...[[44_100, 48_000], [48_000, 44_100], [8_000, 48_000], [16_000, 48_000], [22_050, 48_000]],
  ...[[96_000, 48_000], [48_000, 16_000]],
] as [number, number][];

for (const [fromRateHz, toRateHz] of RATES) {
  Deno.test(`Resampler keeps tones above 75 dB from ${fromRateHz} to ${toRateHz} Hz`, () => {
    for (const share of [0.02, 0.1, 0.31, 0.7, 0.83]) {
      const hz = Math.round(share * Math.min(fromRateHz, toRateHz) / 2);
      const out = run({ fromRateHz, toRateHz }, sine(hz, 0, fromRateHz, fromRateHz));
      assert.equal(out.length, toRateHz, "a second has become another time");
      const middle = out.subarray(toRateHz >> 3, toRateHz - (toRateHz >> 3));
      assert(sineSnr(hz, middle, toRateHz) > 75, `${hz}: ${sineSnr(hz, middle, toRateHz)} dB`);
      const level = 20 * Math.log10(amplitudeAt(hz, middle, toRateHz) / 0.25);
      assert(Math.abs(level) < 0.1, `${hz}: ${level} dB`);
    }
  });
}

Deno.test("Resampler takes away what the lower rate cannot hold", () => {
  const tooHigh = sine(23_000, 0, 48_000);
  const out = run({ fromRateHz: 48_000, toRateHz: 44_100 }, tooHigh).subarray(4410, 40_000);
  assert(10 * Math.log10(power(out) / power(tooHigh)) < -60);
});

for (const speed of [0.99, 0.9998, 1.0002, 1.01]) {
  Deno.test(`Resampler.speed of ${speed} moves a tone by as much, above 75 dB`, () => {
    const options = { fromRateHz: 48_000, toRateHz: 48_000, taps: 24 };
    const out = run(options, sine(1000, 0, 48_000), 960, speed);
    assert(Math.abs(out.length - 48_000 / speed) <= 1, `${out.length} samples`);
    const snr = sineSnr(1000 * speed, out.subarray(2000, 46_000));
    assert(snr > 75, `${snr} dB`);
  });
}

Deno.test("Resampler.speed can change between blocks without a click", () => {
  const resampler = new Resampler({ fromRateHz: 48_000, toRateHz: 48_000 });
  const out: Float32Array[] = [];
  for (let n = 0; n < 100; n++) {
    resampler.speed = 1 + 0.01 * Math.sin(n / 5);
    out.push(resampler.process(sine(200, n * 960, 960)));
  }
  const whole = concat(out);
  const steepest = 0.25 * 2 * Math.PI * 200 / 48_000 * 1.02;
  for (let i = 1; i < whole.length; i++) {
    assert(Math.abs(whole[i]! - whole[i - 1]!) < steepest, `a click at ${i}`);
  }
});

Deno.test("Resampler gives the same wherever what goes in is cut", () => {
  const random = seeded(3);
  const whole = Float32Array.from({ length: 6000 }, () => random() - 0.5);
  for (const [fromRateHz, toRateHz] of [[44_100, 48_000], [48_000, 44_100], [48_000, 48_000]]) {
    for (const speed of [1, 1.003]) {
      const options = { fromRateHz: fromRateHz!, toRateHz: toRateHz!, fromChannels: 2 };
      const once = run(options, whole, 3000, speed);
      for (const block of [1, 7, 480]) {
        const cut = run(options, whole, block, speed);
        assert.equal(cut.length, once.length);
        cut.forEach((level, i) => assert(Math.abs(level - once[i]!) < 1e-6, `${block} at ${i}`));
      }
    }
  }
});

Deno.test("Resampler hands samples on as they are when the rates are alike", () => {
  const whole = sine(1000, 0, 3000);
  assert.deepEqual(run({ fromRateHz: 48_000, toRateHz: 48_000 }, whole), whole);
});

Deno.test("Resampler begins to filter without a gap when the speed leaves 1", () => {
  const resampler = new Resampler({ fromRateHz: 48_000, toRateHz: 48_000 });
  const out = [resampler.process(sine(300, 0, 960))];
  resampler.speed = 1.0001;
  for (let n = 1; n < 50; n++) out.push(resampler.process(sine(300, n * 960, 960)));
  const whole = concat(out);
  for (let i = 1; i < whole.length; i++) assert(Math.abs(whole[i]! - whole[i - 1]!) < 0.0102);
  assert(Math.abs(whole.length - (48_000 / 1.0001 - 24)) < 3, `${whole.length}`);
});

Deno.test("Resampler puts mono on both channels and makes stereo mono by its mean", () => {
  const rates = { fromRateHz: 44_100, toRateHz: 48_000 };
  const [left, right] = [sine(400, 0, 4410, 44_100), sine(900, 0, 4410, 44_100)];
  const both = run({ ...rates, toChannels: 2 }, left);
  assert.deepEqual(channel(both, 0, 2), channel(both, 1, 2));
  assert.deepEqual(channel(both, 0, 2), run(rates, left));
  const stereo = interleave(left, right);
  const apart = run({ ...rates, fromChannels: 2 }, stereo);
  assert.deepEqual(channel(apart, 0, 2), run(rates, left));
  assert.deepEqual(channel(apart, 1, 2), run(rates, right));
  const mean = run({ ...rates, fromChannels: 2, toChannels: 1 }, stereo);
  assert(Math.abs(amplitudeAt(400, mean.subarray(960)) - 0.125) < 0.01);
  assert(Math.abs(amplitudeAt(900, mean.subarray(960)) - 0.125) < 0.01);
  const six = new Float32Array(6000).map((_, i) => i % 6 / 10);
  const two = run({ fromRateHz: 48_000, toRateHz: 48_000, fromChannels: 6, toChannels: 2 }, six);
  assert.deepEqual([...two.subarray(0, 4)], [0, 0.1, 0, 0.1].map(Math.fround));
});

Deno.test("Resampler.held says what has come and not gone, and does not grow", () => {
  const resampler = new Resampler({ fromRateHz: 44_100, toRateHz: 48_000 });
  assert.equal(resampler.held, 0);
  let out = 0;
  for (let n = 1; n <= 2000; n++) {
    out += resampler.process(new Float32Array(441)).length;
    const held = n * 441 - out * 0.91875;
    assert(Math.abs(resampler.held - held) < 1e-6);
    assert(resampler.held <= 25);
  }
});

Deno.test("Resampler refuses what makes no sense", () => {
  assert.throws(() => new Resampler({ fromRateHz: 0, toRateHz: 48_000 }), {
    name: "RangeError",
    message: "Cannot resample: fromRateHz is 0; give a rate above 0",
  });
  assert.throws(() => new Resampler({ fromRateHz: 8000, toRateHz: 48_000, fromChannels: 1.5 }), {
    name: "RangeError",
    message: "Cannot resample: fromChannels is 1.5; give a whole number above 0",
  });
  const resampler = new Resampler({ fromRateHz: 8000, toRateHz: 48_000 });
  assert.throws(() => resampler.speed = 2, {
    name: "RangeError",
    message: "Cannot resample: a speed of 2; give 0.9 to 1.1",
  });
});
