import assert from "node:assert/strict";
import { Hono } from "@hono/hono";
import { NegotiationError } from "../../lib/errors.ts";
import { systemClock } from "../../lib/signaling/clock.ts";
import { connectRoute } from "../../lib/signaling/connect_route.ts";
import type { Connectable } from "../../lib/signaling/offer_answerer.ts";
import { MAX_SDP_LENGTH } from "../../lib/wire/description.ts";

const OFFER_TEXT = JSON.stringify({ type: "offer", sdp: "v=0\r\n" });
const ANSWER = { type: "answer", sdp: "v=0\r\n" };

/** A connection that answers at once unless told otherwise, and counts. */
class FakeConnection implements Connectable {
  offer: unknown;
  ready = true;
  closes = 0;
  #listeners: (() => void)[] = [];

  constructor(readonly answer: () => unknown = () => ANSWER) {}

  getLocalDescription(offer: unknown): Promise<unknown> {
    this.offer = offer;
    return Promise.resolve().then(this.answer);
  }
  onClose(listener: () => void): void {
    this.#listeners.push(listener);
  }
  close(): void {
    this.closes++;
    for (const listener of this.#listeners.splice(0)) listener();
  }
}

interface Reply {
  status: number;
  type: string;
  text: string;
}

/** A server with the route, and the connections that it made. */
function serve(
  make: () => FakeConnection = () => new FakeConnection(),
  maxConnections?: number,
  origins?: string | string[],
): { made: FakeConnection[]; post(body: BodyInit, headers?: HeadersInit): Promise<Reply> } {
  const made: FakeConnection[] = [];
  const connect = () => {
    const connection = make();
    made.push(connection);
    return connection;
  };
  const app = new Hono();
  app.post(
    "/connect",
    connectRoute(connect, {
      ...(maxConnections && { maxConnections }),
      ...(origins && { origins }),
    }),
  );
  return {
    made,
    async post(body, headers = {}) {
      const response = await app.request("/connect", { method: "POST", body, headers });
      const type = (response.headers.get("content-type") ?? "").replace(/;.*/, "");
      return { status: response.status, type, text: await response.text() };
    },
  };
}

const refusing = (error: Error) =>
  new FakeConnection(() => {
    throw error;
  });

Deno.test("connectRoute() gives the connection the offer, and replies with its answer", async () => {
  const { made, post } = serve();
  const offer = { type: "offer", sdp: "v=0\r\nü" };
  const reply = await post(JSON.stringify(offer), { "content-type": "application/json" });
  assert.deepEqual(reply, {
    status: 200,
    type: "application/json",
    text: JSON.stringify(ANSWER),
  });
  assert.deepEqual(made.map((connection) => connection.offer), [offer]);
  assert.equal(made[0]!.closes, 0);
});

Deno.test("connectRoute() does not mind the content type", async () => {
  const { post } = serve();
  for (const type of ["text/plain", "application/octet-stream", "application/json;charset=x", ""]) {
    assert.equal((await post("{}", { "content-type": type })).status, 200, type);
  }
});

const HERE = { host: "robot.local:8080" };

Deno.test("connectRoute() replies 403 to a page of another origin, and makes no connection", async () => {
  const { made, post } = serve();
  for (const origin of ["https://evil.example", "null", "http://robot.local:9090"]) {
    for (const site of [{}, { "sec-fetch-site": "cross-site" }]) {
      const reply = await post(OFFER_TEXT, {
        ...HERE,
        origin,
        ...site,
        "content-type": "text/plain",
      });
      assert.equal(reply.status, 403);
      assert.equal(
        reply.text,
        "Cannot connect: this page is of another origin than the robot; open the robot's own page, or " +
          'let its owner name this one in "origins"',
      );
    }
  }
  assert.equal(made.length, 0);
});

Deno.test("connectRoute() lets its own pages in, also behind a proxy, and programs", async () => {
  const { post } = serve();
  const own: Record<string, string>[] = [
    HERE,
    { ...HERE, origin: "http://robot.local:8080" },
    { ...HERE, origin: "https://robot.example", "x-forwarded-host": "robot.example" },
    { ...HERE, origin: "https://robot.example", "x-forwarded-host": "robot.example, inner" },
    { ...HERE, origin: "https://robot.example", "sec-fetch-site": "same-origin" },
  ];
  for (const headers of own) assert.equal((await post(OFFER_TEXT, headers)).status, 200);
});

Deno.test("connectRoute() lets pages of those origins in that it is told", async () => {
  const headers = { ...HERE, origin: "https://a.example" };
  for (const origins of ["*", "https://a.example", ["https://b.example", "https://a.example"]]) {
    assert.equal(
      (await serve(undefined, undefined, origins).post(OFFER_TEXT, headers)).status,
      200,
    );
  }
  const { post } = serve(undefined, undefined, "https://b.example");
  assert.equal((await post(OFFER_TEXT, headers)).status, 403);
});

Deno.test("connectRoute() replies 400 to what is not JSON, without making a connection", async () => {
  const { made, post } = serve();
  for (const body of ["", "{", "v=0\r\n", '{"type":"offer"', new Uint8Array([0xff, 0xfe])]) {
    assert.deepEqual(await post(body), {
      status: 400,
      type: "text/plain",
      text: "Cannot read the offer: the body is not JSON",
    });
  }
  assert.equal(made.length, 0);
});

Deno.test("connectRoute() replies 400 with the sentence of a refusal, and closes the connection", async () => {
  const sentence = 'Cannot read the offer: its "type" is not "offer"';
  const { made, post } = serve(() => refusing(new NegotiationError(sentence)), 2);
  for (let i = 0; i < 10; i++) { // refusals are not counted as connections
    assert.deepEqual(await post("{}"), { status: 400, type: "text/plain", text: sentence });
  }
  assert.deepEqual(made.map(({ closes }) => closes), Array(10).fill(1));
});

Deno.test("connectRoute() leaves other failures to the server, and closes the connection", async () => {
  const { made, post } = serve(() => refusing(new Error("secret")), 1);
  const { error } = console;
  console.error = () => {}; // Hono reports it
  try {
    for (let i = 0; i < 3; i++) {
      const { status, text } = await post("{}");
      assert.equal(status, 500);
      assert.doesNotMatch(text, /secret/);
    }
  } finally {
    console.error = error;
  }
  assert.deepEqual(made.map(({ closes }) => closes), [1, 1, 1]);
});

Deno.test("connectRoute() counts no connection that could not be made", async () => {
  let broken = true;
  const { post } = serve(() => {
    if (broken) throw new Error("no camera");
    return new FakeConnection();
  }, 1);
  const { error } = console;
  console.error = () => {};
  try {
    for (let i = 0; i < 3; i++) assert.equal((await post("{}")).status, 500);
  } finally {
    console.error = error;
  }
  broken = false;
  assert.equal((await post("{}")).status, 200);
});

Deno.test("connectRoute() tells the owner of a function that returns no connection, and goes on", async () => {
  let made: unknown = Promise.resolve(new FakeConnection()); // as an async function does
  const { post } = serve(() => made as FakeConnection, 1);
  const said: string[] = [];
  const { error } = console;
  console.error = (...words) => void said.push(words.join(" "));
  try {
    for (let i = 0; i < 3; i++) {
      const { status, text } = await post("{}");
      assert.deepEqual([status, text.includes("its console says which")], [500, true]);
    }
  } finally {
    console.error = error;
  }
  assert.equal(said.filter((line) => line.includes("not from an async function")).length, 3);
  made = new FakeConnection();
  assert.equal((await post("{}")).status, 200);
});

Deno.test("connectRoute() replies 413 to a long body, announced or not", async () => {
  const { made, post } = serve();
  const text = `Cannot read the offer: it is longer than ${2 * MAX_SDP_LENGTH} bytes`;
  const wanted = { status: 413, type: "text/plain", text };
  assert.deepEqual(await post("x".repeat(2 * MAX_SDP_LENGTH + 1)), wanted);
  assert.deepEqual(await post("{}", { "content-length": "999999999" }), wanted);
  assert.equal(made.length, 0);
  const longest = JSON.stringify("x".repeat(2 * MAX_SDP_LENGTH - 2));
  assert.equal((await post(longest)).status, 200);
});

Deno.test("connectRoute() stops reading a body that does not end", async () => {
  const { post } = serve();
  let read = 0;
  let cancelled = false;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      read += 10_000;
      controller.enqueue(new Uint8Array(10_000));
    },
    cancel: () => void (cancelled = true),
  });
  assert.equal((await post(endless)).status, 413);
  assert.ok(cancelled && read < 3 * MAX_SDP_LENGTH, `${read} bytes were read`);
});

