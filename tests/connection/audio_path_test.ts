/** From a microphone's blocks to the frames that the other end gives out, with nothing faked but time. */

import assert from "node:assert/strict";
import { OpusEncoder } from "../../lib/codecs/opus.ts";
import { AudioReceiver } from "../../lib/connection/audio_receiver.ts";
import type { AudioLike } from "../../lib/media/audio_like.ts";
import { SharedAudioSender } from "../../lib/connection/audio_sender.ts";
import { AudioFrame } from "../../lib/media/audio_frame.ts";
import { RebatchSubscription } from "../../lib/subscriptions/mod.ts";
import { testOpus } from "../codecs/opus_library.ts";
import { amplitudeAt, channel, concat, interleave, sine, sineSnr } from "../media/sounds.ts";
import { Camera } from "../subscriptions/helpers.ts";
import { FakeClock } from "./audio_fakes.ts";

/** A microphone with a tone on each channel, for so many seconds, heard at the other end. */
async function listenTo(rateHz: number, samples: number, hz: number[], seconds: number) {
  const clock = new FakeClock();
  const microphone = new Camera<AudioLike>();
  const frames: AudioFrame[] = [];
  const receiver = new AudioReceiver({
    clock,
    onError: (error) => assert.fail(error),
  });
  receiver.onFrame = (frame) => frames.push(frame);
  const sender = new SharedAudioSender(microphone, { application: "audio" }, {
    clock,
    createEncoder: (options) => new OpusEncoder(options),
  });
  let sequence = 65_500;
  const listener = {
    packet: (payload: Uint8Array, timestamp48kHz: number) =>
      receiver.packet(sequence++ & 0xffff, timestamp48kHz, payload, clock.nowMs()),
    failed: (error: Error) => assert.fail(error),
  };
  sender.join(listener);
  for (let first = 0; first < seconds * rateHz; first += samples) {
    await clock.advance(samples * 1000 / rateHz);
    const data = interleave(...hz.map((one) => sine(one, first, samples, rateHz)));
    const timestampUs = first * 1e6 / rateHz;
    microphone.emit(
      new AudioFrame({ data, channels: hz.length, sampleRateHz: rateHz, timestampUs }),
    );
  }
  const stats = receiver.stats!;
  sender.leave(listener);
  receiver.close();
  microphone.close();
  assert.equal(clock.timers, 0);
  return { frames, stats };
}

for (
  const [rateHz, samples, hz] of [
    [48_000, 1024, [440, 1320]],
    [44_100, 1024, [660]],
    [16_000, 320, [500]],
  ] as const
) {
  testOpus(`Sound of ${rateHz} Hz in blocks of ${samples} arrives whole, and soon`, async () => {
    const { frames, stats } = await listenTo(rateHz, samples, [...hz], 8);
    assert(frames.length > 390, `${frames.length} frames in 8 s`);
    assert(frames.every(({ shape }) => shape[0] === 960 && shape[1] === 2));
    assert(stats.concealedSamples <= 3 * 960, `${stats.concealedSamples} samples made up`);
    assert(stats.latencyMs < 70, `${stats.latencyMs} ms`);
    const whole = concat(frames.slice(150).map(({ data }) => data));
    for (const side of [0, 1]) {
      const one = hz[side] ?? hz[0];
      const heard = channel(whole, side, 2);
      for (let i = 0; i + 960 < heard.length; i += 9600) {
        const part = heard.subarray(i, i + 960);
        assert(Math.abs(amplitudeAt(one, part) - 0.25) < 0.04, `${amplitudeAt(one, part)} at ${i}`);
        assert(sineSnr(one, part) > 15, `${sineSnr(one, part)} dB at ${i}`);
      }
    }
  });
}

testOpus("Received sound can be regrouped for a Fourier transform", async () => {
  const { frames } = await listenTo(48_000, 960, [440], 2);
  const rebatched = new RebatchSubscription<AudioFrame>({ samples: 1024 });
  for (const frame of frames) rebatched.put_nowait(frame);
  const first = await rebatched.get();
  assert.deepEqual(first.shape, [1024, 2]);
  assert.equal((await rebatched.get()).timestampUs, first.timestampUs + Math.round(1024e3 / 48));
});
