import { Microphone } from "../../lib/devices/microphone.ts";
import { Speaker } from "../../lib/devices/speaker.ts";
import { speakerContract } from "../contract/speaker_contract.ts";
import { channel, concat } from "../media/sounds.ts";
import { HAS_PULSE, pulseTitle, SINK, startPulse } from "./sound_server.ts";

speakerContract(pulseTitle("Speaker of PulseAudio"), async () => {
  const server = await startPulse();
  const pulse = { server: server.address, system: "pulse" } as const;
  let number = await server.load(...SINK);
  const sounds: Float32Array[] = [];
  const ear = new Microphone({ ...pulse, device: "out.monitor", samples: 480, reopen: true });
  ear.subscribe(({ data, channels }) => void sounds.push(channel(data, 0, channels)));
  await ear.onReady();
  return {
    make: (options) => new Speaker({ ...options, ...pulse, device: "out" }),
    heard: () => concat(sounds),
    unplug: () => server.unload(number),
    async plug() {
      number = await server.load(...SINK);
    },
    async [Symbol.asyncDispose]() {
      await ear.close();
      await server[Symbol.asyncDispose]();
    },
  };
}, !HAS_PULSE);
