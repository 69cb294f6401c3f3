import assert from "node:assert/strict";
import {
  type ConnectionReading,
  readConnection,
  statsBetween,
} from "../../lib/connection/connection_reading.ts";
import { SentVideo, takenMs } from "../../lib/connection/sent_video.ts";
import { StatsProducer } from "../../lib/connection/stats_producer.ts";
import type { Clock } from "../../lib/connection/video_receiver.ts";
import type { SharedFrame } from "../../lib/connection/viewers_feed.ts";
import { type ConnectionStats, RTCConnection, SubscriptionClosed } from "../../mod.ts";
import { FakeCamera, FakeMicrophone } from "../../lib/testing.ts";
import { testVpx } from "../codecs/libraries.ts";
import { testOpus } from "../codecs/opus_library.ts";
import { join, LOCAL, within } from "./pair.ts";

/** A reading of a connection that has sent for so long, at even rates. */
function reading(timestampMs: number, tracks = 1): ConnectionReading {
  const seconds = timestampMs / 1000;
  const format = { codec: "VP8" as const, width: 640, height: 480 };
  return {
    state: {
      timestampMs,
      rttMs: 12.5,
      rttSource: "library",
      estimatedBandwidth: 2_000_000,
      pictureAgeMs: null,
      data: { bufferedAmount: 0, messagesSent: 3, messagesReceived: 4 },
    },
    bytesSent: 125_000 * seconds,
    bytesReceived: 12_500 * seconds,
    outgoingVideo: Array.from({ length: tracks }, () => ({
      ...format,
      bytes: 100_000 * seconds,
      targetBitrate: 900_000,
      framesSent: 30 * seconds,
      framesDropped: 2,
      keyFrames: 1,
      framesEncoded: 30 * seconds,
      encodingMs: 30 * seconds * 4.5,
      packetsLostShare: 0.01,
      packetsRetransmitted: 5,
    })),
    incomingVideo: [{
      ...format,
      name: "cam",
      bytes: 50_000 * seconds,
      framesDecoded: 15 * seconds,
      framesSkipped: 0,
      packetsReceived: 600,
      packetsLost: 1,
      packetsRecovered: 2,
      keyFrameRequests: 1,
    }],
    outgoingAudio: [{ codec: "Opus", bytes: 4_000 * seconds, packetsSent: 50 * seconds }],
    incomingAudio: [{
      name: null,
      codec: "Opus",
      bytes: 8_000 * seconds,
      latencyMs: 45,
      packetsReceived: 50,
      packetsLostShare: 0,
      concealedMs: 20,
    }],
  };
}

Deno.test("statsBetween() reckons rates from what was counted between two readings", () => {
  const stats = statsBetween(reading(10_000), reading(12_000));
  assert.deepEqual(JSON.parse(JSON.stringify(stats)), stats); // plain data
  assert.deepEqual([stats.sentBitrate, stats.receivedBitrate], [1_000_000, 100_000]);
  assert.deepEqual([stats.rttMs, stats.rttSource, stats.timestampMs], [12.5, "library", 12_000]);
  const [out] = stats.video.outgoing, [into] = stats.video.incoming;
  assert.deepEqual([out!.fps, out!.bitrate, out!.encodeMs, out!.framesSent], [
    30,
    800_000,
    4.5,
    360,
  ]);
  assert.deepEqual([into!.fps, into!.bitrate, into!.name], [15, 400_000, "cam"]);
  assert.equal(stats.audio.outgoing[0]!.bitrate, 32_000);
  assert.equal(stats.audio.incoming[0]!.bitrate, 64_000);
  assert.ok(!("bytes" in out! || "encodingMs" in out! || "framesEncoded" in out!));
});

Deno.test("statsBetween() knows of no negative rate, no past of a new track, no mean of nothing", () => {
  const again = statsBetween(reading(10_000), {
    ...reading(1_000),
    state: reading(11_000).state,
  });
  assert.deepEqual([again.sentBitrate, again.video.outgoing[0]!.fps], [0, 0]);
  assert.equal(again.video.outgoing[0]!.encodeMs, null);
  const second = statsBetween(reading(0, 0), reading(1_000, 2)).video.outgoing;
  assert.deepEqual(second.map(({ bitrate }) => bitrate), [800_000, 800_000]);
  const none = statsBetween(reading(1_000), reading(1_000));
  assert.deepEqual([none.sentBitrate, none.video.outgoing[0]!.fps], [0, 0]);
});

