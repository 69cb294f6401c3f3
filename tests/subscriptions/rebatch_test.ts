import assert from "node:assert/strict";
import { AudioFrame } from "../../lib/media/audio_frame.ts";
import {
  MostRecentSubscription,
  RebatchSubscription,
  type SampleFrame,
} from "../../lib/subscriptions/mod.ts";
import { Camera, isPending } from "./helpers.ts";

/** A frame whose samples count up from `from`, in row-major order. */
function counting(from: number, ...shape: number[]): SampleFrame {
  const length = shape.reduce((all, n) => all * n, 1);
  return { data: Float32Array.from({ length }, (_, i) => from + i), shape };
}

Deno.test("RebatchSubscription.get() waits when the samples do not make a batch yet", async () => {
  const rebatched = new RebatchSubscription({ samples: 1024 });
  rebatched.put_nowait(counting(0, 960, 2));
  const batch = rebatched.get();
  assert.equal(await isPending(batch), true);
  rebatched.put_nowait(counting(1920, 960, 2));
  assert.deepEqual(await batch, counting(0, 1024, 2));
});

Deno.test("RebatchSubscription keeps every sample in order when frames of any length come", async () => {
  for (const samples of [1, 2, 3, 7, 64, 1000]) {
    const rebatched = new RebatchSubscription({ samples });
    let put = 0;
    for (const length of [1, 0, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144]) {
      rebatched.put_nowait(counting(2 * put, length, 2));
      put += length;
    }
    assert.equal(rebatched.size, Math.floor(put / samples));
    for (let from = 0; from + samples <= put; from += samples) {
      assert.deepEqual(await rebatched.get(), counting(2 * from, samples, 2));
    }
  }
});

Deno.test("RebatchSubscription cuts along the axis when it is not the first", async () => {
  // Two frames (2, 3, 2), joined along axis 1 and cut after 4.
  const left = { data: Int16Array.of(1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60), shape: [2, 3, 2] };
  const right = {
    data: Int16Array.of(7, 8, 9, 0, 1, 2, 70, 80, 90, 0, 10, 20),
    shape: [2, 3, 2],
  };
  for (const axis of [1, -2]) {
    const rebatched = new RebatchSubscription<SampleFrame>({ samples: 4, axis });
    rebatched.put_nowait(left);
    rebatched.put_nowait(right);
    assert.deepEqual(await rebatched.get(), {
      data: Int16Array.of(1, 2, 3, 4, 5, 6, 7, 8, 10, 20, 30, 40, 50, 60, 70, 80),
      shape: [2, 4, 2],
    });
  }
});

Deno.test("RebatchSubscription cuts along the last axis when it is -1", async () => {
  const rebatched = new RebatchSubscription<SampleFrame>({ samples: 1, axis: -1 });
  rebatched.put_nowait({ data: Uint8Array.of(1, 10, 2, 20), shape: [2, 2] });
  assert.deepEqual(await rebatched.get(), { data: Uint8Array.of(1, 2), shape: [2, 1] });
  assert.deepEqual(await rebatched.get(), { data: Uint8Array.of(10, 20), shape: [2, 1] });
});

Deno.test("RebatchSubscription gives AudioFrames timed by their first sample when fed AudioFrames", async () => {
  const rebatched = new RebatchSubscription<AudioFrame>({ samples: 480 });
  const frame = (samples: number, timestampUs: number) =>
    new AudioFrame({
      data: new Float32Array(2 * samples),
      channels: 2,
      sampleRateHz: 48000,
      timestampUs,
    });
  rebatched.put_nowait(frame(720, 1_000_000));
  rebatched.put_nowait(frame(1200, 2_000_000)); // a gap: later frames tell the time anew
  const batches = [];
  while (rebatched.size > 0) batches.push(await rebatched.get());
  assert.ok(batches.every((batch) => batch instanceof AudioFrame));
  assert.deepEqual(batches.map((batch) => batch.shape), Array(4).fill([480, 2]));
  assert.deepEqual(batches.map((batch) => batch.sampleRateHz), Array(4).fill(48000));
  assert.deepEqual(
    batches.map((batch) => batch.timestampUs),
    [1_000_000, 1_010_000, 2_005_000, 2_015_000],
  );
});

