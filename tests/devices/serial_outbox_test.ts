import assert from "node:assert/strict";
import { MostRecentSubscription, SerialConnection, SubscriptionProducer } from "../../mod.ts";
import { FakeSerialBoard } from "../../lib/testing.ts";

class Commands extends SubscriptionProducer<string> {
  give(command: string): void {
    this._put_nowait(command);
  }
}

Deno.test("SerialConnection.putSubscription() keeps nothing old for a board that is stuck", async () => {
  const board = new FakeSerialBoard();
  const conn = new SerialConnection(board.url, {}, board);
  await conn.onReady();
  const commands = new Commands();
  conn.put_nowait("x".repeat(99_000)); // more than the board's line takes
  conn.putSubscription(commands.subscribe(new MostRecentSubscription<string>()));
  const command = `${"y".repeat(99)}\n`;
  for (let i = 0; i < 1_000; i++) {
    commands.give(command);
    await new Promise((resolve) => setTimeout(resolve)); // a turn of the event loop
  }
  assert.ok(conn.bufferedAmount <= 99_100, `${conn.bufferedAmount} bytes wait`);
  commands.give("newest\n");
  let last = "";
  for (let left = 99_000; left > 0;) {
    left -= (await board.read(Math.min(left, 3_000))).length;
  }
  while (!last.endsWith("newest\n")) last += new TextDecoder().decode(await board.read(1));
  assert.ok(last.length <= 107, `${last.length} bytes came behind`);
  await Promise.all([conn.close(), commands.close()]);
});
