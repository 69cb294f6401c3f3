// Many viewers of one camera, one driver at a time, and everybody may come again.
//
//     deno run --allow-net --allow-ffi tutorials/07_many.ts [--fake] [--port 8080]
//
// --allow-net   serves the page at http://localhost:8080 and carries the connections
// --allow-ffi   the camera, the video encoder (libvpx) and this machine's network addresses
import { parseArgs } from "node:util";
import { Hono } from "@hono/hono";
import { connectRoute, getRTCBotJS, openCamera, robotPage, RTCConnection } from "rtcbot";
import { SimulatedRobot } from "rtcbot/testing";

const { values: flags } = parseArgs({
  args: Deno.args,
  options: { fake: { type: "boolean" }, port: { type: "string", default: "8080" } },
});
const simulated = flags.fake ? new SimulatedRobot() : null;
const camera = simulated?.camera ?? openCamera({ width: 640, height: 480 });
camera.onError((error) => {
  console.error(`${error.message}; add --fake to watch a simulated robot's`);
  Deno.exit(1);
});
const drive = simulated?.drive ?? { put_nowait: console.log }; // 04_arduino.ts has motors
const viewers = new Set<RTCConnection>();

/** Whoever came first and is still here drives; the others watch. */
function driver(): RTCConnection | undefined {
  return viewers.values().next().value;
}

function welcome(): RTCConnection {
  const conn = new RTCConnection();
  conn.video.putSubscription(camera); // encoded once, however many watch
  conn.control.subscribe((command) => {
    if (conn === driver()) drive.put_nowait(command);
  });
  conn.onReady(() => {
    viewers.add(conn);
    console.log(`one came, ${viewers.size} here`);
  });
  conn.onClose(() => {
    if (viewers.delete(conn)) console.log(`one left, ${viewers.size} here`);
  });
  return conn;
}

const app = new Hono();
app.get("/", (c) => c.html(robotPage({ title: "Many viewers" })));
app.get("/rtcbot.js", (c) => c.body(getRTCBotJS(), 200, { "content-type": "text/javascript" }));
app.post("/connect", connectRoute(welcome, { maxConnections: 20 }));
Deno.serve({ port: Number(flags.port) }, app.fetch);
