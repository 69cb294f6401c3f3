import assert from "node:assert/strict";
import { alsaDevices, AlsaPcm, type AlsaPcmOptions, alsaVersion } from "../../ffi/alsa.ts";
import { LibraryMissing } from "../../lib/errors.ts";

function installed(): boolean {
  try {
    return alsaVersion() !== "";
  } catch (error) {
    if (error instanceof LibraryMissing) return false;
    throw error;
  }
}

const ignore = !installed();
const needed = ignore ? " (install ALSA: sudo apt install libasound2 libasound2-data)" : "";
const alsaTest = (name: string, fn: () => void) =>
  Deno.test({ name: `${name}${needed}`, ignore, fn });

const options = {
  ...{ device: "null", channels: 2, sampleRateHz: 48_000, bufferUs: 50_000 },
  action: "open a sound device",
} as const satisfies Omit<AlsaPcmOptions, "direction">;

alsaTest("alsaVersion() tells three numbers", () => {
  assert.match(alsaVersion(), /^\d+\.\d+\.\d+/);
});

alsaTest("alsaDevices() lists names and what they are", () => {
  for (const direction of ["record", "playback"] as const) {
    const found = alsaDevices(direction).find(({ name }) => name === "null");
    assert.match(found?.description ?? "", /Discard all samples/);
  }
});

alsaTest("AlsaPcm takes and gives samples, here of the device that is always silent", () => {
  const output = new AlsaPcm({ ...options, direction: "playback" });
  assert.equal(output.bufferSamples, 2400);
  assert.deepEqual(output.room(), { samples: 2400, ranDry: false });
  assert.equal(output.write(new Float32Array(960)), 480);
  output.free();
  output.free();
  const input = new AlsaPcm({ ...options, direction: "record" });
  const { samples, lost } = input.read();
  assert.equal(lost, false);
  assert.ok(
    samples.length > 0 && samples.length % 2 === 0 && samples.every((level) => level === 0),
  );
  input.free();
});

alsaTest("AlsaPcm says why it cannot open, and prints nothing", () => {
  assert.throws(
    () => new AlsaPcm({ ...options, direction: "record", device: "nonsense" }),
    {
      name: "SystemCallError",
      code: "ENOENT",
      message: 'Cannot open a sound device: ALSA says "No such file or directory" (ENOENT); ' +
        'see what "aplay -L" and "arecord -L" list',
    },
  );
});
