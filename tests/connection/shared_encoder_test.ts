import assert from "node:assert/strict";
import {
  type EncodingOptions,
  sharedEncoder,
  type SharedFrame,
  type Viewer,
} from "../../lib/connection/shared_encoder.ts";
import type { VideoLike } from "../../lib/media/video_like.ts";
import { SubscriptionClosed } from "../../lib/errors.ts";
import { testCard } from "../../lib/media/test_card.ts";
import {
  MostRecentSubscription,
  Queue,
  SubscriptionProducer,
} from "../../lib/subscriptions/mod.ts";
import { testVpx } from "../codecs/libraries.ts";
import { type FakeEncoder, numbered, withCountedEncoders, withFakeEncoders } from "./fake_codec.ts";
import { settle } from "./fake_channel.ts";

/** A camera that the test holds in its hand. */
class Camera extends SubscriptionProducer<VideoLike> {
  subscribers = 0;
  show(frame: VideoLike): void {
    this._put_nowait(frame);
  }
  fail(error: Error): void {
    this._setError(error);
  }
  // deno-lint-ignore no-explicit-any -- counts, whatever is subscribed
  override subscribe(subscriber?: any): any {
    this.subscribers++;
    return subscriber === undefined ? super.subscribe() : super.subscribe(subscriber);
  }
  override unsubscribe(subscriber?: unknown): void {
    this.subscribers--;
    super.unsubscribe(subscriber as never);
  }
}

class FakeViewer implements Viewer {
  readonly frames: SharedFrame[] = [];
  readonly errors: Error[] = [];
  constructor(readonly maxPayload = 1_000) {}
  frame(frame: SharedFrame): void {
    this.frames.push(frame);
  }
  failed(error: Error): void {
    this.errors.push(error);
  }
  /** Which frames came, as numbers; key frames are marked. */
  get seen(): string[] {
    return this.frames.map(({ payloads, keyFrame }) => `${payloads[0]![4]}${keyFrame ? "K" : ""}`);
  }
}

/** Runs the body with a camera and its shared encoder over fake codecs. */
async function withCamera(
  body: (kit: {
    camera: Camera;
    join(viewer?: FakeViewer): FakeViewer;
    leave(viewer: FakeViewer): void;
    show(id: number): Promise<void>;
    pleaseKeyFrame(): void;
    made: FakeEncoder[];
  }) => Promise<void>,
  options: EncodingOptions = {},
): Promise<void> {
  await withFakeEncoders(async (made) => {
    const camera = new Camera();
    const shared = sharedEncoder(camera, options);
    const joined = new Set<FakeViewer>();
    await body({
      camera,
      made,
      join(viewer = new FakeViewer()) {
        joined.add(viewer);
        shared.join(viewer);
        return viewer;
      },
      leave: (viewer) => shared.leave(viewer),
      async show(id) {
        camera.show(numbered(id));
        await settle();
      },
      pleaseKeyFrame: () => shared.requestKeyFrame(),
    });
    for (const viewer of joined) shared.leave(viewer);
    await settle();
    assert.equal(shared.viewers, 0);
    assert.ok(made.every(({ closed }) => closed), "every encoder is freed");
    assert.equal(camera.subscribers, 0);
    await camera.close();
  });
}

/** Runs the body with a clock that stands still until it is moved. */
async function withClock(body: (clock: { nowMs: number }) => Promise<void>): Promise<void> {
  const clock = { nowMs: 1_000 };
  const now = performance.now;
  performance.now = () => clock.nowMs;
  try {
    await body(clock);
  } finally {
    performance.now = now;
  }
}

Deno.test("sharedEncoder() is one for a producer, its subscriptions and equal options", async () => {
  await using camera = new Camera();
  const first = sharedEncoder(camera);
  assert.equal(sharedEncoder(camera.subscribe()), first);
  assert.equal(sharedEncoder(camera, {}), first);
  assert.notEqual(sharedEncoder(camera, { fps: 10 }), first);
  assert.equal(sharedEncoder(camera, { fps: 10 }), sharedEncoder(camera.subscribe(), { fps: 10 }));
  await using other = new Camera();
  assert.notEqual(sharedEncoder(other), first);
  const queue = new Queue<VideoLike>();
  assert.equal(sharedEncoder(queue), sharedEncoder(queue));
});

