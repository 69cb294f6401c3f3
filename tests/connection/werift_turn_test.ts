/** A relay over hours, with a TURN server of the test's own and a clock that the test moves. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createSocket } from "node:dgram";
import { loadWerift } from "../../lib/connection/werift_engine.ts";
import { Relay } from "../../lib/connection/werift_turn.ts";
import { readChannelData } from "../../lib/wire/turn_frames.ts";
import { within } from "./pair.ts";

const werift = await loadWerift();
const ALLOCATE = 3, REFRESH = 4, SEND = 6, CREATE_PERMISSION = 8, CHANNEL_BIND = 9;
const NAMES: Readonly<Record<number, string>> = {
  [ALLOCATE]: "allocate",
  [REFRESH]: "refresh",
  [SEND]: "send",
  [CREATE_PERMISSION]: "permit",
  [CHANNEL_BIND]: "bind",
};
const MINUTE = 60_000;

/** Says yes to everything, and remembers what it was asked. */
class Server implements AsyncDisposable {
  readonly asked: string[] = [];
  refuse: Readonly<Record<number, readonly [number, string]>> = {};
  port = 0;
  readonly #socket = createSocket("udp4");
  readonly #waiting = new Set<() => void>();

  static async start(): Promise<Server> {
    const server = new Server();
    server.#socket.on("message", (packet, { address, port }) => {
      server.#received(packet, (reply) => server.#socket.send(reply, port, address));
    });
    await new Promise<void>((done) => server.#socket.bind(0, "127.0.0.1", () => done()));
    server.port = server.#socket.address().port;
    return server;
  }

  /** Waits until it was asked all of this, in any order, and forgets it. */
  async until(...wanted: string[]): Promise<void> {
    const here = () => [...this.asked].sort().join() === wanted.sort().join();
    const done = new Promise<void>((resolve) => {
      const look = () => here() && resolve();
      this.#waiting.add(look);
      look();
    });
    await within(10_000, done, wanted.join()).catch(() => assert.deepEqual(this.asked, wanted));
    this.#waiting.clear();
    this.asked.length = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((done) => this.#socket.close(() => done()));
  }

  #received(packet: Buffer, reply: (packet: Buffer) => void): void {
    const framed = readChannelData(packet);
    const message = framed ? null : werift.parseMessage(packet)!;
    const method = message?.messageMethod ?? 0;
    const lifetime = message?.getAttributeValue("LIFETIME");
    this.asked.push(framed ? `channel ${framed.data}` : NAMES[method]! + (lifetime === 0 ? 0 : ""));
    this.#waiting.forEach((look) => look());
    if (!message || method === SEND) return;
    const refusal = this.refuse[method];
    const answer = new werift.Message(
      message.messageMethod,
      refusal ? 0x110 : 0x100,
      message.transactionId,
    );
    if (refusal) answer.setAttribute("ERROR-CODE", refusal);
    answer.setAttribute("LIFETIME", 600);
    answer.setAttribute("XOR-RELAYED-ADDRESS", ["192.0.2.1", 50_000]);
    answer.setAttribute("XOR-MAPPED-ADDRESS", ["192.0.2.2", 40_000]);
    reply(answer.bytes);
  }
}

/** Runs the body with a relay; `later` lets time pass, as far as it is read. */
async function withRelay(
  body: (relay: Relay, server: Server, later: (ms: number) => void) => Promise<void>,
): Promise<void> {
  await using server = await Server.start();
  const { now } = performance;
  let aheadMs = 0;
  performance.now = () => now.call(performance) + aheadMs;
  try {
    const relay = await Relay.open(werift, {
      ...{ host: "127.0.0.1", port: server.port, transport: "udp" },
      ...{ username: "robot", credential: "secret" },
    }, new AbortController().signal);
    await server.until("allocate");
    await body(relay, server, (ms) => aheadMs += ms);
    server.refuse = {};
    await relay.close();
  } finally {
    performance.now = now;
  }
}

const check = Buffer.from([0, 1, 2, 3]), data = Buffer.from("data");

Deno.test("Relay.send() asks for a permission once, and for a channel when there is data", async () => {
  await withRelay(async (relay, server) => {
    await relay.send(check, ["192.0.2.9", 5]);
    await relay.send(check, ["192.0.2.9", 6]);
    await server.until("permit", "send", "send");
    assert.equal(relay.sendAtOnce(new Uint8Array(data), "192.0.2.9", 5), false);
    await relay.send(data, ["192.0.2.9", 5]);
    await server.until("send", "bind");
    while (!relay.sendAtOnce(new Uint8Array(data), "192.0.2.9", 5)) {
      await new Promise((done) => setTimeout(done)); // the answer is on its way
    }
    await server.until("channel data");
  });
});

Deno.test("Relay renews permissions and channels before servers forget them, hour after hour", async () => {
  await withRelay(async (relay, server, later) => {
    await relay.send(data, ["192.0.2.9", 5]);
    await relay.send(check, ["192.0.2.8", 5]);
    await server.until("permit", "permit", "send", "send", "bind");
    for (let minutes = 0; minutes < 600; minutes += 4.5) {
      later(4.5 * MINUTE); // less than the 5 that a permission lasts
      await relay.send(data, ["192.0.2.9", 5]);
      await relay.send(check, ["192.0.2.8", 5]);
      await server.until("channel data", "bind", "permit", "send");
    }
  });
});

Deno.test("Relay sends nothing where the server allows nothing, tells why, and asks again later", async () => {
  await withRelay(async (relay, server, later) => {
    server.refuse = { [CREATE_PERMISSION]: [403, "Forbidden IP"] };
    await relay.send(check, ["192.0.2.9", 5]);
    await relay.send(check, ["192.0.2.9", 5]);
    await server.until("permit");
    assert.equal(
      relay.refusals.get("192.0.2.9"),
      "it may not send to that address (403 Forbidden IP)",
    );
    server.refuse = {};
    later(11_000);
    await relay.send(check, ["192.0.2.9", 5]);
    await server.until("permit", "send");
    assert.equal(relay.refusals.size, 0);
  });
});

Deno.test("Relay.close() gives the relay back, once", async () => {
  await withRelay(async (relay, server) => {
    await relay.close();
    await relay.close();
    await server.until("refresh0");
    assert.equal(relay.sendAtOnce(new Uint8Array(data), "192.0.2.9", 5), false);
    await relay.send(data, ["192.0.2.9", 5]);
  });
});

Deno.test("Relay.open() rejects with what the server says", async () => {
  await using server = await Server.start();
  server.refuse = { [ALLOCATE]: [508, "Insufficient\n\u0007 Capacity"] };
  const options = { host: "127.0.0.1", port: server.port, transport: "udp" } as const;
  await assert.rejects(
    Relay.open(
      werift,
      { ...options, username: "a", credential: "b" },
      new AbortController().signal,
    ),
    { message: "it has no relay left (508 Insufficient Capacity)" },
  );
});
