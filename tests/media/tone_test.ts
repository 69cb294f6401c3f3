import assert from "node:assert/strict";
import { tone } from "../../lib/media/tone.ts";

Deno.test("tone() is a pure function of its number", () => {
  assert.deepEqual(tone(7).data, tone(7).data);
  assert.deepEqual(tone(0).shape, [960, 1]);
  assert.equal(tone(50).timestampUs, 1_000_000);
});

Deno.test("tone() joins frames without a click", () => {
  const options = { frequencyHz: 441, channels: 2, samples: 100 };
  const whole = tone(0, { ...options, samples: 300 }).data;
  const parts = [0, 1, 2].flatMap((n) => [...tone(n, options).data]);
  parts.forEach((level, i) => assert(Math.abs(level - whole[i]!) < 1e-6));
});

Deno.test("tone() has the amplitude and frequency that it was given", () => {
  const { data } = tone(3, { frequencyHz: 1000, amplitude: 0.5 });
  assert(Math.abs(Math.max(...data) - 0.5) < 0.01);
  let rising = 0;
  for (let i = 1; i < data.length; i++) if (data[i - 1]! < 0 && data[i]! >= 0) rising++;
  assert([19, 20].includes(rising), `${rising} periods in 20 ms of 1 kHz`);
});

Deno.test("tone() stays exact after a day", () => {
  const { data } = tone(86_400 * 50, { frequencyHz: 1000 });
  assert(Math.abs(data[0]!) < 1e-3);
});

Deno.test("tone() refuses a negative number", () => {
  assert.throws(() => tone(-1), {
    name: "RangeError",
    message: "Cannot sound tone -1: no such number; give 0, 1, 2 …",
  });
});
