import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import * as werift from "werift";
import { readArrivals } from "../../lib/connection/werift_feedback.ts";
import { TransportFeedback } from "../../lib/wire/transport_feedback.ts";

/** What a receiver's report says when it has gone through werift. */
function through(bytes: Uint8Array): { first: number; timesMs: number[] } {
  const [packet] = werift.RtcpPacketConverter.deSerialize(Buffer.from(bytes));
  const { feedback } = packet as werift.RtcpTransportLayerFeedback;
  const { first, timesMs } = readArrivals(feedback as werift.TransportWideCC);
  return { first, timesMs: [...timesMs] };
}

Deno.test("readArrivals() reads what our own receivers report, with its gaps", () => {
  const feedback = new TransportFeedback();
  const arrived = [[65_530, 1_000], [65_531, 1_000.25], [65_533, 1_020], [65_534, 1_300], [
    3,
    1_301,
  ]];
  for (const [number, ms] of arrived) feedback.receive(number!, ms!);
  const times = new Map<number, number>();
  for (const report of feedback.report(1, 2)) {
    const { first, timesMs } = through(report);
    timesMs.forEach((ms, i) => times.set(first + i & 0xffff, ms));
  }
  assert.deepEqual([...times.keys()], [
    65_530,
    65_531,
    65_532,
    65_533,
    65_534,
    65_535,
    0,
    1,
    2,
    3,
  ]);
  for (const missing of [65_532, 65_535, 0, 1, 2]) assert.ok(Number.isNaN(times.get(missing)));
  const start = times.get(65_530)!;
  for (const [number, ms] of arrived) {
    assert.ok(Math.abs(times.get(number!)! - start - (ms! - 1_000)) <= 0.25);
  }
});

// draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1: header, then chunks, then deltas.
const HEAD = [0x8f, 205, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2];

function report(first: number, count: number, reference: number, rest: number[]): Uint8Array {
  const bytes = [
    ...HEAD,
    first >> 8,
    first & 255,
    count >> 8,
    count & 255,
    0,
    0,
    reference,
    7,
    ...rest,
  ];
  while (bytes.length % 4) bytes.push(0);
  bytes[3] = bytes.length / 4 - 1;
  return Uint8Array.from(bytes);
}

Deno.test("readArrivals() reads each form of chunk, and no further than the count", () => {
  // Run of three small deltas.
  assert.deepEqual(through(report(10, 3, 1, [0x20, 3, 4, 4, 8])), {
    first: 10,
    timesMs: [65, 66, 68],
  });
  // Fourteen symbols of one bit, of which three count: here, missing, here.
  assert.deepEqual(through(report(10, 3, 0, [0xa8, 0, 4, 8])), { first: 10, timesMs: [1, NaN, 3] });
  // Seven symbols of two bits: small, large and negative, missing, small.
  const symbols = 0xc000 | 1 << 12 | 2 << 10 | 0 << 8 | 1 << 6;
  assert.deepEqual(
    through(report(10, 4, 0, [symbols >> 8, symbols & 255, 40, 0xff, 0xf8, 4])),
    { first: 10, timesMs: [10, 8, NaN, 9] },
  );
  // A run of missing ones.
  assert.deepEqual(through(report(0, 2, 0, [0x00, 2])), { first: 0, timesMs: [NaN, NaN] });
});
