// Where the robot is, how fast it goes, and how far it has come.
//
//     deno run --allow-ffi tutorials/04_gps.ts [--fake] [--device /dev/ttyACM0] [--baudrate 9600]
//
// --allow-ffi   the serial port of the receiver
import { parseArgs } from "node:util";
import { GPS, type GPSFix } from "rtcbot";
import { FakeGPS } from "rtcbot/testing";

const { values: flags } = parseArgs({
  args: Deno.args,
  options: {
    fake: { type: "boolean" },
    device: { type: "string", default: "/dev/ttyACM0" },
    baudrate: { type: "string", default: "9600" },
  },
});
const gps = new GPS(flags.fake ? new FakeGPS({ rateHz: 5 }) : flags.device, {
  baudrate: Number(flags.baudrate),
  filter: ({ hdop }) => hdop === null || hdop < 5,
});

gps.onError((error) => {
  console.error(`${error.message}; add --fake to go on without`);
  Deno.exit(1);
});

/** Metres between two places that are near each other. */
function distance(a: GPSFix, b: GPSFix): number {
  const north = (b.latitude - a.latitude) * 111_195;
  const east = (b.longitude - a.longitude) * 111_195 * Math.cos(a.latitude * Math.PI / 180);
  return Math.hypot(north, east);
}

let before: GPSFix | null = null;
let metres = 0;
for await (const fix of gps) {
  if (before) metres += distance(before, fix);
  before = fix;
  const place = `${fix.latitude.toFixed(6)}, ${fix.longitude.toFixed(6)}`;
  const speed = fix.speed === null ? "?" : fix.speed.toFixed(1);
  console.log(`${place}, ${speed} m/s, ${metres.toFixed(0)} m so far (${fix.quality})`);
}
