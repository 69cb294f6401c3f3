import assert from "node:assert/strict";
import { AudioReceiver } from "../../lib/connection/audio_receiver.ts";
import { LibraryMissing } from "../../lib/errors.ts";
import type { AudioFrame } from "../../lib/media/audio_frame.ts";
import { OpusDecoder, OpusEncoder } from "../../lib/codecs/opus.ts";
import { testOpus } from "../codecs/opus_library.ts";
import { amplitudeAt, channel, concat, seeded, sine, sineSnr } from "../media/sounds.ts";
import { FakeClock, FakeDecoder } from "./audio_fakes.ts";

interface Heard {
  frame: AudioFrame;
  timestamp48kHz: number;
  atMs: number;
}

function make(createDecoder: () => FakeDecoder | OpusDecoder = () => new FakeDecoder()) {
  const clock = new FakeClock();
  const decoders: (FakeDecoder | OpusDecoder)[] = [];
  const heard: Heard[] = [];
  const errors: Error[] = [];
  const receiver = new AudioReceiver({
    clock,
    onError: (error) => errors.push(error),
    createDecoder: () => {
      const decoder = createDecoder();
      decoders.push(decoder);
      return decoder;
    },
  });
  const listen = () =>
    receiver.onFrame = (frame, timestamp48kHz) =>
      void heard.push({ frame, timestamp48kHz, atMs: clock.nowMs() });
  return { clock, decoders, heard, errors, receiver, listen };
}

type Made = ReturnType<typeof make>;

/** 20 ms of this level, as FakeEncoder makes it. */
const packet = (level: number) => Uint8Array.of(31 << 3, level);

/** One packet every 20 ms; those for which `comes` is false are lost. */
async function send(made: Made, from: number, to: number, comes = (_n: number) => true) {
  for (let n = from; n < to; n++) {
    if (comes(n)) {
      made.receiver.packet(n & 0xffff, n * 960, packet(10 + n % 80), made.clock.nowMs());
    }
    await made.clock.advance(20);
  }
}

const levels = (heard: Heard[]) => heard.map(({ frame }) => Math.round(frame.data[1000]! * 100));

Deno.test("AudioReceiver gives a frame of shape (960, 2) every 20 ms", async () => {
  const made = make();
  made.listen();
  await send(made, 0, 50);
  const { heard } = made;
  assert(heard.length >= 47, `${heard.length} frames`);
  heard.forEach(({ frame, timestamp48kHz, atMs }, n) => {
    assert.deepEqual(frame.shape, [960, 2]);
    assert.equal(frame.sampleRateHz, 48_000);
    assert(Math.abs(frame.timestampUs - atMs * 1000) < 1);
    assert(Math.abs(timestamp48kHz - n * 960) < 600, `${timestamp48kHz} in frame ${n}`);
    if (n > 0) assert(Math.abs(frame.timestampUs - heard[n - 1]!.frame.timestampUs - 20_000) < 1);
  });
  made.receiver.close();
});

Deno.test("AudioReceiver does nothing while nobody listens", async () => {
  const made = make();
  await send(made, 0, 10);
  assert.equal(made.decoders.length, 0);
  assert.equal(made.clock.timers, 0);
  assert.equal(made.receiver.stats, null);
  made.listen();
  await send(made, 10, 30);
  assert(made.heard.length > 10);
  made.receiver.onFrame = null;
  assert.equal((made.decoders[0] as FakeDecoder).closed, true);
  assert.equal(made.clock.timers, 0);
  const before = made.heard.length;
  await send(made, 30, 40);
  assert.equal(made.heard.length, before);
  made.listen();
  await send(made, 40, 60);
  assert(made.heard.length > before + 10);
  assert.equal(levels(made.heard.slice(before + 2, before + 3))[0]! >= 50, true);
  made.receiver.close();
});

Deno.test("AudioReceiver fills holes, with the copy where there is one", async () => {
  const made = make();
  made.listen();
  await send(made, 0, 400, (n) => n % 20 !== 10);
  const { counts } = { counts: made.receiver.stats! };
  assert.equal(counts.missing, 20);
  assert(counts.copiesUsed >= 15, `${counts.copiesUsed} copies`);
  assert(made.heard.length > 395, `${made.heard.length} frames`);
  assert(counts.loss > 0.02 && counts.loss < 0.08, `${counts.loss}`);
  made.receiver.close();
});

Deno.test("AudioReceiver falls silent when the sender stops, asks for no time, and goes on", async () => {
  const made = make();
  made.listen();
  await send(made, 0, 50);
  await made.clock.advance(5000);
  const heard = made.heard.length;
  assert(heard >= 52 && heard <= 56, `${heard} frames`);
  assert(Math.abs(made.heard.at(-1)!.frame.data[1910]!) < 0.05, "it does not fade");
  assert.equal(made.clock.timers, 0);
  await send(made, 300, 350);
  assert(made.heard.length > heard + 45, `${made.heard.length - heard} frames`);
  assert.equal(made.receiver.stats!.restarts, 0);
  made.receiver.close();
});

Deno.test("AudioReceiver makes up for a tick that is late, and leaves out a long one", async () => {
  const made = make();
  made.listen();
  await send(made, 0, 50);
  const before = made.heard.length;
  made.clock.freeze(60);
  await send(made, 50, 53); // they came meanwhile
  assert.equal(made.heard.length, before + 6);
  made.receiver.close();
});

