/** What a speaker promises; run on the fake and on PulseAudio's. */

import assert from "node:assert/strict";
import type { Speaker, SpeakerOptions } from "../../lib/devices/speaker.ts";
import { DeviceMissing, SubscriptionClosed } from "../../lib/errors.ts";
import { AudioFrame } from "../../lib/media/audio_frame.ts";
import { tone } from "../../lib/media/tone.ts";
import { Queue } from "../../lib/subscriptions/queue.ts";
import { within } from "../connection/pair.ts";
import { amplitudeAt, sine } from "../media/sounds.ts";
import { until } from "./microphone_contract.ts";

/** A speaker, an ear at it, and its plug. */
export interface SpeakerKit extends AsyncDisposable {
  make(options?: Pick<SpeakerOptions, "reopen" | "latencyMs" | "maxLatencyMs">): Speaker;
  /** What has sounded until now, of the first channel, at 48 kHz. */
  heard(): Float32Array;
  unplug(): Promise<void>;
  plug(): Promise<void>;
}

const DEADLINE_MS = 20_000;

/** 20 ms of two channels, as connections give them. */
function frame(n: number, frequencyHz: number, amplitude = 0.5): AudioFrame {
  return tone(n, { frequencyHz, amplitude, channels: 2 });
}

/** How many milliseconds of a pitch there are in a sound, by windows of 10 ms. */
function soundingMs(data: Float32Array, hz: number): number {
  let found = 0;
  for (let at = 0; at + 480 <= data.length; at += 480) {
    if (amplitudeAt(hz, data.subarray(at, at + 480)) > 0.2) found += 10;
  }
  return found;
}

