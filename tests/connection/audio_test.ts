/** Sound from one end of this library to the other, through libopus and the real engine. */
import assert from "node:assert/strict";
import {
  AudioFrame,
  DelayedSubscription,
  Queue,
  RebatchSubscription,
  RTCConnection,
  tone,
} from "../../mod.ts";
import { OpusEncoder } from "../../lib/codecs/opus.ts";
import { loadWerift } from "../../lib/connection/werift_engine.ts";
import { FakeMicrophone } from "../../lib/testing.ts";
import type { ReceivedAudio } from "../../lib/connection/received_audio.ts";
import { testOpus as test } from "../codecs/opus_library.ts";
import { amplitudeAt, channel, concat, power, sineSnr, speech } from "../media/sounds.ts";
import { join, LOCAL, within } from "./pair.ts";

/** Frames until the play-out has found its speed and the encoder its rate. */
const SETTLING = 15;
/** A second and more. */
const HEARD = 60;
const VERBOSE = Deno.env.has("RTCBOT_VERBOSE");

/** The next frames of a producer, joined, without the first of them. */
async function hear(
  from: {
    subscribe(queue: Queue<AudioFrame>): unknown;
    unsubscribe(queue: Queue<AudioFrame>): void;
  },
  count = HEARD,
  settling = SETTLING,
): Promise<{ left: Float32Array; right: Float32Array; frames: AudioFrame[] }> {
  const queue = new Queue<AudioFrame>();
  from.subscribe(queue);
  const frames: AudioFrame[] = [];
  try {
    while (frames.length < settling + count) {
      frames.push(await within(10_000, queue.get(), `frame ${frames.length} of sound`));
    }
  } finally {
    from.unsubscribe(queue);
  }
  frames.splice(0, settling);
  for (const frame of frames) {
    assert.deepEqual([...frame.shape, frame.sampleRateHz], [960, 2, 48_000]);
  }
  const all = concat(frames.map(({ data }) => data));
  return { left: channel(all, 0, 2), right: channel(all, 1, 2), frames };
}

/**
 * The median signal to noise of pieces of 100 ms, in dB: play-out that changes its speed by up to 1 %
 * changes the pitch as much, so each piece is measured at the pitch that it has.
 */
function quality(hz: number, data: Float32Array): number {
  const piece = 4_800;
  const levels: number[] = [];
  for (let at = 0; at + piece <= data.length; at += piece) {
    const part = data.subarray(at, at + piece);
    let best = -Infinity;
    for (let share = -0.011; share <= 0.011; share += 0.0005) {
      best = Math.max(best, sineSnr(hz * (1 + share), part));
    }
    levels.push(best);
  }
  return median(levels);
}

