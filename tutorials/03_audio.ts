// The robot's microphone in a browser.
//
//     deno run --allow-net --allow-ffi tutorials/03_audio.ts [--fake] [--port 8080]
//
// --allow-net   serves the page at http://localhost:8080 and carries the sound
// --allow-ffi   the sound's encoder (libopus) and this machine's network addresses
import { parseArgs } from "node:util";
import { Hono } from "@hono/hono";
import { connectRoute, getRTCBotJS, RTCConnection } from "rtcbot";
import { FakeMicrophone } from "rtcbot/testing";

const { values: flags } = parseArgs({
  args: Deno.args,
  options: { fake: { type: "boolean" }, port: { type: "string", default: "8080" } },
});
if (!flags.fake) {
  console.error(
    "Cannot open a microphone: this version has no drivers for sound cards yet; " +
      "add --fake to hear a tone",
  );
  Deno.exit(1);
}
const microphone = new FakeMicrophone({ frequencyHz: [440, 660] });

const page = `<!doctype html>
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>rtcbot: sound</title>
<link rel="icon" href="data:,"><script src="/rtcbot.js"></script>
<body style="text-align: center; padding-top: 2rem; font-family: system-ui">
  <p><button>Listen</button></p>
  <audio autoplay controls></audio>
  <p id="problem"></p>
  <script>
    async function listen() {
      const conn = new rtcbot.RTCConnection();
      conn.audio.subscribe((stream) => document.querySelector("audio").srcObject = stream);
      const offer = await conn.getLocalDescription();
      const response = await fetch("/connect", { method: "POST", body: JSON.stringify(offer) });
      if (!response.ok) throw new Error(await response.text());
      await conn.setRemoteDescription(await response.json());
    }
    document.querySelector("button").onclick = () =>
      listen().catch((error) => document.querySelector("#problem").textContent = error.message);
  </script>
</body>`;

const app = new Hono();
app.get("/", (c) => c.html(page));
app.get("/rtcbot.js", (c) => c.body(getRTCBotJS(), 200, { "content-type": "text/javascript" }));
app.post(
  "/connect",
  connectRoute(() => {
    const conn = new RTCConnection();
    conn.audio.putSubscription(microphone);
    return conn;
  }),
);
Deno.serve({ port: Number(flags.port) }, app.fetch);
