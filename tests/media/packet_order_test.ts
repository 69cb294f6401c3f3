import assert from "node:assert/strict";
import { PacketOrder } from "../../lib/media/packet_order.ts";

const data = Uint8Array.of(1);
/** Packet number n of a stream that begins with these numbers, 20 ms apart and in time. */
const raw = (n: number, sequence = 0, timestamp = 0) => ({
  sequence: sequence + n & 0xffff,
  timestamp: (timestamp + n * 960) % 2 ** 32,
  arrivalMs: n * 20,
  samples: 960,
  data,
});
const BEGIN = [0x10000, 2 ** 32] as const;
/** What arrival less time stamp is in a stream from 0, of a place's time stamps. */
const baseOf = (timestamp = 0) => -(timestamp + 2 ** 32) / 48;

Deno.test("PacketOrder.place() counts on beyond 16 and 32 bits, forward and back", () => {
  const order = new PacketOrder();
  const [sequence, timestamp] = [65_530, 2 ** 32 - 9600];
  for (const n of [0, 1, 5, 3, 12, 4, 9, 20, 11]) {
    const placed = order.place(raw(n, sequence, timestamp), baseOf(timestamp));
    assert(typeof placed === "object" && !Array.isArray(placed), `${n}: ${placed}`);
    assert.equal(placed.sequence, BEGIN[0] + sequence + n);
    assert.equal(placed.timestamp, BEGIN[1] + timestamp + n * 960);
  }
});

Deno.test("PacketOrder.place() knows doubles, however late", () => {
  const order = new PacketOrder();
  for (let n = 0; n < 500; n++) order.place(raw(n), baseOf());
  for (const n of [499, 0, 250]) assert.equal(order.place(raw(n), baseOf()), "double");
});

Deno.test("PacketOrder.place() takes two strangers that belong together for a new stream", () => {
  const order = new PacketOrder();
  for (let n = 0; n < 50; n++) order.place(raw(n), baseOf());
  assert.equal(order.place(raw(50, 30_000, 3e9), baseOf()), "stranger");
  const both = order.place(raw(52, 30_000, 3e9), baseOf());
  assert(Array.isArray(both));
  assert.deepEqual(both.map(({ sequence }) => sequence - BEGIN[0]), [30_050, 30_052]);
  const next = order.place(raw(51, 30_000, 3e9), baseOf(3e9));
  assert(typeof next === "object" && !Array.isArray(next));
  assert.equal(next.sequence, BEGIN[0] + 30_051);
  assert.equal(order.place(raw(52, 30_000, 3e9), baseOf(3e9)), "double");
});

Deno.test("PacketOrder.place() leaves out strangers that do not belong together", () => {
  const order = new PacketOrder();
  for (let n = 0; n < 50; n++) {
    order.place(raw(n), baseOf());
    assert.equal(order.place(raw(n, 5000 + 777 * n, 2e9), baseOf()), "stranger");
  }
});

Deno.test("PacketOrder.place() takes a stream that goes on after a long pause for another", () => {
  const order = new PacketOrder();
  order.place(raw(0), baseOf());
  const late = (n: number) => ({ ...raw(n), arrivalMs: n * 20 + 60_000 });
  assert.equal(order.place(late(1), baseOf()), "stranger");
  assert(Array.isArray(order.place(late(2), baseOf())));
});
