/** The ports that macOS and Windows use, here with ffmpeg's own sources and with none. */

import assert from "node:assert/strict";
import { FFmpegInput, FFmpegOutput } from "../../lib/devices/sound_ffmpeg.ts";
import { Microphone } from "../../lib/devices/microphone.ts";
import type { SoundPortOptions } from "../../lib/devices/sound_port.ts";
import { systemTime } from "../../lib/devices/sound_port.ts";
import { RtcbotError } from "../../lib/errors.ts";
import type { AudioFrame } from "../../lib/media/audio_frame.ts";
import { within } from "../connection/pair.ts";
import { until } from "../contract/microphone_contract.ts";
import { channel, concat, sineSnr } from "../media/sounds.ts";
import { ffmpegTest } from "./ffmpeg_tools.ts";

const OPTIONS: SoundPortOptions = {
  ...{ device: null, channels: 2, sampleRateHz: 48_000, bufferSamples: 960, server: null },
};
const SINE = ["-re", "-f", "lavfi", "-i", "sine=frequency=1000:sample_rate=44100"];

ffmpegTest("Microphone of ffmpeg gives blocks of its sound", async () => {
  await using microphone = new Microphone({ channels: 2 }, {
    time: systemTime,
    openers: () => [(options) => new FFmpegInput(options, () => SINE)],
  });
  const blocks: AudioFrame[] = [];
  const subscription = microphone.subscribe();
  while (blocks.length < 30) {
    blocks.push(await within(30_000, subscription.get(), "a block of sound"));
  }
  assert.ok(blocks.every(({ shape }) => shape[0] === 1024 && shape[1] === 2));
  const all = concat(blocks.slice(5).map(({ data }) => channel(data, 1, 2)));
  assert.ok(sineSnr(1000, all) > 40, `${sineSnr(1000, all)} dB`);
  assert.equal(microphone.device?.system, "ffmpeg");
});

ffmpegTest("Microphone of ffmpeg fails with ffmpeg's words", async () => {
  await using microphone = new Microphone({}, {
    time: systemTime,
    openers: () => [(options) => new FFmpegInput(options, () => ["-f", "lavfi", "-i", "nonsense"])],
  });
  const error = await within(30_000, microphone.onError(), "the error");
  assert.ok(error instanceof RtcbotError, String(error));
  assert.match(error.message, /^Cannot open a microphone: ffmpeg says ".*nonsense.*"; /);
});

ffmpegTest(
  "FFmpegOutput takes no more than its buffer, and says when ffplay has ended",
  async () => {
    const output = new FFmpegOutput(OPTIONS, ["-hide_banner", "-loglevel", "error", "-no-such"]);
    try {
      assert.equal(output.room, 960);
      output.write(new Float32Array(2 * 480_000)); // ten seconds
      assert.equal(output.room, 0);
      await until(() => {
        try {
          return !output.poll();
        } catch (error) {
          assert.match(
            String(error),
            /Cannot (open a speaker: ffmpeg says|play to "default": ffplay)/,
          );
          return true;
        }
      });
    } finally {
      await output.close();
      await output.close();
    }
  },
);
