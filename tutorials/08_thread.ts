// A slow sensor is read in a thread of its own, and neither video nor driving notices.
//
//     deno run --allow-net --allow-ffi tutorials/08_thread.ts [--port 8080]
//
// --allow-net   serves the page at http://localhost:8080 and carries the connections
// --allow-ffi   the video encoder (libvpx) and this machine's network addresses
import { parseArgs } from "node:util";
import { Hono } from "@hono/hono";
import {
  connectRoute,
  getRTCBotJS,
  robotPage,
  RTCConnection,
  ThreadedSubscriptionProducer,
} from "rtcbot";
import { SimulatedRobot } from "rtcbot/testing";

const sensor = new ThreadedSubscriptionProducer<number>((thread) => {
  /** Centimetres; takes half a second, as cheap sensors do. */
  function readSensor(): number {
    const until = performance.now() + 500;
    while (performance.now() < until);
    return 20 + Math.random();
  }
  while (!thread.shouldClose) {
    thread.put(readSensor());
    thread.sleep(500);
  }
});
sensor.onError((error) => console.error("The sensor failed:", error.message));

let heldUpMs = 0;
let last = performance.now();
setInterval(() => {
  const now = performance.now();
  heldUpMs = Math.max(heldUpMs, now - last - 10);
  last = now;
}, 10);
sensor.subscribe((cm) => {
  console.log(`${cm.toFixed(1)} cm; the event loop was held up for ${Math.round(heldUpMs)} ms`);
  heldUpMs = 0;
});

const robot = new SimulatedRobot();
const app = new Hono();
app.get("/", (c) => c.html(robotPage({ title: "A slow sensor" })));
app.get("/rtcbot.js", (c) => c.body(getRTCBotJS(), 200, { "content-type": "text/javascript" }));
app.post(
  "/connect",
  connectRoute(() => {
    const conn = new RTCConnection();
    conn.video.putSubscription(robot.camera);
    conn.control.subscribe(robot.drive);
    sensor.subscribe(conn); // each reading goes to the page as a message
    return conn;
  }),
);
const { values: flags } = parseArgs({ options: { port: { type: "string", default: "8080" } } });
Deno.serve({ port: Number(flags.port) }, app.fetch);
