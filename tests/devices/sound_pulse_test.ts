/** Microphone and Speaker against a real PulseAudio: the loop, its latency, and what can happen to it. */

import assert from "node:assert/strict";
import { Microphone } from "../../lib/devices/microphone.ts";
import { Speaker } from "../../lib/devices/speaker.ts";
import { DeviceMissing, SystemCallError } from "../../lib/errors.ts";
import { AudioFrame } from "../../lib/media/audio_frame.ts";
import { tone } from "../../lib/media/tone.ts";
import { within } from "../connection/pair.ts";
import { until } from "../contract/microphone_contract.ts";
import { amplitudeAt, channel } from "../media/sounds.ts";
import { HAS_PULSE, type PulseServer, pulseTitle, SINE, SINK, startPulse } from "./sound_server.ts";

const DEADLINE_MS = 20_000;
const ROOT = new URL("../../", import.meta.url);

function pulseTest(name: string, fn: (server: PulseServer) => Promise<void>): void {
  Deno.test({
    name: pulseTitle(name),
    ignore: !HAS_PULSE,
    async fn() {
      await using server = await startPulse();
      await fn(server);
    },
  });
}

pulseTest(
  "Microphone.list() and Speaker.list() tell what there is, monitors last",
  async (server) => {
    const where = { server: server.address };
    await server.load(...SINK, "sink_properties=device.description=Loudspeaker");
    await server.load(...SINE);
    assert.deepEqual(await Speaker.list(where), [{
      ...{ index: 0, name: "out", description: "Loudspeaker", channels: 2, monitor: false },
      ...{ default: true, system: "pulse" },
    }]);
    const microphones = await Microphone.list(where);
    assert.deepEqual(
      microphones.map(({ index, name, channels, monitor }) => [index, name, channels, monitor]),
      [[0, "sine", 1, false], [1, "out.monitor", 2, true]],
    );
  },
);

pulseTest("Microphone is chosen by number, name, part of either, or not at all", async (server) => {
  await server.load(...SINK, "sink_properties=device.description=Loudspeaker");
  await server.load(...SINE);
  for (
    const [device, name] of [
      ...[[0, "sine"], [1, "out.monitor"], ["sine", "sine"], ["LOUDSP", "out.monitor"]] as const,
      ...[["out.mon", "out.monitor"]] as const,
    ]
  ) {
    await using microphone = new Microphone({ device, server: server.address });
    await within(DEADLINE_MS, microphone.onReady(), `ready with ${device}`);
    assert.equal(microphone.device?.name, name);
  }
  await using usual = new Microphone({ server: server.address });
  await within(DEADLINE_MS, usual.onReady(), "ready");
  await using wrong = new Microphone({ device: "webcam", server: server.address });
  const error = await within(DEADLINE_MS, wrong.onError(), "the error");
  assert.ok(error instanceof DeviceMissing);
  assert.equal(
    error.message,
    'Cannot open microphone "webcam": there is none of that name; ' +
      'Microphone.list() tells "sine", "out.monitor"',
  );
});

pulseTest(
  "a sine that is played is heard back, at the time that the latencies state",
  async (server) => {
    await server.load(...SINK);
    await using speaker = new Speaker({ server: server.address });
    await using microphone = new Microphone({ server: server.address, samples: 256 });
    await within(DEADLINE_MS, Promise.all([speaker.onReady(), microphone.onReady()]), "ready");
    const silence = () =>
      new AudioFrame({ data: new Float32Array(1920), channels: 2, sampleRateHz: 48_000 });
    let loudAtUs = 0;
    microphone.subscribe((block) => {
      const at = block.data.findIndex((level) => Math.abs(level) > 0.05);
      const level = amplitudeAt(1000, channel(block.data, 0, block.channels));
      if (at < 0 || level < 0.2 || loudAtUs !== 0) return;
      loudAtUs = block.timestampUs + at / block.channels * 1e6 / 48_000;
    });
    // Silence first, so that it plays already, as in use; measured again if the machine was held up.
    for (let attempt = 0;; attempt++) {
      loudAtUs = 0;
      let [statedUs, n] = [0, 0];
      const timer = setInterval(() => {
        if (n++ < 25) return speaker.put_nowait(silence());
        if (n === 26) statedUs = (performance.now() + speaker.latencyMs) * 1000;
        speaker.put_nowait(tone(n, { frequencyHz: 1000, amplitude: 0.5, channels: 2 }));
      }, 20);
      try {
        await until(() => loudAtUs !== 0);
      } finally {
        clearInterval(timer);
      }
      await within(DEADLINE_MS, speaker.drained(), "silence");
      if (Math.abs(loudAtUs - statedUs) < 30_000) break;
      assert.ok(attempt < 10, `stated ${statedUs} µs, heard ${loudAtUs} µs`);
    }
  },
);