export function speakerContract(
  name: string,
  open: () => Promise<SpeakerKit>,
  ignore = false,
): void {
  const test = (what: string, fn: (kit: SpeakerKit) => Promise<void>) =>
    Deno.test({
      name: `${name} ${what}`,
      ignore,
      async fn() {
        await using kit = await open();
        await fn(kit);
      },
    });
  const ready = (speaker: Speaker) => within(DEADLINE_MS, speaker.onReady(), "ready");
  const drained = (speaker: Speaker) => within(DEADLINE_MS, speaker.drained(), "the end of it");

  test("plays frames as connections give them, at their level", async (kit) => {
    await using speaker = kit.make({ latencyMs: 400, maxLatencyMs: 5000 });
    await ready(speaker);
    for (let n = 0; n < 50; n++) speaker.put_nowait(frame(n, 1000));
    await drained(speaker);
    await until(() => soundingMs(kit.heard(), 1000) >= 900);
    const heard = kit.heard();
    assert.ok(soundingMs(heard, 1000) < 1200);
    // In the loudest tenth of a second, because a machine that is held up may have made a gap.
    const levels = Array.from(
      { length: Math.floor(heard.length / 480) - 10 },
      (_, i) => amplitudeAt(1000, heard.subarray(i * 480, i * 480 + 4800)),
    );
    assert.ok(Math.abs(Math.max(...levels) - 0.5) < 0.01, `${Math.max(...levels)}`);
    assert.deepEqual([speaker.droppedMs, speaker.error], [0, null]);
  });

  test("resamples and remixes what comes: 44.1 kHz, mono, 16-bit", async (kit) => {
    await using speaker = kit.make();
    await ready(speaker);
    const rate = 44_100;
    speaker.put_nowait(
      new AudioFrame({ data: sine(500, 0, rate, rate, 0.5), sampleRateHz: rate }),
    );
    await drained(speaker);
    await until(() => soundingMs(kit.heard(), 500) >= 900);
    const data = Int16Array.from(sine(1500, 0, 24_000, 48_000, 0.5), (level) => level * 32767);
    speaker.put_nowait({ data, shape: [24_000, 1] });
    await drained(speaker);
    await until(() => soundingMs(kit.heard(), 1500) >= 400);
  });

  test("plays one long block to its end, and a short one although its store is not full", async (kit) => {
    await using speaker = kit.make();
    await ready(speaker);
    speaker.put_nowait(tone(0, { frequencyHz: 800, amplitude: 0.5, samples: 48_000 }));
    await drained(speaker);
    await until(() => soundingMs(kit.heard(), 800) >= 900);
    speaker.put_nowait(tone(0, { frequencyHz: 2000, amplitude: 0.5, samples: 1440 }));
    await drained(speaker);
    await until(() => soundingMs(kit.heard(), 2000) >= 10);
    assert.equal(speaker.droppedMs, 0);
  });

  test("drops the oldest of what comes too fast, and stays bounded", async (kit) => {
    await using speaker = kit.make({ latencyMs: 50, maxLatencyMs: 200 });
    await ready(speaker);
    for (let n = 0; n < 60; n++) speaker.put_nowait(frame(n, n < 57 ? 1000 : 3000));
    await until(() => speaker.droppedMs > 700);
    assert.ok(speaker.latencyMs < 400, `${speaker.latencyMs} ms`);
    await drained(speaker);
    await until(() => soundingMs(kit.heard(), 3000) >= 40);
    assert.ok(soundingMs(kit.heard(), 1000) < 400);
  });

  test("is silent when too little comes, counts that, and goes on", async (kit) => {
    await using speaker = kit.make({ latencyMs: 50 });
    await ready(speaker);
    speaker.put_nowait(tone(0, { frequencyHz: 1000, amplitude: 0.5, samples: 4800 }));
    await drained(speaker);
    await until(() => soundingMs(kit.heard(), 1000) >= 80);
    for (let round = 0; speaker.underruns === 0; round++) {
      assert.ok(round < 40, "no underrun was counted");
      speaker.put_nowait(tone(round, { frequencyHz: 1000, amplitude: 0.5, samples: 4800 }));
      await drained(speaker);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.equal(speaker.error, null);
  });

  test("takes no more from writable than it can play", async (kit) => {
    await using speaker = kit.make();
    await ready(speaker);
    const begun = performance.now();
    await within(
      DEADLINE_MS,
      ReadableStream.from(Array.from({ length: 60 }, (_, n) => frame(n, 1000)))
        .pipeTo(speaker.writable),
      "the end of the stream",
    );
    assert.ok(performance.now() - begun > 600);
    await drained(speaker);
    await until(() => soundingMs(kit.heard(), 1000) >= 1050);
    assert.equal(speaker.droppedMs, 0);
  });

  test("reads no source before it is ready", async (kit) => {
    await using speaker = kit.make();
    const queue = new Queue<AudioFrame>();
    queue.put_nowait(frame(0, 1000));
    speaker.putSubscription(queue);
    assert.equal(queue.size, 1);
    assert.equal(speaker.ready, false);
    await ready(speaker);
    await until(() => queue.size === 0);
  });

  test("refuses what is no sound", async (kit) => {
    await using speaker = kit.make();
    for (const value of [null, "la", { data: new Float32Array(3), shape: [2, 2] }]) {
      assert.throws(() => speaker.put_nowait(value as never), {
        name: "TypeError",
        message: /^Cannot play the sound: it is neither an AudioFrame nor samples of shape/,
      });
    }
    assert.throws(() => kit.make({ latencyMs: 0 }), RangeError);
    assert.throws(() => kit.make({ latencyMs: 100, maxLatencyMs: 100 }), RangeError);
  });

  test("wakes who waits when it is closed, and refuses everything then", async (kit) => {
    const speaker = kit.make();
    await ready(speaker);
    speaker.put_nowait(tone(0, { samples: 480_000 }));
    const waiting = speaker.drained();
    await Promise.all([
      assert.rejects(waiting, SubscriptionClosed),
      within(DEADLINE_MS, speaker.close(), "the close"),
    ]);
    assert.equal(speaker.device, null);
    const closed = { name: "SubscriptionClosed", message: new RegExp(speaker.constructor.name) };
    assert.throws(() => speaker.put_nowait(frame(0, 440)), closed);
    assert.throws(() => speaker.putSubscription(new Queue()), closed);
    assert.throws(() => speaker.writable, closed);
    assert.throws(() => speaker.drained(), closed);
  });

  test("fails when it is unplugged", async (kit) => {
    await using speaker = kit.make();
    await ready(speaker);
    await kit.unplug();
    const error = await within(DEADLINE_MS, speaker.onError(), "the error");
    assert.ok(error instanceof DeviceMissing, String(error));
    assert.match(
      error.message,
      /^Cannot play to ".+": it was unplugged; plug it in again, or set reopen: true to go on /,
    );
  });

  test("goes on when it is plugged in again, if it is told so", async (kit) => {
    await using speaker = kit.make({ reopen: true });
    await ready(speaker);
    await kit.unplug();
    await until(() => speaker.device === null);
    for (let n = 0; n < 500; n++) speaker.put_nowait(frame(n, 1000)); // nobody is there to hear it
    await kit.plug();
    await until(() => speaker.device !== null);
    assert.ok(speaker.latencyMs < 1000);
    speaker.put_nowait(tone(0, { frequencyHz: 3000, amplitude: 0.5, samples: 24_000 }));
    await until(() => soundingMs(kit.heard(), 3000) >= 300);
    assert.equal(speaker.error, null);
  });

  test("fails when there is none", async (kit) => {
    await kit.unplug();
    await using speaker = kit.make();
    const error = await within(DEADLINE_MS, speaker.onError(), "the error");
    assert.ok(error instanceof DeviceMissing, String(error));
    assert.match(error.message, /^Cannot open (a )?speaker.*: there is no.+; /);
  });
}
