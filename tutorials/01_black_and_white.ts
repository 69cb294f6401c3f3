// What the camera sees, in black and white.
//
//     deno run --allow-ffi tutorials/01_black_and_white.ts [--fake]
//
// --allow-ffi   the camera, and the window (SDL 2)
import { parseArgs } from "node:util";
import { Display, openCamera } from "rtcbot";
import { FakeCamera } from "rtcbot/testing";

const { values: flags } = parseArgs({ args: Deno.args, options: { fake: { type: "boolean" } } });
const camera = flags.fake ? new FakeCamera() : openCamera({ width: 640, height: 480 });
const display = new Display({ name: "Black and white" });

camera.subscribe((frame) => {
  const { data, shape: [height, width] } = frame.toBGR();
  const grey = new Uint8Array(height * width);
  for (let i = 0; i < grey.length; i++) {
    const [blue, green, red] = [data[3 * i]!, data[3 * i + 1]!, data[3 * i + 2]!];
    grey[i] = 0.114 * blue + 0.587 * green + 0.299 * red;
  }
  display.put_nowait({ data: grey, shape: [height, width, 1] });
});

for (const device of [camera, display]) {
  device.onError((error) => {
    console.error(`${error.message}; add --fake if there is no camera`);
    Deno.exit(1);
  });
}
await display; // until you close the window
await camera.close();
