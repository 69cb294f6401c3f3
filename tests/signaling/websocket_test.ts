import assert from "node:assert/strict";
import { Hono } from "@hono/hono";
import { ConnectionLost } from "../../lib/errors.ts";
import { Queue } from "../../lib/subscriptions/mod.ts";
import { Websocket } from "../../lib/signaling/websocket.ts";
import type {
  WebsocketOptions,
  WebsocketUpgradeOptions,
} from "../../lib/signaling/websocket_options.ts";
import { HEARTBEAT } from "../../lib/signaling/websocket_link.ts";
import { ManualClock } from "../../lib/testing/clock.ts";

interface Server {
  readonly port: number;
  readonly url: string;
  /** The next websocket that a client has opened. */
  accept(): Promise<{ socket: Websocket }>;
  close(): Promise<void>;
}

/** A server on loopback; what `Websocket.upgrade` needs. */
function serve(options: WebsocketUpgradeOptions = {}, port = 0): Server {
  const came = new Queue<{ socket: Websocket }>();
  const sockets: Websocket[] = [];
  const app = new Hono();
  app.get("/ws", (c) => {
    const { socket, response } = Websocket.upgrade(c, options);
    sockets.push(socket);
    came.put_nowait({ socket });
    return response;
  });
  app.get("/busy", (c) => c.text("busy", 409));
  const server = Deno.serve({ hostname: "127.0.0.1", port, onListen() {} }, app.fetch);
  return {
    port: server.addr.port,
    url: `http://127.0.0.1:${server.addr.port}/ws`,
    accept: () => came.get(),
    async close() {
      await Promise.all(sockets.map((socket) => socket.close()));
      await server.shutdown();
    },
  };
}

async function joined(
  run: (kit: { client: Websocket; server: Websocket; at: Server }) => Promise<void>,
  clientOptions: WebsocketOptions = {},
  serverOptions: WebsocketUpgradeOptions = {},
): Promise<void> {
  const at = serve(serverOptions);
  const client = new Websocket(at.url, clientOptions);
  try {
    const { socket: server } = await at.accept();
    await run({ client, server, at });
  } finally {
    await client.close();
    await at.close();
  }
}

/** Real sockets take their time: looks until it is so. */
async function until(true_: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!true_()) {
    if (performance.now() > deadline) throw new Error(`not within 10 s: ${true_}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

Deno.test("Websocket carries JSON, text that is no JSON, and bytes, both ways and in order", async () => {
  await joined(async ({ client, server }) => {
    const values = [1, "hi", null, { a: [true] }, new Uint8Array([1, 2, 255]), "", "ünï 🤖"];
    const [here, there] = [client.subscribe(), server.subscribe()];
    for (const value of values) client.put_nowait(value);
    for (const value of values) server.send(value);
    for (const value of values) {
      assert.deepEqual(await there.get(), value);
      assert.deepEqual(await here.get(), value);
    }
  });
});

Deno.test("Websocket gives text that is no JSON as text", async () => {
  await joined(async ({ server, at }) => {
    const raw = new WebSocket(at.url.replace("http", "ws"));
    const other = (await at.accept()).socket;
    const heard = other.subscribe();
    raw.onopen = () => raw.send("not {json");
    assert.equal(await heard.get(), "not {json");
    raw.close();
    await other; // awaiting it waits for its close
    assert.equal(other.error, null);
    assert.equal(server.closed, false);
  });
});

Deno.test("Websocket that is refused has failed and closed, with a sentence that says how", async () => {
  const at = serve();
  const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const nobody = (free.addr as Deno.NetAddr).port;
  free.close();
  const cases: [string, RegExp][] = [
    [at.url.replace("/ws", "/busy?secret=1"), /\/busy: it was refused \(HTTP 409\); make a new/],
    [`ws://127.0.0.1:${nobody}/`, /nobody answers there/],
  ];
  for (const [url, sentence] of cases) {
    const client = new Websocket(url);
    const ready = client.onReady().catch((error) => error);
    const error = await client.onError();
    await client;
    assert.ok(error instanceof ConnectionLost);
    assert.match(error.message, sentence);
    assert.doesNotMatch(error.message, /secret/);
    assert.equal(client.closed, true);
    assert.equal(client.ready, false);
    assert.equal(await ready, error);
    assert.throws(() => client.put_nowait(1), /^SubscriptionClosed: Cannot send on Websocket/);
    await assert.rejects(client.drained(), error);
  }
  await at.close();
});