pulseTest("Microphone and Speaker say when the server has ended", async (server) => {
  await server.load(...SINK);
  await using speaker = new Speaker({ server: server.address });
  await using microphone = new Microphone({ server: server.address });
  await within(DEADLINE_MS, Promise.all([speaker.onReady(), microphone.onReady()]), "ready");
  await server.signal("SIGKILL");
  const errors = await within(
    DEADLINE_MS,
    Promise.all([microphone.onError(), speaker.onError()]),
    "the errors",
  );
  for (const error of errors) {
    assert.ok(error instanceof DeviceMissing, String(error));
    assert.match(
      error.message,
      /^Cannot (record from|play to) ".+": the sound server has ended; start it again, or set /,
    );
  }
});

pulseTest(
  "a server that hangs is told, and holds up neither close() nor the end",
  async (server) => {
    await server.load(...SINK);
    const where = { server: server.address, system: "pulse" } as const;
    const devices = [new Speaker(where), new Microphone(where)] as const;
    await within(DEADLINE_MS, Promise.all(devices.map((device) => device.onReady())), "ready");
    await server.signal("SIGSTOP");
    try {
      const [speaker] = devices;
      for (let n = 0; n < 50; n++) speaker.put_nowait(tone(n, { channels: 2 }));
      const begun = performance.now();
      await within(DEADLINE_MS, speaker.close(), "the close");
      const tookMs = performance.now() - begun;
      assert.ok(tookMs < 1000, `${tookMs} ms`);
      await using late = new Microphone(where);
      for (const device of [devices[1], late]) {
        const error = await within(DEADLINE_MS, device.onError(), "the error");
        assert.ok(error instanceof SystemCallError && error.code === "ETIMEDOUT", String(error));
        assert.match(
          error.message,
          /^Cannot (open a microphone|record from ".+"): nothing has moved for 5 s \(ETIMEDOUT\); /,
        );
      }
    } finally {
      await server.signal("SIGCONT");
      for (const device of devices) await device.close();
    }
  },
);

pulseTest("a suspended source is silent, and no failure", async (server) => {
  const number = await server.load(...SINE);
  await using microphone = new Microphone({ server: server.address });
  await within(DEADLINE_MS, microphone.get(), "sound");
  await server.suspend("sine", true);
  await server.suspend("sine", false);
  await within(DEADLINE_MS, microphone.get(), "sound");
  await server.unload(number);
});

pulseTest("a robot needs only --allow-ffi, and ends when it has closed both", async (server) => {
  await server.load(...SINK);
  const source = `
    import { Microphone } from "${new URL("lib/devices/microphone.ts", ROOT)}";
    import { Speaker } from "${new URL("lib/devices/speaker.ts", ROOT)}";
    const microphone = new Microphone({ server: "${server.address}" });
    const speaker = new Speaker({ server: "${server.address}" });
    speaker.putSubscription(microphone);
    await Promise.all([microphone.onReady(), speaker.onReady()]);
    await microphone.subscribe().get();
    await Promise.all([microphone.close(), speaker.close()]);
    console.log("closed");
  `;
  const { code, stdout, stderr } = await within(
    60_000,
    new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-prompt",
        "--no-check",
        "--allow-ffi",
        `data:text/typescript,${encodeURIComponent(source)}`,
      ],
      ...{ cwd: ROOT, env: { NO_COLOR: "1" }, stdin: "null" },
    }).output(),
    "the end of the program",
  );
  const text = new TextDecoder();
  assert.deepEqual([code, text.decode(stdout), text.decode(stderr)], [0, "closed\n", ""]);
});

Deno.test("Microphone says what it looked for when there is no sound at all", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await using microphone = new Microphone({ server: `unix:${folder}/nobody` });
    const error = await within(DEADLINE_MS, microphone.onError(), "the error");
    assert.ok(error instanceof DeviceMissing);
    assert.match(
      error.message,
      /^Cannot open a microphone: (PulseAudio does not answer \(PA_ERR_CONNECTIONREFUSED\)|libpulse is not on this machine); plug one in, or start the sound server$/,
    );
    await assert.rejects(
      Speaker.list({ server: `unix:${folder}/nobody`, system: "pulse" }),
      { name: "DeviceMissing", message: /^Cannot list speakers: .+; start the sound server$/ },
    );
  } finally {
    await Deno.remove(folder);
  }
});