/** It is this pitch and none of the others, in most pieces of 40 ms: what is late is made up. */
function assertPitch(hz: number, data: Float32Array, others: readonly number[] = []): void {
  // Short enough that a pitch which is off by 1 % is still found.
  const piece = 1_920;
  const pieces = Array.from(
    { length: Math.floor(data.length / piece) },
    (_, i) => data.subarray(i * piece, (i + 1) * piece),
  );
  const strength = (pitch: number) => median(pieces.map((each) => amplitudeAt(pitch, each)));
  const wanted = strength(hz);
  if (VERBOSE) console.log(hz, wanted, others.map(strength));
  assert.ok(wanted > 0.15, `${hz} Hz has an amplitude of ${wanted}`);
  for (const other of others) {
    const found = strength(other);
    assert.ok(found < wanted / 5, `${other} Hz has ${found}, ${hz} Hz ${wanted}`);
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

test("AudioHandler.subscribe() gives what an offering end says, clearly", async () => {
  await using robot = new RTCConnection(LOCAL);
  await using desk = new RTCConnection(LOCAL);
  await using microphone = new FakeMicrophone({ frequencyHz: 440, channels: 2 });
  robot.audio.putSubscription(microphone);
  const heard = hear(desk.audio);
  await join(robot, desk);
  const { left, right, frames } = await heard;
  assertPitch(440, left, [880, 1000]);
  const [a, b] = [quality(440, left), quality(440, right)];
  if (VERBOSE) console.log("SNR", a, b);
  assert.ok(a > 25 && b > 25, `${a} and ${b} dB`);
  for (const [i, { timestampUs }] of frames.entries()) {
    if (i === 0) continue;
    const apartMs = Math.round((timestampUs - frames[i - 1]!.timestampUs) / 1000);
    // A program that was held up for longer than 100 ms goes on from now.
    assert.ok(apartMs === 20 || apartMs > 100, `${apartMs} ms`);
  }
});

test("AudioHandler.subscribe() before an offer asks the answering end for sound", async () => {
  await using desk = new RTCConnection(LOCAL);
  await using robot = new RTCConnection(LOCAL);
  await using microphone = new FakeMicrophone({ frequencyHz: 880, channels: 2 });
  robot.audio.putSubscription(microphone);
  const heard = hear(desk.audio, 20);
  await join(desk, robot);
  assertPitch(880, (await heard).left, [440]);
});

test("AudioHandler keeps left and right apart", async () => {
  await using robot = new RTCConnection(LOCAL);
  await using desk = new RTCConnection(LOCAL);
  await using microphone = new FakeMicrophone({ frequencyHz: [440, 1000] });
  // At its usual 64 kbit/s the encoder lets two tones that have nothing in common leak into each other: by
  // itself it gives 20 dB, and with this 31.
  robot.audio.addTrack(microphone, { bitrate: 128_000 });
  const heard = hear(desk.audio);
  await join(robot, desk);
  const { left, right } = await heard;
  assertPitch(440, left, [1000]);
  assertPitch(1000, right, [440]);
  const [a, b] = [quality(440, left), quality(1000, right)];
  if (VERBOSE) console.log("stereo SNR", a, b);
  assert.ok(a > 20 && b > 20, `${a} and ${b} dB`);
});

test("AudioHandler gives a mono source on both channels", async () => {
  await using robot = new RTCConnection(LOCAL);
  await using desk = new RTCConnection(LOCAL);
  await using microphone = new FakeMicrophone({ frequencyHz: 600, channels: 1 });
  robot.audio.putSubscription(microphone);
  const heard = hear(desk.audio);
  await join(robot, desk);
  const { left, right } = await heard;
  assertPitch(600, left, [440]);
  // Alike, but for the rounding of a stereo decoder.
  const apart = left.reduce((most, level, i) => Math.max(most, Math.abs(level - right[i]!)), 0);
  assert.ok(apart < 1e-4, `left and right are ${apart} apart`);
  const level = quality(600, left);
  if (VERBOSE) console.log("mono SNR", level);
  assert.ok(level > 25, `${level} dB`);
});

test("AudioHandler says and hears at once, in one section", async () => {
  await using a = new RTCConnection(LOCAL);
  await using b = new RTCConnection(LOCAL);
  await using low = new FakeMicrophone({ frequencyHz: 440 });
  await using high = new FakeMicrophone({ frequencyHz: 880 });
  a.audio.putSubscription(low);
  b.audio.putSubscription(high);
  const [atA, atB] = [hear(a.audio), hear(b.audio)];
  const offer = await a.getLocalDescription();
  assert.equal(offer.sdp.match(/^m=audio/mg)?.length, 1);
  assert.match(offer.sdp, /useinbandfec=1/);
  const answer = await b.getLocalDescription(offer);
  assert.match(answer.sdp, /m=audio[^]*a=sendrecv/);
  await a.setRemoteDescription(answer);
  assertPitch(880, (await atA).left, [440]);
  assertPitch(440, (await atB).left, [880]);
});

test("AudioHandler works in a connection that has only sound", async () => {
  await using robot = new RTCConnection(LOCAL);
  await using desk = new RTCConnection(LOCAL);
  await using microphone = new FakeMicrophone({ frequencyHz: 440 });
  robot.audio.putSubscription(microphone);
  const heard = hear(desk.audio, 10);
  await join(robot, desk);
  assert.doesNotMatch((await robotOffer(microphone)).sdp, /m=video/);
  assertPitch(440, (await heard).left);
});

async function robotOffer(microphone: FakeMicrophone) {
  await using robot = new RTCConnection(LOCAL);
  robot.audio.putSubscription(microphone);
  return await robot.getLocalDescription();
}

/**
 * Says a block of 20 ms at once and whenever one is due; several where a timer was late, for whoever speaks
 * does not pause then. Ends with the block.
 */
function saying(say: (n: number) => void): Disposable {
  const startMs = performance.now();
  let n = 0;
  const sayDue = () => {
    while (20 * n <= performance.now() - startMs) say(n++);
  };
  sayDue();
  const timer = setInterval(sayDue, 20);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

test("AudioHandler.put_nowait() plays arrays of samples", async () => {
  await using robot = new RTCConnection(LOCAL);
  await using desk = new RTCConnection(LOCAL);
  using _ = saying((n) =>
    robot.audio.put_nowait({
      data: Int16Array.from(tone(n, { frequencyHz: 700 }).data, (level) => level * 32767),
      shape: [960, 1],
    })
  );
  const heard = hear(desk.audio, 30);
  await join(robot, desk);
  assertPitch(700, (await heard).left, [440]);
});

test("AudioHandler.putSubscription() replaces the source in mid-stream", async () => {
  await using robot = new RTCConnection(LOCAL);
  await using desk = new RTCConnection(LOCAL);
  await using low = new FakeMicrophone({ frequencyHz: 440 });
  await using high = new FakeMicrophone({ frequencyHz: [880, 880], sampleRate: 44_100 });
  robot.audio.putSubscription(low);
  const before = hear(desk.audio, 20);
  await join(robot, desk);
  assertPitch(440, (await before).left, [880]);
  robot.audio.putSubscription(high);
  assert.equal(robot.audio.subscription, high);
  assertPitch(880, (await hear(desk.audio, 20, 30)).left, [440]);
  robot.audio.stopSubscription();
  assert.equal(robot.audio.subscription, null);
});

test("AudioHandler.addTrack() says two sounds, and onTrack() gives each", async () => {
  await using robot = new RTCConnection(LOCAL);
  await using desk = new RTCConnection(LOCAL);
  await using low = new FakeMicrophone({ frequencyHz: 440 });
  await using high = new FakeMicrophone({ frequencyHz: 880 });
  robot.audio.putSubscription(low);
  robot.audio.addTrack(high, { bitrate: 24_000, name: "high" });
  const sounds: ReceivedAudio[] = [];
  const heard: ReturnType<typeof hear>[] = [];
  desk.audio.onTrack((audio) => {
    sounds.push(audio);
    heard.push(hear(audio, 20));
  });
  await join(robot, desk);
  assert.equal(sounds.length, 2);
  assert.deepEqual(sounds.map(({ name }) => name), ["rtcbot", "high"]);
  const [first, second] = await Promise.all(heard);
  assertPitch(440, first!.left, [880]);
  assertPitch(880, second!.left, [440]);
});

test("AudioHandler fills a RebatchSubscription, and takes a DelayedSubscription", async () => {
  await using robot = new RTCConnection(LOCAL);
  await using desk = new RTCConnection(LOCAL);
  await using microphone = new FakeMicrophone({ frequencyHz: 440, channels: 2 });
  const delayed = new DelayedSubscription(microphone);
  robot.audio.putSubscription(delayed);
  const batches = desk.audio.subscribe(new RebatchSubscription<AudioFrame>({ samples: 1024 }));
  await join(robot, desk);
  const heard: AudioFrame[] = [];
  while (heard.length < 40) heard.push(await within(10_000, batches.get(), "a batch"));
  assert.ok(heard.every(({ shape }) => shape[0] === 1024 && shape[1] === 2));
  assertPitch(440, channel(concat(heard.slice(20).map(({ data }) => data)), 0, 2), [880]);
  desk.audio.unsubscribe(batches);
  delayed.unsubscribe();
});

test("AudioHandler begins to decode with the first subscriber and ends with the last", async () => {
  await using robot = new RTCConnection(LOCAL);
  await using desk = new RTCConnection(LOCAL);
  await using microphone = new FakeMicrophone();
  robot.audio.putSubscription(microphone);
  const sounds: ReceivedAudio[] = [];
  desk.audio.onTrack((audio) => {
    sounds.push(audio);
  });
  await join(robot, desk);
  await within(5_000, passed(microphone, 25), "half a second");
  assert.equal(sounds[0]!.stats, null);
  await hear(desk.audio, 10);
  await within(5_000, passed(microphone, 5), "a tenth of a second");
  assert.equal(sounds[0]!.stats, null);
  const queue = desk.audio.subscribe();
  await within(5_000, queue.get(), "sound");
  const stats = sounds[0]!.stats!;
  assert.ok(
    stats.received > 0 && stats.latencyMs > 0 && stats.latencyMs < 500,
    JSON.stringify(stats),
  );
});

test("AudioHandler has copies against loss when the other end reports it", async () => {
  const { RtpPacket } = await loadWerift();
  const read = RtpPacket.deSerialize;
  const { setExpectedLoss } = OpusEncoder.prototype;
  const expected: number[] = [];
  OpusEncoder.prototype.setExpectedLoss = function (share) {
    expected.push(share);
    setExpectedLoss.call(this, share);
  };
  await using robot = new RTCConnection(LOCAL);
  await using desk = new RTCConnection(LOCAL);
  // Copies are made of speech: of what is narrow and not too rich.
  const voice = new Queue<AudioFrame>();
  // Without pauses, for a copy is only of the packet right before it.
  using _ = saying((n) => {
    const data = speech(960 * n, 960);
    voice.put_nowait(new AudioFrame({ data, sampleRateHz: 48_000, timestampUs: 20_000 * n }));
  });
  robot.audio.addTrack(voice, { application: "voip", bitrate: 24_000 });
  const sounds: ReceivedAudio[] = [];
  desk.audio.onTrack((audio) => {
    sounds.push(audio);
  });
  let n = 0;
  RtpPacket.deSerialize = (bytes) => {
    if (++n % 8 === 0) throw new Error("lost on purpose");
    return read(bytes);
  };
  try {
    const queue = desk.audio.subscribe(new Queue<AudioFrame>());
    await join(robot, desk);
    const used = () => sounds[0]!.stats?.copiesUsed ?? 0;
    for (let i = 0; used() < 3 || !expected.some((share) => share > 0.06); i++) {
      assert.ok(i < 3000, `${used()} copies were used, with ${expected} expected to be lost`);
      await within(10_000, queue.get(), "sound");
    }
    if (VERBOSE) console.log(sounds[0]!.stats, expected);
  } finally {
    OpusEncoder.prototype.setExpectedLoss = setExpectedLoss;
    RtpPacket.deSerialize = read;
  }
});

/** Resolves when a microphone has given so many blocks. */
async function passed(microphone: FakeMicrophone, blocks: number): Promise<void> {
  const queue = microphone.subscribe();
  while (blocks-- > 0) await queue.get();
  microphone.unsubscribe(queue);
}

test("AudioHandler.error says why a source failed, and messages flow on", async () => {
  await using robot = new RTCConnection(LOCAL);
  await using desk = new RTCConnection(LOCAL);
  const broken = Promise.withResolvers<never>();
  robot.audio.putSubscription({ get: () => broken.promise });
  const failed = Promise.withResolvers<Error>();
  robot.audio.onError((error) => failed.resolve(error));
  await join(robot, desk);
  broken.reject(new Error("the cable was pulled"));
  const error = await within(5_000, failed.promise, "an error");
  assert.equal(error.message, "the cable was pulled");
  assert.equal(robot.audio.error, error);
  const message = desk.get();
  robot.put_nowait("still here");
  assert.equal(await within(5_000, message, "a message"), "still here");
  assert.equal(robot.closed, false);
});

test("AudioHandler is silent while its source is, and goes on with it", async () => {
  await using robot = new RTCConnection(LOCAL);
  await using desk = new RTCConnection(LOCAL);
  const source = new Queue<AudioFrame>();
  const say = (from: number, count: number) => {
    for (let n = from; n < from + count; n++) source.put_nowait(tone(n, { frequencyHz: 440 }));
  };
  robot.audio.putSubscription(source);
  const queue = desk.audio.subscribe(new Queue<AudioFrame>());
  await join(robot, desk);
  say(0, 30);
  const first = await within(10_000, queue.get(), "sound");
  assert.equal(first.samples, 960);
  await assert.rejects(async () => {
    for (let i = 0; i < 100; i++) await within(1_000, queue.get(), "sound");
  }, /sound did not happen/);
  say(30, 150); // more than is waited for: what is late is left out
  let loud = 0;
  while (loud < 25) loud += power((await within(10_000, queue.get(), "more")).data) > 0.01 ? 1 : 0;
});