Deno.test("RebatchSubscription gives mono AudioFrames of the same time when it cuts channels apart", async () => {
  const rebatched = new RebatchSubscription<AudioFrame>({ samples: 1, axis: 1 });
  const data = Float32Array.of(0.25, -0.25, 0.5, -0.5);
  rebatched.put_nowait(
    new AudioFrame({ data, channels: 2, sampleRateHz: 8000, timestampUs: 7 }),
  );
  const [left, right] = [await rebatched.get(), await rebatched.get()];
  assert.deepEqual([left.data, left.channels, left.timestampUs], [
    Float32Array.of(0.25, 0.5),
    1,
    7,
  ]);
  assert.deepEqual([right.data, right.timestampUs], [Float32Array.of(-0.25, -0.5), 7]);
});

Deno.test("RebatchSubscription keeps other fields of the frame that a batch begins in", async () => {
  const rebatched = new RebatchSubscription<SampleFrame & { name: string }>({ samples: 3 });
  rebatched.put_nowait({ ...counting(0, 4), name: "first" });
  rebatched.put_nowait({ ...counting(4, 4), name: "second" });
  assert.equal((await rebatched.get()).name, "first");
  assert.deepEqual(await rebatched.get(), { ...counting(3, 3), name: "first" });
});

Deno.test("RebatchSubscription lets rebuild make the frames when it is given", async () => {
  const rebatched = new RebatchSubscription<SampleFrame & { at: number }>({
    samples: 2,
    rebuild: (first, data, shape, offset) => ({ data, shape, at: first.at + offset }),
  });
  rebatched.put_nowait({ ...counting(0, 5), at: 100 });
  rebatched.put_nowait({ ...counting(5, 5), at: 200 });
  const times: number[] = [];
  while (rebatched.size > 0) times.push((await rebatched.get()).at);
  assert.deepEqual(times, [100, 102, 104, 201, 203]);
});

Deno.test("RebatchSubscription leaves the frames that it is given as they are", async () => {
  const frame = counting(0, 4);
  const rebatched = new RebatchSubscription({ samples: 4 });
  rebatched.put_nowait(frame);
  const batch = await rebatched.get();
  batch.data.fill(0);
  assert.deepEqual(frame, counting(0, 4));
});

Deno.test("RebatchSubscription.put_nowait() refuses a frame that does not fit, and works on", async () => {
  const rebatched = new RebatchSubscription<SampleFrame>({ samples: 4 });
  rebatched.put_nowait(counting(0, 3, 2));
  assert.throws(() => rebatched.put_nowait(counting(0, 3, 1)), {
    name: "RangeError",
    message: "Cannot rebatch: a Float32Array of shape (3,1) came while a Float32Array of shape " +
      "(4,2) is being filled; only axis 0 may differ",
  });
  assert.throws(() => rebatched.put_nowait({ data: new Int16Array(2), shape: [1, 2] }), RangeError);
  assert.throws(() => rebatched.put_nowait({ data: new Float32Array(2), shape: [] }), {
    message: "Cannot rebatch: a frame of shape () has no axis 0",
  });
  rebatched.put_nowait(counting(6, 1, 2));
  assert.deepEqual(await rebatched.get(), counting(0, 4, 2));
});

Deno.test("RebatchSubscription is refused when samples or axis make no sense", () => {
  for (const samples of [0, -1, 1.5, NaN]) {
    assert.throws(() => new RebatchSubscription({ samples }), RangeError);
  }
  assert.throws(() => new RebatchSubscription({ samples: 1, axis: 0.5 }), RangeError);
});

Deno.test("RebatchSubscription puts batches into the subscription when one is given", async () => {
  const newest = new MostRecentSubscription<SampleFrame>();
  const rebatched = new RebatchSubscription({ samples: 2, subscription: newest });
  rebatched.put_nowait(counting(0, 6));
  assert.deepEqual(await rebatched.get(), counting(4, 2));
});

Deno.test("RebatchSubscription.close() lets whole batches be read when part of one is left", async () => {
  const rebatched = new RebatchSubscription({ samples: 2 });
  rebatched.put_nowait(counting(0, 3));
  rebatched.close();
  const seen: SampleFrame[] = [];
  for await (const batch of rebatched) seen.push(batch);
  assert.deepEqual(seen, [counting(0, 2)]);
});

Deno.test("RebatchSubscription regroups what a producer emits when it is subscribed", async () => {
  const microphone = new Camera<SampleFrame>();
  const rebatched = microphone.subscribe(new RebatchSubscription({ samples: 3 }));
  microphone.emit(counting(0, 2), counting(2, 2));
  assert.deepEqual(await rebatched.get(), counting(0, 3));
});
