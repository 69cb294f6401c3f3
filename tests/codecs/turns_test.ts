import assert from "node:assert/strict";
import { Turns } from "../../lib/codecs/turns.ts";
import { SubscriptionClosed } from "../../lib/errors.ts";

function harness() {
  const log: string[] = [];
  const turns = new Turns("Gadget", () => log.push("freed"));
  const call = (name: string, work: Promise<unknown>) =>
    turns.run(async () => {
      log.push(`${name} begins`);
      await work;
      log.push(`${name} ends`);
      return name;
    });
  return { log, turns, call };
}

Deno.test("Turns.run() begins at once when idle, and one call at a time", async () => {
  const { log, call } = harness();
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const first = call("a", gates[0]!.promise);
  const second = call("b", gates[1]!.promise);
  assert.deepEqual(log, ["a begins"]);
  gates[1]!.resolve();
  gates[0]!.resolve();
  assert.deepEqual(await Promise.all([first, second]), ["a", "b"]);
  assert.deepEqual(log, ["a begins", "a ends", "b begins", "b ends"]);
});

Deno.test("Turns.run() goes on after a call that failed", async () => {
  const { turns } = harness();
  const failed = turns.run(() => Promise.reject(new Error("broken")));
  const thrown = turns.run(() => {
    throw new Error("thrown");
  });
  const good = turns.run(() => Promise.resolve(3));
  await assert.rejects(failed, { message: "broken" });
  await assert.rejects(thrown, { message: "thrown" });
  assert.equal(await good, 3);
});

Deno.test("Turns.close() frees at once when idle, and once", () => {
  const { log, turns } = harness();
  turns.close();
  turns.close();
  assert.deepEqual(log, ["freed"]);
  assert(turns.closed);
});

Deno.test("Turns.close() lets what runs end before it frees, and refuses what waits", async () => {
  const { log, turns, call } = harness();
  const gate = Promise.withResolvers<void>();
  const running = call("a", gate.promise);
  const waiting = call("b", Promise.resolve());
  const alsoWaiting = call("c", Promise.resolve());
  turns.close();
  assert.deepEqual(log, ["a begins"]);
  gate.resolve();
  assert.equal(await running, "a");
  await assert.rejects(waiting, SubscriptionClosed);
  await assert.rejects(alsoWaiting, {
    name: "SubscriptionClosed",
    message: "Cannot use this Gadget: it was closed; make a new one",
  });
  await assert.rejects(call("d", Promise.resolve()), SubscriptionClosed);
  assert.deepEqual(log, ["a begins", "a ends", "freed"]);
});
