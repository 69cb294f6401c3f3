/**
 * The demo: a simulated robot that is driven in the browser.
 *
 *     deno run --allow-net --allow-ffi --allow-env=PORT,HOST scripts/demo.ts
 *
 * PORT is where it listens (8080). HOST is for whom: by default this machine only; `HOST=0.0.0.0` lets
 * every phone in the network drive.
 */
import { Hono } from "@hono/hono";
import { connectRoute, getRTCBotJS, robotPage, RTCConnection } from "rtcbot";
import { SimulatedRobot } from "rtcbot/testing";

const port = Number(Deno.env.get("PORT") ?? 8080);
const hostname = Deno.env.get("HOST") ?? "localhost";
if (!Number.isInteger(port) || port < 0 || port > 65535) {
  console.error(`Cannot listen: PORT is "${Deno.env.get("PORT")}"; give a number up to 65535`);
  Deno.exit(2);
}

const robot = new SimulatedRobot();
const viewers = new Set<RTCConnection>();

function welcome(): RTCConnection {
  const conn = new RTCConnection({ rtcConfiguration: { iceServers: [] } });
  conn.video.putSubscription(robot.camera);
  conn.control.subscribe(robot.drive);
  conn.onReady(() => {
    viewers.add(conn);
    console.log(`A viewer came, ${viewers.size} here`);
    // A sink, so that it is unsubscribed by itself when the connection has closed.
    robot.poses.subscribe({ put_nowait: (pose) => conn.put_nowait({ pose }) });
  });
  conn.onError((error) => console.log(error.message));
  conn.onClose(() => {
    if (viewers.delete(conn)) console.log(`A viewer left, ${viewers.size} here`);
  });
  return conn;
}

RTCConnection.warmUp();
const app = new Hono();
app.get(
  "/",
  (c) => c.html(robotPage({ title: "Robot", rtcConfiguration: { iceServers: [] } })),
);
app.get("/rtcbot.js", (c) => c.body(getRTCBotJS(), 200, { "content-type": "text/javascript" }));
app.post("/connect", connectRoute(welcome));

try {
  Deno.serve({
    port,
    hostname,
    onListen: (address) => {
      console.log(`\n  Drive the robot:  http://localhost:${address.port}\n`);
      if (hostname === "localhost") {
        console.log("  From a phone in this network: start it with HOST=0.0.0.0\n");
      }
    },
  }, app.fetch);
} catch (error) {
  if (!(error instanceof Deno.errors.AddrInUse)) throw error;
  console.error(`Cannot listen on port ${port}: it is taken; choose another, PORT=${port + 1}`);
  Deno.exit(1);
}
