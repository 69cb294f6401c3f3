/** What needs a clock of its own: the store of a speaker, when its source is faster or late. */

import assert from "node:assert/strict";
import { tone } from "../../lib/media/tone.ts";
import { FakeSpeaker } from "../../lib/testing/fake_speaker.ts";
import { ManualClock } from "../../lib/testing/clock.ts";
import { channel, concat, sineSnr } from "../media/sounds.ts";

/** Lets everything happen that waits only for promises. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await null;
}

const frame = (n: number) => tone(n, { frequencyHz: 1000, channels: 2 });

Deno.test("Speaker keeps to its latency, without a gap, when sound comes evenly", async () => {
  const clock = new ManualClock();
  await using speaker = new FakeSpeaker({ clock, latencyMs: 50 });
  await speaker.onReady();
  for (let n = 0; n < 500; n++) {
    speaker.put_nowait(frame(n));
    await settle();
    assert.ok(speaker.latencyMs <= 75, `${speaker.latencyMs} ms`);
    clock.advance(20);
  }
  const [heard, more] = speaker.heard;
  assert.equal(more, undefined);
  assert.ok(heard!.samples > 9.8 * 48_000);
  assert.ok(sineSnr(1000, channel(heard!.data.slice(0, 96_000), 0, 2)) > 60);
  assert.deepEqual([speaker.underruns, speaker.droppedMs], [0, 0]);
});

Deno.test("Speaker plays faster, not later, when its source is a little too fast", async () => {
  const clock = new ManualClock();
  await using speaker = new FakeSpeaker({ clock, latencyMs: 50 });
  await speaker.onReady();
  let most = 0;
  for (let n = 0; n < 3000; n++) { // a minute at 0.2 % too fast
    speaker.put_nowait(frame(n));
    await settle();
    clock.advance(19.96);
    most = Math.max(most, speaker.latencyMs);
  }
  assert.ok(most < 110, `${most} ms`); // 120 ms came too much
  assert.deepEqual([speaker.underruns, speaker.droppedMs], [0, 0]);
});

Deno.test("Speaker is back at its latency some seconds after it was held up", async () => {
  const clock = new ManualClock();
  await using speaker = new FakeSpeaker({ clock, latencyMs: 50, maxLatencyMs: 300 });
  await speaker.onReady();
  let n = 0;
  const play = async (frames: number) => {
    for (let i = 0; i < frames; i++) {
      speaker.put_nowait(frame(n++));
      await settle();
      clock.advance(20);
    }
  };
  await play(50);
  clock.skip(200);
  for (let i = 0; i < 10; i++) speaker.put_nowait(frame(n++));
  await settle();
  assert.equal(speaker.underruns, 1);
  assert.ok(speaker.latencyMs > 180);
  await play(1000);
  assert.ok(speaker.latencyMs < 90, `${speaker.latencyMs} ms`);
  assert.deepEqual([speaker.underruns, speaker.droppedMs], [1, 0]);
});

Deno.test("Speaker plays what writable takes at its own pitch, and nothing is dropped", async () => {
  const clock = new ManualClock();
  await using speaker = new FakeSpeaker({ clock });
  await speaker.onReady();
  let n = 0;
  const frames = ReadableStream.from((function* () {
    while (n < 250) yield frame(n++); // five seconds
  })());
  let over = false;
  const piped = frames.pipeTo(speaker.writable).then(() => over = true);
  for (let ms = 0; !over; ms += 5) {
    assert.ok(ms < 10_000, `${n} frames in ${ms} ms`);
    assert.ok(n * 20 < ms + 150, `${n} frames in ${ms} ms`);
    for (let i = 0; i < 5; i++) await settle();
    clock.advance(5);
  }
  await piped;
  clock.advance(500);
  assert.equal(speaker.heard.reduce((sum, { samples }) => sum + samples, 0), 250 * 960);
  assert.deepEqual([speaker.droppedMs, speaker.underruns], [0, 0]);
});

Deno.test("Speaker counts no gap at the end of a sound, but one amidst it", async () => {
  const clock = new ManualClock();
  await using speaker = new FakeSpeaker({ clock });
  await speaker.onReady();
  const say = async () => {
    speaker.put_nowait(tone(0, { samples: 9600 }));
    await settle();
  };
  await say();
  clock.advance(2000);
  await say();
  clock.advance(300);
  assert.equal(speaker.underruns, 0);
  await say();
  assert.equal(speaker.underruns, 1);
  assert.equal(concat(speaker.heard.map(({ data }) => data)).length, 2 * 2 * 9600);
});

Deno.test("FakeSpeaker.close() frees its clock", async () => {
  const clock = new ManualClock();
  const speaker = new FakeSpeaker({ clock });
  await speaker.onReady();
  await speaker.close();
  assert.equal(clock.pending, 0);
});

Deno.test("FakeSpeaker keeps the last ten seconds of what sounded", async () => {
  const clock = new ManualClock();
  await using speaker = new FakeSpeaker({ clock });
  await speaker.onReady();
  for (let n = 0; n < 15; n++) {
    speaker.put_nowait(tone(n, { samples: 48_000 }));
    await settle();
    clock.advance(1000);
  }
  const samples = speaker.heard.reduce((sum, each) => sum + each.samples, 0);
  assert.ok(samples > 8 * 48_000 && samples <= 10 * 48_000, `${samples}`);
});

Deno.test("Speaker.drained() that nobody waits for harms nothing when it closes before", async () => {
  const clock = new ManualClock();
  const speaker = new FakeSpeaker({ clock });
  await speaker.onReady();
  speaker.put_nowait(frame(0));
  const unhandled: unknown[] = [];
  const hear = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    unhandled.push(event.reason);
  };
  addEventListener("unhandledrejection", hear);
  try {
    const drained = speaker.drained();
    await speaker.close();
    await new Promise((resolve) => setTimeout(resolve)); // unhandled ones are told by then
    assert.deepEqual(unhandled, []);
    await assert.rejects(drained, { name: "SubscriptionClosed" });
  } finally {
    removeEventListener("unhandledrejection", hear);
  }
});