Deno.test("AudioReceiver lives on after packets that are no Opus", async () => {
  const made = make();
  made.listen();
  await send(made, 0, 20);
  made.receiver.packet(20, 20 * 960, new Uint8Array(), made.clock.nowMs());
  await made.clock.advance(20);
  made.receiver.packet(21, 21 * 960, packet(255), made.clock.nowMs());
  await made.clock.advance(20);
  await send(made, 22, 50);
  assert.equal(made.receiver.stats!.broken, 2);
  assert.equal(made.errors.length, 0);
  assert(made.heard.length >= 47);
  made.receiver.close();
});

Deno.test("AudioReceiver does not keep the memory that it was given", async () => {
  const made = make();
  made.listen();
  const shared = new Uint8Array(2);
  for (let n = 0; n < 20; n++) {
    shared.set(packet(50));
    made.receiver.packet(n, n * 960, shared, made.clock.nowMs());
    shared.fill(255);
    await made.clock.advance(20);
  }
  assert.equal(made.receiver.stats!.broken, 0);
  assert.deepEqual([...new Set(levels(made.heard))], [50]);
  made.receiver.close();
});

Deno.test("AudioReceiver forgets the old stream when the sender begins anew", async () => {
  const made = make();
  made.listen();
  await send(made, 0, 50);
  for (let n = 0; n < 50; n++) {
    made.receiver.packet(60_000 + n, 3e9 + n * 960, packet(99), made.clock.nowMs());
    await made.clock.advance(20);
  }
  assert.equal((made.decoders[0] as FakeDecoder).resets, 2); // at the first packet of each
  assert.deepEqual([...new Set(levels(made.heard.slice(60)))], [99]);
  assert(made.heard.at(-1)!.timestamp48kHz > 3e9);
  made.receiver.close();
});

Deno.test("AudioReceiver says once that there is no decoder", async () => {
  const missing = new LibraryMissing("Cannot load libopus: not found on this machine; install it");
  const made = make(() => {
    throw missing;
  });
  made.listen();
  await send(made, 0, 10);
  assert.deepEqual(made.errors, [missing]);
  assert.equal(made.receiver.onFrame, null);
});

/** A tone by Opus through a network that is late and loses: what is heard from second 5 to 20. */
async function overNetwork(jitterMs: number, loss: number, skewPpm = 0) {
  const made = make(() => new OpusDecoder());
  made.listen();
  using encoder = new OpusEncoder({ channels: 1 });
  const random = seeded(9);
  const onWay: { atMs: number; n: number; payload: Uint8Array }[] = [];
  let n = 0;
  for (let step = 0; step < 20_000 / 5; step++) {
    const nowMs = made.clock.nowMs();
    for (; 1000 + n * 20 / (1 + skewPpm / 1e6) <= nowMs; n++) {
      const payload = encoder.encode(sine(1000, n * 960, 960));
      if (random() >= loss) onWay.push({ atMs: nowMs + 20 + jitterMs * random(), n, payload });
    }
    onWay.sort((a, b) => a.atMs - b.atMs);
    while (onWay.length > 0 && onWay[0]!.atMs <= nowMs) {
      const { n, payload, atMs } = onWay.shift()!;
      made.receiver.packet(n, n * 960, payload, atMs);
    }
    await made.clock.advance(5);
  }
  const stats = made.receiver.stats!;
  made.receiver.close();
  const sound = concat(
    made.heard.filter(({ atMs }) => atMs > 6000).map(({ frame }) => channel(frame.data, 1, 2)),
  );
  return { sound, stats, heard: made.heard };
}

/** The best signal to noise near 1 kHz: play-out may be 1 % faster or slower. */
function toneSnr(part: Float32Array): number {
  let best = -Infinity;
  for (let hz = 996; hz <= 1004; hz++) best = Math.max(best, sineSnr(hz, part));
  return best;
}

testOpus("AudioReceiver gives the tone that was sent, though packets are late", async () => {
  const { sound, stats } = await overNetwork(40, 0);
  assert.equal(stats.concealedSamples <= 2 * 960, true);
  for (let i = 0; i + 4800 < sound.length; i += 24_000) {
    const part = sound.subarray(i, i + 4800);
    assert(Math.abs(amplitudeAt(1000, part) - 0.25) < 0.03, `${amplitudeAt(1000, part)} at ${i}`);
    assert(toneSnr(part) > 20, `${toneSnr(part)} dB at ${i}`);
  }
});

testOpus("AudioReceiver keeps most of the tone when 5 % are lost", async () => {
  const { sound, stats } = await overNetwork(20, 0.05);
  assert(stats.copiesUsed > 0.7 * stats.missing, `${stats.copiesUsed} of ${stats.missing}`);
  // libopus needs some frames after a loss to be in phase again, here as well as by itself.
  const parts = Array.from(
    { length: Math.floor(sound.length / 960) },
    (_, i) => sound.subarray(i * 960, (i + 1) * 960),
  );
  const loud = parts.filter((part) => amplitudeAt(1000, part) > 0.15).length;
  assert(loud > 0.85 * parts.length, `${loud} of ${parts.length} are there`);
  const snrs = parts.map((part) => sineSnr(1000, part)).sort((a, b) => a - b);
  const [tenth, median] = [snrs[Math.floor(snrs.length / 10)]!, snrs[snrs.length >> 1]!];
  assert(tenth > 4 && median > 20, `${tenth} dB, ${median} dB`);
});

testOpus(
  "AudioReceiver takes up a sender's clock that is 200 ppm off, without a click",
  async () => {
    const { sound, stats } = await overNetwork(0, 0, 200);
    assert.equal(stats.concealedSamples, 0);
    for (let i = 0; i + 4800 < sound.length; i += 24_000) {
      const snr = toneSnr(sound.subarray(i, i + 4800));
      assert(snr > 20, `${snr} dB at ${i}`);
    }
    assert(stats.latencyMs < 30, `${stats.latencyMs} ms`);
  },
);
