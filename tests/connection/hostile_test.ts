import assert from "node:assert/strict";
import { Hono } from "@hono/hono";
import { connectRoute, NegotiationError, RTCConnection } from "../../mod.ts";
import { mutate, seeded } from "../wire/feed.ts";
import { hostileOffers, readOffer } from "./hostile_offers.ts";
import { LOCAL, within, withPair } from "./pair.ts";

/** A sentence that may be shown to whoever sent the offer. */
const SENTENCE = /^Cannot [^\n]{1,500}$/;
const CONNECT_TIMEOUT_MS = 300;
const DEADLINE_MS = 20_000;

Deno.test("connectRoute() answers or refuses hostile offers, and nothing of them is left", async () => {
  const offers = hostileOffers();
  assert.ok(offers.length >= 100);
  const unhandled: string[] = [];
  const note = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    unhandled.push(String((event.reason as Error)?.stack ?? event.reason));
  };
  globalThis.addEventListener("unhandledrejection", note);
  try {
    await post(JSON.stringify({ type: "offer", sdp: readOffer("chromium") })); // loads the engine
    await connections[0]!.onClose();
    const before = udpSockets();
    for (const { name, body } of offers) {
      const { status, text } = await within(DEADLINE_MS, post(body), name);
      assert.ok([200, 400, 413].includes(status), `${name}: ${status} ${text}`);
      if (status === 200) assert.equal((JSON.parse(text) as { type: string }).type, "answer", name);
      else assert.match(text, SENTENCE, name);
      assert.deepEqual(unhandled, [], name);
    }
    await within(DEADLINE_MS, Promise.all(connections.map((conn) => conn.onClose())), "closing");
    await until(() => udpSockets() === before, () => `${udpSockets()} sockets, not ${before}`);
    assert.deepEqual(unhandled, []);
  } finally {
    globalThis.removeEventListener("unhandledrejection", note);
  }
});

Deno.test("RTCConnection.setRemoteDescription() takes or refuses hostile answers", async () => {
  const before = udpSockets();
  const next = seeded(8);
  for (let i = 0; i < 30; i++) {
    await using offerer = new RTCConnection({ ...LOCAL, connectTimeoutMs: CONNECT_TIMEOUT_MS });
    await using answerer = new RTCConnection(LOCAL);
    const { sdp } = await answerer.getLocalDescription(await offerer.getLocalDescription());
    const changed = i % 3 === 0 ? sdp.slice(0, next() % sdp.length) : mutate(sdp, next, 1 + i);
    try {
      await offerer.setRemoteDescription({ type: "answer", sdp: changed });
    } catch (error) {
      assert.ok(error instanceof NegotiationError, String(error));
      assert.match(error.message, SENTENCE);
    }
  }
  await until(() => udpSockets() === before, () => `${udpSockets()} sockets, not ${before}`);
});

const connections: RTCConnection[] = [];
const app = new Hono();
app.post(
  "/connect",
  connectRoute(() => {
    const conn = new RTCConnection({ ...LOCAL, connectTimeoutMs: CONNECT_TIMEOUT_MS });
    connections.push(conn);
    return conn;
  }, { maxConnections: 1_000 }),
);

async function post(body: string): Promise<{ status: number; text: string }> {
  const response = await app.request("/connect", { method: "POST", body });
  return { status: response.status, text: await response.text() };
}

/** How many UDP sockets this process has open; where that cannot be seen, none. */
function udpSockets(): number {
  if (Deno.build.os !== "linux") return 0;
  const inodes = new Set<string>();
  for (const table of ["/proc/self/net/udp", "/proc/self/net/udp6"]) {
    for (const line of Deno.readTextFileSync(table).trim().split("\n").slice(1)) {
      inodes.add(line.trim().split(/\s+/)[9]!);
    }
  }
  let count = 0;
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(Deno.readLinkSync(`/proc/self/fd/${name}`))?.[1];
      if (inode !== undefined && inodes.has(inode)) count++;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error; // the folder's own descriptor
    }
  }
  return count;
}