Deno.test("readConnection() takes the round trip from the viewer's reports where no library answers", () => {
  const track = (proven: boolean, roundTripMs: number | null, bitrate: number) => ({
    _rate: { link: { proven, roundTripMs, bitrate } },
    _reading: reading(0).outgoingVideo[0],
  });
  const read = (rttMs: number | null, ...tracks: ReturnType<typeof track>[]) => {
    const media = { _outgoing: [], _incoming: [] };
    const parts = {
      video: { ...media, _outgoing: tracks },
      audio: media,
      control: { rttMs, _pictureAgeMs: null },
    } as unknown as Parameters<typeof readConnection>[0];
    const { data } = reading(0).state;
    const { state, bytesSent } = readConnection(parts, data, undefined);
    assert.equal(bytesSent, 0);
    return [state.rttMs, state.rttSource, state.estimatedBandwidth];
  };
  assert.deepEqual(read(null), [null, null, null]);
  assert.deepEqual(read(null, track(false, null, 1e6)), [null, null, null]);
  assert.deepEqual(read(null, track(true, 30, 1e6)), [30, "rtcp", 1e6]);
  assert.deepEqual(read(12, track(true, 30, 1e6), track(true, 31, 5e5)), [12, "library", 1.5e6]);
});

Deno.test("SentVideo knows when the newest pictures were taken, and no others", () => {
  const sent = new SentVideo();
  const frame = (n: number): SharedFrame => ({
    codec: "VP8",
    payloads: [new Uint8Array(1_000), new Uint8Array(200)],
    timestamp90kHz: (2 ** 32 - 3_000 * 5 + n * 3_000) % 2 ** 32,
    keyFrame: n === 0,
    facts: {
      codec: "VP8",
      width: 640,
      height: 480,
      capturedMs: n * 33,
      encodeMs: n === 0 ? null : 4,
      targetBitrate: 1_000_000,
      leftOut: n % 2,
    },
  });
  assert.equal(sent.capturedMs(0), null);
  for (let n = 0; n < 200; n++) sent.add(frame(n));
  assert.equal(sent.capturedMs(frame(199).timestamp90kHz), 199 * 33);
  assert.equal(sent.capturedMs(frame(80).timestamp90kHz), 80 * 33);
  assert.equal(sent.capturedMs(frame(5).timestamp90kHz), null); // too long ago
  assert.equal(sent.capturedMs(12_345), null);
  assert.deepEqual([sent.frames, sent.keyFrames, sent.bytes, sent.leftOut], [200, 1, 240_000, 100]);
  assert.deepEqual([sent.encoded, sent.encodeMs], [199, 199 * 4]);
});

Deno.test("takenMs() believes a source's time only if it is of our clock", () => {
  assert.equal(takenMs(1_000_000, 1_040_000), 1_000);
  assert.equal(takenMs(1_700_000_000_000_000, 1_040_000), 1_040); // since 1970
  assert.equal(takenMs(33_333, 90_000_000), 90_000); // since a film began
  assert.equal(takenMs(1_050_000, 1_040_000), 1_040); // in the future
});

