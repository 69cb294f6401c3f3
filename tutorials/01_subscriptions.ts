// What the camera sees, in a window: fetched frame by frame.
//
//     deno run --allow-ffi tutorials/01_subscriptions.ts [--fake]
//
// --allow-ffi   the camera, and the window (SDL 2)
import { parseArgs } from "node:util";
import { Display, openCamera } from "rtcbot";
import { FakeCamera } from "rtcbot/testing";

const { values: flags } = parseArgs({ args: Deno.args, options: { fake: { type: "boolean" } } });
const camera = flags.fake ? new FakeCamera() : openCamera({ width: 640, height: 480 });
const display = new Display({ name: "Fetched" });

for (const device of [camera, display]) {
  device.onError((error) => {
    console.error(`${error.message}; add --fake if there is no camera`);
    Deno.exit(1);
  });
}
display.onClose(() => Deno.exit());

const subscription = camera.subscribe();
for (let i = 0; i < 60; i++) {
  const frame = await subscription.get();
  display.put_nowait(frame);
}
console.log("Sixty frames fetched; from here on the display fetches them by itself");
display.putSubscription(subscription);
