// One camera in two windows; Q closes both.
//
//     deno run --allow-ffi tutorials/01_two_windows.ts [--fake]
//
// --allow-ffi   the camera, and the windows (SDL 2)
import { parseArgs } from "node:util";
import { Display, openCamera } from "rtcbot";
import { FakeCamera } from "rtcbot/testing";

const { values: flags } = parseArgs({ args: Deno.args, options: { fake: { type: "boolean" } } });
const camera = flags.fake ? new FakeCamera() : openCamera({ width: 640, height: 480 });
const large = new Display({ name: "Large" });
const small = new Display({ name: "Small", width: 320, height: 240 });

large.putSubscription(camera);
small.putSubscription(camera.subscribe());

for (const device of [camera, large, small]) {
  device.onError((error) => {
    console.error(`${error.message}; add --fake if there is no camera`);
    Deno.exit(1);
  });
}
for (const display of [large, small]) {
  display.onClose(() => console.log("A window was closed"));
  display.keys.subscribe(({ type, key }) => {
    if (type !== "keydown" || key !== "q") return;
    large.close();
    small.close();
  });
}
await Promise.all([large, small]);
await camera.close();
