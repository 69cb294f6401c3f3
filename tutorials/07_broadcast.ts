// One robot, any player: OBS, VLC's kin and media servers watch by WHEP, or are sent the picture by WHIP.
//
//     deno run --allow-net --allow-ffi tutorials/07_broadcast.ts [--fake] [--port 8080] [--whip URL] [--token T]
//
// --allow-net   serves http://localhost:8080, carries the connections, and publishes to the server at URL
// --allow-ffi   the camera, the video encoder (libvpx) and this machine's network addresses
import { parseArgs } from "node:util";
import { Hono } from "@hono/hono";
import {
  connectRoute,
  getRTCBotJS,
  openCamera,
  publishWHIP,
  robotPage,
  RTCConnection,
  whepRoute,
} from "rtcbot";
import { SimulatedRobot } from "rtcbot/testing";

const { values: flags } = parseArgs({
  args: Deno.args,
  options: {
    fake: { type: "boolean" },
    port: { type: "string", default: "8080" },
    whip: { type: "string" },
    token: { type: "string", default: "" },
  },
});
const camera = flags.fake ? new SimulatedRobot().camera : openCamera({ width: 640, height: 480 });
camera.onError((error) => {
  console.error(`${error.message}; add --fake to show a simulated robot's`);
  Deno.exit(1);
});

function shown(data = false): RTCConnection {
  const conn = new RTCConnection({ data }); // players know pictures and sound only
  conn.video.putSubscription(camera); // encoded once, for players and servers together
  return conn;
}

async function publish(url: string): Promise<void> {
  for (;; await new Promise((resolve) => setTimeout(resolve, 3_000))) {
    const conn = shown();
    try {
      await publishWHIP(conn, url, { token: flags.token });
      console.log("published");
      await conn; // until it ends: the server was restarted, or the network is gone
    } catch (error) {
      console.error((error as Error).message);
    }
  }
}

const app = new Hono();
app.route("/whep", whepRoute(() => shown(), { origins: "*", maxConnections: 20 }));
app.post("/connect", connectRoute(() => shown(true)));
app.get("/", (c) => c.html(robotPage({ title: "Broadcast" })));
app.get("/rtcbot.js", (c) => c.body(getRTCBotJS(), 200, { "content-type": "text/javascript" }));
Deno.serve({ port: Number(flags.port) }, app.fetch);
if (flags.whip) publish(flags.whip);
