// Every key that goes down or up in the browser, printed on the robot.
//
//     deno run --allow-net --allow-ffi tutorials/04_keyboard.ts [--port 8080]
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
<title>rtcbot: keyboard</title>
<link rel="icon" href="data:,"><script src="/rtcbot.js"></script>
<body style="text-align: center; padding-top: 2rem; font-family: system-ui">
  <h1>Press some keys</h1>
  <p id="hint">Not connected yet</p>
  <script>
    const conn = new rtcbot.RTCConnection();
    const kb = new rtcbot.Keyboard();

    async function connect() {
      const offer = await conn.getLocalDescription();
      const response = await fetch("/connect", { method: "POST", body: JSON.stringify(offer) });
      if (!response.ok) throw new Error(await response.text());
      await conn.setRemoteDescription(await response.json());
      await conn.onReady();
      kb.subscribe(conn.put_nowait);
      document.querySelector("#hint").textContent = "The robot prints them";
    }
    connect().catch((error) => document.querySelector("#hint").textContent = error.message);
  </script>
</body>`;

const app = new Hono();
app.get("/", (c) => c.html(page));
app.get("/rtcbot.js", (c) => c.body(getRTCBotJS(), 200, { "content-type": "text/javascript" }));
app.post(
  "/connect",
  connectRoute(() => {
    const conn = new RTCConnection();
    conn.subscribe((event) => console.log("key press", event));
    return conn;
  }),
);
Deno.serve({ port: Number(flags.port) }, app.fetch);
