import assert from "node:assert/strict";
import { PacketHistory } from "../../lib/connection/packet_history.ts";

Deno.test("PacketHistory.reported() tells a packet's fate once, over the end of the numbers", () => {
  const history = new PacketHistory();
  history.sent(65_535, 100, 10, 7);
  history.sent(0, 200, 11, 7);
  assert.equal(history.inFlightBytes, 300);
  assert.deepEqual(history.reported(65_535, 50), {
    sentMs: 10,
    bytes: 100,
    train: 7,
    arrivedMs: 50,
    wasMissing: false,
  });
  assert.equal(history.reported(65_535, 51), null);
  assert.equal(history.reported(1, 50), null, "never sent");
  assert.equal(history.inFlightBytes, 200);
});

Deno.test("PacketHistory.reported() takes a missing packet back when it comes late", () => {
  const history = new PacketHistory();
  history.sent(5, 100, 10, -1);
  assert.equal(history.reported(5, NaN)?.arrivedMs, null);
  assert.equal(history.reported(5, NaN), null);
  assert.equal(history.reported(5, 60)?.wasMissing, true);
  assert.equal(history.inFlightBytes, 0);
});

Deno.test("PacketHistory forgets what feedback never spoke of", () => {
  const history = new PacketHistory();
  for (let n = 0; n < 5_000; n++) history.sent(n, 100, n, -1);
  assert.equal(history.inFlightBytes, 2_048 * 100);
  assert.equal(history.reported(100, 1), null);
});
