/** What strangers send to `serveSignaling()`: refused, memory flat, others unharmed. */
import assert from "node:assert/strict";
import { leave, robot, SECRET, serve, type Served, stayingRobot, until } from "./kit.ts";

const utf8 = new TextEncoder();
const HANDSHAKE = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

function connect(served: Served): Promise<Deno.TcpConn> {
  return Deno.connect({ hostname: "127.0.0.1", port: served.port });
}

async function openRaw(served: Served, path: string, headers = ""): Promise<Deno.TcpConn> {
  const conn = await connect(served);
  await conn.write(utf8.encode(`GET ${path} HTTP/1.1\r\nHost: a\r\n${HANDSHAKE}${headers}\r\n`));
  assert.match(await readSome(conn), /^HTTP\/1.1 101 /);
  return conn;
}

async function readSome(conn: Deno.TcpConn): Promise<string> {
  const bytes = new Uint8Array(4096);
  const length = await conn.read(bytes).catch(() => null);
  return new TextDecoder().decode(bytes.subarray(0, length ?? 0));
}

/** Writes until the other end has had enough; gives how many bytes it took. */
async function flood(conn: Deno.TcpConn, block: Uint8Array, atMost: number): Promise<number> {
  let sent = 0;
  try {
    while (sent < atMost) sent += await conn.write(block);
  } catch {
    // it was cut off
  }
  return sent;
}

/** A masked frame's head that announces so many bytes; the mask is zero. */
function frameHead(first: number, length: number): Uint8Array {
  const head = new Uint8Array(14);
  head[0] = first;
  head[1] = 0x80 | 127;
  new DataView(head.buffer).setBigUint64(2, BigInt(length));
  return head;
}

/** A viewer and a robot that mean well. */
async function joinWorks(served: Served, id: string): Promise<void> {
  const rover = await stayingRobot(served, `/${id}`);
  const reply = served.post(`/${id}`);
  const offer = await rover.json();
  rover.send({ type: "answer", id: offer.id, answer: { type: "answer", sdp: "" } });
  assert.equal((await reply).status, 200);
  await (await reply).body?.cancel();
  await leave(rover);
}

function megabytes(): number {
  return Deno.memoryUsage().rss / 1e6;
}

Deno.test("messages that never end are cut off by their headers, and cost no memory", async () => {
  const served = await serve({ limits: { requestBurst: 1000 } });
  await joinWorks(served, "before");
  const mb = megabytes();
  const block = new Uint8Array(1_000_000);
  const fragment = new Uint8Array(65_536 + 14);
  for (let i = 0; i < 6; i++) {
    const huge = await openRaw(served, `/huge${i}`, "Sec-WebSocket-Protocol: rtcbot.1\r\n");
    await huge.write(frameHead(0x81, 60_000_000));
    const endless = await openRaw(served, `/endless${i}`, "Sec-WebSocket-Protocol: rtcbot.1\r\n");
    fragment.set(frameHead(i === 0 ? 0x01 : 0x00, 65_536));
    const slow = await openRaw(served, `/slow${i}`);
    await slow.write(frameHead(0x81, 8000)); // and nothing follows
    await Promise.all([
      flood(huge, block, 60_000_000),
      flood(endless, fragment, 60_000_000),
    ]);
    huge.close();
    endless.close();
    slow.close();
  }
  await until(() => served.signaling.robots === 0);
  assert.ok(megabytes() - mb < 150, `${Math.round(megabytes() - mb)} MB more`);
  await joinWorks(served, "after");
  await served.close();
});

Deno.test("bodies that are long, endless or slow are refused while others are served", async () => {
  const served = await serve({ bodyTimeoutMs: 300 });
  const head = (length: string) => utf8.encode(`POST /a HTTP/1.1\r\nHost: a\r\n${length}\r\n\r\n`);
  const long = await connect(served);
  await long.write(head("Content-Length: 999999999"));
  assert.match(await readSome(long), /^HTTP\/1.1 413 [^]*longer than 131072 bytes$/);
  const endless = await connect(served);
  await endless.write(head("Transfer-Encoding: chunked"));
  const chunk = join(utf8.encode("10000\r\n"), new Uint8Array(65_536), utf8.encode("\r\n"));
  const answered = readSome(endless);
  await flood(endless, chunk, 1e9);
  assert.match(await answered, /^(HTTP\/1.1 413 |$)/); // or cut off before it was heard
  const slow = await connect(served);
  await slow.write(head("Content-Length: 100"));
  await joinWorks(served, "meanwhile");
  assert.match(await readSome(slow), /^HTTP\/1.1 408 /);
  for (const conn of [long, endless, slow]) conn.close();
  assert.equal(served.signaling.offers, 0);
  await served.close();
});

