import assert from "node:assert/strict";
import { AudioFrame } from "../../lib/media/audio_frame.ts";

Deno.test("AudioFrame knows its shape and how long it sounds", () => {
  const data = new Float32Array(1920);
  const frame = new AudioFrame({ data, channels: 2, sampleRateHz: 48_000, timestampUs: 5 });
  assert.equal(frame.data, data);
  assert.deepEqual(frame.shape, [960, 2]);
  assert.equal(frame.samples, 960);
  assert.equal(frame.durationUs, 20_000);
  assert.equal(frame.timestampUs, 5);
});

Deno.test("AudioFrame refuses what makes no sound", () => {
  const make = (init: Partial<ConstructorParameters<typeof AudioFrame>[0]>) => () =>
    new AudioFrame({ data: new Float32Array(9), sampleRateHz: 48_000, ...init });
  assert.throws(make({ channels: 2 }), {
    name: "RangeError",
    message:
      "Cannot make an audio frame: 9 samples do not make 2 channels; give as many for each channel",
  });
  assert.throws(make({ channels: 0 }), RangeError);
  assert.throws(make({ sampleRateHz: 0 }), RangeError);
  assert.throws(make({ timestampUs: NaN }), RangeError);
  assert.throws(make({ data: new Int16Array(9) as unknown as Float32Array }), TypeError);
});
