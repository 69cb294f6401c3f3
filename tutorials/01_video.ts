// What the camera sees, in a window.
//
//     deno run --allow-ffi tutorials/01_video.ts [--fake]
//
// --allow-ffi   the camera, and the window (SDL 2)
import { parseArgs } from "node:util";
import { Display, openCamera } from "rtcbot";
import { FakeCamera } from "rtcbot/testing";

const { values: flags } = parseArgs({ args: Deno.args, options: { fake: { type: "boolean" } } });
const camera = flags.fake ? new FakeCamera() : openCamera({ width: 640, height: 480 });
const display = new Display({ name: "Camera" });

let frames = 0;
camera.subscribe((frame) => {
  if (++frames % 30 === 1) console.log(`frame ${frames}: ${frame.width}x${frame.height}`);
  display.put_nowait(frame);
});

camera.onError((error) => {
  console.error(`${error.message}; add --fake to see a test card`);
  Deno.exit(1);
});
display.onError((error) => {
  console.error(error.message);
  Deno.exit(1);
});
await display; // until you close the window
await camera.close();