Deno.test("heads that are slow, long or no HTTP hold no connection", async () => {
  const served = await serve({}, "own", { headTimeoutMs: 300 });
  const slow = await connect(served);
  await slow.write(utf8.encode("GET /a HTTP/1.1\r\nHost"));
  const long = await connect(served);
  await flood(long, utf8.encode(`GET /a HTTP/1.1\r\nA: ${"a".repeat(20_000)}`), 20_000);
  const nonsense = await connect(served);
  await nonsense.write(crypto.getRandomValues(new Uint8Array(500)));
  await joinWorks(served, "meanwhile");
  for (const conn of [slow, long, nonsense]) {
    while (await readSome(conn) !== ""); // until it is closed
    conn.close();
  }
  await served.close();
});

Deno.test("requests that are malformed are answered by 4xx, and nothing breaks", async () => {
  const served = await serve();
  const requests = [
    `GET http://elsewhere/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    `GET /%ff HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    `GET /../../etc/passwd HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    `DELETE /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    `GET /a HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n`,
    `GET /a HTTP/1.1\r\nHost: a\r\n${HANDSHAKE.replace("13", "8")}\r\n`,
    `GET /a HTTP/1.1\r\nHost: a\r\n${HANDSHAKE.replace("==", "")}\r\n`,
    `GET /a.b HTTP/1.1\r\nHost: a\r\n${HANDSHAKE}\r\n`,
    `POST /a HTTP/1.1\r\nHost: a\r\n${HANDSHAKE}Content-Length: 0\r\n\r\n`,
  ];
  for (const request of requests) {
    const conn = await connect(served);
    await conn.write(utf8.encode(request));
    assert.match(await readSome(conn), /^HTTP\/1.1 4\d\d /, request);
    conn.close();
  }
  await joinWorks(served, "after");
  await until(() => served.signaling.robots === 0);
  await served.close();
});

Deno.test("more connections and requests than allowed from one address leave room for others", async () => {
  const limits = { maxRobotsPerAddress: 10, requestBurst: 500, requestsPerSecond: 0.001 };
  // Behind a proxy the others have other addresses.
  const served = await serve({ limits, trustProxy: true }, "own", {
    maxConnectionsPerAddress: 100_000,
  });
  const mb = megabytes();
  const kept: Deno.TcpConn[] = [];
  for (let i = 0; i < 30; i++) {
    const conn = await connect(served);
    await conn.write(utf8.encode(`GET /r${i} HTTP/1.1\r\nHost: a\r\n${HANDSHAKE}\r\n`));
    const reply = await readSome(conn);
    assert.match(reply, i < 10 ? /^HTTP\/1.1 101 / : /^HTTP\/1.1 429 /);
    kept.push(conn);
  }
  const statuses = new Map<number, number>();
  for (let i = 0; i < 40; i++) {
    const replies = Array.from({ length: 30 }, () => served.post("/nobody"));
    for (const reply of await Promise.all(replies)) {
      statuses.set(reply.status, (statuses.get(reply.status) ?? 0) + 1);
      await reply.body?.cancel();
    }
  }
  assert.deepEqual([...statuses], [[404, 470], [429, 730]]);
  const other = await served.post("/nobody", undefined, { "x-forwarded-for": "198.51.100.7" });
  assert.equal(other.status, 404);
  await other.body?.cancel();
  assert.ok(megabytes() - mb < 150, `${Math.round(megabytes() - mb)} MB more`);
  for (const conn of kept) conn.close();
  await until(() => served.signaling.robots === 0);
  await served.close();
});

Deno.test("serveSignaling() takes so many connections from one address, and more when some have gone", async () => {
  const served = await serve({}, "own", { maxConnectionsPerAddress: 5 });
  const conns = [];
  for (let i = 0; i < 5; i++) {
    conns.push(await openRaw(served, `/r${i}`));
  }
  const refused = await connect(served);
  await refused.write(utf8.encode("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")).catch(() => {});
  assert.equal(await readSome(refused), "");
  refused.close();
  for (const conn of conns) conn.close();
  await until(() => served.signaling.robots === 0);
  const again = robot(served, "/again");
  await again.opened;
  await leave(again);
  await served.close();
});

