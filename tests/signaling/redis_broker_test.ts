import assert from "node:assert/strict";
import type { Holder, Presence } from "../../lib/signaling/broker.ts";
import { RedisBroker } from "../../lib/signaling/redis_broker.ts";
import { RedisSecrets } from "../../lib/signaling/redis_secrets.ts";
import { within } from "../connection/pair.ts";
import { testBroker } from "../contract/broker_contract.ts";
import { startRedis, testRedis } from "./redis_server.ts";

const STAYS: Presence = { stays: true, owned: false, tokenHash: null };
const MESSAGE = { offer: "{}", token: null };
const signal = () => AbortSignal.timeout(30_000);
const silent: Holder = { offer: () => new Promise(() => {}), lost() {} };
const answering: Holder = {
  offer: () => Promise.resolve({ kind: "answer", answer: "yes" }),
  lost() {},
};

testBroker("RedisBroker", async () => {
  const redis = await startRedis();
  const [here, elsewhere] = [1, 2].map(() => new RedisBroker({ url: redis.url }));
  return {
    here: here!,
    elsewhere: elsewhere!,
    async [Symbol.asyncDispose]() {
      await Promise.all([here!.close(), elsewhere!.close()]);
      await redis[Symbol.asyncDispose]();
    },
  };
}, testRedis);

testRedis("RedisBroker keeps a claim for much longer than it would last by itself", async () => {
  await using redis = await startRedis();
  const options = { url: redis.url, ttlMs: 2_000 };
  const [here, elsewhere] = [new RedisBroker(options), new RedisBroker(options)];
  await here.claim("a", STAYS, answering);
  for (const until = performance.now() + 4_500; performance.now() < until;) {
    assert.notEqual(await elsewhere.find("a"), null);
  }
  await Promise.all([here.close(), elsewhere.close()]);
});

testRedis(
  "RedisBroker frees the ids of an instance that was killed, and tells who asks",
  async () => {
    await using redis = await startRedis();
    const killed = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-prompt",
        "--allow-net",
        new URL("./redis_claimer.ts", import.meta.url).pathname,
      ]
        .concat(redis.url),
      stdout: "piped",
    }).spawn();
    const said = killed.stdout.pipeThrough(new TextDecoderStream()).getReader();
    assert.equal((await said.read()).value, "claimed\n");
    const here = new RedisBroker({ url: redis.url });
    const asking = here.ask("a", MESSAGE, { signal: signal() });
    assert.equal((await said.read()).value, "asked\n");
    const killedMs = performance.now();
    killed.kill("SIGKILL");
    assert.deepEqual(await asking, { kind: "gone" });
    assert.equal(await here.find("a"), null);
    assert.ok(await here.claim("a", STAYS, answering));
    // Its time to live is 5 s, and it is looked after every 1.25 s; the rest is for a slow machine.
    assert.ok(performance.now() - killedMs < 20_000);
    await said.cancel();
    await killed.status;
    await here.close();
  },
);

testRedis(
  "RedisBroker rejects while Redis is away, and has its robots again after that",
  async () => {
    const { error } = console;
    const told: unknown[] = [];
    console.error = (...words) => void told.push(words.join(" "));
    try {
      await using redis = await startRedis();
      const options = { url: redis.url, ttlMs: 1_000 };
      const [here, elsewhere] = [new RedisBroker(options), new RedisBroker(options)];
      const losses: string[] = [];
      const holder = { ...answering, lost: (reason: string) => void losses.push(reason) };
      assert.ok(await here.claim("a", STAYS, holder));
      await elsewhere.find("a");
      await redis.kill();
      const refused = { name: "ConnectionLost", message: /^Cannot ask Redis: .*; is it running/ };
      await assert.rejects(elsewhere.ask("a", MESSAGE, { signal: signal() }), refused);
      await assert.rejects(here.claim("b", STAYS, answering), refused);
      await redis.restart();
      const again = async () => {
        for (;;) {
          const reply = await elsewhere.ask("a", MESSAGE, { signal: signal() }).catch(() => null);
          if (reply !== null && reply.kind !== "gone") return reply;
          await new Promise((resolve) => setTimeout(resolve, 50)); // it renews when it is connected
        }
      };
      assert.deepEqual(await within(20_000, again(), "an answer"), {
        kind: "answer",
        answer: "yes",
      });
      assert.deepEqual(losses, []);
      await Promise.all([here.close(), elsewhere.close()]);
      assert.ok(
        told.length >= 1 && told.every((text) => /Redis cannot be reached/.test(String(text))),
      );
    } finally {
      console.error = error;
    }
  },
);

testRedis(
  "RedisBroker tells a robot whose id another got while Redis had forgotten it",
  async () => {
    await using redis = await startRedis();
    const here = new RedisBroker({ url: redis.url, ttlMs: 800 });
    const elsewhere = new RedisBroker({ url: redis.url, ttlMs: 60_000 });
    const lost = Promise.withResolvers<string>();
    await here.claim("a", STAYS, { ...silent, lost: lost.resolve });
    // As if Redis had been restarted and the other instance had come first.
    await elsewhere.claim("a", STAYS, answering, { replace: true });
    assert.match(await within(10_000, lost.promise, "the loss"), /replaced|expired/);
    await Promise.all([here.close(), elsewhere.close()]);
  },
);

Deno.test("RedisBroker refuses a URL that is none of Redis, without telling it", () => {
  assert.throws(() => new RedisBroker({ url: "http://:secret@host" }), (error: Error) => {
    assert.match(error.message, /^Cannot use Redis: its URL does not begin with redis:\/\//);
    assert.doesNotMatch(error.message, /secret/);
    return error instanceof SyntaxError;
  });
});

testRedis(
  "RedisSecrets.prove() keeps who came first, for all instances, and forgets in time",
  async () => {
    await using redis = await startRedis();
    const [here, elsewhere] = [1, 2].map(() => new RedisSecrets({ url: redis.url }));
    const first = await Promise.all([
      here!.prove("a", "11", 60_000),
      elsewhere!.prove("a", "22", 60_000),
    ]);
    assert.equal(first.filter(Boolean).length, 1);
    const [mine, other] = first[0] ? ["11", "22"] : ["22", "11"];
    assert.equal(await elsewhere!.prove("a", mine!, 60_000), true);
    assert.equal(await here!.prove("a", other!, 60_000), false);
    assert.equal(await here!.prove("a", null, 60_000), false);
    assert.equal(await here!.prove("b", null, 60_000), true);
    assert.equal(await elsewhere!.prove("b", "33", 1), true);
    const forgotten = async () => {
      while (!(await here!.prove("b", null, 1)));
    };
    await within(10_000, forgotten(), "forgetting");
    here!.close();
    elsewhere!.close();
  },
);
