// The robot's microphone in a browser, and the visitor's at the robot's speaker.
//
//     deno run --allow-net --allow-ffi tutorials/03_audio.ts [--fake] [--port 8080]
//
// --allow-net   serves the page at http://localhost:8080 and carries the sound
// --allow-ffi   the sound card, the sound's encoder (libopus) and this machine's network addresses
import { parseArgs } from "node:util";
import { Hono } from "@hono/hono";
import { connectRoute, getRTCBotJS, Microphone, RTCConnection, Speaker } from "rtcbot";
import { FakeMicrophone, FakeSpeaker } from "rtcbot/testing";

const { values: flags } = parseArgs({
  args: Deno.args,
  options: { fake: { type: "boolean" }, port: { type: "string", default: "8080" } },
});
const microphone = flags.fake ? new FakeMicrophone({ frequencyHz: [440, 660] }) : new Microphone();
const speaker = flags.fake ? new FakeSpeaker() : new Speaker();
const fail = (error: Error) => {
  console.error(`${error.message}; add --fake to try without`);
  Deno.exit(1);
};
microphone.onError(fail);
speaker.onError(fail);

const page = `<!doctype html>
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>rtcbot: sound</title><link rel="icon" href="data:,"><script src="/rtcbot.js"></script>
<body style="text-align: center; padding-top: 2rem; font-family: system-ui">
  <p><button>Listen</button> <label><input type="checkbox"> and talk</label></p>
  <audio autoplay controls></audio><p id="problem"></p>
  <script>
    const find = (name) => document.querySelector(name);
    async function listen() {
      const conn = new rtcbot.RTCConnection();
      conn.audio.subscribe((stream) => find("audio").srcObject = stream);
      if (find("input").checked) {
        conn.audio.putSubscription(await navigator.mediaDevices.getUserMedia({ audio: true }));
      }
      const offer = await conn.getLocalDescription();
      const response = await fetch("/connect", { method: "POST", body: JSON.stringify(offer) });
      if (!response.ok) throw new Error(await response.text());
      await conn.setRemoteDescription(await response.json());
    }
    find("button").onclick = () =>
      listen().catch((error) => find("#problem").textContent = error.message);
  </script>
</body>`;

const app = new Hono();
app.get("/", (c) => c.html(page));
app.get("/rtcbot.js", (c) => c.body(getRTCBotJS(), 200, { "content-type": "text/javascript" }));
const connect = connectRoute(() => {
  const conn = new RTCConnection();
  conn.audio.putSubscription(microphone);
  speaker.putSubscription(conn.audio.subscribe());
  return conn;
});
app.post("/connect", connect);
Deno.serve({ port: Number(flags.port) }, app.fetch);