function join(...parts: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

Deno.test("serveSignaling() gives an address only so many ids to own, and its old ones at any time", async () => {
  const served = await serve({ limits: { maxRobotsPerAddress: 3, newIdsPerHour: 0.001 } });
  try {
    for (const id of ["a", "b", "c"]) await leave(await stayingRobot(served, `/${id}`));
    const greedy = robot(served, "/d", "rtcbot.1");
    await greedy.opened;
    greedy.send({ type: "hello", secret: SECRET });
    assert.deepEqual(await greedy.closed, {
      code: 4429,
      reason: "your address has taken too many new ids",
    });
    await leave(await stayingRobot(served, "/a"));
  } finally {
    await served.close();
  }
});

Deno.test("serveSignaling() answers the last of many pings, and cuts off who sends nothing but these", async () => {
  const served = await serve();
  const conn = await openRaw(served, "/pinger");
  try {
    const pings = (count: number, last: number) =>
      Uint8Array.from([
        ...Array(count).fill([0x89, 0x80, 0, 0, 0, 0]).flat(),
        0x89,
        0x81,
        0,
        0,
        0,
        0,
        last,
      ]);
    await conn.write(pings(1000, 65));
    let heard = "";
    while (!heard.endsWith("A")) heard += await readSome(conn);
    assert.ok(heard.length < 1000, `${heard.length} bytes`);

    await flood(conn, pings(30_000, 66), 1);
    const deadline = performance.now() + 15_000;
    for (let more = "-"; more !== "" && performance.now() < deadline; heard += more) {
      more = await readSome(conn);
    }
    assert.match(heard, /too many frames$/);
    await joinWorks(served, "neighbour");
  } finally {
    conn.close();
    await served.close();
  }
});

/** Reads so many replies of `/healthz`. */
async function repliesOf(conn: Deno.TcpConn, count: number): Promise<void> {
  for (let heard = ""; heard.split(/\r\n\r\nok/).length <= count;) {
    const more = await readSome(conn);
    assert.notEqual(more, "", "cut off");
    heard += more;
  }
}

Deno.test("serveSignaling() cuts off who asks on and on without waiting for replies", async () => {
  const served = await serve();
  const ask = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
  const patient = await connect(served);
  const hasty = await connect(served);
  try {
    for (let i = 0; i < 20; i++) {
      await patient.write(utf8.encode(ask));
      await repliesOf(patient, 1);
    }
    await hasty.write(utf8.encode(ask.repeat(5)));
    await repliesOf(hasty, 5);
    const began = performance.now();
    await flood(hasty, utf8.encode(ask.repeat(2000)), 1);
    let heard = "";
    for (let more = "-"; more !== ""; heard += more) more = await readSome(hasty);
    assert.ok(heard.split("HTTP/1.1 200").length <= 9);
    assert.ok(performance.now() - began < 15_000);
    await joinWorks(served, "neighbour");
  } finally {
    patient.close();
    hasty.close();
    await served.close();
  }
});

Deno.test("serveSignaling() answers who offers another protocol as if it had not", async () => {
  const served = await serve();
  const conn = await connect(served);
  try {
    const body = '{"type":"offer","sdp":""}';
    await conn.write(utf8.encode(
      "POST /nobody HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n" +
        `HTTP2-Settings: AAMAAABk\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    ));
    let reply = "";
    while (!reply.endsWith("No robot waits here.")) {
      const more = await readSome(conn);
      assert.notEqual(more, "", reply);
      reply += more;
    }
    assert.match(reply, /^HTTP\/1.1 404 Not Found\r\n[^]*access-control-allow-origin: \*/);
  } finally {
    conn.close();
    await served.close();
  }
});

Deno.test("serveSignaling() survives JSON that can be read and not written, from viewers and robots", async () => {
  const served = await serve({ limits: { maxOffersPerRobot: 1 } });
  try {
    // V8 writes by recursion once there is a `toJSON`, whatever it is.
    const deep = '{"toJSON":'.repeat(10_000) + "1" + "}".repeat(10_000);
    const rover = await stayingRobot(served, "/rover");
    for (let i = 0; i < 2; i++) {
      const reply = served.post("/rover", `{"type":"offer","sdp":"","x":${deep}}`);
      const { id, offer } = await rover.json();
      assert.equal(offer.sdp, "");
      rover.send({ type: "refuse", id });
      await (await reply).body?.cancel();
      assert.equal((await reply).status, 403);
    }
    const reply = served.post("/rover");
    const { id } = await rover.json();
    rover.send(`{"type":"answer","id":"${id}","answer":{"x":${deep}}}`);
    assert.deepEqual(await rover.closed, {
      code: 4400,
      reason: 'Cannot read the message: its "answer" is nested too deeply',
    });
    await (await reply).body?.cancel();
    assert.equal((await reply).status, 502);
    await joinWorks(served, "neighbour");
  } finally {
    await served.close();
  }
});
