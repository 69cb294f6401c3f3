/** Video as a foreign peer receives it: werift alone at the other end, reading RTP packets. */
import assert from "node:assert/strict";
import {
  NegotiationError,
  RTCConnection,
  SubscriptionProducer,
  type VideoFrame,
} from "../../mod.ts";
import { testCard } from "../../lib/media/test_card.ts";
import { testVpx } from "../codecs/libraries.ts";
import { numbered, withFakeEncoders, withoutEncoder } from "./fake_codec.ts";
import { LOCAL, within } from "./pair.ts";
import { DEADLINE_MS, type Frame, framesOf, RawPeer, until } from "./raw_peer.ts";

class Camera extends SubscriptionProducer<VideoFrame> {
  readonly watchers = new Set<unknown>();
  #timer: ReturnType<typeof setInterval> | undefined;

  show(frame: VideoFrame): void {
    this._put_nowait(frame);
  }
  /** Shows a frame every 20 ms until it is closed. */
  run(frame: (n: number) => VideoFrame): void {
    let n = 0;
    this.#timer = setInterval(() => this.show(frame(n++)), 20);
  }
  // deno-lint-ignore no-explicit-any -- notes, whatever is subscribed
  override subscribe(subscriber?: any): any {
    this.watchers.add(subscriber);
    return subscriber === undefined ? super.subscribe() : super.subscribe(subscriber);
  }
  override unsubscribe(subscriber?: unknown): void {
    this.watchers.delete(subscriber);
    super.unsubscribe(subscriber as never);
  }
  protected override _close(): void {
    clearInterval(this.#timer);
  }
}

Deno.test("RTCConnection.video sends whole frames as RTP, and ends with the connection", () =>
  withFakeEncoders(async (made) => {
    await using camera = new Camera();
    await using peer = await RawPeer.make();
    await using conn = new RTCConnection(LOCAL);
    conn.video.putSubscription(camera);
    assert.equal(camera.watchers.size, 0); // nothing is read before the connection stands
    const answer = await peer.connect(conn);
    assert.match(answer, /^m=video [1-9]\d* UDP\/TLS\/RTP\/SAVPF 110\b/m);
    assert.match(answer, /^a=sendonly\r$/m);
    camera.run((n) => numbered(n % 256));
    const frames = await peer.frames(10);
    const ids = frames.map(({ data }) => data[0]!);
    for (const [i, frame] of frames.entries()) {
      assert.deepEqual(frame.data, new Uint8Array(3_000).fill(ids[i]!));
      assert.equal(frame.packets.length, 3); // of 1140 bytes
      assert.equal(frame.packets[0]!.header.payloadType, 110);
      if (i === 0) continue;
      const last = frames[i - 1]!;
      assert.equal(frame.pictureId, (last.pictureId + 1) & 0x7fff);
      assert.equal(
        frame.packets[0]!.header.sequenceNumber,
        (last.packets[2]!.header.sequenceNumber + 1) & 0xffff,
      );
      assert.ok(((frame.timestamp - last.timestamp) >>> 0) < 90_000);
      assert.notEqual(frame.timestamp, last.timestamp);
    }
    await conn.close();
    await until(() => camera.watchers.size === 0 && made.every((one) => one.closed), "the end");
    assert.equal(made.length, 1);
  }));

Deno.test("RTCConnection.video answers a lost picture with a key frame", () =>
  withFakeEncoders(async (made) => {
    await using camera = new Camera();
    await using peer = await RawPeer.make();
    await using conn = new RTCConnection(LOCAL);
    conn.video.putSubscription(camera);
    await peer.connect(conn);
    camera.run((n) => numbered(n % 256));
    await peer.frames(30); // more than the 300 ms between two key frames
    const keys = () => made[0]!.encoded.filter(({ keyFrame }) => keyFrame).length;
    assert.equal(keys(), 1);
    await peer.requestKeyFrame();
    await until(() => keys() === 2, "a key frame");
  }));

Deno.test("RTCConnection.video.put_nowait() shows one picture, also before it is connected", () =>
  withFakeEncoders(async () => {
    await using peer = await RawPeer.make();
    await using conn = new RTCConnection(LOCAL);
    conn.video.put_nowait(numbered(77));
    await peer.connect(conn);
    assert.equal((await peer.frames(1))[0]!.data[0], 77);
    conn.video.put_nowait({ data: new Uint8Array(16 * 16 * 3).fill(78), shape: [16, 16, 3] });
    await until(() => framesOf(peer.packets).some(({ data }) => data[0] === 78), "the second");
  }));

Deno.test("RTCConnection.video shows another source in mid-stream; time goes on", () =>
  withFakeEncoders(async (made) => {
    await using first = new Camera();
    await using second = new Camera();
    await using peer = await RawPeer.make();
    await using conn = new RTCConnection(LOCAL);
    conn.video.putSubscription(first);
    await peer.connect(conn);
    first.run(() => numbered(1, performance.now() * 1_000));
    await peer.frames(3);
    conn.video.putSubscription(second.subscribe());
    second.run(() => numbered(2, 5e12 + performance.now() * 1_000));
    await until(() => framesOf(peer.packets).some(({ data }) => data[0] === 2), "the second");
    const frames = await peer.frames(6);
    assert.ok(
      frames.every((frame, i) =>
        i === 0 || ((frame.timestamp - frames[i - 1]!.timestamp) >>> 0) < 10 * 90_000
      ),
    );
    assert.deepEqual(frames.map(({ data }) => data[0]), frames.map(({ data }) => data[0]).sort());
    assert.equal(first.watchers.size, 0);
    assert.deepEqual(made.map(({ closed }) => closed), [true, false]);
    conn.video.stopSubscription();
    await until(() => made[1]!.closed, "the end of the second");
  }));

Deno.test("RTCConnection.video says what is wrong with a source, and the data channels live on", () =>
  withFakeEncoders(async () => {
    await using camera = new Camera();
    await using peer = await RawPeer.make();
    await using conn = new RTCConnection(LOCAL);
    conn.video.putSubscription(camera);
    await peer.connect(conn);
    await until(() => camera.watchers.size === 1, "a watcher");
    const { error } = console;
    console.error = () => {}; // it is reported, too
    try {
      camera.show("no frame" as unknown as VideoFrame);
      const failure = await within(DEADLINE_MS, conn.video.onError(), "the error");
      assert.match(String(failure?.message), /^Cannot send the video frame: /);
    } finally {
      console.error = error;
    }
    await within(DEADLINE_MS, conn.onReady(), "ready");
    conn.put_nowait("data flows");
    assert.throws(() => conn.video.put_nowait("no frame" as never));
  }));

Deno.test("RTCConnection refuses an offer that takes no codec of ours, instead of a black picture", () =>
  withoutEncoder("H264", () =>
    withFakeEncoders(async (made) => {
      await using camera = new Camera();
      await using peer = await RawPeer.make("H264");
      await using conn = new RTCConnection(LOCAL);
      conn.video.putSubscription(camera);
      await assert.rejects(peer.connect(conn), (error: Error) => {
        assert.ok(error instanceof NegotiationError);
        assert.match(
          error.message,
          /it takes no video codec that we send \(only H264\); VP8 is one/,
        );
        assert.match(error.message, /; install ffmpeg with x264 to send H264 \(apt ffmpeg, brew/);
        return true;
      });
      assert.deepEqual([camera.watchers.size, made.length], [0, 0]);
    })));

Deno.test("RTCConnection offers video; who wants none is sent none", () =>
  withFakeEncoders(async () => {
    await using camera = new Camera();
    await using peer = await RawPeer.make();
    await using conn = new RTCConnection(LOCAL);
    conn.video.putSubscription(camera);
    await conn.setRemoteDescription(await peer.refuseVideo(await conn.getLocalDescription()));
    await within(DEADLINE_MS, conn.onReady(), "ready");
    camera.run((n) => numbered(n % 256));
    conn.put_nowait("data flows");
    await conn.drained();
    assert.equal(peer.packets.length, 0);
  }));

testVpx(
  "RTCConnection.video sends VP8 that begins with a key frame, and another when asked",
  async () => {
    await using camera = new Camera();
    await using peer = await RawPeer.make();
    await using conn = new RTCConnection(LOCAL);
    conn.video.putSubscription(camera);
    await peer.connect(conn);
    camera.run((n) => testCard(n, { width: 160, height: 120 }));
    // RFC 6386, section 9.1: the lowest bit is 0 in key frames, which then carry the start code.
    const isKey = ({ data }: Frame) => (data[0]! & 1) === 0;
    const frames = await peer.frames(30);
    assert.deepEqual([...frames[0]!.data.subarray(3, 6)], [0x9d, 0x01, 0x2a]);
    assert.deepEqual(frames.map(isKey), frames.map((_, i) => i === 0));
    await peer.requestKeyFrame();
    await until(() => framesOf(peer.packets).filter(isKey).length === 2, "a key frame");
  },
);
