// The browser's camera and microphone on the robot, which says what it sees and hears.
//
//     deno run --allow-net --allow-ffi tutorials/03_browser_to_robot.ts [--port 8080]
//
// --allow-net   serves the page at http://localhost:8080 and carries picture and sound
// --allow-ffi   the decoders (libvpx, libopus) and this machine's network addresses
import { parseArgs } from "node:util";
import { Hono } from "@hono/hono";
import { connectRoute, getRTCBotJS, RTCConnection } from "rtcbot";

const options = { fake: { type: "boolean" }, port: { type: "string", default: "8080" } } as const;
const { values: flags } = parseArgs({ args: Deno.args, options });

const page = `<!doctype html>
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>rtcbot: browser to robot</title>
<link rel="icon" href="data:,"><script src="/rtcbot.js"></script>
<body style="text-align: center; padding-top: 2rem; font-family: system-ui">
  <video autoplay playsinline muted style="max-width: 100%"></video>
  <p id="hint">Allow camera and microphone: the robot says what it gets</p>
  <script>
    async function connect() {
      const stream = await navigator.mediaDevices.getUserMedia({ video: true, audio: true });
      document.querySelector("video").srcObject = stream; // what the robot will see
      const conn = new rtcbot.RTCConnection();
      conn.video.putSubscription(stream);
      conn.audio.putSubscription(stream);
      const offer = await conn.getLocalDescription();
      const response = await fetch("/connect", { method: "POST", body: JSON.stringify(offer) });
      if (!response.ok) throw new Error(await response.text());
      await conn.setRemoteDescription(await response.json());
    }
    connect().catch((error) => document.querySelector("#hint").textContent = error.message);
  </script>
</body>`;

function watchAndListen(): RTCConnection {
  const conn = new RTCConnection();
  let frames = 0, size = "no picture", decibels = -100;
  conn.video.subscribe(({ width, height }) => {
    frames++;
    size = `${width}x${height}`;
  });
  conn.audio.subscribe(({ data }) => { // 960 samples of two channels, from -1 to 1
    decibels = 10 * Math.log10(1e-10 + data.reduce((sum, x) => sum + x * x, 0) / data.length);
  });
  const timer = setInterval(() => {
    console.log(`${size}, ${frames} frames a second, loudness ${decibels.toFixed(0)} dB`);
    frames = 0;
  }, 1000);
  conn.onClose(() => clearInterval(timer));
  return conn;
}

const app = new Hono();
app.get("/", (c) => c.html(page));
app.get("/rtcbot.js", (c) => c.body(getRTCBotJS(), 200, { "content-type": "text/javascript" }));
app.post("/connect", connectRoute(watchAndListen));
Deno.serve({ port: Number(flags.port) }, app.fetch);
