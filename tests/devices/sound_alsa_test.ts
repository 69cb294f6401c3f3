/**
 * Microphone and Speaker through libasound, whose default device is here its plugin for PulseAudio. In a
 * process of its own, because libasound reads its configuration from the environment once.
 */

import assert from "node:assert/strict";
import { Speaker } from "../../lib/devices/speaker.ts";
import { DeviceMissing } from "../../lib/errors.ts";
import { within } from "../connection/pair.ts";
import { HAS_PULSE, SINK, startPulse } from "./sound_server.ts";

const ROOT = new URL("../../", import.meta.url);
const PLUGIN = await hasPlugin();
const title = (name: string) =>
  HAS_PULSE && PLUGIN
    ? name
    : `${name} (install ALSA and PulseAudio: sudo apt install libasound2-plugins pulseaudio)`;

async function hasPlugin(): Promise<boolean> {
  for (const arch of ["x86_64-linux-gnu", "aarch64-linux-gnu"]) {
    try {
      await Deno.stat(`/usr/lib/${arch}/alsa-lib/libasound_module_pcm_pulse.so`);
      return true;
    } catch {
      // the other
    }
  }
  return false;
}

const PROGRAM = `
  import { Microphone } from "<root>lib/devices/microphone.ts";
  import { Speaker } from "<root>lib/devices/speaker.ts";
  import { tone } from "<root>lib/media/tone.ts";
  import { amplitudeAt, channel } from "<root>tests/media/sounds.ts";
  const speaker = new Speaker(); // PulseAudio is tried first
  const microphone = new Microphone({ system: "alsa", channels: 2 });
  await Promise.all([speaker.onReady(), microphone.onReady()]);
  const [list] = await Speaker.list({ system: "alsa" });
  let n = 0;
  const timer = setInterval(() => speaker.put_nowait(tone(n++, { frequencyHz: 1000, channels: 2 })), 20);
  let best = 0;
  for await (const block of microphone) {
    best = amplitudeAt(1000, channel(block.data, 0, 2));
    if (Math.abs(best - 0.25) < 0.01) break;
  }
  clearInterval(timer);
  await speaker.drained();
  const { system } = speaker.device;
  await Promise.all([microphone.close(), speaker.close()]);
  console.log(JSON.stringify({ list, system }));
`;

Deno.test({
  name: title("ALSA plays a sine and hears it, when there is no sound server to speak to"),
  ignore: !HAS_PULSE || !PLUGIN,
  async fn() {
    await using server = await startPulse();
    await server.load(...SINK);
    const config = await Deno.makeTempFile();
    await Deno.writeTextFile(
      config,
      `pcm.!default { type pulse server "${server.address}" hint { show on description "A robot" } }\n`,
    );
    const source = PROGRAM.replaceAll("<root>", ROOT.href);
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--no-prompt", "--no-check", "--allow-ffi"],
        `data:text/typescript,${encodeURIComponent(source)}`,
      ],
      ...{
        cwd: ROOT,
        env: { NO_COLOR: "1", ALSA_CONFIG_PATH: config, PULSE_SERVER: "unix:/nowhere" },
        stdin: "null",
      },
      ...{ stdout: "piped", stderr: "piped" },
    }).spawn();
    try {
      const { code, stdout, stderr } = await within(60_000, child.output(), "the program's end");
      const text = new TextDecoder();
      assert.deepEqual([code, text.decode(stderr)], [0, ""]);
      assert.deepEqual(JSON.parse(text.decode(stdout)), {
        list: {
          ...{ index: 0, name: "default", description: "A robot", channels: null },
          ...{ default: true, monitor: false, system: "alsa" },
        },
        system: "alsa",
      });
    } catch (error) {
      try {
        child.kill("SIGKILL");
      } catch {
        // it has ended
      }
      await child.status;
      throw error;
    } finally {
      await Deno.remove(config);
    }
  },
});

Deno.test({
  name: title("Speaker of ALSA says which device is not there"),
  ignore: !HAS_PULSE || !PLUGIN,
  async fn() {
    for (const [device, said] of [["hw:7", "(ENODEV|ENOENT)"], ["nonsense", "ENOENT"]] as const) {
      await using speaker = new Speaker({ system: "alsa", device });
      const error = await within(20_000, speaker.onError(), "the error");
      assert.ok(error instanceof DeviceMissing, String(error));
      assert.match(
        error.message,
        new RegExp(
          `^Cannot open speaker "${device}": ALSA has none of that name \\(${said}\\); ` +
            "Speaker.list\\(\\) tells what there is$",
        ),
      );
    }
  },
});
