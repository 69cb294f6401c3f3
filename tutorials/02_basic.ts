// A browser and this program talk to each other over WebRTC.
//
//     deno run --allow-net --allow-ffi tutorials/02_basic.ts [--port 8080]
//
// --allow-net   serves the page at http://localhost:8080 and carries the connection
// --allow-ffi   the C library: this machine's network addresses, and quick packets
import { parseArgs } from "node:util";
import { Hono } from "@hono/hono";
import { connectRoute, getRTCBotJS, RTCConnection } from "rtcbot";

const { values: flags } = parseArgs({
  args: Deno.args,
  options: { port: { type: "string", default: "8080" } },
});

const page = `<!doctype html>
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>rtcbot: messages</title>
<link rel="icon" href="data:,"><script src="/rtcbot.js"></script>
<body style="text-align: center; padding-top: 2rem; font-family: system-ui">
  <h1>Click the button</h1>
  <button id="ping">Ping</button>
  <p id="answer">Not connected yet</p>
  <script>
    const answer = document.querySelector("#answer");
    const conn = new rtcbot.RTCConnection();
    conn.subscribe((message) => answer.textContent = "The robot says " + message.data);

    async function connect() {
      const offer = await conn.getLocalDescription();
      const response = await fetch("/connect", { method: "POST", body: JSON.stringify(offer) });
      if (!response.ok) throw new Error(await response.text());
      await conn.setRemoteDescription(await response.json());
      await conn.onReady();
      answer.textContent = "Ready";
    }
    connect().catch((error) => answer.textContent = error.message);
    document.querySelector("#ping").onclick = () => conn.put_nowait({ data: "ping" });
  </script>
</body>`;

const app = new Hono();
app.get("/", (c) => c.html(page));
app.get("/rtcbot.js", (c) => c.body(getRTCBotJS(), 200, { "content-type": "text/javascript" }));
app.post(
  "/connect",
  connectRoute(() => {
    const conn = new RTCConnection();
    conn.subscribe((message) => {
      console.log("Got message:", message);
      conn.put_nowait({ data: "pong" });
    });
    return conn;
  }),
);
Deno.serve({ port: Number(flags.port) }, app.fetch);
