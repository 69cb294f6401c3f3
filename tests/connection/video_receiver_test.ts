/** Receiving video without engine, network, libraries or real time. */
import assert from "node:assert/strict";
import type { VideoDecoder } from "../../lib/codecs/codec.ts";
import {
  type Clock,
  VideoReceiver,
  type VideoReceiverHost,
} from "../../lib/connection/video_receiver.ts";
import { LibraryMissing, RemoteProtocolError } from "../../lib/errors.ts";
import type { EncodedVideo } from "../../lib/media/encoded.ts";
import { VideoFrame } from "../../lib/media/video_frame.ts";
import { packetizeVp8 } from "../../lib/wire/vp8_rtp.ts";

class FakeClock implements Clock {
  #nowMs = 5_000;
  #timers = new Map<number, { atMs: number; run: () => void }>();
  #last = 0;
  nowMs(): number {
    return this.#nowMs;
  }
  startTimer(run: () => void, ms: number): number {
    this.#timers.set(++this.#last, { atMs: this.#nowMs + ms, run });
    return this.#last;
  }
  stopTimer(timer: unknown): void {
    this.#timers.delete(timer as number);
  }
  get timers(): number {
    return this.#timers.size;
  }
  async advance(ms: number): Promise<void> {
    const end = this.#nowMs + ms;
    for (;;) {
      const next = [...this.#timers].sort((a, b) => a[1].atMs - b[1].atMs)[0];
      if (!next || next[1].atMs > end) break;
      this.#timers.delete(next[0]);
      this.#nowMs = next[1].atMs;
      next[1].run();
      await settle();
    }
    this.#nowMs = end;
    await settle();
  }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) await null;
}

/** Decodes a chunk to a frame of which the first pixel is the chunk's third byte. */
class FakeDecoder implements VideoDecoder {
  readonly codec = "VP8";
  closed = false;
  hold: Promise<void> | null = null;
  broken: Error | null = null;
  async decode({ data, timestampUs }: EncodedVideo): Promise<VideoFrame> {
    await this.hold;
    if (this.broken) throw this.broken;
    return VideoFrame.fromGray({ data: data.slice(2, 3), width: 1, height: 1 }, timestampUs);
  }
  close(): void {
    this.closed = true;
  }
  [Symbol.dispose](): void {
    this.close();
  }
}

/** A receiver, its surroundings, and a sender of numbered frames of two packets each. */
class Stage {
  readonly clock = new FakeClock();
  readonly decoders: FakeDecoder[] = [];
  readonly frames: VideoFrame[] = [];
  readonly nacked: number[] = [];
  readonly errors: Error[] = [];
  readonly silences: Error[] = [];
  keyFrameRequests = 0;
  listening = true;
  ssrc = 1;
  libraryMissing = false;
  readonly receiver: VideoReceiver;
  #sequence = 100;

  constructor() {
    const host: VideoReceiverHost = {
      requestKeyFrame: () => this.keyFrameRequests++,
      nack: (sequences) => this.nacked.push(...sequences),
      listening: () => this.listening,
      frame: (frame) => this.frames.push(frame),
      silent: (error) => this.silences.push(error),
      failed: (error) => this.errors.push(error),
    };
    this.receiver = new VideoReceiver(host, {
      clock: this.clock,
      createDecoder: () => {
        if (this.libraryMissing) throw new LibraryMissing("Cannot decode: no library");
        this.decoders.push(new FakeDecoder());
        return this.decoders.at(-1)!;
      },
    });
    this.receiver.start();
  }

  get numbers(): number[] {
    return this.frames.map((frame) => frame.planes[0]!.data[0]!);
  }

  /** Frame number `n`, and 33 ms of time; `lose` are its packets that do not come. */
  async send(n: number, options: { key?: boolean; lose?: number[]; garbage?: boolean } = {}) {
    const frame = Uint8Array.of(options.key ? 0 : 1, 0, n, 0, 0, 0);
    const payloads = options.garbage ? [Uint8Array.of(0x90)] : packetizeVp8(frame, n, 7);
    payloads.forEach((payload, i) => {
      const sequence = this.#sequence++ & 0xffff;
      if (options.lose?.includes(i)) return;
      const marker = i === payloads.length - 1;
      this.receiver.receive({
        ...{ sequence, marker, payload, ssrc: this.ssrc, codec: "VP8" },
        timestamp: n * 2_970 + 2 ** 32 - 5_000 >>> 0, // wraps at once
      });
    });
    await this.clock.advance(33);
  }
}

