import assert from "node:assert/strict";
import { NegotiationError } from "../../lib/errors.ts";
import {
  type OfferContext,
  Refusal,
  SignalingClient,
} from "../../lib/signaling/signaling_client.ts";
import { ManualClock } from "../../lib/testing/clock.ts";
import { ANSWER, OFFER, SECRET, serve, until } from "./kit.ts";

const answer = () => JSON.parse(ANSWER) as object;

Deno.test("SignalingClient answers offers, with what is known of the viewer", async () => {
  const iceServers = [{ urls: "stun:stun.example" }];
  const served = await serve({ iceServers: () => iceServers });
  const viewers: [object, OfferContext][] = [];
  const client = new SignalingClient(`${served.url}/rover`, {
    secret: SECRET,
    onOffer: (offer, viewer) => {
      viewers.push([offer, viewer]);
      return answer();
    },
  });
  await client.onReady();
  assert.deepEqual(client.iceServers, iceServers);
  const reply = await served.post("/rover", OFFER, { authorization: "Bearer hi" });
  assert.equal(await reply.text(), ANSWER);
  assert.deepEqual(viewers[0]?.[0], JSON.parse(OFFER));
  assert.equal(viewers[0]?.[1].token, "hi");
  assert.deepEqual(viewers[0]?.[1].iceServers, iceServers);
  await client.close();
  assert.equal(client.error, null);
  await until(() => served.signaling.robots === 0);
  await served.close();
});

Deno.test("SignalingClient refuses with the sentence of a Refusal, and keeps its own troubles to itself", async () => {
  const served = await serve();
  let trouble: Error = new Refusal("I charge.");
  const client = new SignalingClient(`${served.url}/rover`, {
    secret: SECRET,
    onOffer: () => {
      throw trouble;
    },
  });
  await client.onReady();
  const ask = async () => {
    const reply = await served.post("/rover");
    return [reply.status, await reply.text()];
  };
  assert.deepEqual(await ask(), [403, "I charge."]);
  trouble = new Refusal("Who are you?", { needsToken: true });
  assert.deepEqual(await ask(), [401, "Who are you?"]);
  trouble = new NegotiationError("Cannot read the offer: it has no SDP");
  assert.deepEqual(await ask(), [403, "Cannot read the offer: it has no SDP"]);
  trouble = new Error("camera on fire");
  const { error } = console;
  const said: unknown[] = [];
  console.error = (...words) => void said.push(words.join(" "));
  try {
    assert.deepEqual(await ask(), [403, "The robot has a problem; its console says which."]);
  } finally {
    console.error = error;
  }
  assert.match(String(said[0]), /camera on fire/);
  await client.close();
  await served.close();
});

Deno.test("SignalingClient shows the service its viewers' token as a hash only", async () => {
  const served = await serve();
  const client = new SignalingClient(`${served.url}/rover`, {
    secret: SECRET,
    viewerToken: "sesame",
    onOffer: answer,
  });
  await client.onReady();
  assert.equal((await served.post("/rover")).status, 401);
  const reply = await served.post("/rover", OFFER, { authorization: "Bearer sesame" });
  assert.equal(reply.status, 200);
  await client.close();
  await served.close();
});

Deno.test("SignalingClient comes back to a service that was restarted, and gives up old offers", async () => {
  const clock = new ManualClock();
  let served = await serve();
  const { port } = served;
  const asked: OfferContext[] = [];
  const slow = Promise.withResolvers<object>();
  const client = new SignalingClient(`${served.url}/rover`, {
    secret: SECRET,
    clock,
    random: () => 1,
    onOffer: (_, viewer) => {
      asked.push(viewer);
      return asked.length === 1 ? slow.promise : answer();
    },
  });
  await client.onReady();
  const lost = served.post("/rover");
  await until(() => asked.length === 1);
  const closing = served.close();
  assert.equal(asked[0]!.signal.aborted, false);
  slow.resolve(answer());
  assert.equal((await lost).status, 200); // a graceful close finishes it
  await closing;
  await until(() => client.state === "away");
  served = await serve({}, "own", { port });
  for (let i = 0; i < 10 && client.state === "away"; i++) {
    clock.advance(15_000);
    await until(() => client.state !== "connecting");
  }
  await until(() => served.signaling.robots === 1);
  let reply = await served.post("/rover");
  while (reply.status === 404) reply = await served.post("/rover"); // the hello is on its way
  assert.equal(await reply.text(), ANSWER);
  await client.close();
  await served.close();
  assert.equal(clock.pending, 0);
});

Deno.test("SignalingClient fails when the id is another's, and when a newer one takes its place", async () => {
  const served = await serve();
  const make = (secret: string) =>
    new SignalingClient(`${served.url}/rover`, { secret, onOffer: answer });
  const first = make(SECRET);
  await first.onReady();
  const thief = make("another secret of enough length");
  const error = await thief.onError();
  assert.match(error?.message ?? "", /^Cannot stay at the signaling service: this id belongs to/);
  await thief;
  const second = make(SECRET);
  await second.onReady();
  assert.match((await first.onError())?.message ?? "", /replaced by a newer robot/);
  await until(() => served.signaling.robots === 1);
  await second.close();
  await served.close();
});

Deno.test("SignalingClient asks the service now and then, and notices when it is not heard any more", async () => {
  const clock = new ManualClock();
  let heard = 0;
  let pings = 0;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request, { protocol: "rtcbot.1" });
    socket.onmessage = ({ data }) => {
      const { type } = JSON.parse(data);
      if (type === "hello") socket.send('{"type":"welcome"}');
      if (type !== "ping") return;
      pings++;
      socket.send('{"type":"pong"}');
      socket.send(`{"type":"offer","id":"${pings}","offer":{}}`);
    };
    return response;
  });
  const states: string[] = [];
  const client = new SignalingClient(`http://127.0.0.1:${server.addr.port}/rover`, {
    secret: SECRET,
    clock,
    onOffer: () => {
      heard++;
      return answer();
    },
  });
  client.onState((state) => void states.push(state));
  await client.onReady();
  for (let i = 1; i <= 5; i++) {
    clock.advance(10_000);
    await until(() => heard === i);
  }
  assert.equal(pings, 5);
  assert.deepEqual(states, ["open"]);
  clock.advance(40_000); // and no time for a pong
  assert.deepEqual(states.slice(0, 2), ["open", "away"]);
  await client.close();
  await server.shutdown();
});

Deno.test("SignalingClient throws RangeError for a secret that can be guessed", () => {
  assert.throws(
    () => new SignalingClient("ws://127.0.0.1:1/a", { secret: "1234", onOffer: answer }),
    /^RangeError: Cannot use the secret: it has 4 characters; choose at least 16/,
  );
});
