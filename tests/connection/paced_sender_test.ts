import assert from "node:assert/strict";
import { type OutgoingPacket, PacedSender } from "../../lib/connection/paced_sender.ts";

/** A sender whose packets go nowhere, with a clock that stands still until it is moved. */
async function withSender(
  body: (kit: {
    sender: PacedSender;
    sent: { sequence: number; marker: boolean; again: boolean }[];
    clock: { nowMs: number };
    numbers: () => number;
    stuck: () => number;
  }) => void | Promise<void>,
): Promise<void> {
  const clock = { nowMs: 5_000 }, now = performance.now;
  performance.now = () => clock.nowMs;
  let number = 0, stuck = 0;
  const sent: { sequence: number; marker: boolean; again: boolean }[] = [];
  const note = ({ sequence, marker }: OutgoingPacket, again: boolean) =>
    sent.push({ sequence, marker, again });
  const sender = new PacedSender({
    transmit(packets, report) {
      for (const packet of packets) {
        note(packet, false);
        report(++number, packet.bytes);
      }
    },
    repeat(packet, report) {
      note(packet, true);
      report(++number, packet.bytes);
      return true;
    },
  }, () => stuck++);
  try {
    await body({ sender, sent, clock, numbers: () => number, stuck: () => stuck });
  } finally {
    sender.drop();
    performance.now = now;
  }
}

const payloads = (count: number) => Array.from({ length: count }, () => new Uint8Array(1_100));

Deno.test("PacedSender sends a small frame at once, in one piece, with following numbers", () =>
  withSender(({ sender, sent }) => {
    sender.send(payloads(3), 3_000, true);
    const first = sent[0]!.sequence;
    assert.deepEqual(sent, [
      { sequence: first, marker: false, again: false },
      { sequence: first + 1 & 0xffff, marker: false, again: false },
      { sequence: first + 2 & 0xffff, marker: true, again: false },
    ]);
  }));

Deno.test("PacedSender spreads a large key frame: 60 kB within 60 ms, and none is lost", () =>
  withSender(async ({ sender, sent, clock }) => {
    sender.send(payloads(54), 3_000, true);
    assert.ok(sent.length >= 5 && sent.length < 20, `${sent.length} at once`);
    const start = clock.nowMs;
    const tick = setInterval(() => clock.nowMs += 5, 1);
    try {
      while (sent.length < 54) await new Promise((done) => setTimeout(done, 1));
    } finally {
      clearInterval(tick);
    }
    assert.ok(clock.nowMs - start < 150);
    assert.equal(sent.filter(({ marker }) => marker).length, 1);
  }));

Deno.test("PacedSender.lost() sends again what it still has, and no packet twice at once", () =>
  withSender(({ sender, sent, clock }) => {
    sender.send(payloads(3), 3_000, true);
    const first = sent[0]!.sequence;
    clock.nowMs += 50;
    sender.lost([first, first + 1, first + 999]);
    sender.lost([first]);
    const again = sent.filter((packet) => packet.again).map(({ sequence }) => sequence);
    assert.deepEqual(again, [first, first + 1]);
    clock.nowMs += 50;
    sender.lost([first]);
    assert.equal(sent.filter((packet) => packet.again).length, 3);
  }));

Deno.test("PacedSender.lost() answers no more than its share of the rate", () =>
  withSender(({ sender, sent, clock }) => {
    for (let i = 0; i < 200; i++) {
      sender.send(payloads(2), i * 3_000, i === 0);
      clock.nowMs += 33;
    }
    const all = sent.map(({ sequence }) => sequence);
    sender.lost(all);
    const again = sent.filter((packet) => packet.again).length;
    assert.ok(again > 5 && again < 100, `${again} of ${all.length}`);
  }));

Deno.test("PacedSender follows what is reported", () =>
  withSender(({ sender, clock, numbers }) => {
    assert.equal(Math.round(sender.mediaBitrate / 1_000), 930);
    sender.begin(2_000_000);
    assert.equal(Math.round(sender.mediaBitrate / 1_000), 2_000);
    sender.remb(500_000);
    assert.equal(Math.round(sender.mediaBitrate / 1_000), 465);
    sender.begin(2_000_000);
    assert.equal(Math.round(sender.mediaBitrate / 1_000), 465, "too late");
    sender.send(payloads(3), 3_000, true);
    clock.nowMs += 40;
    sender.arrivals({ first: 1, timesMs: [7, NaN, 8].slice(0, numbers()) });
    assert.equal(sender.link.roundTripMs, 40);
    assert.equal(sender.link.proven, true);
  }));
