// Two motors on an Arduino: drive them, hear what they do, and see them stop when nobody drives.
//
//     deno run --allow-ffi tutorials/04_arduino.ts [--fake] [--device /dev/ttyACM0]
//
// --allow-ffi   the serial port
import { parseArgs } from "node:util";
import { SerialConnection } from "rtcbot";
import { FakeArduino } from "rtcbot/testing";

const { values: flags } = parseArgs({
  args: Deno.args,
  options: { fake: { type: "boolean" }, device: { type: "string" } },
});
const fake = flags.fake ? new FakeArduino() : undefined;
const [first] = await SerialConnection.list(fake);

const board = new SerialConnection(flags.device ?? first?.url, {
  packets: true,
  writeFormat: "<hh",
  writeKeys: ["left", "right"],
  readFormat: "<hhI",
  readKeys: ["left", "right", "ms"],
}, fake);

board.onError((error) => {
  console.error(`${error.message}; add --fake to go on without`);
  Deno.exit(1);
});

// What the motors do, when it changes.
let shown = "";
board.subscribe(({ left, right, ms }) => {
  const now = `left ${left} right ${right}`;
  if (now !== shown) console.log(`${now} (the board has run for ${ms} ms)`);
  shown = now;
});

/** Says it again and again: the board stops when it hears nothing for 250 ms. */
async function drive(left: number, right: number, seconds: number): Promise<void> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end;) {
    board.put_nowait({ left, right });
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

await board.get(); // an Arduino starts anew when its port is opened, and speaks when it has
console.log(`Driving ${board.url}`);
await drive(200, 200, 2);
await drive(-100, 100, 1);
await new Promise((resolve) => setTimeout(resolve, 1000)); // silent
await board.close();
fake?.[Symbol.dispose]();
