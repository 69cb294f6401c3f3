import assert from "node:assert/strict";
import { followNomination } from "../../lib/connection/werift_nomination.ts";

const WAITING = 1, SUCCEEDED = 3;

/** What werift's connection does of itself: it keeps the first path that was nominated. */
function fakeEngine() {
  class Connection {
    iceControlling = false;
    nominated: { state: number } | undefined;
    readonly protocol = {};
    readonly remoteCandidates = [{ host: "10.0.0.1", port: 1 }, { host: "10.0.0.2", port: 2 }];
    readonly pairs = this.remoteCandidates.map(() => ({ state: SUCCEEDED }));
    findPair(protocol: object, remote: { host: string; port: number }) {
      return protocol === this.protocol
        ? this.pairs[this.remoteCandidates.indexOf(remote)]
        : undefined;
    }
    checkIncoming(message: { attributesKeys: string[] }, [, port]: [string, number]) {
      if (message.attributesKeys.includes("USE-CANDIDATE")) this.nominated ??= this.pairs[port - 1];
    }
    checkComplete(_pair: object) {}
  }
  assert.equal(followNomination({ Connection } as never), true);
  const connection = new Connection();
  const checked = (port: number, ...attributesKeys: string[]) => {
    const check = connection.checkIncoming as (...args: unknown[]) => void;
    check.call(connection, { attributesKeys }, [`10.0.0.${port}`, port], connection.protocol);
  };
  return { connection, checked };
}

Deno.test("followNomination() moves to the path that the other end has chosen last", () => {
  const { connection, checked } = fakeEngine();
  const [first, second] = connection.pairs;
  checked(1, "USE-CANDIDATE");
  assert.equal(connection.nominated, first);
  checked(2);
  assert.equal(connection.nominated, first);
  checked(2, "USE-CANDIDATE");
  assert.equal(connection.nominated, second);
});

Deno.test("followNomination() waits until the chosen path is known to work", () => {
  const { connection, checked } = fakeEngine();
  const [first, second] = connection.pairs;
  second!.state = WAITING;
  checked(1, "USE-CANDIDATE");
  checked(2, "USE-CANDIDATE");
  assert.equal(connection.nominated, first);
  second!.state = SUCCEEDED;
  connection.checkComplete(second!);
  assert.equal(connection.nominated, second);
});

Deno.test("followNomination() leaves the choice to an end that makes it, and knows no strangers", () => {
  const { connection, checked } = fakeEngine();
  const [first] = connection.pairs;
  checked(1, "USE-CANDIDATE");
  checked(7, "USE-CANDIDATE");
  connection.iceControlling = true;
  checked(2, "USE-CANDIDATE");
  assert.equal(connection.nominated, first);
});
