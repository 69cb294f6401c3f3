// The robot's camera in a browser.
//
//     deno run --allow-net --allow-ffi tutorials/03_video.ts [--fake] [--port 8080]
//
// --allow-net   serves the page at http://localhost:8080 and carries the video
// --allow-ffi   the camera, the video encoder (libvpx) and this machine's network addresses
import { parseArgs } from "node:util";
import { Hono } from "@hono/hono";
import { connectRoute, getRTCBotJS, openCamera, RTCConnection } from "rtcbot";
import { SimulatedRobot } from "rtcbot/testing";

const { values: flags } = parseArgs({
  args: Deno.args,
  options: { fake: { type: "boolean" }, port: { type: "string", default: "8080" } },
});
const camera = flags.fake ? new SimulatedRobot().camera : openCamera({ width: 640, height: 480 });
camera.onError((error) => {
  console.error(`${error.message}; add --fake to see a simulated robot's`);
  Deno.exit(1);
});

const page = `<!doctype html>
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>rtcbot: video</title>
<link rel="icon" href="data:,"><script src="/rtcbot.js"></script>
<body style="text-align: center; padding-top: 2rem; font-family: system-ui">
  <video autoplay playsinline muted controls style="max-width: 100%"></video>
  <p id="problem"></p>
  <script>
    const conn = new rtcbot.RTCConnection();
    conn.video.subscribe((stream) => document.querySelector("video").srcObject = stream);

    async function connect() {
      const offer = await conn.getLocalDescription();
      const response = await fetch("/connect", { method: "POST", body: JSON.stringify(offer) });
      if (!response.ok) throw new Error(await response.text());
      await conn.setRemoteDescription(await response.json());
    }
    connect().catch((error) => document.querySelector("#problem").textContent = error.message);
  </script>
</body>`;

const app = new Hono();
app.get("/", (c) => c.html(page));
app.get("/rtcbot.js", (c) => c.body(getRTCBotJS(), 200, { "content-type": "text/javascript" }));
app.post(
  "/connect",
  connectRoute(() => {
    const conn = new RTCConnection();
    conn.video.putSubscription(camera);
    return conn;
  }),
);
Deno.serve({ port: Number(flags.port) }, app.fetch);
