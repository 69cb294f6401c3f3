// A mouse measures how far it was moved, as the robot's odometer, and stops it with a click.
//
//     deno run --allow-ffi tutorials/04_mouse.ts [--fake]
//
// --allow-ffi   the mouse, as the kernel tells of it
import { parseArgs } from "node:util";
import { Mouse } from "rtcbot";
import { FakeMouse } from "rtcbot/testing";

const { values: flags } = parseArgs({ args: Deno.args, options: { fake: { type: "boolean" } } });
const mouse = flags.fake ? new FakeMouse() : new Mouse();

mouse.onReady(() => console.log(`move ${mouse.device?.name}, and click to end`));
mouse.onError((error) => {
  console.error(`${error.message}\nWithout a mouse: add --fake`);
  Deno.exit(1);
});

if (mouse instanceof FakeMouse) {
  mouse.onReady(() => {
    for (let i = 0; i < 10; i++) mouse.move(12, -3);
    mouse.press("BTN_LEFT");
  });
}

const moved = { REL_X: 0, REL_Y: 0 };
for await (const { code, state } of mouse) {
  if (code === "REL_X" || code === "REL_Y") {
    moved[code] += state;
    console.log(`${moved.REL_X} to the right, ${-moved.REL_Y} up`);
  }
  if (code === "BTN_LEFT") break;
}
await mouse.close();