async function until(condition: () => boolean, state: () => string): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`It did not come about: ${state()}`);
    await new Promise<void>((done) => setTimeout(done, 20));
  }
}

Deno.test("RTCConnection answers real offers of Chromium and of aiortc", async () => {
  for (const name of ["chromium", "aiortc"] as const) {
    await using conn = new RTCConnection(LOCAL);
    const { sdp } = await conn.getLocalDescription({ type: "offer", sdp: readOffer(name) });
    assert.match(sdp, /^m=video [1-9]\d* .*[^]*^a=rtpmap:\d+ VP8\/90000\r$/m, name);
    assert.match(sdp, /^m=application [1-9]/m, name);
    assert.match(sdp, /^a=setup:active\r$/m, name);
  }
});

Deno.test("RTCConnection connects to an offer in aiortc's old form", async () => {
  await using offerer = new RTCConnection(LOCAL);
  await using answerer = new RTCConnection(LOCAL);
  offerer.video.putSubscription({ get: () => new Promise(() => {}) });
  const offer = await offerer.getLocalDescription();
  const old = oldForm(offer.sdp);
  assert.match(old, /^m=application 51014 DTLS\/SCTP 5000\r$/m);
  await offerer.setRemoteDescription(
    await answerer.getLocalDescription({ type: "offer", sdp: old }),
  );
  const received = answerer.subscribe();
  offerer.put_nowait("from the old form");
  assert.equal(await within(10_000, received.get(), "the message"), "from the old form");
  answerer.put_nowait(new Uint8Array(65_536));
  assert.throws(() => answerer.put_nowait(new Uint8Array(65_537)), /the other end accepts 65536/);
  assert.equal((await within(10_000, offerer.get(), "the answer") as Uint8Array).length, 65_536);
});

/** The offer as aiortc writes it: bundled, and yet each section has keys and a port of its own. */
function oldForm(sdp: string): string {
  const at = sdp.indexOf("m=application");
  assert.ok(sdp.indexOf("m=video") < at);
  const data = sdp.slice(at)
    .replace(/m=application .*/, "m=application 51014 DTLS/SCTP 5000\r")
    .replace(/a=sctp-port:.*/, "a=sctpmap:5000 webrtc-datachannel 65535\r")
    .replace(/a=max-message-size:.*/, "a=max-message-size:65536\r")
    .replace(/a=ice-ufrag:.*/, "a=ice-ufrag:Wx3q\r")
    .replace(/a=ice-pwd:.*/, "a=ice-pwd:3kGzVbQp8sYdRnHc5tLmFw\r")
    .replaceAll(/a=candidate:.*\r\n/g, "");
  return sdp.slice(0, at) + data.replace(/\r+\n/g, "\r\n");
}

Deno.test("RTCConnection hands unknown JSON and garbage to the subscriber, and lives on", async () => {
  await withPair(async (a, b) => {
    const received = b.subscribe();
    b.control.subscribe(() => assert.fail("a command"));
    const values: unknown[] = [
      { type: "no such thing", data: [1, { two: null }] },
      ["control", 1, 0, { forward: 1 }],
      ["ping", 0],
      "\u0000\u0001{",
      { __proto__: null, constructor: 1, toString: 2, then: 3 },
      "x".repeat(60_000),
      Uint8Array.from({ length: 1_000 }, (_, i) => (i * 131) & 0xff),
      new Uint8Array(0),
    ];
    for (const value of values) a.put_nowait(value);
    a.addDataChannel("rtcbot2").put_nowait("on another channel");
    a.put_nowait("end");
    for (const value of values) {
      const got = await within(5_000, received.get(), "a message");
      if (value instanceof Uint8Array) assert.deepEqual(got, value);
      else assert.equal(JSON.stringify(got), JSON.stringify(value));
    }
    assert.equal(await within(5_000, received.get(), "the end"), "end");
    assert.deepEqual([a.ready, b.ready, b.error], [true, true, null]);
  });
});
