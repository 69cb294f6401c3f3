import assert from "node:assert/strict";
import { AudioJitterBuffer, type PlayOut } from "../../lib/media/audio_jitter_buffer.ts";
import { type NetworkResult, numberOf, play } from "./audio_network.ts";

const concealed = (result: NetworkResult) =>
  result.decisions.filter(({ decision }) => decision.kind === "conceal");
const decoded = (result: NetworkResult) =>
  result.decisions.flatMap(({ decision }) =>
    decision.kind === "decode" ? [numberOf(decision.packet)] : []
  );
const after = (result: NetworkResult, seconds: number) =>
  result.blocks.filter(({ nowMs }) => nowMs > 1000 + seconds * 1000);
const latencies = (result: NetworkResult, seconds: number) =>
  after(result, seconds).map(({ latencyMs }) => latencyMs).sort((a, b) => a - b);
const isSorted = (numbers: number[]) => numbers.every((n, i) => i === 0 || n > numbers[i - 1]!);

for (const jitterMs of [0, 20, 60]) {
  for (const loss of [0, 0.05, 0.1]) {
    for (const burst of loss === 0 ? [1] : [1, 5]) {
      const title = `jitter ${jitterMs} ms, ${loss * 100} % lost` +
        (burst > 1 ? `, ${burst} at a time` : "");
      Deno.test(`AudioJitterBuffer makes up hardly more than is lost (${title})`, () => {
        const result = play({ seconds: 60, jitterMs, loss, burst, seed: 11 });
        assert(isSorted(decoded(result)), "played out of order");
        const late = concealed(result).length - result.lost;
        assert(late <= 0.002 * result.sent + 3, `${late} more than the ${result.lost} lost`);
        const seen = latencies(result, 20);
        const median = seen[seen.length >> 1]!;
        const wanted = jitterMs + 23 + (loss > 0 ? 20 : 0);
        assert(Math.abs(median - wanted) < 6, `latency ${median} ms instead of ${wanted}`);
        assert(seen.at(-1)! < wanted + 25, `latency up to ${seen.at(-1)} ms`);
        if (burst > 1 || loss === 0) return;
        const withCopy = concealed(result).filter(({ decision }) =>
          decision.kind === "conceal" && decision.next !== null
        );
        assert(
          withCopy.length > 0.8 * result.lost,
          `${withCopy.length} copies for ${result.lost} lost`,
        );
      });
    }
  }
}

for (const skewPpm of [200, -200]) {
  Deno.test(`AudioJitterBuffer plays an hour from a clock ${skewPpm} ppm off without drift`, () => {
    const result = play({ seconds: 3600, skewPpm, jitterMs: 20, seed: 3 });
    assert(concealed(result).length <= 5, `${concealed(result).length} holes`);
    assert.equal(result.buffer.counts.skipped, 0);
    assert(result.blocks.every(({ heard }) => heard));
    const seen = latencies(result, 10);
    assert(seen[0]! > 38 && seen.at(-1)! < 52, `latency from ${seen[0]} to ${seen.at(-1)} ms`);
    const left = result.sent - decoded(result).length;
    assert(left < 8, `${left} packets are still held after an hour`);
  });
}

Deno.test("AudioJitterBuffer begins 40 ms after the first packet and comes down to 23", () => {
  const result = play({ seconds: 30 });
  assert(Math.abs(result.blocks[0]!.latencyMs - 40) <= 20);
  assert(Math.abs(latencies(result, 25)[0]! - 23) < 1);
});

Deno.test("AudioJitterBuffer.speed stays within 1 % and changes slowly", () => {
  const { blocks } = play({ seconds: 60, jitterMs: 60, loss: 0.1, burst: 5 });
  blocks.forEach(({ speed }, i) => {
    assert(Math.abs(speed - 1) <= 0.01);
    if (i > 0) assert(Math.abs(speed - blocks[i - 1]!.speed) < 0.0009);
  });
});

