import assert from "node:assert/strict";
import { lookUpNames } from "../../lib/connection/mdns_lookup.ts";
import { startResponder } from "./mdns_responder.ts";
import { within } from "./pair.ts";

const NAME = "5b6d1c2e-8d1a-4a5c-9a67-2f6f6b1d3c55.local";
const OTHER = "11111111-8d1a-4a5c-9a67-2f6f6b1d3c55.local";
const addresses = ["127.0.0.1"];

/** Gathers what is found. */
function ask(names: readonly string[], port: number, signal = new AbortController().signal) {
  const found: [string, string][] = [];
  const done = lookUpNames({
    names,
    addresses,
    port,
    signal,
    found: (name, address) => found.push([name, address]),
  });
  return { found, done: within(10_000, done, "the end of the lookup") };
}

Deno.test("lookUpNames() finds the addresses that somebody in the network tells", async () => {
  const responder = await startResponder({ [NAME]: "192.0.2.7", [OTHER]: "fd00:0:0:0:0:0:0:7" });
  const { found, done } = ask([NAME, OTHER.toUpperCase()], responder.port);
  await done;
  assert.deepEqual(found.sort(), [[OTHER, "fd00::7"], [NAME, "192.0.2.7"]]);
  await responder.close();
});

Deno.test("lookUpNames() asks again when the first question was lost", async () => {
  const responder = await startResponder({ [NAME]: "192.0.2.7" }, { deafTo: 2 });
  const { found, done } = ask([NAME], responder.port);
  await done;
  assert.deepEqual(found, [[NAME, "192.0.2.7"]]);
  assert.ok(responder.asked > 2);
  await responder.close();
});

Deno.test("lookUpNames() tells everybody who asks for the same name", async () => {
  const responder = await startResponder({ [NAME]: "192.0.2.7" });
  const all = [ask([NAME], responder.port), ask([NAME], responder.port)];
  await Promise.all(all.map(({ done }) => done));
  assert.deepEqual(all.map(({ found }) => found), [[[NAME, "192.0.2.7"]], [[NAME, "192.0.2.7"]]]);
  await responder.close();
});

Deno.test("lookUpNames() ends when it is aborted, and after a while when nobody tells", async () => {
  const responder = await startResponder({});
  const ending = new AbortController();
  const aborted = ask([NAME], responder.port, ending.signal);
  const unanswered = ask([NAME], responder.port);
  ending.abort();
  await aborted.done;
  await unanswered.done;
  assert.deepEqual([...aborted.found, ...unanswered.found], []);
  await responder.close();
});
