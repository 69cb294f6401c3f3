/** The service on sockets: RTCBot's protocol frame by frame, and that of robots that stay. */
import assert from "node:assert/strict";
import { ManualClock } from "../../lib/testing/clock.ts";
import {
  ANSWER,
  leave,
  OFFER,
  robot,
  SECRET,
  serve,
  type Served,
  stayingRobot,
  until,
} from "./kit.ts";
import type { SignalingOptions } from "../../lib/signaling/service/settings.ts";
import { sha256 } from "../../lib/signaling/hash.ts";

/** Each promise is kept by both servers. */
function onBoth(
  name: string,
  run: (served: Served, clock: ManualClock) => Promise<void>,
  options: SignalingOptions = {},
): void {
  for (const by of ["own", "deno"] as const) {
    Deno.test(`${name} (${by === "own" ? "serveSignaling" : "Deno.serve"})`, async () => {
      const clock = new ManualClock();
      const served = await serve({ clock, ...options }, by);
      try {
        await run(served, clock);
      } finally {
        await served.close();
      }
      assert.equal(served.signaling.robots, 0);
      assert.equal(clock.pending, 0);
    });
  }
}

onBoth(
  "RTCBot's robot gets the offer in one text frame, and its first frame is the answer",
  async (served) => {
    const python = robot(served, "/myRandomSequence11");
    await python.opened;
    const reply = served.post("/myRandomSequence11");
    assert.equal(await python.frame(), OFFER);
    const spaced = '{"sdp": "v=0\\r\\n", "type": "answer"}'; // as json.dumps writes it
    python.send(spaced);
    assert.equal(await (await reply).text(), spaced);
    assert.equal((await python.closed).code, 1000);
    assert.equal((await served.post("/myRandomSequence11")).status, 404); // and the id is free
    const next = robot(served, "/myRandomSequence11");
    await next.opened;
    await leave(next);
    await until(() => served.signaling.robots === 0);
  },
);

onBoth(
  "RTCBot's robot does not hear who of our viewers it is, which it would not take",
  async (served) => {
    const python = robot(served, "/rover");
    await python.opened;
    const reply = served.post("/rover", JSON.stringify({ ...JSON.parse(OFFER), viewer: "anna" }));
    assert.deepEqual(await python.json(), JSON.parse(OFFER));
    python.send(ANSWER);
    assert.equal((await reply).status, 200);
    await python.closed;
  },
);

onBoth("a second robot of RTCBot at one id gets 409, and the first keeps it", async (served) => {
  const first = robot(served, "/rover");
  await first.opened;
  const second = robot(served, "/rover");
  await assert.rejects(second.opened, /409/);
  const reply = served.post("/rover");
  await first.frame();
  first.send(ANSWER);
  assert.equal((await reply).status, 200);
  await first.closed;
});

onBoth("an id is free again when its robot has left", async (served) => {
  const first = robot(served, "/rover");
  await first.opened;
  await leave(first);
  await until(() => served.signaling.robots === 0);
  assert.equal((await served.post("/rover")).status, 404);
});

onBoth("a frame of 8191 bytes is an answer, and one of 8192 closes with 1009", async (served) => {
  for (const [bytes, status] of [[8191, 200], [8192, 502]] as const) {
    const python = robot(served, "/rover");
    await python.opened;
    const reply = served.post("/rover");
    await python.frame();
    const empty = JSON.stringify({ type: "answer", sdp: "" }).length;
    python.send(JSON.stringify({ type: "answer", sdp: "x".repeat(bytes - empty) }));
    assert.equal((await reply).status, status);
    assert.equal((await python.closed).code, status === 200 ? 1000 : 1009);
    await (await reply).body?.cancel();
    await until(() => served.signaling.robots === 0);
  }
});

onBoth(
  "a robot that does not answer within 10 s is 504 for the viewer, and its id is free",
  async (served, clock) => {
    const python = robot(served, "/rover");
    await python.opened;
    const reply = served.post("/rover");
    await python.frame();
    assert.equal((await served.post("/rover")).status, 503); // one offer a websocket
    clock.advance(10_001);
    assert.equal((await reply).status, 504);
    await python.closed;
    assert.equal((await served.post("/rover")).status, 404);
  },
);