for (const stopMs of [300, 1000]) {
  Deno.test(`AudioJitterBuffer is back at its latency at once after a stop of ${stopMs} ms`, () => {
    const extraMs = (t: number) => t > 10_000 && t < 10_000 + stopMs ? 10_000 + stopMs - t : 0;
    const result = play({ seconds: 20, jitterMs: 10, extraMs });
    const back = after(result, 10 + stopMs / 1000 + 0.1);
    assert(back.every(({ heard, latencyMs }) => heard && latencyMs < 60));
    const silent = result.blocks.filter(({ heard }) => !heard).length * 20;
    assert(silent < stopMs, `${silent} ms of silence`);
    assert(isSorted(decoded(result)));
  });
}

Deno.test("AudioJitterBuffer follows when the path becomes longer and shorter", () => {
  for (const [before, later] of [[0, 100], [0, 300], [300, 0]] as const) {
    const result = play({
      seconds: 60,
      jitterMs: 10,
      extraMs: (t) => t > 10_000 ? later : before,
    });
    assert(after(result, 12).every(({ heard }) => heard), `${before} to ${later}`);
    assert(latencies(result, 45).at(-1)! < 40);
  }
});

Deno.test("AudioJitterBuffer makes up 100 ms when the sender stops, then waits, then goes on", () => {
  const result = play({ seconds: 20, sends: (t) => t < 5000 || t >= 8000 });
  const holes = concealed(result);
  assert.equal(holes.length, 5);
  assert.deepEqual(holes.map(({ decision }) => "last" in decision && decision.last), [
    ...[false, false, false, false, true],
  ]);
  const silent = result.blocks.filter(({ heard }) => !heard).length * 20;
  assert(Math.abs(silent - 2900) < 60, `${silent} ms of silence`);
  assert.equal(result.buffer.counts.restarts, 0);
});

Deno.test("AudioJitterBuffer does not notice that sequence and time stamp begin again", () => {
  const plain = play({ seconds: 30, jitterMs: 30, loss: 0.05 });
  const wrapped = play({
    ...{ seconds: 30, jitterMs: 30, loss: 0.05 },
    ...{ firstSequence: 65_000, firstTimestamp: 2 ** 32 - 480_000 },
  });
  assert.deepEqual(decoded(wrapped), decoded(plain));
  assert.deepEqual(wrapped.buffer.counts, plain.buffer.counts);
});

/** What is pulled by one block a time, as a word. */
const word = (decision: PlayOut) =>
  decision.kind === "decode" ? `${decision.packet[0]}` : decision.kind;

/** Packets as `[number, arrivalMs]`, pulled every 20 ms from 0 on. */
function script(packets: [n: number, atMs: number][], blocks: number): string {
  const buffer = new AudioJitterBuffer();
  const left = packets.sort((a, b) => a[1] - b[1]);
  const words: string[] = [];
  for (let nowMs = 0; nowMs < blocks * 20; nowMs += 20) {
    while (left.length > 0 && left[0]![1] <= nowMs) {
      const [n, atMs] = left.shift()!;
      buffer.put(n, n * 960, atMs, Uint8Array.of(n));
    }
    words.push(word(buffer.pull(nowMs)));
  }
  return words.join(" ");
}

Deno.test("AudioJitterBuffer orders packets and drops doubles", () => {
  assert.equal(
    script([[1, 20], [3, 60], [2, 61], [2, 62], [3, 65], [4, 80], [5, 100]], 8),
    "wait wait wait 1 2 3 4 5",
  );
});

Deno.test("AudioJitterBuffer gives what is behind a lost packet along with it", () => {
  const buffer = new AudioJitterBuffer();
  for (const n of [1, 2, 4]) buffer.put(n, n * 960, n * 20, Uint8Array.of(n));
  assert.equal(word(buffer.pull(60)), "1");
  assert.equal(word(buffer.pull(80)), "2");
  const hole = buffer.pull(100);
  assert.deepEqual(hole, {
    ...{ kind: "conceal", next: Uint8Array.of(4), samples: 960 },
    ...{ timestamp48kHz: 3 * 960, last: false },
  });
  assert.equal(word(buffer.pull(120)), "4");
  assert.equal(buffer.counts.missing, 1);
});

Deno.test("AudioJitterBuffer has no copy for the first of two lost packets", () => {
  const buffer = new AudioJitterBuffer();
  for (const n of [1, 4]) buffer.put(n, n * 960, n * 20, Uint8Array.of(n));
  const holes = [80, 100, 120, 140].map((nowMs) => buffer.pull(nowMs));
  assert.deepEqual(holes.map(word), ["1", "conceal", "conceal", "4"]);
  assert.deepEqual(
    holes.map((hole) => "next" in hole && hole.next !== null),
    [false, false, true, false],
  );
});

