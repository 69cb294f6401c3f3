import assert from "node:assert/strict";
import type * as Werift from "werift";
import { loadWerift } from "../../lib/connection/werift_engine.ts";
import { followNomination } from "../../lib/connection/werift_nomination.ts";

const [TRYING, WORKS] = [2, 3]; // werift's CandidatePairState
const CHOOSES = { attributesKeys: ["USERNAME", "USE-CANDIDATE"] };
const CHECKS = { attributesKeys: ["USERNAME"] };

/** What of werift's connection is used: each remote candidate has one pair. */
class Connection {
  iceControlling = false;
  readonly pairs = [1, 2].map((port) => ({ port, state: WORKS }));
  readonly remoteCandidates = this.pairs.map(({ port }) => ({ host: "h", port }));
  nominated = this.pairs[0];
  findPair(_protocol: object, remote: object) {
    return this.pairs.find(({ port }) => port === (remote as { port: number }).port);
  }
  checkIncoming(_message: object, _address: [string, number], _protocol: object): void {}
  checkComplete(_pair: object): void {}
}

assert.ok(followNomination({ Connection } as unknown as typeof Werift));

Deno.test("followNomination() finds its place in the werift that we use", async () => {
  assert.equal(followNomination(await loadWerift()), true);
});

Deno.test("followNomination() moves to the path that the other end chooses, at once if it works", () => {
  const connection = new Connection();
  connection.checkIncoming(CHECKS, ["h", 2], {});
  assert.equal(connection.nominated, connection.pairs[0]);
  connection.checkIncoming(CHOOSES, ["h", 2], {});
  assert.equal(connection.nominated, connection.pairs[1]);
});

Deno.test("followNomination() moves when a path that was chosen is found to work", () => {
  const connection = new Connection();
  const [first, second] = connection.pairs;
  second!.state = TRYING;
  connection.checkIncoming(CHOOSES, ["h", 2], {});
  assert.equal(connection.nominated, first);
  second!.state = WORKS;
  connection.checkComplete(second!);
  assert.equal(connection.nominated, second);
});

Deno.test("followNomination() leaves the choice to us when it is ours", () => {
  const connection = new Connection();
  connection.iceControlling = true;
  connection.checkIncoming(CHOOSES, ["h", 2], {});
  assert.equal(connection.nominated, connection.pairs[0]);
});
