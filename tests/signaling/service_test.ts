/** The service without sockets: what it says to requests. */
import assert from "node:assert/strict";
import { ConnectionLost } from "../../lib/errors.ts";
import { createSignaling } from "../../lib/signaling/service/signaling.ts";
import type { SignalingOptions } from "../../lib/signaling/service/settings.ts";
import type { Holder, OfferMessage, OfferReply } from "../../lib/signaling/broker.ts";
import { MemoryBroker } from "../../lib/signaling/memory_broker.ts";
import { sha256 } from "../../lib/signaling/hash.ts";
import { ManualClock } from "../../lib/testing/clock.ts";

const OFFER = JSON.stringify({ type: "offer", sdp: "v=0\r\n" });
const ANSWER = JSON.stringify({ type: "answer", sdp: "v=0\r\n" });

/** A robot that needs no websocket: it stands at the broker. */
class Standing implements Holder {
  readonly heard: OfferMessage[] = [];
  constructor(readonly reply: (signal: AbortSignal) => OfferReply | Promise<OfferReply>) {}
  offer(message: OfferMessage, signal: AbortSignal): Promise<OfferReply> {
    this.heard.push(message);
    return Promise.resolve(this.reply(signal));
  }
  lost(): void {}
}

const answering = () => new Standing(() => ({ kind: "answer", answer: ANSWER }));

/** Never answers; rejects when it is given up. */
const silent = () =>
  new Standing((signal) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)))
  );

interface Kit {
  signaling: ReturnType<typeof createSignaling>;
  broker: MemoryBroker;
  clock: ManualClock;
  post(path: string, body?: BodyInit, init?: RequestInit & { from?: string }): Promise<Response>;
  get(path: string, init?: RequestInit & { from?: string }): Promise<Response>;
}

function kit(options: SignalingOptions = {}): Kit {
  const clock = new ManualClock();
  const broker = new MemoryBroker();
  const signaling = createSignaling({ clock, broker, ...options });
  const send = (path: string, { from = "192.0.2.1", ...init }: RequestInit & { from?: string }) =>
    Promise.resolve(
      signaling.fetch(new Request(`http://service${path}`, init), {
        remoteAddr: { hostname: from },
      }),
    );
  return {
    signaling,
    broker,
    clock,
    post: (path, body = OFFER, init = {}) => send(path, { method: "POST", body, ...init }),
    get: (path, init = {}) => send(path, init),
  };
}

const STAYING = { stays: true, owned: true, tokenHash: null };

async function said(response: Promise<Response>): Promise<[number, string]> {
  const { status } = await response;
  return [status, await (await response).text()];
}

