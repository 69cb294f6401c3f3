import assert from "node:assert/strict";
import {
  type AudioListener,
  type AudioSendingOptions,
  SharedAudioSender,
  sharedAudioSender,
} from "../../lib/connection/audio_sender.ts";
import type { AudioLike } from "../../lib/media/audio_like.ts";
import { LibraryMissing, SubscriptionClosed } from "../../lib/errors.ts";
import { AudioFrame } from "../../lib/media/audio_frame.ts";
import { DelayedSubscription, Queue } from "../../lib/subscriptions/mod.ts";
import type { Source } from "../../lib/subscriptions/types.ts";
import { Camera, settle } from "../subscriptions/helpers.ts";
import { FakeClock, FakeEncoder } from "./audio_fakes.ts";

class Ear implements AudioListener {
  readonly packets: { level: number; timestamp48kHz: number; marker: boolean; atMs: number }[] = [];
  readonly payloads: Uint8Array[] = [];
  error: Error | null = null;
  readonly #clock: FakeClock;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }
  packet(payload: Uint8Array, timestamp48kHz: number, marker: boolean): void {
    const atMs = this.#clock.nowMs();
    this.packets.push({ level: payload[1]!, timestamp48kHz, marker, atMs });
    this.payloads.push(payload);
  }
  failed(error: Error): void {
    this.error = error;
  }
}

/** 20 ms whose every sample is this level in hundredths. */
function frame(level: number, timestampUs = 0, channels = 1): AudioFrame {
  const data = new Float32Array(960 * channels).fill(level / 100);
  return new AudioFrame({ data, channels, sampleRateHz: 48_000, timestampUs });
}

function make(source: Source<AudioLike>, options: AudioSendingOptions = {}) {
  const clock = new FakeClock();
  FakeEncoder.made.length = 0;
  const world = { clock, createEncoder: (given: object) => new FakeEncoder(given) };
  return { clock, sender: new SharedAudioSender(source, options, world), ear: new Ear(clock) };
}

Deno.test("sharedAudioSender() is one for a producer, its subscriptions, and equal options", () => {
  const [microphone, other] = [new Camera<AudioLike>(), new Camera<AudioLike>()];
  const sender = sharedAudioSender(microphone);
  assert.equal(sharedAudioSender(microphone.subscribe()), sender);
  assert.equal(sharedAudioSender(new DelayedSubscription(microphone)), sender);
  assert.notEqual(sharedAudioSender(microphone, { bitrate: 16_000 }), sender);
  assert.notEqual(sharedAudioSender(other), sender);
  microphone.close();
  other.close();
});

