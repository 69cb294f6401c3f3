import { FakeMicrophone } from "../../lib/testing/fake_microphone.ts";
import { FakeSpeaker } from "../../lib/testing/fake_speaker.ts";
import { microphoneContract } from "../contract/microphone_contract.ts";
import { speakerContract } from "../contract/speaker_contract.ts";
import { channel, concat } from "../media/sounds.ts";

/** One device after the other, and a plug that outlives them. */
function plugOf<T extends { plug(): void; unplug(): void }>(create: (plugged: boolean) => T) {
  const made: T[] = [];
  let plugged = true;
  const move = (now: boolean) => {
    plugged = now;
    for (const device of made) now ? device.plug() : device.unplug();
    return Promise.resolve();
  };
  return {
    made,
    make: (): T => {
      const device = create(plugged);
      made.push(device);
      return device;
    },
    plug: () => move(true),
    unplug: () => move(false),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

microphoneContract("FakeMicrophone", () => {
  let options = {};
  const plug = plugOf((plugged) => new FakeMicrophone({ ...options, plugged }));
  return Promise.resolve({
    ...plug,
    make(chosen = {}) {
      options = chosen;
      return plug.make();
    },
  });
});

speakerContract("FakeSpeaker", () => {
  let options = {};
  const plug = plugOf((plugged) => new FakeSpeaker({ ...options, plugged }));
  return Promise.resolve({
    ...plug,
    make(chosen = {}) {
      options = chosen;
      return plug.make();
    },
    heard: () =>
      concat(
        plug.made.flatMap(({ heard }) => heard.map((each) => channel(each.data, 0, each.channels))),
      ),
  });
});