Deno.test("SharedEncoder encodes once for ten viewers, and cuts packets once for each size", () =>
  withCamera(async ({ join, show, made, camera }) => {
    const viewers = Array.from({ length: 10 }, (_, i) => join(new FakeViewer(i < 9 ? 1_000 : 500)));
    for (let id = 1; id <= 5; id++) await show(id);
    assert.equal(made.length, 1);
    assert.equal(made[0]!.encoded.length, 5);
    assert.equal(camera.subscribers, 1);
    for (const viewer of viewers) assert.deepEqual(viewer.seen, ["1K", "2", "3", "4", "5"]);
    assert.equal(viewers[0]!.frames[2], viewers[8]!.frames[2]);
    assert.equal(viewers[0]!.frames[2]!.payloads.length, 4);
    assert.equal(viewers[9]!.frames[2]!.payloads.length, 7);
  }));

Deno.test("SharedEncoder opens nothing and reads nothing before the first viewer", () =>
  withCamera(async ({ show, made, camera }) => {
    await show(1);
    assert.equal(made.length, 0);
    assert.equal(camera.subscribers, 0);
  }));

Deno.test("SharedEncoder merges the key frames of all who join before the next frame", () =>
  withCamera(async ({ join, show, made }) => {
    const first = join();
    await show(1);
    await show(2);
    const late = [join(), join(), join()];
    await settle(); // a source may rest: its last picture comes as a key frame, once
    await show(3);
    await show(4);
    assert.deepEqual(first.seen, ["1K", "2", "2K", "3", "4"]);
    for (const viewer of late) assert.deepEqual(viewer.seen, ["2K", "3", "4"]);
    assert.equal(made[0]!.encoded.filter(({ keyFrame }) => keyFrame).length, 2);
  }));

Deno.test("SharedEncoder begins with a key frame for who joins while a frame is encoded", () =>
  withCamera(async ({ join, show, made }) => {
    const first = join();
    await show(1);
    const { promise, resolve } = Promise.withResolvers<void>();
    made[0]!.hold = promise;
    await show(2);
    const late = join();
    made[0]!.hold = null;
    resolve();
    await settle();
    assert.deepEqual(first.seen, ["1K", "2", "2K"]);
    assert.deepEqual(late.seen, ["2K"]);
  }));

Deno.test("SharedEncoder gives who joins during a key frame that one, and makes no second", () =>
  withCamera(({ join, show, made, pleaseKeyFrame }) =>
    withClock(async (clock) => {
      const first = join();
      const { promise, resolve } = Promise.withResolvers<void>();
      await show(1);
      clock.nowMs += 1_000;
      made[0]!.hold = promise;
      pleaseKeyFrame();
      await settle();
      const late = join();
      pleaseKeyFrame();
      made[0]!.hold = null;
      resolve();
      await settle();
      clock.nowMs += 1_000;
      await show(2);
      assert.deepEqual(first.seen, ["1K", "1K", "2"]);
      assert.deepEqual(late.seen, ["1K", "2"]);
    })
  ));

Deno.test("SharedEncoder shows a picture to who comes late to a source that rests", () =>
  withCamera(async ({ join, show }) => {
    join();
    await show(1);
    for (let i = 0; i < 3; i++) {
      const late = join();
      await settle();
      assert.deepEqual(late.seen, ["1K"]);
    }
  }));

Deno.test("SharedEncoder loses no newer picture to who joins", () =>
  withCamera(async ({ camera, join, show, made }) => {
    const first = join();
    await show(1);
    const { promise, resolve } = Promise.withResolvers<void>();
    made[0]!.hold = promise;
    await show(2);
    camera.show(numbered(3)); // waits for the encoder, and is the last for a long time
    const late = join();
    made[0]!.hold = null;
    resolve();
    await settle();
    assert.deepEqual(first.seen, ["1K", "2", "3K"]);
    assert.deepEqual(late.seen, ["3K"]);
  }));

Deno.test("SharedEncoder.requestKeyFrame() makes at most one key frame in 300 ms", () =>
  withCamera(({ join, show, pleaseKeyFrame }) =>
    withClock(async (clock) => {
      const viewer = join();
      for (let id = 1; id <= 30; id++) {
        pleaseKeyFrame();
        await show(id);
        clock.nowMs += 50;
      }
      const keys = viewer.seen.filter((frame) => frame.endsWith("K"));
      assert.deepEqual(keys, ["1K", "6K", "12K", "18K", "24K"]); // the last picture, at once
      assert.equal(viewer.seen.length, 34);
    })
  ));

