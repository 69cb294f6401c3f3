// Hear what the microphone hears. Wear headphones, or it howls.
//
//     deno run --allow-ffi tutorials/01_sound.ts [--fake]
//
// --allow-ffi   the microphone and the speaker (PulseAudio, PipeWire or ALSA)
import { parseArgs } from "node:util";
import { Microphone, Speaker } from "rtcbot";
import { FakeMicrophone, FakeSpeaker } from "rtcbot/testing";

const { values: flags } = parseArgs({
  args: Deno.args,
  options: { fake: { type: "boolean" } },
});
const microphone = flags.fake ? new FakeMicrophone() : new Microphone();
const speaker = flags.fake ? new FakeSpeaker() : new Speaker();

speaker.putSubscription(microphone);

for (const device of [microphone, speaker]) {
  device.onError((error) => {
    console.error(`${error.message}; add --fake to go on without`);
    Deno.exit(1);
  });
}
await Promise.all([microphone.onReady(), speaker.onReady()]);
console.log(`From "${microphone.device?.description}" to "${speaker.device?.description}"`);
setInterval(() => {
  const { latencyMs, underruns } = speaker;
  console.log(`${latencyMs.toFixed()} ms from here to the ear, ${underruns} gaps`);
}, 1000);
