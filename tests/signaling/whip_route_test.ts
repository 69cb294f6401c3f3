import assert from "node:assert/strict";
import { Hono } from "@hono/hono";
import { NegotiationError } from "../../lib/errors.ts";
import type { Connectable } from "../../lib/signaling/offer_answerer.ts";
import { whepRoute, whipRoute, type WhipRouteOptions } from "../../lib/signaling/whip_route.ts";
import { MAX_SDP_LENGTH } from "../../lib/wire/description.ts";

const ANSWER = "v=0\r\ns=answer\r\n";

class FakeConnection implements Connectable {
  offer: unknown;
  ready = true;
  closes = 0;
  #listeners: (() => void)[] = [];

  getLocalDescription(offer: unknown): Promise<unknown> {
    this.offer = offer;
    const { sdp } = offer as { sdp: string };
    if (sdp === "bad") return Promise.reject(new NegotiationError("Cannot read the offer: bad"));
    return Promise.resolve({ type: "answer", sdp: ANSWER });
  }
  onClose(listener: () => void): void {
    this.#listeners.push(listener);
  }
  close(): void {
    this.closes++;
    for (const listener of this.#listeners.splice(0)) listener();
  }
}

function serve(options: WhipRouteOptions = {}) {
  const made: FakeConnection[] = [];
  const app = new Hono();
  const connect = () => {
    made.push(new FakeConnection());
    return made.at(-1)!;
  };
  app.route("/whip", whipRoute(connect, options));
  const post = (body: BodyInit = "v=0", headers: Record<string, string> = {}) =>
    app.request("/whip", {
      method: "POST",
      body,
      headers: { "content-type": "application/sdp", ...headers },
    });
  return { app, made, post };
}

/** The path of a new session, as a client makes it of `Location`. */
const sessionOf = (response: Response) =>
  new URL(response.headers.get("location")!, "http://robot/whip").pathname;

Deno.test("whipRoute() answers an offer with 201, its type, and the address of the session", async () => {
  const { made, post } = serve();
  const response = await post("v=0\r\n", { "content-type": "Application/SDP; charset=utf-8" });
  assert.equal(response.status, 201);
  assert.equal(response.headers.get("content-type"), "application/sdp");
  assert.match(sessionOf(response), /^\/whip\/[0-9a-f-]{36}$/);
  assert.match(response.headers.get("etag")!, /^"[0-9a-f-]{36}"$/);
  assert.equal(await response.text(), ANSWER);
  assert.deepEqual(made.map(({ offer }) => offer), [{ type: "offer", sdp: "v=0\r\n" }]);
});

Deno.test("whipRoute() names the session rightly where a proxy serves it under another path", async () => {
  const { post } = serve();
  const location = (await post()).headers.get("location")!;
  assert.match(new URL(location, "https://cdn/robots/7/whip").pathname, /^\/robots\/7\/whip\/\S+$/);
});

Deno.test("whipRoute() closes the connection when its session is deleted, or was", async () => {
  const { app, made, post } = serve();
  const [first, second] = [sessionOf(await post()), sessionOf(await post())];
  assert.equal((await app.request(first, { method: "DELETE" })).status, 200);
  assert.deepEqual(made.map(({ closes }) => closes), [1, 0]);
  made[1]!.close(); // as clients do before they say so
  assert.equal((await app.request(second, { method: "DELETE" })).status, 200);
  assert.deepEqual(made.map(({ closes }) => closes), [1, 1]);
  assert.equal((await app.request(`${first}0`, { method: "DELETE" })).status, 404);
});

Deno.test("whipRoute() refuses what is no offer", async () => {
  const { made, post } = serve();
  assert.equal((await post("{}", { "content-type": "application/json" })).status, 415);
  assert.equal((await post("v".repeat(MAX_SDP_LENGTH + 1))).status, 413);
  const bad = await post("bad");
  assert.deepEqual([bad.status, await bad.text()], [400, "Cannot read the offer: bad"]);
  assert.deepEqual(made.map(({ closes }) => closes), [1]);
});

Deno.test("whipRoute() refuses more connections than it may have, until one ends", async () => {
  const { made, post } = serve({ maxConnections: 1 });
  assert.equal((await post()).status, 201);
  const refused = await post();
  assert.deepEqual([refused.status, refused.headers.get("retry-after")], [503, "10"]);
  made[0]!.close();
  assert.equal((await post()).status, 201);
});

Deno.test("whipRoute() lets in only who shows the token, also to end a session", async () => {
  const { app, made, post } = serve({ token: "geheim" });
  for (const authorization of ["", "Bearer", "Bearer geheimer", "Bearer g", "Basic geheim"]) {
    const refused = await post("v=0", { authorization });
    assert.deepEqual([refused.status, refused.headers.get("www-authenticate")], [401, "Bearer"]);
  }
  const authorization = "Bearer geheim";
  const session = sessionOf(await post("v=0", { authorization }));
  assert.equal((await app.request(session, { method: "DELETE" })).status, 401);
  assert.deepEqual(made.map(({ closes }) => closes), [0]);
  const headers = { authorization };
  assert.equal((await app.request(session, { method: "DELETE", headers })).status, 200);
});

Deno.test("whipRoute() asks a function whether a token will do", async () => {
  const { post } = serve({ token: (token) => Promise.resolve(token === "now") });
  assert.equal((await post()).status, 401);
  assert.equal((await post("v=0", { authorization: "Bearer now" })).status, 201);
});

Deno.test("whipRoute() tells of ICE servers in Link headers", async () => {
  const { post } = serve({
    iceServers: [
      { urls: ["stun:stun.example.net"] },
      { urls: "turn:turn.example.net?transport=udp", username: "me", credential: 'q"q' },
    ],
  });
  assert.equal(
    (await post()).headers.get("link"),
    '<stun:stun.example.net>; rel="ice-server", <turn:turn.example.net?transport=udp>; ' +
      'rel="ice-server"; username="me"; credential="q\\"q"; credential-type="password"',
  );
});

Deno.test("whipRoute() lets in pages of the origins that are named, and no others", async () => {
  const { app, post } = serve({ origins: ["https://studio.example"], token: "geheim" });
  const preflight = await app.request("/whip", {
    method: "OPTIONS",
    headers: { origin: "https://studio.example", "access-control-request-method": "POST" },
  });
  assert.equal(preflight.headers.get("access-control-allow-origin"), "https://studio.example");
  assert.match(preflight.headers.get("access-control-allow-headers")!, /Authorization/);
  const headers = { origin: "https://studio.example", authorization: "Bearer geheim" };
  const response = await post("v=0", headers);
  assert.match(response.headers.get("access-control-expose-headers")!, /Location/);
  const stranger = await post("v=0", { ...headers, origin: "https://evil.example" });
  assert.equal(stranger.headers.get("access-control-allow-origin"), null);
});

Deno.test("whepRoute() says what it takes and what it does not do", async () => {
  const app = new Hono().route("/whep", whepRoute(() => new FakeConnection()));
  const options = await app.request("/whep", { method: "OPTIONS" });
  assert.deepEqual([options.status, options.headers.get("accept-post")], [204, "application/sdp"]);
  const get = await app.request("/whep");
  assert.deepEqual([get.status, get.headers.get("allow")], [405, "POST"]);
  const patch = await app.request("/whep/1", { method: "PATCH", body: "a=ice-ufrag:x" });
  assert.deepEqual([patch.status, patch.headers.get("allow")], [405, "DELETE"]);
});