Deno.test("SharedEncoder asks again for a key frame that the encoder dropped", () =>
  withCamera(({ join, show, made, pleaseKeyFrame }) =>
    withClock(async (clock) => {
      const viewer = join();
      await show(1);
      clock.nowMs += 1_000;
      await show(2);
      made[0]!.next = "drop";
      pleaseKeyFrame();
      await settle();
      await show(3);
      await show(4);
      assert.deepEqual(viewer.seen, ["1K", "2", "3K", "4"]);
    })
  ));

Deno.test("SharedEncoder lets the camera go and frees the encoder with the last viewer", () =>
  withCamera(async ({ camera, join, leave, show, made }) => {
    const [first, second] = [join(), join()];
    await show(1);
    leave(first);
    leave(first);
    await show(2);
    assert.deepEqual([first.seen, second.seen], [["1K"], ["1K", "2"]]);
    assert.equal(camera.subscribers, 1);
    leave(second);
    await settle();
    assert.equal(camera.subscribers, 0);
    assert.ok(made[0]!.closed);
    const again = join();
    await show(3);
    assert.deepEqual(again.seen, ["3K"]);
    assert.equal(made.length, 2);
  }));

Deno.test("SharedEncoder frees the encoder when the last viewer leaves in the middle of a frame", () =>
  withCamera(async ({ join, leave, show, made }) => {
    const viewer = join();
    await show(1);
    const { promise, resolve } = Promise.withResolvers<void>();
    made[0]!.hold = promise;
    await show(2);
    leave(viewer);
    resolve();
    await settle();
    assert.deepEqual(viewer.seen, ["1K"]);
    assert.ok(made[0]!.closed);
  }));

Deno.test("SharedEncoder skips frames when the encoder is behind, and shows the newest", () =>
  withCamera(async ({ join, show, made }) => {
    const viewer = join();
    await show(1);
    const { promise, resolve } = Promise.withResolvers<void>();
    made[0]!.hold = promise;
    for (let id = 2; id <= 9; id++) await show(id);
    made[0]!.hold = null;
    resolve();
    await settle();
    assert.deepEqual(viewer.seen, ["1K", "2", "9"]);
  }));

Deno.test("SharedEncoder skips no frame when it may not, and keeps their order", () =>
  withCamera(async ({ join, show, made }) => {
    const viewer = join();
    await show(1);
    const { promise, resolve } = Promise.withResolvers<void>();
    made[0]!.hold = promise;
    for (let id = 2; id <= 9; id++) await show(id);
    const late = join();
    made[0]!.hold = null;
    resolve();
    await settle();
    assert.deepEqual(viewer.seen, ["1K", "2", "3K", "4", "5", "6", "7", "8", "9"]);
    assert.deepEqual(late.seen, ["3K", "4", "5", "6", "7", "8", "9"]);
  }, { canSkip: false }));

Deno.test("SharedEncoder sends no more frames a second than it was told", () =>
  withClock((clock) =>
    withCamera(async ({ join, show, made }) => {
      const viewer = join();
      for (let id = 0; id < 90; id++) {
        await show(id);
        clock.nowMs += 1_000 / 30 + (id % 2 ? 4 : -4); // cameras are not even
      }
      assert.ok(
        viewer.frames.length >= 29 && viewer.frames.length <= 31,
        `${viewer.frames.length}`,
      );
      assert.equal(made[0]!.options.fps, 10);
    }, { fps: 10, bitrate: 123_456 })
  ));

Deno.test("SharedEncoder's time stamps rise, and keep the rhythm of the source", () =>
  withCamera(async ({ join, show }) => {
    const viewer = join();
    for (let id = 1; id <= 20; id++) await show(id);
    const times = viewer.frames.map(({ timestamp90kHz }) => timestamp90kHz);
    for (let i = 1; i < times.length; i++) {
      const step = (times[i]! - times[i - 1]! + 2 ** 32) % 2 ** 32;
      assert.ok(step >= 2_999 && step <= 3_000, `${step}`);
    }
  }));

Deno.test("SharedEncoder tells all viewers when the source fails", () =>
  withCamera(async ({ camera, join, show }) => {
    const viewers = [join(), join()];
    await show(1);
    camera.fail(new Error("unplugged"));
    await settle();
    for (const viewer of viewers) {
      assert.deepEqual(viewer.errors.map(({ message }) => message), ["unplugged"]);
    }
    const late = join();
    await settle();
    assert.equal(late.errors.length, 1);
    camera.subscribers = 0; // its refusal was counted
  }));

