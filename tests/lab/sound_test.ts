/** Microphone and Speaker on a sound card of the kernel's: snd-aloop, whose two devices hear one another. */

import assert from "node:assert/strict";
import { Microphone } from "../../lib/devices/microphone.ts";
import { Speaker } from "../../lib/devices/speaker.ts";
import { DeviceBusy, DeviceMissing } from "../../lib/errors.ts";
import { tone } from "../../lib/media/tone.ts";
import { amplitudeAt, channel } from "../media/sounds.ts";
import { DEADLINE_MS, lab } from "./lab.ts";

lab("ALSA lists the sound card's devices", async () => {
  for (const list of [await Microphone.list(), await Speaker.list()]) {
    const found = list.find(({ name }) => name === "plughw:CARD=Loopback,DEV=0");
    assert.match(found?.description ?? "", /Loopback/);
    assert.equal(found?.system, "alsa");
  }
});

lab(
  "ALSA plays a sine to a sound card and hears it on another, as floats and as integers",
  async () => {
    for (const [out, back] of [["plughw", "plughw"], ["hw", "hw"]] as const) {
      await using speaker = new Speaker({ device: `${out}:Loopback,0,0`, latencyMs: 1000 });
      await speaker.onReady();
      await using microphone = new Microphone({ device: `${back}:Loopback,1,0`, channels: 2 });
      await microphone.onReady();
      assert.equal(speaker.device?.system, "alsa");
      const samples = 8 * 48_000;
      speaker.put_nowait(tone(0, { frequencyHz: 1000, amplitude: 0.5, channels: 2, samples }));
      const blocks = microphone.subscribe();
      let best = 0;
      let lastUs = 0;
      const end = performance.now() + DEADLINE_MS / 3;
      while (Math.abs(best - 0.5) > 0.01) {
        assert.ok(performance.now() < end, `the loudest was ${best}`);
        const block = await blocks.get();
        assert.ok(block.timestampUs > lastUs);
        lastUs = block.timestampUs;
        assert.deepEqual(block.shape, [1024, 2]);
        best = Math.max(best, amplitudeAt(1000, channel(block.data, 0, 2)));
      }
    }
  },
);

lab("ALSA says that somebody else has the device, or that there is none", async () => {
  await using first = new Speaker({ device: "plughw:Loopback,0,1" });
  await first.onReady();
  await using second = new Speaker({ device: "plughw:Loopback,0,1" });
  const busy = await second.onError();
  assert.ok(busy instanceof DeviceBusy, String(busy));
  assert.match(busy.message, /: somebody else has it \(EBUSY\); close the program that has it$/);
  await using none = new Microphone({ device: "plughw:Nobody", system: "alsa" });
  const missing = await none.onError();
  assert.ok(missing instanceof DeviceMissing, String(missing));
});