Deno.test("Websocket gives up a server that does not answer", async () => {
  const clock = new ManualClock();
  const deaf = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const conns: Deno.Conn[] = [];
  const accepting = deaf.accept().then((conn) => conns.push(conn));
  const client = new Websocket(`ws://127.0.0.1:${(deaf.addr as Deno.NetAddr).port}`, { clock });
  await accepting;
  clock.advance(10_001);
  await client;
  assert.match(client.error?.message ?? "", /there was no answer within 10 s/);
  assert.equal(clock.pending, 0);
  for (const conn of conns) conn.close();
  deaf.close();
});

Deno.test("Websocket.close() sends what was put before, and the other end hears code and reason", async () => {
  await joined(async ({ client, server }) => {
    await client.onReady();
    const heard = server.subscribe();
    for (let i = 0; i < 100; i++) client.put_nowait(i);
    await client.close(4001, "bye");
    for (let i = 0; i < 100; i++) assert.equal(await heard.get(), i);
    await server;
    assert.deepEqual(server.end, { code: 4001, reason: "bye" });
    assert.equal(server.error, null);
    await client.close();
    await assert.rejects(client.get(), /^SubscriptionClosed: Cannot get from Websocket/);
  });
});

Deno.test("Websocket ends with 1009 when a message is larger than it may be", async () => {
  await joined(
    async ({ client, server }) => {
      await client.onReady();
      client.put_nowait("x".repeat(100));
      assert.equal(await server.get(), "x".repeat(100));
      client.put_nowait("x".repeat(2000));
      await server;
      assert.match(server.error?.message ?? "", /it sent a message of more than 1000 bytes/);
      await client;
      assert.equal(client.end?.code, 1009);
    },
    {},
    { maxMessageBytes: 1000 },
  );
});

Deno.test("Websocket fails, and the program goes on, when its server sends too large a message", async () => {
  await joined(async ({ client, server }) => {
    await server.onReady();
    for (const message of ["x".repeat(2000), new Uint8Array(2000)]) server.put_nowait(message);
    await client;
    assert.match(client.error?.message ?? "", /it sent a message of more than 1000 bytes/);
    assert.equal(client.end?.code, 1009);
    await server;
  }, { maxMessageBytes: 1000 });
});

Deno.test("Websocket bounds what waits, drains, and loses nothing of it", async () => {
  await joined(async ({ client, server }) => {
    await client.onReady();
    let received = 0;
    server.subscribe((value) => void (received += (value as Uint8Array).length));
    const block = new Uint8Array(1024 * 1024);
    let sent = 0;
    let full: unknown = null;
    for (let i = 0; i < 40 && !full; i++) {
      try {
        client.put_nowait(block);
        sent += block.length;
      } catch (error) {
        full = error;
      }
    }
    assert.match(String(full), /^BufferFull: Cannot send on Websocket: \d+ bytes in \d+ messages/);
    assert.ok(client.bufferedAmount > 8 * 1024 * 1024);
    await client.drained();
    assert.ok(client.bufferedAmount <= 256 * 1024);
    client.put_nowait(block);
    await until(() => received === sent + block.length);
  });
});

Deno.test("Websocket reads a source only as fast as it can send", async () => {
  await joined(async ({ client, server }) => {
    const source = new Queue<unknown>();
    for (let i = 0; i < 50; i++) source.put_nowait({ i });
    const heard = server.subscribe();
    client.putSubscription(source);
    for (let i = 0; i < 50; i++) assert.deepEqual(await heard.get(), { i });
  });
});