Deno.test("SharedEncoder tells all viewers when the source is closed", () =>
  withCamera(async ({ camera, join, show }) => {
    const viewers = [join(), join()];
    await show(1);
    await camera.close();
    await settle();
    for (const viewer of viewers) {
      assert.equal(viewer.errors.length, 1);
      assert.ok(viewer.errors[0] instanceof SubscriptionClosed);
    }
  }));

Deno.test("SharedEncoder tells all viewers when the encoder fails", () =>
  withCamera(async ({ join, show, made }) => {
    const viewers = [join(), join()];
    await show(1);
    made[0]!.next = new Error("out of memory");
    await show(2);
    for (const viewer of viewers) {
      assert.deepEqual(viewer.errors.map(({ message }) => message), ["out of memory"]);
    }
  }));

Deno.test("SharedEncoder tells all viewers what is wrong with a frame", async () => {
  const bad: [unknown, RegExp][] = [
    [null, /^Cannot send the video frame: it is neither a VideoFrame nor pixels of shape/],
    ["frame", /^Cannot send the video frame: /],
    [{ data: new Uint8Array(12), shape: [2, 2, 2] }, /^Cannot send the video frame: /],
    [{ data: new Uint8Array(3), shape: [2, 2, 3] }, /./],
  ];
  for (const [frame, sentence] of bad) {
    await withCamera(async ({ camera, join }) => {
      const viewer = join();
      camera.show(frame as VideoLike);
      await settle();
      assert.equal(viewer.errors.length, 1);
      assert.match(viewer.errors[0]!.message, sentence);
    });
  }
});

Deno.test("SharedEncoder takes plain pixels: grey, BGR and BGRA", () =>
  withCamera(async ({ camera, join }) => {
    const viewer = join();
    for (const [i, channels] of [1, 3, 4].entries()) {
      const data = new Uint8Array(16 * 16 * channels).fill(i + 1);
      camera.show({ data, shape: [16, 16, channels] });
      await settle();
    }
    assert.deepEqual(viewer.seen, ["1K", "2", "3"]);
  }));

Deno.test("SharedEncoder reads a source that is no producer, and ends with it", () =>
  withFakeEncoders(async (made) => {
    const queue = new MostRecentSubscription<VideoLike>();
    const shared = sharedEncoder(queue);
    const viewer = new FakeViewer();
    shared.join(viewer);
    for (let id = 1; id <= 3; id++) {
      queue.put_nowait(numbered(id));
      await settle();
    }
    assert.deepEqual(viewer.seen, ["1K", "2", "3"]);
    queue.close();
    await settle();
    assert.ok(viewer.errors[0] instanceof SubscriptionClosed);
    assert.equal(shared.viewers, 0);
    assert.ok(made[0]!.closed);
  }));

Deno.test("SharedEncoder leaves others their turn when a source always has a frame", () =>
  withFakeEncoders(async () => {
    let given = 0;
    const shared = sharedEncoder({ get: () => Promise.resolve(numbered(given++ % 200)) });
    const viewer = new FakeViewer();
    shared.join(viewer);
    for (let i = 0; i < 20; i++) await settle(); // would never come back
    shared.leave(viewer);
    await settle();
    const afterwards = given;
    await settle();
    assert.equal(given, afterwards);
    assert.ok(viewer.frames.length > 1);
  }));

testVpx(
  "SharedEncoder encodes once for ten viewers with libvpx, who all see the same",
  () =>
    withCountedEncoders(async (count) => {
      await using camera = new Camera();
      const shared = sharedEncoder(camera);
      const viewers = Array.from({ length: 10 }, () => new FakeViewer(1_140));
      for (const viewer of viewers) shared.join(viewer);
      const deadline = performance.now() + 20_000;
      for (let i = 0; viewers[9]!.frames.length < 5 && performance.now() < deadline; i++) {
        camera.show(testCard(i, { width: 160, height: 120 }));
        await settle();
      }
      const first = viewers[0]!.frames;
      assert.ok(first.length >= 5);
      assert.equal(count(), 1);
      assert.equal(first[0]!.keyFrame, true);
      assert.deepEqual(first.slice(1).filter(({ keyFrame }) => keyFrame), []);
      // RFC 6386, section 9.1: the lowest bit of a frame is 0 in key frames.
      assert.deepEqual(first.slice(0, 3).map(({ payloads }) => payloads[0]![4]! & 1), [0, 1, 1]);
      for (const viewer of viewers) {
        assert.deepEqual(viewer.frames.slice(0, 5), first.slice(0, 5));
        shared.leave(viewer);
      }
    }),
);