class FakeClock implements Clock {
  ms = 0;
  readonly timers = new Map<number, { atMs: number; run: () => void }>();
  #last = 0;
  nowMs(): number {
    return this.ms;
  }
  startTimer(run: () => void, ms: number): number {
    this.timers.set(++this.#last, { atMs: this.ms + ms, run });
    return this.#last;
  }
  stopTimer(timer: unknown): void {
    this.timers.delete(timer as number);
  }
  advance(ms: number): void {
    this.ms += ms;
    for (const [id, { atMs, run }] of this.timers) {
      if (atMs > this.ms) continue;
      this.timers.delete(id);
      run();
    }
  }
}

function stage() {
  const clock = new FakeClock();
  const reads: number[] = [];
  const producer = new StatsProducer(() => {
    reads.push(clock.ms);
    return reading(clock.ms);
  }, clock);
  return { clock, reads, producer };
}

Deno.test("StatsProducer reads nothing while nobody is subscribed", async () => {
  const { clock, reads, producer } = stage();
  clock.advance(10_000);
  assert.deepEqual([reads, clock.timers.size], [[], 0]);
  const seen: ConnectionStats[] = [];
  const callback = producer.subscribe((stats: ConnectionStats) => void seen.push(stats));
  for (let i = 0; i < 3; i++) clock.advance(1_000);
  assert.deepEqual(seen.map((stats) => stats.timestampMs), [11_000, 12_000, 13_000]);
  assert.deepEqual(seen.map((stats) => stats.sentBitrate), [1e6, 1e6, 1e6]);
  producer.unsubscribe(callback);
  for (let i = 0; i < 5; i++) clock.advance(1_000);
  assert.deepEqual([reads.length, seen.length, clock.timers.size], [4, 3, 0]);
  // Who comes again later is told of the second before, not of the hours between.
  clock.advance(3_600_000);
  producer.subscribe((stats: ConnectionStats) => void seen.push(stats));
  clock.advance(1_000);
  assert.equal(seen.at(-1)!.video.outgoing[0]!.fps, 30);
  assert.equal(reads.length, 6);
  await producer.close();
  assert.equal(clock.timers.size, 0);
});

Deno.test("StatsProducer gives the newest by get(), by iteration and as a stream", async () => {
  const { clock, producer } = stage();
  const next = producer.get();
  for (let i = 0; i < 3; i++) clock.advance(1_000);
  assert.equal((await next).timestampMs, 1_000);
  assert.equal((await producer.get()).timestampMs, 3_000); // the one between is old
  producer.unsubscribe();
  clock.advance(1_000);
  assert.equal(clock.timers.size, 0);
  const iterator = producer[Symbol.asyncIterator]();
  const first = iterator.next();
  clock.advance(1_000);
  assert.equal((await first).value?.timestampMs, 5_000);
  await iterator.return(undefined);
  clock.advance(1_000);
  const reader = producer.readable.getReader();
  clock.advance(1_000);
  assert.equal((await reader.read()).value?.timestampMs, 7_000);
  const last = producer.get();
  await producer.close();
  await assert.rejects(last, SubscriptionClosed);
  assert.throws(() => producer.subscribe(), SubscriptionClosed);
  assert.equal(clock.timers.size, 0);
});

testVpx("RTCConnection.stats tells of video and messages at both ends", async () => {
  await using camera = new FakeCamera({ width: 320, height: 240, fps: 20 });
  await using a = new RTCConnection(LOCAL);
  await using b = new RTCConnection(LOCAL);
  b.video.subscribe(() => {});
  b.video.offerToReceive();
  a.video.putSubscription(camera);
  const received: unknown[] = [];
  b.subscribe((message) => void received.push(message));
  await join(b, a);
  for (let i = 0; i < 10; i++) a.put_nowait({ i });
  const [ofA, ofB] = await Promise.all([a, b].map(async ({ stats }) => {
    for (;;) {
      const newest = await within(10_000, stats.get(), "statistics");
      const fps = newest.video.outgoing[0]?.fps ?? newest.video.incoming[0]?.fps;
      if ((fps ?? 0) > 15) return newest;
    }
  })) as [ConnectionStats, ConnectionStats];
  assert.deepEqual(JSON.parse(JSON.stringify(ofA)), ofA);
  const [out] = ofA.video.outgoing, [into] = ofB.video.incoming;
  for (const video of [out!, into!]) {
    assert.deepEqual([video.codec, video.width, video.height], ["VP8", 320, 240]);
    assert.ok(video.fps > 15 && video.fps < 25, `${video.fps} frames a second`);
    assert.ok(video.bitrate > 10_000, `${video.bitrate} bits a second`);
  }
  assert.ok(out!.keyFrames >= 1 && out!.framesSent >= 16, JSON.stringify(out));
  assert.ok(out!.encodeMs! > 0 && out!.encodeMs! < 100, `${out!.encodeMs} ms`);
  assert.ok(out!.targetBitrate! >= 50_000 && out!.packetsLostShare === 0, JSON.stringify(out));
  assert.ok(into!.framesDecoded >= 16 && into!.packetsReceived >= 16, JSON.stringify(into));
  // All that one end sends is what the other receives, and a little more than the pictures.
  assert.ok(ofA.sentBitrate > out!.bitrate, `${ofA.sentBitrate} > ${out!.bitrate}`);
  const share = ofB.receivedBitrate / ofA.sentBitrate;
  assert.ok(share > 0.5 && share < 2, `${ofB.receivedBitrate} of ${ofA.sentBitrate}`);
  assert.equal(ofA.rttSource, "library");
  assert.ok(ofA.rttMs! > 0 && ofA.rttMs! < 200, `${ofA.rttMs} ms`);
  assert.ok(ofA.estimatedBandwidth! > 50_000, `${ofA.estimatedBandwidth}`);
  assert.deepEqual([ofA.data.messagesSent, ofB.data.messagesReceived], [10, 10]);
  assert.equal(ofA.pictureAgeMs, null); // there is no page
  await a.close();
  assert.ok(a.stats.closed);
});

testOpus("RTCConnection.stats tells of sound at both ends", async () => {
  await using microphone = new FakeMicrophone();
  await using a = new RTCConnection(LOCAL);
  await using b = new RTCConnection(LOCAL);
  b.audio.subscribe(() => {});
  a.audio.putSubscription(microphone);
  await join(b, a);
  const [ofA, ofB] = await Promise.all([a, b].map(async ({ stats }) => {
    for (;;) {
      const latest = await within(10_000, stats.get(), "statistics");
      const [sound] = [...latest.audio.outgoing, ...latest.audio.incoming];
      if (sound && sound.bitrate > 10_000) return latest;
    }
  })) as [ConnectionStats, ConnectionStats];
  const [out] = ofA.audio.outgoing, [into] = ofB.audio.incoming;
  assert.ok(out!.packetsSent >= 20 && out!.bitrate < 200_000, JSON.stringify(out));
  assert.ok(into!.packetsReceived >= 20 && into!.bitrate < 200_000, JSON.stringify(into));
  assert.ok(into!.latencyMs! > 0 && into!.latencyMs! < 500, JSON.stringify(into));
  assert.deepEqual([out!.codec, into!.codec], ["Opus", "Opus"]);
  assert.deepEqual([ofA.estimatedBandwidth, ofA.video.outgoing], [null, []]);
});
