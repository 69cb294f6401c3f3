import assert from "node:assert/strict";
import { ConnectionLost, NegotiationError } from "../../lib/errors.ts";
import {
  type ReachableConnection,
  ReachableRobot,
  type Viewer,
} from "../../lib/signaling/reachable_robot.ts";
import { Refusal } from "../../lib/signaling/signaling_client.ts";
import { ManualClock } from "../../lib/testing/clock.ts";
import { ANSWER, SECRET, serve, until } from "./kit.ts";

class FakeConnection implements ReachableConnection {
  ready = true;
  error: Error | null = null;
  closed = false;
  readonly #listeners: (() => void)[] = [];

  constructor(readonly viewer: Viewer) {}

  getLocalDescription(offer: unknown): Promise<unknown> {
    const { sdp } = offer as { sdp: string };
    if (sdp === "bad") return Promise.reject(new NegotiationError("Cannot read the offer: bad"));
    return Promise.resolve(JSON.parse(ANSWER));
  }
  onClose(listener: () => void): void {
    this.#listeners.push(listener);
  }
  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const listener of this.#listeners) listener();
  }
  lose(): void {
    this.error = new ConnectionLost("Cannot reach the other end");
    this.close();
  }
}

async function robotAt(
  url: string,
  options: { clock?: ManualClock; maxConnections?: number } = {},
) {
  const made: FakeConnection[] = [];
  const robot = new ReachableRobot(`${url}/rover`, {
    secret: SECRET,
    random: () => 1,
    ...options,
    connect(viewer) {
      if (viewer.token === "banned") throw new Refusal("Not you.", { needsToken: true });
      if (viewer.token === "broken") throw new Error("camera on fire");
      made.push(new FakeConnection(viewer));
      return made.at(-1)!;
    },
  });
  await robot.onReady();
  return { robot: [robot] as const, made };
}

const offer = (more: object = {}) => JSON.stringify({ type: "offer", sdp: "v=0", ...more });

Deno.test("ReachableRobot gives each viewer a connection of its own, and ends them with itself", async () => {
  const iceServers = [{ urls: "stun:stun.example" }];
  const served = await serve({ iceServers: () => iceServers });
  const { robot: [robot], made } = await robotAt(served.url);
  for (let i = 0; i < 3; i++) {
    const reply = await served.post("/rover", offer());
    assert.deepEqual([reply.status, await reply.text()], [200, ANSWER]);
  }
  assert.deepEqual(made.map(({ viewer }) => viewer.iceServers), Array(3).fill(iceServers));
  assert.deepEqual(robot.connections, made);
  made[1]!.close();
  assert.deepEqual(robot.connections, [made[0], made[2]]);
  await robot.close();
  assert.ok(made.every(({ closed }) => closed));
  await until(() => served.signaling.robots === 0);
  await served.close();
});

Deno.test("ReachableRobot puts a viewer that comes again in the place of its old connection", async () => {
  const served = await serve();
  const { robot: [robot], made } = await robotAt(served.url, { maxConnections: 2 });
  for (const viewer of ["anna", "ben", "anna"]) {
    assert.equal((await served.post("/rover", offer({ viewer }))).status, 200);
  }
  assert.deepEqual(made.map(({ closed }) => closed), [true, false, false]);
  const refused = await served.post("/rover", offer({ viewer: "carl" }));
  assert.deepEqual([refused.status, await refused.text()], [
    403,
    "Cannot connect: 2 connections are there already",
  ]);
  await robot.close();
  await served.close();
});

Deno.test("ReachableRobot sends viewers away with a Refusal's sentence, and hides its own troubles", async () => {
  const served = await serve();
  const { robot: [robot], made } = await robotAt(served.url);
  const ask = async (token: string, more = {}) => {
    const reply = await served.post("/rover", offer(more), { authorization: `Bearer ${token}` });
    return [reply.status, await reply.text()];
  };
  assert.deepEqual(await ask("banned"), [401, "Not you."]);
  assert.deepEqual(await ask("ok", { sdp: "bad" }), [403, "Cannot read the offer: bad"]);
  const { error } = console;
  const said: unknown[] = [];
  console.error = (...words) => void said.push(words.join(" "));
  try {
    const [status, text] = await ask("broken");
    assert.equal(status, 403);
    assert.match(String(text), /its console says which/);
  } finally {
    console.error = error;
  }
  assert.match(String(said[0]), /camera on fire/);
  assert.deepEqual([robot.connections, made.length], [[], 1]);
  await robot.close();
  await served.close();
});