Deno.test("Websocket with reconnect keeps messages and subscriptions while it is away", async () => {
  const clock = new ManualClock();
  let at = serve();
  const client = new Websocket(at.url, { reconnect: true, clock, random: () => 1 });
  const states: string[] = [];
  client.onState((state) => {
    states.push(state);
    if (state === "open") client.put_nowait("hello");
  });
  const heard = client.subscribe();
  let { socket: server } = await at.accept();
  assert.equal(await server.get(), "hello");
  const { port } = at;
  await at.close();
  await until(() => client.state === "away");
  client.put_nowait("kept 1");
  client.put_nowait("kept 2");
  assert.equal(client.closed, false);
  clock.advance(501); // nobody is there yet
  assert.equal(client.state, "connecting");
  await until(() => client.state === "away");
  at = serve({}, port);
  clock.advance(999); // the second pause is a second
  clock.advance(2);
  ({ socket: server } = await at.accept());
  const words = server.subscribe();
  for (const word of ["hello", "kept 1", "kept 2"]) assert.equal(await words.get(), word);
  server.put_nowait("welcome back");
  assert.equal(await heard.get(), "welcome back");
  await client.close();
  const attempt = ["connecting", "away"];
  assert.deepEqual(states, ["open", "away", ...attempt, "connecting", "open", "closed"]);
  assert.equal(client.error, null);
  await at.close();
  assert.equal(clock.pending, 0);
});

Deno.test("Websocket with reconnect waits longer each time, jittered, and stops where it is told", async () => {
  const clock = new ManualClock();
  const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = free.addr as Deno.NetAddr;
  free.close();
  const chances = [0, 1, 0.5, 1, 1];
  const client = new Websocket(`ws://127.0.0.1:${port}`, {
    reconnect: { firstMs: 100, longestMs: 400 },
    clock,
    random: () => chances.shift() ?? 0,
  });
  for (const pauseMs of [50, 200, 300, 400, 400]) {
    await until(() => client.state === "away");
    clock.advance(pauseMs - 1);
    assert.equal(client.state, "away");
    clock.advance(1.5);
    assert.equal(client.state, "connecting");
  }
  await client.close();
  assert.equal(clock.pending, 0);

  const at = serve();
  const unless = ({ code }: { code: number }) => code === 4409;
  const told = new Websocket(at.url, { reconnect: { unless } });
  const { socket } = await at.accept();
  await told.onReady();
  await socket.close(4409, "another has come");
  await told;
  assert.deepEqual(told.end, { code: 4409, reason: "another has come" });
  await at.close();
});

Deno.test("Websocket notices that a server of this library vanished, and a foreign one is not bothered", async () => {
  const clock = new ManualClock();
  const clientClock = new ManualClock();
  await joined(
    async ({ client, server }) => {
      await client.onReady();
      await server.onReady();
      for (let beat = 0; beat < 4; beat++) {
        clock.advance(5000);
        server.put_nowait(beat);
        assert.equal(await client.get(), beat); // and no heartbeat was delivered
      }
      // The server's clock stands still from now on, as if the network were gone.
      clientClock.advance(14_000);
      assert.equal(client.closed, false);
      clientClock.advance(6000);
      await client;
      assert.match(client.error?.message ?? "", /nothing was heard for 15 s/);
    },
    { clock: clientClock },
    { clock },
  );

  const foreign = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onmessage = ({ data }) => heard.push(data);
    return response;
  });
  const heard: unknown[] = [];
  const quiet = new ManualClock();
  const client = new Websocket(`ws://127.0.0.1:${foreign.addr.port}`, { clock: quiet });
  await client.onReady();
  quiet.advance(3_600_000);
  client.put_nowait("still here");
  await until(() => heard.length > 0);
  assert.deepEqual(heard, ['"still here"']);
  assert.equal(client.closed, false);
  await client.close();
  await foreign.shutdown();
});
Deno.test("Websocket sends no heartbeat to a client that did not ask for it", async () => {
  const clock = new ManualClock();
  const at = serve({ clock });
  const raw = new WebSocket(at.url.replace("http", "ws"));
  const heard: unknown[] = [];
  raw.onmessage = ({ data }) => heard.push(data);
  const { socket } = await at.accept();
  await socket.onReady();
  clock.advance(20_000);
  socket.put_nowait("end");
  await until(() => heard.length > 0);
  assert.ok(!heard.includes(HEARTBEAT));
  raw.close();
  await at.close();
});

