// A robot that does not think: it sends its picture to a computer that does, and obeys.
//
//     deno run --allow-net --allow-ffi tutorials/06_robot.ts [--fake] [--listen 8080]
//
// --allow-net   listens for the computer's offer at http://localhost:8080/connect, and carries the connection
// --allow-ffi   the camera, the video encoder (libvpx) and this machine's network addresses
import { parseArgs } from "node:util";
import { Hono } from "@hono/hono";
import { connectRoute, openCamera, RTCConnection } from "rtcbot";
import { SimulatedRobot } from "rtcbot/testing";

const { values: flags } = parseArgs({
  args: Deno.args,
  options: { fake: { type: "boolean" }, listen: { type: "string", default: "8080" } },
});
const simulated = flags.fake ? new SimulatedRobot() : null;
const camera = simulated?.camera ?? openCamera({ width: 640, height: 480 });
camera.onError((error) => {
  console.error(`${error.message}; add --fake for a simulated robot`);
  Deno.exit(1);
});

function obey(): RTCConnection {
  const conn = new RTCConnection();
  conn.video.putSubscription(camera);
  conn.control.subscribe((command) => console.log(command)); // { forward: 0.5, leftright: -0.2 }
  if (simulated) conn.control.subscribe(simulated.drive); // 04_arduino.ts has motors
  return conn;
}

const app = new Hono();
app.post("/connect", connectRoute(obey, { maxConnections: 1 }));
Deno.serve({ port: Number(flags.listen) }, app.fetch);
