import { Microphone } from "../../lib/devices/microphone.ts";
import { microphoneContract } from "../contract/microphone_contract.ts";
import { HAS_PULSE, pulseTitle, SINE, startPulse } from "./sound_server.ts";

microphoneContract(pulseTitle("Microphone of PulseAudio"), async () => {
  const server = await startPulse();
  let number = await server.load(...SINE);
  return {
    make: (options) =>
      new Microphone({ ...options, device: "sine", server: server.address, system: "pulse" }),
    unplug: () => server.unload(number),
    async plug() {
      number = await server.load(...SINE);
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}, !HAS_PULSE);
