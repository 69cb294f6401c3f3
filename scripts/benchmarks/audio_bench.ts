/**
 * What 20 ms of sound cost on the event loop. When it was made, least and mean in µs on two busy cores:
 * encode mono 156, 244, stereo 200, 294; decode 41 to 76, 61 to 122; 44.1 to 48 kHz stereo 140, 235;
 * speed 76, 138; jitter buffer 4.
 */

import { OpusDecoder, OpusEncoder } from "../../lib/codecs/opus.ts";
import { AudioJitterBuffer } from "../../lib/media/audio_jitter_buffer.ts";
import { Resampler } from "../../lib/media/resample.ts";

/** A second of something like speech, in frames. */
function frames(channels: number): Float32Array<ArrayBuffer>[] {
  return Array.from(
    { length: 50 },
    (_, n) =>
      Float32Array.from({ length: 960 * channels }, (_, i) => {
        const t = (n * 960 + Math.floor(i / channels)) / 48_000;
        let level = 0;
        for (let h = 1; h < 20; h++) {
          level += Math.exp(-((h * 130 - 600) ** 2) / 2e5) * Math.sin(2 * Math.PI * h * 130 * t);
        }
        return 0.1 * level * Math.max(0.1, Math.sin(6 * Math.PI * t));
      }),
  );
}

for (const channels of [1, 2] as const) {
  const sound = frames(channels);
  for (const complexity of [3, 5, 9]) {
    const encoder = new OpusEncoder({ channels, complexity });
    let n = 0;
    const name = `${channels === 1 ? "mono" : "stereo"}, complexity ${complexity}`;
    Deno.bench(name, { group: "encode" }, () => void encoder.encode(sound[n++ % 50]!));
  }
  const encoder = new OpusEncoder({ channels });
  const packets = sound.map((frame) => encoder.encode(frame));
  const decoder = new OpusDecoder();
  let n = 0;
  const name = channels === 1 ? "mono" : "stereo";
  Deno.bench(name, { group: "decode" }, () => void decoder.decode(packets[n++ % 50]!));
}

for (
  const [name, fromRateHz, fromChannels, taps, speed] of [
    ["44.1 to 48 kHz, mono", 44_100, 1, 48, 1],
    ["44.1 to 48 kHz, stereo", 44_100, 2, 48, 1],
    ["speed, stereo", 48_000, 2, 24, 1.001],
  ] as const
) {
  const resampler = new Resampler({ fromRateHz, toRateHz: 48_000, fromChannels, taps });
  resampler.speed = speed;
  const block = new Float32Array(fromRateHz / 50 * fromChannels).fill(0.1);
  Deno.bench(name, { group: "resample" }, () => void resampler.process(block));
}

const buffer = new AudioJitterBuffer();
const packet = new Uint8Array(80);
let n = 0;
Deno.bench("put and pull", { group: "jitter buffer" }, () => {
  const lateMs = (n * 7919) % 20;
  buffer.put(n & 0xffff, n * 960 % 2 ** 32, n * 20 + lateMs, packet);
  buffer.pull(n * 20 + 20);
  n++;
});
