import assert from "node:assert/strict";
import { MemoryBroker, MemorySecrets } from "../../lib/signaling/memory_broker.ts";
import { testBroker } from "../contract/broker_contract.ts";

testBroker("MemoryBroker", () => {
  const broker = new MemoryBroker();
  return Promise.resolve({
    here: broker,
    elsewhere: broker,
    [Symbol.asyncDispose]: () => broker.close(),
  });
}, (name, fn) => Deno.test(name, fn));

Deno.test("MemorySecrets.prove() keeps who came first, and forgets who did not come for long", async () => {
  let nowMs = 0;
  const secrets = new MemorySecrets({ now: () => nowMs });
  assert.equal(await secrets.prove("a", null, 1_000), true);
  assert.equal(await secrets.prove("a", "11", 1_000), true);
  assert.equal(await secrets.prove("a", "22", 1_000), false);
  assert.equal(await secrets.prove("a", null, 1_000), false);
  nowMs = 900;
  assert.equal(await secrets.prove("a", "11", 1_000), true); // and is kept for longer by that
  nowMs = 1_899;
  assert.equal(await secrets.prove("a", "22", 1_000), false);
  nowMs = 1_901;
  assert.equal(await secrets.prove("a", "22", 1_000), true);
});

Deno.test("MemorySecrets.prove() keeps so many and no more, those that are due first", async () => {
  let nowMs = 0;
  const secrets = new MemorySecrets({ maxIds: 2, now: () => nowMs });
  await secrets.prove("a", "1", 1_000);
  await secrets.prove("b", "2", 2_000);
  await assert.rejects(secrets.prove("c", "3", 1_000), { name: "BufferFull" });
  assert.equal(await secrets.prove("a", "1", 1_000), true);
  nowMs = 2_001;
  assert.equal(await secrets.prove("c", "3", 1_000), true);
  assert.ok(secrets.size <= 2);
});