Deno.test("AudioJitterBuffer plays a packet late rather than not at all", () => {
  // 2 comes 70 ms late: a hole is made up, and the latency grows by it.
  assert.equal(
    script([[1, 0], [2, 90], [3, 100], [4, 110], [5, 120]], 10),
    "wait wait 1 conceal conceal 2 3 4 5 conceal",
  );
});

Deno.test("AudioJitterBuffer takes packets of 10 and 60 ms", () => {
  for (const samples of [480, 2880]) {
    const buffer = new AudioJitterBuffer();
    let held = 0;
    let n = 0;
    for (let nowMs = 0; nowMs < 6000; nowMs += 20) {
      for (; n * samples / 48 <= nowMs; n++) {
        if (n !== 20) buffer.put(n, n * samples, n * samples / 48, Uint8Array.of(n), samples);
      }
      while (held < 960 * buffer.speed) {
        const decision = buffer.pull(nowMs, held);
        if (decision.kind === "wait") break;
        held += decision.kind === "decode" ? samples : decision.samples;
      }
      if (held >= 960) held -= 960 * buffer.speed;
    }
    assert.equal(buffer.counts.concealedSamples, samples);
    assert.equal(buffer.counts.missing, 1);
  }
});

Deno.test("AudioJitterBuffer begins anew when the sender does, and says so", () => {
  const buffer = new AudioJitterBuffer();
  const fresh: string[] = [];
  for (let n = 0; n < 100; n++) {
    const [sequence, time] = n < 50 ? [n, n * 960] : [30_000 + n, 3e9 + n * 960];
    buffer.put(sequence, time, n * 20, Uint8Array.of(n));
    const decision = buffer.pull(n * 20);
    if (decision.kind === "decode" && decision.fresh) fresh.push(word(decision));
  }
  assert.deepEqual(fresh, ["0", "50"]);
  assert.equal(buffer.counts.restarts, 1);
});

Deno.test("AudioJitterBuffer is not misled by one packet that does not belong", () => {
  const buffer = new AudioJitterBuffer();
  for (let n = 0; n < 100; n++) {
    buffer.put(n, n * 960, n * 20, Uint8Array.of(n));
    if (n % 10 === 5) buffer.put(40_000 + 100 * n, 2e9, n * 20, Uint8Array.of(255));
    assert.notEqual(word(buffer.pull(n * 20)), "255");
  }
  assert.equal(buffer.counts.restarts, 0);
  assert.equal(buffer.counts.concealedSamples, 0);
});

Deno.test("AudioJitterBuffer holds no more than two seconds when nobody pulls", () => {
  const buffer = new AudioJitterBuffer();
  for (let n = 0; n < 10_000; n++) buffer.put(n & 0xffff, n * 960, n * 20, Uint8Array.of(1));
  assert.equal(buffer.counts.skipped, 9900);
  let left = 0;
  for (let nowMs = 200_000; buffer.pull(nowMs).kind === "decode"; nowMs += 20) left++;
  assert(left <= 5, `${left} packets after a long absence`);
});

Deno.test("AudioJitterBuffer survives any packets and times", () => {
  let state = 1;
  const random = () => (state = Math.imul(state, 1103515245) + 12345 | 0) >>> 16;
  const buffer = new AudioJitterBuffer();
  for (let n = 0; n < 20_000; n++) {
    buffer.put(random(), random() * 65536 + random(), n * 7, Uint8Array.of(n), 120);
    const decision = buffer.pull(n * 7, random() % 960);
    if (decision.kind === "conceal") assert(decision.samples > 0 && decision.samples % 120 === 0);
    assert(Math.abs(buffer.speed - 1) <= 0.01);
  }
});

Deno.test("AudioJitterBuffer refuses bounds that are not in order", () => {
  assert.throws(() => new AudioJitterBuffer({ startMs: 10 }), {
    name: "RangeError",
    message: "Cannot buffer sound: latencies of 20, 10, 200 ms; " +
      "give minMs <= startMs <= maxMs <= 1000",
  });
});