Deno.test("SharedAudioSender encodes once for all listeners", async () => {
  const microphone = new Camera<AudioLike>();
  const { clock, sender, ear } = make(microphone);
  const second = new Ear(clock);
  assert(!microphone.watched);
  sender.join(ear);
  sender.join(second);
  assert.equal(sender.listeners, 2);
  for (let n = 0; n < 10; n++) {
    microphone.emit(frame(n, n * 20_000));
    await clock.advance(20);
  }
  assert.deepEqual(ear.packets, second.packets);
  assert.deepEqual(ear.packets.map(({ level }) => level), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.equal(ear.payloads[3], second.payloads[3]);
  assert.equal(FakeEncoder.made.length, 1);
  assert.equal(FakeEncoder.made[0]!.encoded, 10);
  const begin = ear.packets[0]!.timestamp48kHz;
  assert.equal(begin, 980 * 48);
  ear.packets.forEach(({ timestamp48kHz, marker }, n) => {
    assert.equal(timestamp48kHz, begin + n * 960);
    assert.equal(marker, n === 0);
  });
  sender.leave(ear);
  sender.leave(second);
  microphone.close();
});

Deno.test("SharedAudioSender lets encoder and source go with the last listener, and begins again", async () => {
  const microphone = new Camera<AudioLike>();
  const { clock, sender, ear } = make(microphone);
  sender.join(ear);
  microphone.emit(frame(1));
  await clock.advance(20);
  assert(microphone.watched);
  sender.leave(ear);
  await settle();
  assert(!microphone.watched);
  assert(FakeEncoder.made[0]!.closed);
  assert.equal(clock.timers, 0);
  microphone.emit(frame(2));
  sender.join(ear);
  microphone.emit(frame(3));
  await clock.advance(20);
  assert.deepEqual(ear.packets.map(({ level }) => level), [1, 3]);
  assert.equal(ear.error, null);
  sender.leave(ear);
  microphone.close();
});

Deno.test("SharedAudioSender asks a source that has no end no faster than it can be heard", async () => {
  let asked = 0;
  const file: Source<AudioLike> = {
    get: () => Promise.resolve(frame(asked % 100, 20_000 * asked++)),
  };
  const { clock, sender, ear } = make(file);
  sender.join(ear);
  for (let n = 0; n < 100; n++) await clock.advance(20);
  assert(Math.abs(ear.packets.length - 105) <= 2, `${ear.packets.length} packets in 2 s`);
  assert(asked <= ear.packets.length + 2, `${asked} asked for`);
  ear.packets.forEach(({ level }, n) => assert.equal(level, n % 100));
  sender.leave(ear);
  await settle();
  assert.equal(clock.timers, 0);
});

Deno.test("SharedAudioSender takes arrays of samples, with the rate it was told", async () => {
  const queue = new Queue<AudioLike>();
  const { clock, sender, ear } = make(queue, { sampleRate: 8000 });
  sender.join(ear);
  for (let n = 0; n < 50; n++) {
    queue.put_nowait({ data: new Int16Array(160).fill(16384), shape: [160, 1] });
    await clock.advance(20);
  }
  assert.equal(ear.packets.length, 49); // the resampler holds a millisecond back
  assert.equal(ear.packets.at(-1)!.level, 50);
  assert.equal(FakeEncoder.made[0]!.channels, 1);
  sender.leave(ear);
});

Deno.test("SharedAudioSender encodes stereo as stereo unless told otherwise", async () => {
  for (const [options, channels] of [[{}, 2], [{ channels: 1 as const }, 1]] as const) {
    const queue = new Queue<AudioLike>();
    const { clock, sender, ear } = make(queue, options);
    sender.join(ear);
    queue.put_nowait(frame(5, 0, 2));
    await clock.advance(20);
    assert.equal(FakeEncoder.made[0]!.channels, channels);
    assert.equal(ear.packets[0]!.level, 5);
    sender.leave(ear);
  }
});

Deno.test("SharedAudioSender.reportLoss() prepares for the worst listener", async () => {
  const microphone = new Camera<AudioLike>();
  const { clock, sender, ear } = make(microphone);
  const second = new Ear(clock);
  sender.join(ear);
  sender.join(second);
  microphone.emit(frame(0));
  await clock.advance(20);
  const encoder = FakeEncoder.made[0]!;
  assert.equal(encoder.expectedLoss, 0.1);
  sender.reportLoss(ear, 0);
  assert.equal(encoder.expectedLoss, 0.02);
  sender.reportLoss(second, 0.1);
  assert(Math.abs(encoder.expectedLoss - 0.15) < 1e-9);
  sender.reportLoss(second, 0.01);
  assert.equal(encoder.expectedLoss, 0.06);
  sender.reportLoss(second, 0.9);
  assert.equal(encoder.expectedLoss, 0.3);
  sender.leave(second);
  assert.equal(encoder.expectedLoss, 0.02);
  sender.reportLoss(second, 0.5);
  assert.equal(encoder.expectedLoss, 0.02);
  sender.leave(ear);
  microphone.close();
});

Deno.test("SharedAudioSender tells all listeners when the source fails, and can begin again", async () => {
  const queue = new Queue<AudioLike>();
  const { sender, ear } = make(queue);
  sender.join(ear);
  queue.close(new Error("pulled out"));
  await settle();
  assert.equal(ear.error!.message, "pulled out");
  assert.equal(sender.listeners, 0);

  const ended = make(new Camera<AudioLike>());
  const microphone = new Queue<AudioLike>();
  microphone.close();
  const closed = make(microphone);
  closed.sender.join(closed.ear);
  await settle();
  assert(closed.ear.error instanceof SubscriptionClosed);
  assert.equal(ended.ear.error, null);
});

Deno.test("SharedAudioSender tells all listeners when there is no encoder, and lets the source go", async () => {
  const microphone = new Camera<AudioLike>();
  const clock = new FakeClock();
  const missing = new LibraryMissing("Cannot load libopus: not found on this machine; install it");
  const sender = new SharedAudioSender(microphone, {}, {
    clock,
    createEncoder: () => {
      throw missing;
    },
  });
  const ear = new Ear(clock);
  sender.join(ear);
  microphone.emit(frame(0));
  await settle();
  assert.equal(ear.error, missing);
  assert(!microphone.watched);
  microphone.close();
});

Deno.test("SharedAudioSender says what it cannot send", async () => {
  for (const wrong of [null, "sound", { data: new Float32Array(3), shape: [1, 2] }]) {
    const queue = new Queue<AudioLike>();
    const { sender, ear } = make(queue);
    sender.join(ear);
    queue.put_nowait(wrong as unknown as AudioLike);
    await settle();
    assert(ear.error instanceof TypeError);
    assert.equal(
      ear.error.message,
      "Cannot send the sound: it is neither an AudioFrame nor samples of shape (samples, channels) " +
        "in a Float32Array or Int16Array",
    );
  }
});