onBoth("an answer that is none is 502, and who speaks unasked is sent away", async (served) => {
  for (const answer of ["", "surprise", "[1]", "null", new Uint8Array([1, 2])]) {
    const python = robot(served, "/rover");
    await python.opened;
    const reply = served.post("/rover");
    await python.frame();
    python.socket.send(answer);
    assert.equal((await reply).status, 502, String(answer));
    await python.closed;
    await until(() => served.signaling.robots === 0);
  }
  const eager = robot(served, "/rover");
  await eager.opened;
  eager.send(ANSWER);
  assert.equal((await eager.closed).code, 1008);
  await until(() => served.signaling.robots === 0);
});

onBoth("a robot that leaves instead of answering is 502 at once", async (served) => {
  for (const stays of [true, false]) {
    const one = stays ? await stayingRobot(served, "/rover") : robot(served, "/other");
    await one.opened;
    const reply = served.post(stays ? "/rover" : "/other");
    await one.frame();
    one.socket.close();
    assert.equal((await reply).status, 502);
    await one.closed;
  }
});

onBoth("a robot that stays answers many viewers, at once and in any order", async (served) => {
  const rover = await stayingRobot(served, "/rover");
  const offers = [0, 1, 2, 3, 4].map((n) => JSON.stringify({ type: "offer", sdp: String(n) }));
  const replies = offers.map((offer) => served.post("/rover", offer));
  const heard = [];
  for (const _ of offers) heard.push(await rover.json());
  assert.equal(new Set(heard.map(({ id }) => id)).size, 5);
  for (const { type, id, offer } of heard.reverse()) {
    assert.equal(type, "offer");
    rover.send({ type: "answer", id, answer: { type: "answer", sdp: `to ${offer.sdp}` } });
  }
  for (let n = 0; n < 5; n++) {
    assert.deepEqual(await (await replies[n]!).json(), { type: "answer", sdp: `to ${n}` });
  }
  const again = served.post("/rover");
  const { id } = await rover.json();
  rover.send({ type: "surprise" }); // of a later version: passed over
  rover.send({ type: "answer", id: "nobody's", answer: {} });
  rover.send({ type: "refuse", id, reason: "I charge.", needsToken: true });
  assert.equal((await again).status, 401);
  assert.equal(await (await again).text(), "I charge.");
  rover.send({ type: "ping" });
  assert.deepEqual(await rover.json(), { type: "pong" });
  await leave(rover);
  await until(() => served.signaling.robots === 0);
});

onBoth(
  "a robot that stays is told when nobody waits for its answer any more",
  async (served, clock) => {
    const rover = await stayingRobot(served, "/rover");
    const reply = served.post("/rover");
    const { id } = await rover.json();
    clock.advance(10_001);
    assert.equal((await reply).status, 504);
    assert.deepEqual(await rover.json(), { type: "cancel", id });
    await leave(rover);
    await until(() => served.signaling.robots === 0);
  },
);

onBoth(
  "who comes first with a secret owns the id; the same secret replaces, another is refused",
  async (served) => {
    const first = await stayingRobot(served, "/rover");
    const thief = robot(served, "/rover", "rtcbot.1");
    await thief.opened;
    thief.send({ type: "hello", secret: "another secret of enough length" });
    assert.deepEqual(await thief.closed, {
      code: 4403,
      reason: "this id belongs to another secret",
    });
    await assert.rejects(robot(served, "/rover").opened, /403/);
    const second = await stayingRobot(served, "/rover"); // after a lost connection, say
    assert.equal((await first.closed).code, 4410);
    const reply = served.post("/rover");
    const { id } = await second.json();
    second.send({ type: "answer", id, answer: { type: "answer", sdp: "" } });
    assert.equal((await reply).status, 200);
    await leave(second);
    await until(() => served.signaling.robots === 0);
    await assert.rejects(robot(served, "/rover").opened, /403/); // owned also while nobody is there
  },
);

onBoth("an id that RTCBot's robot has is not taken from it by a secret", async (served) => {
  const python = robot(served, "/rover");
  await python.opened;
  const newer = robot(served, "/rover", "rtcbot.1");
  await newer.opened;
  newer.send({ type: "hello", secret: SECRET });
  assert.equal((await newer.closed).code, 4409);
  await leave(python);
  await until(() => served.signaling.robots === 0);
  const old = robot(served, "/rover"); // and the secret was not kept
  await old.opened;
  await leave(old);
  await until(() => served.signaling.robots === 0);
});

