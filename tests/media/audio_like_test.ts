import assert from "node:assert/strict";
import { AudioFrame } from "../../lib/media/audio_frame.ts";
import { asAudioFrame } from "../../lib/media/audio_like.ts";

Deno.test("asAudioFrame() reads floats without a copy, and integers of 16 bits", () => {
  const floats = new Float32Array([0, 0.5, -1, 1]);
  const frame = asAudioFrame({ data: floats, shape: [2, 2] }, 1000, 5000);
  assert.equal(frame.data, floats);
  assert.deepEqual([...frame.shape, frame.sampleRateHz, frame.timestampUs], [2, 2, 1000, 3000]);
  const integers = asAudioFrame({ data: new Int16Array([16384, -32768]), shape: [2] }, 48_000, 0);
  assert.deepEqual([...integers.data, integers.channels], [0.5, -1, 1]);
  const own = new AudioFrame({ data: floats, sampleRateHz: 8000, timestampUs: 7 });
  assert.equal(asAudioFrame(own, 48_000, 0), own);
});

Deno.test("asAudioFrame() refuses what is no sound", () => {
  for (
    const value of [
      ...[undefined, 3, { data: [0], shape: [1, 1] }, { data: new Int16Array(2) }],
      { data: new Float32Array(3), shape: [2, 2] },
    ]
  ) {
    assert.throws(() => asAudioFrame(value as never, 48_000, 0, "play"), {
      name: "TypeError",
      message: "Cannot play the sound: it is neither an AudioFrame nor samples of shape " +
        "(samples, channels) in a Float32Array or Int16Array",
    });
  }
});
