import assert from "node:assert/strict";
import { EncodingLadder } from "../../lib/connection/encoding_ladder.ts";

interface FakeViewer {
  readonly name: string;
  mediaBitrate: number;
  passage: number | null;
  proven: boolean;
  congestedMs: number;
}

const MBIT = 1e6;
const OPTIONS = { start: MBIT, least: 50_000, most: 3 * MBIT };

function viewer(name: string, mediaBitrate: number, passage: number | null = null): FakeViewer {
  return { name, mediaBitrate, passage, proven: true, congestedMs: -Infinity };
}

/** A ladder in simulated time; `shape` says who is where. */
function ladder(options = OPTIONS, mostRungs = 3) {
  const made = new EncodingLadder<FakeViewer>(
    options,
    ({ mediaBitrate, passage, proven, congestedMs }) => ({
      mediaBitrate,
      link: {
        bitrate: mediaBitrate,
        passage,
        loss: 0,
        roundTripMs: 20,
        queueMs: 0,
        proven,
        congestedMs,
      },
    }),
    mostRungs,
  );
  let nowMs = 0;
  return {
    made,
    get nowMs() {
      return nowMs;
    },
    run(ms: number) {
      for (const end = nowMs + ms; nowMs < end; nowMs += 100) made.update(nowMs);
    },
    get shape(): string {
      return made.rungs.map(({ viewers }) => [...viewers].map(({ name }) => name).join("")).join(
        " ",
      );
    },
    get rates(): number[] {
      return made.rungs.map(({ bitrate }) => bitrate / MBIT);
    },
  };
}

Deno.test("EncodingLadder follows one viewer alone, within the bounds", () => {
  const it = ladder(), a = viewer("a", 2 * MBIT);
  it.made.join(a);
  assert.deepEqual(it.rates, [1]);
  for (const [bitrate, rate] of [[2, 2], [9, 3], [0.2, 0.2], [0.01, 0.05], [1, 1]] as const) {
    a.mediaBitrate = bitrate * MBIT;
    it.run(2_000);
    assert.deepEqual(it.rates, [rate]);
    assert.equal(it.shape, "a");
  }
});

Deno.test("EncodingLadder does not count a viewer of which nothing is known yet", () => {
  const it = ladder(), a = viewer("a", 3 * MBIT), b = viewer("b", 0.1 * MBIT);
  b.proven = false;
  it.made.join(a);
  it.made.join(b);
  it.run(2_000);
  assert.deepEqual([it.shape, it.rates], ["ab", [3]]);
});

Deno.test("EncodingLadder follows the lowest of viewers that differ little", () => {
  const it = ladder();
  for (const v of [viewer("a", 3 * MBIT), viewer("b", 2 * MBIT)]) it.made.join(v);
  it.run(2_000);
  assert.deepEqual([it.shape, it.rates], ["ab", [2]]);
});

Deno.test("EncodingLadder gives a bad viewer less, and never drags the good ones down", () => {
  const it = ladder(), bad = viewer("c", 3 * MBIT);
  for (const v of [viewer("a", 3 * MBIT), viewer("b", 2.5 * MBIT), bad]) it.made.join(v);
  it.run(2_000);
  bad.mediaBitrate = 0.4 * MBIT;
  for (let i = 0; i < 20; i++) {
    it.run(100);
    assert.equal(it.rates[0], 2.5);
  }
  assert.deepEqual([it.shape, it.rates], ["ab c", [2.5, 0.4]]);
});

Deno.test("EncodingLadder makes a third encoding for who is far below the second, and no fourth", () => {
  const it = ladder();
  const all = [
    viewer("a", 3 * MBIT),
    viewer("b", MBIT),
    viewer("c", 0.3 * MBIT),
    viewer("d", 0.1 * MBIT),
  ];
  for (const v of all) it.made.join(v);
  it.run(5_000);
  assert.equal(it.made.rungs.length, 3);
  assert.deepEqual([it.shape, it.rates], ["a b cd", [3, 1, 0.1]]);
});

Deno.test("EncodingLadder makes one encoding where it may make no more", () => {
  const it = ladder(OPTIONS, 1);
  for (const v of [viewer("a", 3 * MBIT), viewer("b", 0.3 * MBIT)]) it.made.join(v);
  it.run(2_000);
  assert.deepEqual([it.shape, it.rates], ["ab", [0.3]]);
});

Deno.test("EncodingLadder moves a viewer up when its own encoding has grown to the next", () => {
  const it = ladder(), a = viewer("a", 3 * MBIT), b = viewer("b", 0.4 * MBIT);
  for (const v of [a, b]) it.made.join(v);
  it.run(2_000);
  assert.equal(it.shape, "a b");
  b.mediaBitrate = 2 * MBIT;
  it.run(6_000);
  assert.deepEqual([it.shape, it.rates], ["a b", [3, 2]]);
  b.mediaBitrate = 2.8 * MBIT;
  it.run(1_000);
  assert.equal(it.shape, "ab");
});

Deno.test("EncodingLadder tries a viewer that another one holds down, when frames pass quickly", () => {
  const it = ladder(), a = viewer("a", 3 * MBIT), b = viewer("b", 0.4 * MBIT);
  for (const v of [a, b, viewer("c", 0.4 * MBIT)]) it.made.join(v);
  it.run(2_000);
  assert.equal(it.shape, "a bc");
  b.mediaBitrate = 0.6 * MBIT; // bounded by what it is sent
  b.passage = 20 * MBIT;
  it.run(1_000);
  assert.equal(it.shape, "a bc", "not too soon");
  it.run(2_000);
  assert.equal(it.shape, "ab c");
  assert.equal(it.rates[0], 3, "its estimate does not count while it is tried");
  b.mediaBitrate = 2.8 * MBIT;
  it.run(5_000);
  assert.deepEqual([it.shape, it.rates], ["ab c", [2.8, 0.4]]);
});

Deno.test("EncodingLadder tries ever more seldom when moving up is vain", () => {
  const it = ladder(), a = viewer("a", 3 * MBIT), b = viewer("b", 0.4 * MBIT, 20 * MBIT);
  for (const v of [a, b, viewer("c", 0.4 * MBIT)]) it.made.join(v);
  let ups = 0;
  for (let i = 0; i < 1_200; i++) {
    const low = !it.made.rungs[0]!.viewers.has(b);
    b.mediaBitrate = low ? 0.6 * MBIT : 0.4 * MBIT;
    if (!low) b.congestedMs = it.nowMs;
    it.run(100);
    if (low && it.made.rungs[0]!.viewers.has(b)) ups++;
    assert.equal(it.rates[0], 3);
  }
  assert.ok(ups >= 3 && ups <= 7, `${ups} times in two minutes`);
});

Deno.test("EncodingLadder keeps the encoding of those who stay when others leave", () => {
  const it = ladder(), a = viewer("a", 3 * MBIT), b = viewer("b", 0.4 * MBIT);
  for (const v of [a, b]) it.made.join(v);
  it.run(2_000);
  const low = it.made.rungs[1];
  it.made.leave(a);
  assert.equal(it.made.rungs[0], low);
  it.made.leave(b);
  assert.equal(it.made.rungs.length, 1);
});
