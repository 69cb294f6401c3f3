/**
 * What the SCTP association costs, without DTLS and sockets: two of them in one process.
 *
 *     deno run scripts/bench_sctp.ts
 */
import { SctpAssociation } from "../lib/wire/sctp/association.ts";

const RELIABLE = { ordered: true, maxRetransmits: null };

function pair(): [SctpAssociation, SctpAssociation] {
  const make = (client: boolean) =>
    new SctpAssociation({
      localPort: 5000,
      remotePort: 5000,
      client,
      random32: () => crypto.getRandomValues(new Uint32Array(1))[0]!,
    });
  const ends: [SctpAssociation, SctpAssociation] = [make(true), make(false)];
  for (const end of ends) end.start(performance.now());
  return ends;
}

/** Carries packets to and fro until nothing is left to send; counts them. */
function settle(ends: [SctpAssociation, SctpAssociation]): number {
  let packets = 0;
  for (let moved = true; moved;) {
    moved = false;
    for (const i of [0, 1] as const) {
      for (let batch = 0; batch < 8; batch++) {
        const packet = ends[i].transmit(performance.now());
        if (packet === null) break;
        ends[1 - i]!.receive(packet, performance.now());
        while (ends[1 - i]!.pollEvent() !== null);
        packets++;
        moved = true;
      }
    }
  }
  return packets;
}

function report(name: string, ms: number, packets: number, bytes: number): void {
  const each = (1000 * ms / packets).toFixed(2);
  console.log(`${name}: ${each} µs a packet, ${(bytes / 1000 / ms).toFixed(0)} MB/s`);
}

for (let round = 0; round < 3; round++) {
  const ends = pair();
  settle(ends);
  for (
    const [name, size, count] of [["bulk", 64_000, 1500], ["100 bytes", 100, 200_000]] as const
  ) {
    const message = new Uint8Array(size);
    const started = performance.now();
    let packets = 0;
    for (let i = 0; i < count; i++) {
      ends[0].send(1, 53, message, RELIABLE);
      if (ends[0].bufferedAmount > 1_000_000) packets += settle(ends);
    }
    packets += settle(ends);
    report(name, performance.now() - started, packets, size * count);
  }
  const message = new Uint8Array(50);
  const started = performance.now();
  let packets = 0;
  for (let i = 0; i < 100_000; i++) {
    ends[i & 1]!.send(1, 53, message, RELIABLE);
    packets += settle(ends);
  }
  report("to and fro, 50 bytes", performance.now() - started, packets, 50 * 100_000);
}
