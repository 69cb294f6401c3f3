// Hear what the microphone hears, five times as loud. Wear headphones, or it howls.
//
//     deno run --allow-ffi tutorials/01_louder.ts [--fake]
//
// --allow-ffi   the microphone and the speaker (PulseAudio, PipeWire or ALSA)
import { parseArgs } from "node:util";
import { Microphone, Speaker } from "rtcbot";
import { FakeMicrophone, FakeSpeaker } from "rtcbot/testing";

const { values: flags } = parseArgs({
  args: Deno.args,
  options: { fake: { type: "boolean" } },
});
const microphone = flags.fake ? new FakeMicrophone({ amplitude: 0.1 }) : new Microphone();
const speaker = flags.fake ? new FakeSpeaker() : new Speaker();

let peak = 0;
microphone.subscribe(({ data, shape }) => {
  const louder = data.map((level) => Math.max(-1, Math.min(1, 5 * level)));
  peak = louder.reduce((most, level) => Math.max(most, Math.abs(level)), 0);
  if (speaker.ready) speaker.put_nowait({ data: louder, shape });
});

for (const device of [microphone, speaker]) {
  device.onError((error) => {
    console.error(`${error.message}; add --fake to go on without`);
    Deno.exit(1);
  });
}
setInterval(() => console.log(`loudest sample: ${peak.toFixed(2)}`), 1000);