Deno.test("Websocket.upgrade() loses a client that answers no ping", async () => {
  const at = serve({ idleTimeoutS: 1 });
  const conn = await handshake(at.port, "Upgrade: websocket\r\nConnection: Upgrade\r\n");
  const { socket } = await at.accept();
  await socket;
  assert.match(socket.error?.message ?? "", /Cannot stay connected to the client: no ping was/);
  conn.close();
  await at.close();
});

Deno.test("Websocket.upgrade() takes every spelling of Upgrade that proxies write", async () => {
  const at = serve();
  const spellings = [
    "Upgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n",
    "upgrade: WEBSOCKET\r\nconnection: upgrade\r\n",
    "Upgrade: websocket, other\r\nConnection: Upgrade,Keep-Alive\r\n",
  ];
  for (const spelling of spellings) {
    const conn = await handshake(at.port, spelling);
    const { socket } = await at.accept();
    await socket.onReady();
    await socket.close();
    conn.close();
  }
  await at.close();
  assert.throws(
    () => Websocket.upgrade(new Request("http://a/")),
    TypeError,
  );
});

async function handshake(port: number, headers: string): Promise<Deno.Conn> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  await conn.write(new TextEncoder().encode(`GET /ws HTTP/1.1\r\nHost: a\r\n${headers}${key}\r\n`));
  const reply = new Uint8Array(1000);
  const length = await conn.read(reply) ?? 0;
  assert.match(new TextDecoder().decode(reply.subarray(0, length)), /^HTTP\/1.1 101 /);
  return conn;
}

Deno.test("Websocket.upgrade() refuses a page of another origin with 403, and takes those it is told", async () => {
  const headers = { host: "robot.local", origin: "https://evil.example", upgrade: "websocket" };
  const app = new Hono();
  app.get("/ws", (c) => Websocket.upgrade(c).response);
  const reply = await app.request("/ws", { headers });
  assert.equal(reply.status, 403);
  assert.match(
    await reply.text(),
    /^Cannot connect: this page is of another origin than the robot;/,
  );

  const at = serve({ origins: ["https://a.example"] });
  try {
    for (const [origin, refused] of [["https://a.example", false], ["https://b.example", true]]) {
      const client = new WebSocket(at.url, { headers: { origin: String(origin) } } as never);
      const end = Promise.withResolvers<boolean>();
      client.onopen = () => client.close();
      client.onerror = () => end.resolve(true);
      client.onclose = () => end.resolve(false);
      assert.equal(await end.promise, refused);
    }
  } finally {
    await at.close();
  }
});

Deno.test("Websocket agrees on a subprotocol", async () => {
  await joined(
    async ({ client }) => {
      await client.onReady();
      assert.equal(client.protocol, "b.1");
    },
    { protocols: ["a.1", "b.1"] },
    { protocol: "b.1" },
  );
});

Deno.test("Websocket throws TypeError for an address that is none", () => {
  assert.throws(() => new Websocket("ftp://example.org"), /^TypeError: Cannot connect to ftp:/);
  assert.throws(() => new Websocket("nonsense"), TypeError);
  assert.throws(
    () => new Websocket("ws://127.0.0.1:1", { reconnect: { firstMs: 0 } }),
    /^RangeError: Cannot reconnect after 0 to 15000 ms/,
  );
});