Deno.test("VideoReceiver gives frames in order, on a steady clock", async () => {
  const stage = new Stage();
  for (let n = 0; n < 10; n++) await stage.send(n, { key: n === 0 });
  assert.deepEqual(stage.numbers, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const times = stage.frames.map(({ timestampUs }) => timestampUs);
  assert.ok(Math.abs(times[0]! - 5_000_000) < 1_000);
  for (let n = 1; n < 10; n++) assert.equal(Math.round(times[n]! - times[n - 1]!), 33_000);
  assert.deepEqual([stage.keyFrameRequests, stage.nacked.length], [0, 0]);
  stage.receiver.close();
  assert.ok(stage.decoders[0]!.closed && stage.clock.timers === 0);
});

Deno.test("VideoReceiver asks for lost packets, then gives up and asks for a key frame", async () => {
  const stage = new Stage();
  await stage.send(0, { key: true });
  await stage.send(1, { lose: [0] });
  await stage.send(2);
  assert.deepEqual(new Set(stage.nacked), new Set([102]));
  assert.equal(stage.keyFrameRequests, 0);
  for (let n = 3; n < 18; n++) await stage.send(n);
  assert.deepEqual(stage.numbers, [0]);
  assert.ok(stage.keyFrameRequests >= 1);
  await stage.send(18, { key: true });
  await stage.send(19);
  assert.deepEqual(stage.numbers, [0, 18, 19]);
  const requests = stage.keyFrameRequests;
  for (let n = 20; n < 40; n++) await stage.send(n);
  assert.equal(stage.keyFrameRequests, requests);
  stage.receiver.close();
});

Deno.test("VideoReceiver goes on with a key frame at once, without waiting for what was lost", async () => {
  const stage = new Stage();
  await stage.send(0, { key: true });
  await stage.send(1, { lose: [1] });
  await stage.send(2, { key: true });
  assert.deepEqual(stage.numbers, [0, 2]);
  stage.receiver.close();
});

Deno.test("VideoReceiver decodes only while somebody listens, and begins with a key frame", async () => {
  const stage = new Stage();
  stage.listening = false;
  for (let n = 0; n < 5; n++) await stage.send(n, { key: n === 0 });
  assert.deepEqual([stage.decoders.length, stage.keyFrameRequests], [0, 0]);
  stage.listening = true;
  await stage.send(5);
  assert.equal(stage.keyFrameRequests, 1);
  await stage.send(6, { key: true });
  await stage.send(7);
  assert.deepEqual(stage.numbers, [6, 7]);
  stage.listening = false;
  await stage.send(8);
  assert.ok(stage.decoders[0]!.closed);
  stage.listening = true;
  await stage.clock.advance(600);
  assert.equal(stage.keyFrameRequests, 2);
  await stage.send(9, { key: true });
  assert.deepEqual(stage.numbers, [6, 7, 9]);
  stage.receiver.close();
});

Deno.test("VideoReceiver notices within 2 s that a stream does not start, and goes on asking", async () => {
  const stage = new Stage();
  await stage.clock.advance(1_400);
  assert.equal(stage.keyFrameRequests, 0);
  await stage.clock.advance(700);
  assert.equal(stage.keyFrameRequests, 1);
  await stage.clock.advance(6_000);
  assert.ok(
    stage.keyFrameRequests >= 4 && stage.keyFrameRequests <= 8,
    `${stage.keyFrameRequests}`,
  );
  assert.equal(stage.silences.length, 0);
  await stage.clock.advance(30_000);
  assert.equal(stage.silences.length, 1);
  assert.match(stage.silences[0]!.message, /nothing came for 10 s; see whether/);
  assert.deepEqual(stage.errors, []);
  await stage.send(0, { key: true }); // it may start all the same
  assert.deepEqual(stage.numbers, [0]);
  stage.receiver.close();
});

Deno.test("VideoReceiver fails when what comes is no video", async () => {
  const stage = new Stage();
  for (let n = 0; n < 400 && stage.errors.length === 0; n++) await stage.send(n, { garbage: true });
  assert.ok(stage.errors[0] instanceof RemoteProtocolError);
  assert.match(stage.errors[0].message, /packets come, but for 10 s no whole picture did \(Cannot/);
  assert.ok(stage.keyFrameRequests >= 5);
  await stage.send(500, { key: true });
  assert.deepEqual([stage.frames.length, stage.errors.length, stage.clock.timers], [0, 1, 0]);
});

Deno.test("VideoReceiver says at once that a library is missing", async () => {
  const stage = new Stage();
  stage.libraryMissing = true;
  await stage.send(0, { key: true });
  assert.ok(stage.errors[0] instanceof LibraryMissing);
});

Deno.test("VideoReceiver asks for a key frame when the decoder fails, and fails after five", async () => {
  const stage = new Stage();
  await stage.send(0, { key: true });
  const [decoder] = stage.decoders;
  decoder!.broken = new RemoteProtocolError("Cannot decode: broken");
  await stage.send(1);
  decoder!.broken = null;
  await stage.send(2);
  assert.deepEqual([stage.numbers, stage.keyFrameRequests], [[0], 1]);
  await stage.send(3, { key: true });
  assert.deepEqual(stage.numbers, [0, 3]);
  decoder!.broken = new RemoteProtocolError("Cannot decode: broken for good");
  for (let n = 4; n < 9; n++) await stage.send(n, { key: true });
  assert.match(stage.errors[0]?.message ?? "", /5 key frames in a row .*broken for good/);
});

Deno.test("VideoReceiver leaves frames out when the decoder is behind, and memory stays bounded", async () => {
  const stage = new Stage();
  await stage.send(0, { key: true });
  const gate = Promise.withResolvers<void>();
  stage.decoders[0]!.hold = gate.promise;
  for (let n = 1; n < 100; n++) await stage.send(n);
  assert.ok(stage.keyFrameRequests > 0);
  stage.decoders[0]!.hold = null;
  gate.resolve();
  await stage.send(100);
  await stage.send(101, { key: true });
  await stage.send(102);
  assert.deepEqual(stage.numbers.slice(-2), [101, 102]);
  assert.ok(stage.frames.length <= 4, `${stage.numbers}`);
  assert.ok(stage.receiver.stats.framesSkipped >= 15, JSON.stringify(stage.receiver.stats));
  stage.receiver.close();
});

Deno.test("VideoReceiver goes on when the sender starts anew with another SSRC", async () => {
  const stage = new Stage();
  await stage.send(0, { key: true });
  stage.ssrc = 2;
  await stage.send(1, { key: true });
  await stage.send(2);
  assert.deepEqual(stage.numbers, [0, 1, 2]);
  stage.receiver.close();
});
