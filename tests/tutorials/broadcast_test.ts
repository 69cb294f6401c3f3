import assert from "node:assert/strict";
import { Hono } from "@hono/hono";
import { RTCConnection, watchWHEP, whipRoute } from "../../mod.ts";
import { testVpx } from "../codecs/libraries.ts";
import { LOCAL, within } from "../connection/pair.ts";
import { start } from "./harness.ts";

testVpx('"07_broadcast.ts" is watched by WHEP, and publishes by WHIP again and again', async () => {
  const seen: (() => void)[] = [];
  const published = [1, 2].map(() => new Promise<void>((resolve) => seen.push(resolve)));
  const conns: RTCConnection[] = [];
  const media = new Hono().route(
    "/live",
    whipRoute(() => {
      const conn = new RTCConnection(LOCAL);
      const done = seen[conns.push(conn) - 1];
      conn.video.subscribe(() => done?.());
      return conn;
    }, { token: "T" }),
  );
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, media.fetch);
  try {
    const url = `http://127.0.0.1:${server.addr.port}/live`;
    await using running = await start("07_broadcast.ts", ["--whip", url, "--token", "T"]);
    await within(30_000, published[0]!, "the first publication");
    conns[0]!.close(); // as when a media server is restarted
    await within(30_000, published[1]!, "the second publication");
    await using viewer = new RTCConnection({ ...LOCAL, data: false });
    const frames = viewer.video.subscribe();
    await watchWHEP(viewer, `${running.address}whep`);
    const { width, height } = await within(20_000, frames.get(), "a frame");
    assert.deepEqual([width, height], [640, 480]);
  } finally {
    for (const conn of conns) conn.close();
    await server.shutdown();
  }
});
