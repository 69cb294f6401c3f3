// A gamepad that is connected to the robot's own computer drives it, without any network.
//
//     deno run --allow-ffi tutorials/04_gamepad.ts [--fake]
//
// --allow-ffi   the gamepad, as the kernel tells of it
import { parseArgs } from "node:util";
import { Gamepad } from "rtcbot";
import { FakeGamepad, SimulatedRobot } from "rtcbot/testing";

const { values: flags } = parseArgs({ args: Deno.args, options: { fake: { type: "boolean" } } });
const gamepad = flags.fake ? new FakeGamepad() : new Gamepad();
const robot = new SimulatedRobot();

gamepad.onReady(() => console.log(`drive with the left stick of ${gamepad.device?.name}`));
gamepad.onError((error) => {
  console.error(`${error.message}\nWithout a gamepad: add --fake`);
  Deno.exit(1);
});
gamepad.subscribe((event) => console.log(event));

gamepad.subscribe(({ code, state }) => {
  if (code === "BTN_SOUTH" && state === 1) gamepad.rumble({ strong: 1, durationMs: 300 });
});

// The robot stops when it hears nothing for half a second, so it is told twenty times a second.
setInterval(() => {
  const { ABS_X = 0, ABS_Y = 0 } = gamepad.state;
  robot.drive.put_nowait({ forward: -ABS_Y, leftright: ABS_X });
}, 50);

let told = "";
robot.poses.subscribe(({ x, y }) => {
  const place = `the robot is at ${x.toFixed(1)}, ${y.toFixed(1)}`;
  if (place !== told) console.log(told = place);
});

if (gamepad instanceof FakeGamepad) {
  gamepad.onReady(() => {
    gamepad.press("BTN_SOUTH");
    gamepad.move({ ABS_Y: -1 });
  });
}