onBoth(
  "a secret is forgotten a while after its last use, not while its robot stays",
  async (served, clock) => {
    const day = 24 * 3600 * 1000;
    const rover = await stayingRobot(served, "/rover");
    for (let days = 0; days < 3; days++) clock.advance(day / 2);
    await assert.rejects(robot(served, "/rover").opened, /403/);
    await leave(rover);
    await until(() => served.signaling.robots === 0);
    clock.advance(day + 1);
    const other = await stayingRobot(served, "/rover", {
      secret: "another secret of enough length",
    });
    await leave(other);
    await until(() => served.signaling.robots === 0);
  },
  { secretTtlMs: 24 * 3600 * 1000 },
);

onBoth("viewers must show the token whose hash the robot has stated", async (served) => {
  const rover = await stayingRobot(served, "/rover", {
    secret: SECRET,
    tokenHash: await sha256("sesame"),
  });
  assert.equal((await served.post("/rover")).status, 401);
  assert.equal((await served.post("/rover", OFFER, { authorization: "Bearer x" })).status, 401);
  const reply = served.post("/rover", OFFER, { authorization: "Bearer sesame" });
  const { id } = await rover.json();
  rover.send({ type: "answer", id, answer: { type: "answer", sdp: "" } });
  assert.equal((await reply).status, 200);
  await leave(rover);
  await until(() => served.signaling.robots === 0);
});

onBoth("robots get ICE servers at the welcome and with each offer", async (served) => {
  const rover = robot(served, "/rover", "rtcbot.1");
  await rover.opened;
  rover.send({ type: "hello", secret: SECRET });
  const iceServers = [{ urls: "turn:relay.example", username: "rover", credential: "robot" }];
  assert.deepEqual(await rover.json(), { type: "welcome", iceServers });
  const reply = served.post("/rover");
  const offer = await rover.json();
  assert.deepEqual(offer.iceServers, iceServers);
  rover.send({ type: "answer", id: offer.id, answer: { type: "answer", sdp: "" } });
  await (await reply).text();
  await leave(rover);
  await until(() => served.signaling.robots === 0);
}, {
  iceServers: ({ id, role }) => [{ urls: "turn:relay.example", username: id, credential: role }],
});

onBoth(
  "a robot that says nonsense, too much or nothing is sent away with a reason",
  async (served, clock) => {
    const cases: [string | Uint8Array<ArrayBuffer>, number, RegExp][] = [
      ["{", 4400, /not JSON/],
      ["[]", 4400, /no JSON object/],
      ['{"type":"hello","secret":"short"}', 4400, /its secret has 5 characters/],
      ['{"type":"hello"}', 4400, /"secret" is no text/],
      [`{"type":"hello","secret":"${SECRET}","tokenHash":"x"}`, 4400, /SHA-256/],
      [new Uint8Array(10), 1003, /text/],
      ["x".repeat(131_073), 1009, /131072/],
    ];
    for (const [frame, code, reason] of cases) {
      const rover = robot(served, "/rover", "rtcbot.1");
      await rover.opened;
      rover.socket.send(frame);
      const end = await rover.closed;
      assert.equal(end.code, code);
      assert.match(end.reason, reason);
    }
    const chatty = await stayingRobot(served, "/rover");
    for (let i = 0; i < 250; i++) chatty.send({ type: "ping" });
    await chatty.closed; // of the close frame it may hear nothing, since it was still sending
    await until(() => served.signaling.robots === 0);
    const silent = robot(served, "/rover", "rtcbot.1");
    await silent.opened;
    await until(() => served.signaling.robots === 1);
    clock.advance(10_001);
    assert.equal((await silent.closed).code, 4408);
    await until(() => served.signaling.robots === 0);
  },
  { limits: { requestBurst: 1000 } },
);

onBoth("closing tells every robot with 1001", async (served) => {
  const rover = await stayingRobot(served, "/rover");
  const python = robot(served, "/python");
  await python.opened;
  const closed = served.signaling.close();
  assert.equal((await rover.closed).code, 1001);
  assert.equal((await python.closed).code, 1001);
  await closed;
});

onBoth("one address may have so many robots", async (served) => {
  const robots = [];
  for (const id of ["a", "b", "c"]) {
    const made = robot(served, `/${id}`);
    await made.opened;
    robots.push(made);
  }
  await assert.rejects(robot(served, "/d").opened, /429/);
  await leave(robots.pop()!);
  await until(() => served.signaling.robots === 2);
  const made = robot(served, "/d");
  await made.opened;
  for (const each of [made, ...robots]) await leave(each);
  await until(() => served.signaling.robots === 0);
}, { limits: { maxRobotsPerAddress: 3 } });
