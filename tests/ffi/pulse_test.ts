import assert from "node:assert/strict";
import { pulseError, pulseVersion } from "../../ffi/pulse.ts";
import { PulseClient, type PulseDevice } from "../../ffi/pulse_client.ts";
import { PulseStream, type PulseStreamOptions } from "../../ffi/pulse_stream.ts";
import { LibraryMissing } from "../../lib/errors.ts";
import { until } from "../contract/microphone_contract.ts";
import { HAS_PULSE, pulseTitle, SINE, SINK, startPulse } from "../devices/sound_server.ts";
import { concat, sineSnr } from "../media/sounds.ts";

function installed(): boolean {
  try {
    return pulseVersion() !== "";
  } catch (error) {
    if (error instanceof LibraryMissing) return false;
    throw error;
  }
}

const noLibrary = !installed();
const needed = noLibrary ? " (install libpulse: sudo apt install libpulse0)" : "";

Deno.test({
  name: `pulseVersion() tells two numbers at least${needed}`,
  ignore: noLibrary,
  fn: () => assert.match(pulseVersion(), /^\d+\.\d+/),
});

Deno.test({
  name: `pulseError() has the words of libpulse and its constant${needed}`,
  ignore: noLibrary,
  fn() {
    const error = pulseError("open a microphone", -6);
    assert.equal(error.code, "PA_ERR_CONNECTIONREFUSED");
    assert.equal(
      error.message,
      'Cannot open a microphone: PulseAudio says "Connection refused" (PA_ERR_CONNECTIONREFUSED); ' +
        'see what "pactl info" says',
    );
  },
});

Deno.test({
  name: pulseTitle("PulseClient lists sources and sinks as the struct has them"),
  ignore: !HAS_PULSE,
  async fn() {
    await using server = await startPulse();
    await server.load(...SINK);
    await server.load(...SINE);
    const client = new PulseClient(server.address, "list");
    try {
      await until(() => client.iterate());
      const lists: PulseDevice[][] = [];
      client.requestDevices("record", (devices) => lists.push(devices));
      client.requestDevices("playback", (devices) => lists.push(devices));
      await until(() => (client.iterate(), lists.length === 2));
      const [sources, sinks] = lists;
      assert.deepEqual(sources!.map(({ name, monitor, channels }) => [name, monitor, channels]), [
        ["out.monitor", true, 2],
        ["sine", false, 1],
      ]);
      assert.equal(sources!.filter((each) => each.default).length, 1);
      assert.deepEqual(sinks, [{
        ...{ name: "out", description: "Null Output", channels: 2, sampleRateHz: 48_000 },
        ...{ monitor: false, default: true },
      }]);
    } finally {
      client.free();
      client.free();
    }
  },
});

Deno.test({
  name: pulseTitle("PulseStream records floats, and says which device it cannot have"),
  ignore: !HAS_PULSE,
  async fn() {
    await using server = await startPulse();
    await server.load(...SINE);
    const client = new PulseClient(server.address, "record");
    const options: PulseStreamOptions = {
      ...{ direction: "record", device: "sine", channels: 1, sampleRateHz: 48_000 },
      ...{ bufferSamples: 480, action: "record" },
    };
    try {
      await until(() => client.iterate());
      const wrong = new PulseStream(client, { ...options, device: "nothing" });
      assert.throws(
        () => {
          for (const end = performance.now() + 20_000; performance.now() < end;) {
            client.iterate();
            if (wrong.open) return;
          }
        },
        { name: "SystemCallError", code: "PA_ERR_NOENTITY" },
      );
      wrong.free();
      const stream = new PulseStream(client, options);
      await until(() => (client.iterate(), stream.open));
      assert.equal(stream.deviceName, "sine");
      assert.equal(stream.suspended, false);
      const parts: Float32Array[] = [];
      await until(() => {
        client.iterate();
        parts.push(stream.read().samples);
        return parts.reduce((sum, { length }) => sum + length, 0) > 24_000;
      });
      assert.ok(sineSnr(440, concat(parts).subarray(4800, 24_000)) > 40);
      await until(() => (client.iterate(), stream.latencyMs !== null));
      assert.ok(stream.latencyMs! < 20_000);
      stream.free();
    } finally {
      client.free();
    }
  },
});
