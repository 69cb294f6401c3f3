// A robot that can be driven although only a relay lies between it and the page.
//
//     deno run --allow-net --allow-ffi tutorials/05_turn.ts [--fake] [--port 8080] [--turn turn:host:3478 --secret S] [--relay]
//
// --allow-net   serves the page at http://localhost:8080, asks the TURN server, carries the connections
// --allow-ffi   the camera, the video encoder (libvpx) and this machine's network addresses
import { parseArgs } from "node:util";
import { Hono } from "@hono/hono";
import {
  connectRoute,
  getRTCBotJS,
  openCamera,
  robotPage,
  RTCConnection,
  turnCredentials,
} from "rtcbot";
import { SimulatedRobot } from "rtcbot/testing";

const { values: flags } = parseArgs({
  args: Deno.args,
  options: {
    fake: { type: "boolean" },
    port: { type: "string", default: "8080" },
    turn: { type: "string", multiple: true, default: [] },
    secret: { type: "string", default: "" },
    relay: { type: "boolean", default: false },
  },
});
const simulated = flags.fake ? new SimulatedRobot() : null;
const camera = simulated?.camera ?? openCamera({ width: 640, height: 480 });
const drive = simulated?.drive ?? { put_nowait: console.log }; // 04_arduino.ts has motors
camera.onError((error) => {
  console.error(`${error.message}; add --fake to drive a simulated robot`);
  Deno.exit(1);
});

/** Made anew for each visitor, since they are good for ten minutes only. */
function iceServers(user: string) {
  if (flags.turn.length === 0) return [{ urls: "stun:stun.l.google.com:19302" }];
  return [turnCredentials({ secret: flags.secret, urls: flags.turn, user, ttlS: 600 })];
}
const iceTransportPolicy: "relay" | "all" = flags.relay ? "relay" : "all";

function welcome(): RTCConnection {
  const rtcConfiguration = { iceServers: iceServers("robot"), iceTransportPolicy } as const;
  const conn = new RTCConnection({ rtcConfiguration });
  conn.video.putSubscription(camera);
  conn.control.subscribe((command) => drive.put_nowait(command));
  const tell = async () => console.log((await conn.describeRoute()).sentences.join("\n"));
  conn.onReady(tell);
  conn.onError(tell);
  return conn;
}

const app = new Hono();
app.get("/", (c) => {
  const rtcConfiguration = { iceServers: iceServers("page"), iceTransportPolicy };
  return c.html(robotPage({ title: "Far away", rtcConfiguration }));
});
app.get("/rtcbot.js", (c) => c.body(getRTCBotJS(), 200, { "content-type": "text/javascript" }));
app.post("/connect", connectRoute(welcome));
Deno.serve({ port: Number(flags.port) }, app.fetch);