Deno.test("ReachableRobot keeps its connections while the service is away, and can be reached again", async () => {
  const clock = new ManualClock();
  let served = await serve();
  const { port } = served;
  const { robot: [robot], made } = await robotAt(served.url, { clock });
  await served.post("/rover", offer());
  await served.close();
  await until(() => robot.state === "away");
  assert.equal(made[0]!.closed, false);
  served = await serve({}, "own", { port });
  for (let i = 0; i < 10 && robot.state === "away"; i++) {
    clock.advance(15_000);
    await until(() => robot.state !== "connecting");
  }
  await until(() => served.signaling.robots === 1);
  let reply = await served.post("/rover", offer());
  while (reply.status === 404) reply = await served.post("/rover", offer());
  assert.equal(await reply.text(), ANSWER);
  assert.deepEqual(made.map(({ closed }) => closed), [false, false]);
  await robot.close();
  await served.close();
  assert.equal(clock.pending, 0);
});

Deno.test("ReachableRobot does not trust the service's silence when a connection was lost", async () => {
  const clock = new ManualClock();
  // A service that was cut off: it brings two viewers, and then neither hears nor says anything.
  let sockets = 0, pings = 0;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request, { protocol: "rtcbot.1" });
    const first = sockets++ === 0;
    const say = (message: object) => socket.send(JSON.stringify(message));
    socket.onmessage = ({ data }) => {
      const { type } = JSON.parse(data);
      if (type === "ping") pings++;
      if (type !== "hello") return;
      say({ type: "welcome", iceServers: null });
      for (const id of first ? ["1", "2"] : []) {
        say({ type: "offer", id, offer: JSON.parse(offer()) });
      }
    };
    return response;
  });
  const { robot: [robot], made } = await robotAt(`http://127.0.0.1:${server.addr.port}`, { clock });
  await until(() => made.length === 2);
  made[0]!.close(); // in order, which is no reason to doubt
  clock.advance(1_600);
  assert.equal(robot.state, "open");
  made[1]!.lose();
  await until(() => pings === 1);
  clock.advance(1_600);
  assert.equal(robot.state, "away");
  clock.advance(1_000);
  await until(() => sockets === 2 && robot.state === "open");
  await robot.close();
  await server.shutdown();
});

Deno.test("ReachableRobot gives up an attempt that hangs when a connection was lost meanwhile", async () => {
  const clock = new ManualClock();
  const served = await serve();
  // The service, and what becomes of the packets to it in a network that has changed: silence.
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const swallowed: Deno.Conn[] = [];
  let cutOff = false;
  let last: Deno.Conn | null = null;
  const serving = (async () => {
    for await (const conn of listener) {
      last = conn;
      if (cutOff) {
        swallowed.push(conn);
        continue;
      }
      const behind = await Deno.connect({ hostname: "127.0.0.1", port: served.port });
      const pipes = [conn.readable.pipeTo(behind.writable), behind.readable.pipeTo(conn.writable)];
      void Promise.allSettled(pipes);
    }
  })();
  const { robot: [robot], made } = await robotAt(`http://127.0.0.1:${port}`, { clock });
  await served.post("/rover", offer());
  cutOff = true;
  (last! as Deno.Conn).close();
  await until(() => robot.state === "away");
  clock.advance(1_000);
  await until(() => swallowed.length === 1);
  assert.equal(robot.state, "connecting");
  made[0]!.lose();
  clock.advance(2_900);
  assert.equal(robot.state, "connecting");
  clock.advance(200);
  assert.equal(robot.state, "away");
  cutOff = false;
  clock.advance(4_000);
  await until(() => robot.state === "open");
  await robot.close();
  listener.close();
  for (const conn of swallowed) conn.close();
  await serving.catch(() => {});
  await served.close();
});