/** Lets everything run that waits for no clock. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("POST /<id> replies 404 when nobody is there, and the answer when a robot is", async () => {
  const { broker, post } = kit();
  assert.deepEqual(await said(post("/rover")), [404, "No robot waits here."]);
  const robot = answering();
  await broker.claim("rover", STAYING, robot);
  const reply = await post("/rover");
  assert.equal(reply.status, 200);
  assert.equal(reply.headers.get("content-type"), "application/json");
  assert.equal(reply.headers.get("access-control-allow-origin"), "*");
  assert.equal(await reply.text(), ANSWER);
  assert.deepEqual(robot.heard, [{ offer: OFFER, token: null }]);
  assert.equal((await post("/other")).status, 404);
});

Deno.test("POST /<id> replies 504 after 10 s without an answer, not before, and tells the robot", async () => {
  const { broker, post, clock, signaling } = kit();
  const robot = silent();
  await broker.claim("rover", STAYING, robot);
  let done = false;
  const reply = said(post("/rover")).finally(() => void (done = true));
  await settle();
  assert.equal(robot.heard.length, 1);
  clock.advance(9_990);
  await settle();
  assert.equal(done, false);
  assert.equal(signaling.offers, 1);
  clock.advance(20);
  assert.deepEqual(await reply, [504, "The robot did not answer within 10 s."]);
  assert.equal(signaling.offers, 0);
  assert.equal(clock.pending, 0);
});

Deno.test("POST /<id> says in a sentence what the robot or its end made of the offer", async () => {
  const replies: [OfferReply, number, RegExp][] = [
    [{ kind: "refused", reason: "I charge.", needsToken: false }, 403, /^I charge\.$/],
    [{ kind: "refused", reason: "Who are you?", needsToken: true }, 401, /^Who are you\?$/],
    [{ kind: "busy" }, 503, /busy/],
    [{ kind: "gone" }, 502, /went away/],
  ];
  for (const [reply, status, sentence] of replies) {
    const { broker, post } = kit();
    await broker.claim("rover", STAYING, new Standing(() => reply));
    const [got, text] = await said(post("/rover"));
    assert.equal(got, status);
    assert.match(text, sentence);
  }
});

Deno.test("POST /<id> replies 400, 408 or 413 to what is no offer, and no robot hears of it", async () => {
  const { broker, post, clock } = kit();
  const robot = answering();
  await broker.claim("rover", STAYING, robot);
  for (const body of ["", "{", "null", "[]", '"x"', '{"type":"offer"}', new Uint8Array([255])]) {
    assert.equal((await post("/rover", body)).status, 400, String(body));
  }
  assert.equal((await post("/rover", "x".repeat(200_000))).status, 413);
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(10_000)),
  });
  assert.equal((await post("/rover", endless)).status, 413);
  const slow = said(post("/rover", new ReadableStream({ start() {} })));
  await settle();
  clock.advance(10_001);
  assert.deepEqual(await slow, [408, "Cannot read the offer: it took longer than 10000 ms"]);
  assert.deepEqual(robot.heard, []);
  assert.equal((await post("/rover")).status, 200); // and nobody else was harmed
});

Deno.test("ids are letters, digits, - and _, and no routes", async () => {
  const { get, post } = kit({ limits: { requestBurst: 1000 } });
  for (const id of ["a".repeat(65), "a.b", "a%2Fb", "%00", "a%20b", "ä", "metrics", "ice"]) {
    assert.equal((await post(`/${id}`)).status, 400, id);
  }
  for (const id of ["a", "A-1_z", "myRandomSequence11", "a".repeat(64)]) {
    assert.equal((await get(`/${id}`)).status, 200, id);
  }
});

Deno.test("a viewer's token is checked against the robot's hash, or passed on to the robot", async () => {
  const { broker, post, get } = kit();
  const locked = answering();
  const tokenHash = await sha256("open sesame");
  await broker.claim("locked", { ...STAYING, tokenHash }, locked);
  const shown = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
  assert.deepEqual(await said(post("/locked")), [401, "This robot wants to see a token."]);
  assert.equal((await post("/locked", OFFER, shown("wrong"))).status, 401);
  assert.equal((await get("/locked/ice", shown("wrong"))).status, 401);
  assert.deepEqual(locked.heard, []);
  assert.equal((await post("/locked", OFFER, shown("open sesame"))).status, 200);
  assert.equal((await get("/locked/ice", shown("open sesame"))).status, 200);

  const deciding = answering();
  await broker.claim("deciding", STAYING, deciding);
  await post("/deciding", OFFER, shown("abc"));
  assert.equal(deciding.heard[0]?.token, "abc");
});

Deno.test("GET /<id>/ice gives a viewer that may join its own ICE servers", async () => {
  const asked: unknown[] = [];
  const iceServers = (who: unknown) => {
    asked.push(who);
    return [{ urls: "turn:relay.example", username: "u", credential: "c" }];
  };
  const { broker, get } = kit({ iceServers });
  assert.equal((await get("/rover/ice")).status, 404);
  assert.deepEqual(asked, []);
  await broker.claim("rover", STAYING, answering());
  assert.deepEqual(await (await get("/rover/ice")).json(), {
    iceServers: [{ urls: "turn:relay.example", username: "u", credential: "c" }],
  });
  assert.deepEqual(asked, [{ id: "rover", role: "viewer" }]);
});

Deno.test("GET /<id> is a page for browsers, and tells programs whether a robot waits", async () => {
  const { broker, get } = kit();
  const state = async () => await (await get("/rover")).json();
  assert.deepEqual(await state(), { waiting: false, needsToken: false });
  await broker.claim("rover", { ...STAYING, tokenHash: "0".repeat(64) }, answering());
  assert.deepEqual(await state(), { waiting: true, needsToken: true });
  const page = await get("/rover", { headers: { accept: "text/html,*/*" } });
  assert.match(page.headers.get("content-type") ?? "", /text\/html/);
  assert.match(await page.text(), /"icePath":"\/rover\/ice"/);
  assert.match(await (await get("/rtcbot.js")).text(), /RTCConnection/);
});

Deno.test("one address that asks too much gets 429, and others are served", async () => {
  const { broker, post, clock } = kit({ limits: { requestBurst: 10, requestsPerSecond: 2 } });
  await broker.claim("rover", STAYING, answering());
  const statuses: number[] = [];
  for (let i = 0; i < 15; i++) statuses.push((await post("/rover")).status);
  assert.deepEqual(statuses, [...Array(10).fill(200), ...Array(5).fill(429)]);
  assert.equal((await post("/rover", OFFER, { from: "192.0.2.2" })).status, 200);
  clock.advance(1000);
  assert.equal((await post("/rover")).status, 200);
  assert.equal((await post("/rover")).status, 200);
  assert.equal((await post("/rover")).status, 429);
});

Deno.test("one address may hold so many unanswered offers, and others are served", async () => {
  const { broker, post, clock } = kit({ limits: { maxOffersPerAddress: 3 } });
  await broker.claim("dead", STAYING, silent());
  await broker.claim("rover", STAYING, answering());
  const waiting = [1, 2, 3].map(() => post("/dead"));
  await settle();
  assert.equal((await post("/rover")).status, 429);
  assert.equal((await post("/rover", OFFER, { from: "2001:db8::1" })).status, 200);
  clock.advance(10_001);
  assert.deepEqual((await Promise.all(waiting)).map(({ status }) => status), [504, 504, 504]);
  assert.equal((await post("/rover")).status, 200);
});

