/** What a microphone promises; run on the fake and on PulseAudio's. */

import assert from "node:assert/strict";
import type { MicrophoneOptions } from "../../lib/devices/microphone.ts";
import type { SoundDevice } from "../../lib/devices/sound_port.ts";
import { DeviceMissing, SubscriptionClosed } from "../../lib/errors.ts";
import type { AudioFrame } from "../../lib/media/audio_frame.ts";
import type { SubscriptionProducer } from "../../lib/subscriptions/producer.ts";
import { Queue } from "../../lib/subscriptions/queue.ts";
import { within } from "../connection/pair.ts";
import { channel, concat, sineSnr } from "../media/sounds.ts";

/** What tests see of a microphone. */
export interface AnyMicrophone extends SubscriptionProducer<AudioFrame> {
  readonly device: SoundDevice | null;
  readonly latencyMs: number;
  readonly overruns: number;
}

/** A microphone of one channel that hears 440 Hz, and its plug. */
export interface MicrophoneKit extends AsyncDisposable {
  make(
    options?: Pick<MicrophoneOptions, "channels" | "samples" | "reopen" | "defaultSubscription">,
  ): AnyMicrophone;
  unplug(): Promise<void>;
  plug(): Promise<void>;
}

const DEADLINE_MS = 20_000;

async function blocks(microphone: AnyMicrophone, count: number): Promise<AudioFrame[]> {
  const subscription = microphone.subscribe();
  const all: AudioFrame[] = [];
  while (all.length < count) {
    all.push(await within(DEADLINE_MS, subscription.get(), "a block of sound"));
  }
  microphone.unsubscribe(subscription);
  return all;
}

export function microphoneContract(
  name: string,
  open: () => Promise<MicrophoneKit>,
  ignore = false,
): void {
  const test = (what: string, fn: (kit: MicrophoneKit) => Promise<void>) =>
    Deno.test({
      name: `${name} ${what}`,
      ignore,
      async fn() {
        await using kit = await open();
        await fn(kit);
      },
    });

  test("gives the tone in blocks of shape (1024, 1), at the times that they sounded", async (kit) => {
    await using microphone = kit.make();
    await within(DEADLINE_MS, microphone.onReady(), "ready");
    assert.equal(microphone.device?.index, 0);
    const got = await blocks(microphone, 20);
    const nowUs = performance.now() * 1000;
    assert.ok(got.every(({ shape }) => shape[0] === 1024 && shape[1] === 1));
    assert.ok(got.every(({ sampleRateHz }) => sampleRateHz === 48_000));
    assert.ok(sineSnr(440, concat(got.slice(5).map(({ data }) => data))) > 40);
    for (const [i, { timestampUs }] of got.entries()) {
      assert.ok(nowUs - timestampUs > 0 && nowUs - timestampUs < 10e6, `${timestampUs}, ${nowUs}`);
      if (i > 0) assert.ok(timestampUs >= got[i - 1]!.timestampUs + 20_500);
    }
    assert.ok(microphone.latencyMs > -50 && microphone.latencyMs < 5000, `${microphone.latencyMs}`);
  });

  test("gives as many channels and samples as it is told", async (kit) => {
    await using microphone = kit.make({ channels: 2, samples: 480 });
    const got = await blocks(microphone, 20);
    assert.ok(got.every(({ shape }) => shape[0] === 480 && shape[1] === 2));
    const all = concat(got.slice(5).map(({ data }) => data));
    for (const side of [0, 1]) assert.ok(sineSnr(440, channel(all, side, 2)) > 40);
  });

  test("gives the channels that are picked, and fails for one that it does not have", async (kit) => {
    await using microphone = kit.make({ channels: [0, 0, 0] });
    assert.deepEqual((await blocks(microphone, 1))[0]!.shape, [1024, 3]);
    const error = await failure(() => kit.make({ channels: [0, 7] }));
    assert.ok(error instanceof RangeError);
    assert.match(error.message, /^Cannot open .+: it has no channel 7; give 0 to 0$/);
  });

  test("queues without a bound, or as it is told", async (kit) => {
    await using microphone = kit.make();
    const usual = microphone.subscribe();
    assert.ok(usual instanceof Queue && usual.maxSize === Infinity);
    await using other = kit.make({ defaultSubscription: () => new Queue({ maxSize: 3 }) });
    const bounded = other.subscribe();
    assert.ok(bounded instanceof Queue && bounded.maxSize === 3);
  });

  test("refuses what makes no sense at once", async (kit) => {
    await Promise.resolve();
    for (const options of [{ channels: 0 }, { channels: [] }, { channels: [-1] }, { samples: 3 }]) {
      assert.throws(() => kit.make(options), RangeError);
    }
  });

  test("wakes who waits when it is closed, and refuses everything then", async (kit) => {
    const microphone = kit.make();
    await within(DEADLINE_MS, microphone.onReady(), "ready");
    const waiting = failureOf(drain(microphone));
    await within(DEADLINE_MS, microphone.close(), "the close");
    assert.ok(await waiting instanceof SubscriptionClosed);
    assert.equal(microphone.device, null);
    assert.equal(microphone.error, null);
    assert.throws(() => microphone.subscribe(), {
      name: "SubscriptionClosed",
      message: new RegExp(microphone.constructor.name),
    });
  });

  test("fails when it is unplugged", async (kit) => {
    await using microphone = kit.make();
    await blocks(microphone, 2);
    await kit.unplug();
    const error = await within(DEADLINE_MS, microphone.onError(), "the error");
    assert.ok(error instanceof DeviceMissing, String(error));
    assert.match(
      error.message,
      /^Cannot record from ".+": it was unplugged; plug it in again, or set reopen: true to go on /,
    );
    assert.ok(microphone.closed);
  });

  test("goes on when it is plugged in again, if it is told so", async (kit) => {
    await using microphone = kit.make({ reopen: true });
    await blocks(microphone, 2);
    await kit.unplug();
    await until(() => microphone.device === null);
    await kit.plug();
    await blocks(microphone, 2);
    assert.equal(microphone.error, null);
    assert.equal(microphone.device?.index, 0);
  });

  test("fails when there is none, and waits for one if it is told so", async (kit) => {
    await kit.unplug();
    const error = await failure(() => kit.make());
    assert.ok(error instanceof DeviceMissing, String(error));
    assert.match(error.message, /^Cannot open (a )?microphone.*: there is no.+; /);
    await using microphone = kit.make({ reopen: true });
    await kit.plug();
    await blocks(microphone, 1);
    assert.ok(microphone.ready);
  });
}

async function drain(microphone: AnyMicrophone): Promise<void> {
  for (;;) await microphone.get();
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await within(DEADLINE_MS, promise, "the end");
    return null;
  } catch (error) {
    return error;
  }
}

/** What it fails with, in the constructor or later. */
async function failure(make: () => AnyMicrophone): Promise<Error | null> {
  try {
    await using microphone = make();
    return await within(DEADLINE_MS, microphone.onError(), "the error");
  } catch (error) {
    return error as Error;
  }
}

/** Polls with a deadline. */
export async function until(test: () => boolean): Promise<void> {
  const end = performance.now() + DEADLINE_MS;
  while (!test()) {
    assert.ok(performance.now() < end, `not within ${DEADLINE_MS} ms: ${test}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
