/** The two halves of WHIP and WHEP with each other, with real connections; others' clients: tests/browser. */
import assert from "node:assert/strict";
import { Hono } from "@hono/hono";
import {
  ConnectionLost,
  NegotiationError,
  publishWHIP,
  RemoteProtocolError,
  RTCConnection,
  watchWHEP,
  whepRoute,
  whipRoute,
} from "../../mod.ts";
import { FakeCamera } from "../../lib/testing.ts";
import { testVpx } from "../codecs/libraries.ts";
import { LOCAL, within } from "../connection/pair.ts";

/** A server on a free port; its handler may be anything. */
function listen(handler: (request: Request) => Response | Promise<Response>) {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handler);
  return {
    url: `http://127.0.0.1:${server.addr.port}/live?key=secret`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Whoever offers is closed first, so that its DELETE finds a server. */
async function closed(conn: RTCConnection): Promise<void> {
  await within(5_000, conn, "the end of the session");
}

testVpx("publishWHIP() shows a camera to whipRoute(), and ends the session with it", async () => {
  const servers: RTCConnection[] = [];
  const arrived = Promise.withResolvers<number>();
  const route = whipRoute(() => {
    const conn = new RTCConnection(LOCAL);
    conn.video.subscribe((frame) => arrived.resolve(frame.width));
    servers.push(conn);
    return conn;
  }, { token: "geheim" });
  await using server = listen(new Hono().route("/live", route).fetch);
  await using camera = new FakeCamera({ width: 160, height: 120 });
  await using robot = new RTCConnection({ ...LOCAL, data: false });
  robot.video.putSubscription(camera);
  const { resource } = await publishWHIP(robot, server.url, { token: "geheim" });
  assert.match(resource.pathname, /^\/live\/[0-9a-f-]{36}$/);
  assert.equal(await within(10_000, arrived.promise, "a frame"), 160);
  assert.equal(robot.ready, true);
  robot.close();
  await closed(servers[0]!);
  assert.equal(servers[0]!.error, null);
});

testVpx("watchWHEP() watches the camera of whepRoute()", async () => {
  await using camera = new FakeCamera({ width: 160, height: 120 });
  const servers: RTCConnection[] = [];
  const route = whepRoute(() => {
    const conn = new RTCConnection(LOCAL);
    conn.video.putSubscription(camera);
    servers.push(conn);
    return conn;
  });
  await using server = listen(new Hono().route("/live", route).fetch);
  await using viewer = new RTCConnection({ ...LOCAL, data: false });
  const frames = viewer.video.subscribe();
  await watchWHEP(viewer, server.url);
  assert.equal((await within(10_000, frames.get(), "a frame")).height, 120);
  viewer.close();
  await closed(servers[0]!);
});

Deno.test("publishWHIP() offers no data channel and only sends", async () => {
  let offer = "";
  await using server = listen(async (request) => {
    offer = await request.text();
    return new Response("no", { status: 500 });
  });
  await using camera = new FakeCamera();
  const robot = new RTCConnection({ ...LOCAL, data: false });
  robot.video.putSubscription(camera);
  await assert.rejects(publishWHIP(robot, server.url), RemoteProtocolError);
  assert.doesNotMatch(offer, /m=application|a=sendrecv|a=recvonly/);
  assert.match(offer, /m=video [^]*a=sendonly/);
});

const refusals: [string, () => Response, RegExp][] = [
  ["wants a token", () => new Response("Who?\n", { status: 401 }), /401 \(Who\?\); give the token/],
  ["knows no such path", () => new Response(null, { status: 404 }), /404; check the path/],
  [
    "is full",
    () => new Response("full", { status: 503, headers: { "retry-after": "7" } }),
    /503 \(full\); try again after 7 s/,
  ],
  ["is no WHIP server", () => new Response("hello", { status: 200 }), /says 200 \(hello\)/],
  ["names no session", () => new Response("v=0", { status: 201 }), /no address for the session/],
  [
    "names no session that can be reached",
    () => new Response("v=0", { status: 201, headers: { location: "file:///a" } }),
    /no address for the session/,
  ],
  ["answers without end", () => new Response("v".repeat(70_000), { status: 201 }), /too long/],
];
for (const [what, response, sentence] of refusals) {
  Deno.test(`publishWHIP() says so when the server ${what}, without secrets`, async () => {
    await using server = listen(response);
    const robot = new RTCConnection(LOCAL);
    await assert.rejects(publishWHIP(robot, server.url, { token: "geheim" }), (error: Error) => {
      assert.ok(error instanceof RemoteProtocolError);
      assert.match(error.message, /^Cannot publish to http:\/\/127\.0\.0\.1:\d+\/live: /);
      assert.match(error.message, sentence);
      assert.doesNotMatch(error.message, /geheim|secret/);
      return true;
    });
    assert.equal(robot.closed, true);
  });
}

Deno.test("publishWHIP() ends the session when the answer is of no use", async () => {
  const asked: string[] = [];
  const ended = Promise.withResolvers<void>();
  await using server = listen(({ method, url, headers }) => {
    asked.push(`${method} ${new URL(url).pathname} ${headers.get("authorization")}`);
    if (method === "DELETE") ended.resolve();
    return new Response("nonsense", { status: 201, headers: { location: "/live/1" } });
  });
  const robot = new RTCConnection(LOCAL);
  await assert.rejects(publishWHIP(robot, server.url, { token: "geheim" }), NegotiationError);
  await within(10_000, ended.promise, "the end of the session");
  assert.deepEqual(asked, ["POST /live Bearer geheim", "DELETE /live/1 Bearer geheim"]);
  assert.equal(robot.closed, true);
});

Deno.test("publishWHIP() says so when no server is there, and when it does not answer", async () => {
  let url;
  {
    await using server = listen(() => new Response());
    url = server.url;
  }
  const robot = new RTCConnection(LOCAL);
  await assert.rejects(publishWHIP(robot, url), (error: Error) => {
    assert.ok(error instanceof ConnectionLost);
    assert.match(error.message, /the server cannot be reached; check the address/);
    return true;
  });
  const asked = Promise.withResolvers<void>();
  await using server = listen(() => asked.promise.then(() => new Response()));
  const patient = new RTCConnection(LOCAL);
  await assert.rejects(
    publishWHIP(patient, server.url, { timeoutMs: 50 }),
    /no answer within 0\.05 s/,
  );
  asked.resolve();
  assert.ok(robot.closed && patient.closed);
});