Deno.test("connectRoute() waits for a slow body, and serves others meanwhile", async () => {
  const { made, post } = serve();
  const body = new TransformStream<Uint8Array, Uint8Array>();
  const writer = body.writable.getWriter();
  const slow = post(body.readable);
  const bytes = new TextEncoder().encode('{"sdp":"ü"}');
  for (const byte of bytes.subarray(0, -1)) await writer.write(Uint8Array.of(byte));
  assert.equal((await post("{}")).status, 200);
  assert.equal(made.length, 1);
  await writer.write(bytes.subarray(-1));
  await writer.close();
  assert.equal((await slow).status, 200);
  assert.deepEqual(made[1]!.offer, { sdp: "ü" });
});

Deno.test("connectRoute() replies 408 to a body that takes too long, and keeps nothing of it", async () => {
  const { every } = systemClock;
  const alarm = Promise.withResolvers<() => void>();
  systemClock.every = (ms, fn) => {
    assert.equal(ms, 10_000);
    alarm.resolve(fn);
    return () => {};
  };
  try {
    const { made, post } = serve();
    const body = new TransformStream<Uint8Array, Uint8Array>();
    const reply = post(body.readable);
    await body.writable.getWriter().write(new TextEncoder().encode("{"));
    (await alarm.promise)();
    const text = "Cannot read the offer: it took longer than 10000 ms";
    assert.deepEqual(await reply, { status: 408, type: "text/plain", text });
    assert.equal(made.length, 0);
  } finally {
    systemClock.every = every;
  }
});