Deno.test("X-Forwarded-For is believed only from as many proxies as are named", async () => {
  const limits = { requestBurst: 1, requestsPerSecond: 0.001 };
  const forwarded = (value: string) => ({ headers: { "x-forwarded-for": value } });
  const direct = kit({ limits });
  assert.equal((await direct.post("/a", OFFER, forwarded("198.51.100.1"))).status, 404);
  assert.equal((await direct.post("/a", OFFER, forwarded("198.51.100.2"))).status, 429);
  const proxied = kit({ limits, trustProxy: true });
  assert.equal((await proxied.post("/a", OFFER, forwarded("1.1.1.1, 198.51.100.1"))).status, 404);
  assert.equal((await proxied.post("/a", OFFER, forwarded("2.2.2.2, 198.51.100.1"))).status, 429);
  assert.equal((await proxied.post("/a", OFFER, forwarded("198.51.100.2"))).status, 404);
});

Deno.test("cors allows the origins that were named, and answers preflights", async () => {
  const { get } = kit({ cors: ["https://mine.example"] });
  const from = async (origin: string) =>
    (await get("/rover", { headers: { origin } })).headers.get("access-control-allow-origin");
  assert.equal(await from("https://mine.example"), "https://mine.example");
  assert.equal(await from("https://evil.example"), null);
  const preflight = await kit().get("/rover", {
    method: "OPTIONS",
    headers: { origin: "https://a.example", "access-control-request-headers": "authorization" },
  });
  assert.equal(preflight.status, 204);
  assert.match(preflight.headers.get("access-control-allow-headers") ?? "", /authorization/);
});

Deno.test("cors keeps the offers of pages that it does not name from the robot", async () => {
  const { broker, post } = kit({ cors: ["https://mine.example"] });
  const robot = answering();
  await broker.claim("rover", STAYING, robot);
  const from = async (origin?: string) =>
    (await post("/rover", OFFER, { headers: { host: "service", ...(origin && { origin }) } }))
      .status;
  assert.equal(await from("https://evil.example"), 403);
  assert.equal(robot.heard.length, 0);
  for (const origin of ["https://mine.example", "http://service", undefined]) {
    assert.equal(await from(origin), 200);
  }
});

Deno.test("/metrics counts without ids, and the log holds no secret and no id in full", async () => {
  const lines: string[] = [];
  const { broker, post, get } = kit({ log: (event) => lines.push(JSON.stringify(event)) });
  await broker.claim("mySecretRobot", STAYING, answering());
  await post("/mySecretRobot", OFFER, { headers: { authorization: "Bearer hush" } });
  await post("/nobodyHere");
  const text = await (await get("/metrics")).text();
  assert.match(text, /rtcbot_signaling_offers_total\{outcome="answered"\} 1\n/);
  assert.match(text, /rtcbot_signaling_offers_total\{outcome="absent"\} 1\n/);
  assert.match(text, /rtcbot_signaling_answer_seconds_bucket\{le="\+Inf"\} 1\n/);
  assert.match(text, /^# TYPE rtcbot_signaling_robots gauge$/m);
  assert.doesNotMatch(text, /mySecretRobot|nobodyHere|192\.0/);
  assert.deepEqual(lines, [
    '{"event":"offer","robot":"myS…","outcome":"answered"}',
    '{"event":"offer","robot":"nob…","outcome":"absent"}',
  ]);
});

Deno.test("a broker that cannot be reached is 503, and a bug is 500 without its words", async () => {
  const away = kit();
  await away.broker.claim(
    "rover",
    STAYING,
    new Standing(() => {
      throw new ConnectionLost("Cannot reach the broker: gone");
    }),
  );
  assert.deepEqual(await said(away.post("/rover")), [503, "Robots cannot be reached now."]);
  const lost = kit();
  await lost.broker.claim(
    "rover",
    STAYING,
    new Standing(() => {
      throw new Error("secret path /etc");
    }),
  );
  const [status, text] = await said(lost.post("/rover"));
  assert.equal(status, 500);
  assert.doesNotMatch(text, /secret/);
});

Deno.test("Signaling.close() finishes what is under way and lets nobody in", async () => {
  const { broker, post, get, signaling } = kit();
  const answer = Promise.withResolvers<OfferReply>();
  await broker.claim("rover", STAYING, new Standing(() => answer.promise));
  const reply = post("/rover");
  await settle();
  const closed = signaling.close();
  assert.equal((await post("/rover")).status, 503);
  assert.equal((await get("/healthz")).status, 503);
  answer.resolve({ kind: "answer", answer: ANSWER });
  assert.equal(await (await reply).text(), ANSWER);
  await closed;
});

Deno.test("createSignaling() throws when a limit is none", () => {
  assert.throws(
    () => createSignaling({ answerTimeoutMs: 0 }),
    /^RangeError: Cannot make the service: answerTimeoutMs is 0; give more than 0$/,
  );
});