Deno.test("connectRoute() replies 400 when the sender goes away in the middle", async () => {
  const { made, post } = serve();
  const body = new TransformStream<Uint8Array, Uint8Array>();
  const writer = body.writable.getWriter();
  const reply = post(body.readable);
  await writer.write(new TextEncoder().encode("{"));
  await writer.abort(new Error("gone"));
  assert.equal((await reply).status, 400);
  assert.equal(made.length, 0);
});

Deno.test("connectRoute() replies 503 over the limit, until a connection closes", async () => {
  const { made, post } = serve(undefined, 2);
  const full = {
    status: 503,
    type: "text/plain",
    text: "Cannot connect: 2 connections are there already",
  };
  assert.equal((await post("{}")).status, 200);
  assert.equal((await post("{}")).status, 200);
  assert.deepEqual(await post("{}"), full);
  assert.equal(made.length, 2);
  made[0]!.close();
  assert.equal((await post("{}")).status, 200);
  assert.deepEqual(await post("{}"), full);
});

Deno.test("connectRoute() lets an offer that nobody stands behind make room for who comes", async () => {
  const { made, post } = serve(() => Object.assign(new FakeConnection(), { ready: false }), 2);
  for (let i = 0; i < 5; i++) assert.equal((await post("{}")).status, 200);
  assert.deepEqual(made.map(({ closes }) => closes), [1, 1, 1, 0, 0]);
  for (const connection of made) connection.ready = true;
  assert.equal((await post("{}")).status, 503);
});

Deno.test("connectRoute() counts connections that are still being answered", async () => {
  const answers: PromiseWithResolvers<unknown>[] = [];
  const { post } = serve(() => {
    const answer = Promise.withResolvers<unknown>();
    answers.push(answer);
    return new FakeConnection(() => answer.promise);
  }, 3);
  const replies = Array.from({ length: 10 }, () => post("{}"));
  const refused = await Promise.all(replies.slice(3));
  assert.ok(refused.every(({ status }) => status === 503));
  for (const answer of answers) answer.resolve(ANSWER);
  const answered = await Promise.all(replies.slice(0, 3));
  assert.deepEqual(answered.map(({ status }) => status), [200, 200, 200]);
});

Deno.test("connectRoute() lets a viewer that comes again take its old place, and no other's", async () => {
  const { made, post } = serve(() => new FakeConnection(), 2);
  const offer = (viewer: unknown) => JSON.stringify({ type: "offer", sdp: "v=0", viewer });
  for (const viewer of ["a", "b", "a"]) assert.equal((await post(offer(viewer))).status, 200);
  assert.deepEqual(made.map(({ closes }) => closes), [1, 0, 0]);
  for (const viewer of ["c", "", 7, "a".repeat(65), null]) {
    assert.equal((await post(offer(viewer))).status, 503, String(viewer));
  }
});
