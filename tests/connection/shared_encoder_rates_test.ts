/** Viewers with networks of different quality, on fake codecs and a clock that the test moves. */
import assert from "node:assert/strict";
import type { SendRate } from "../../lib/connection/peer.ts";
import {
  type EncodingOptions,
  sharedEncoder,
  type SharedFrame,
  type Viewer,
} from "../../lib/connection/shared_encoder.ts";
import type { VideoLike } from "../../lib/media/video_like.ts";
import { VideoFrame } from "../../lib/media/video_frame.ts";
import { SubscriptionProducer } from "../../lib/subscriptions/mod.ts";
import { settle } from "./fake_channel.ts";
import { type FakeEncoder, withFakeEncoders } from "./fake_codec.ts";

const MBIT = 1e6;

class Camera extends SubscriptionProducer<VideoLike> {
  show(frame: VideoLike): void {
    this._put_nowait(frame);
  }
}

class RatedViewer implements Viewer {
  readonly maxPayload = 1_000;
  readonly frames: SharedFrame[] = [];
  mediaBitrate = MBIT;
  passage: number | null = null;
  behind = false;
  readonly begun: number[] = [];
  readonly rate: SendRate;

  constructor(mediaBitrate: number) {
    this.mediaBitrate = mediaBitrate;
    // deno-lint-ignore no-this-alias -- its getters look at the viewer as it is then
    const viewer = this;
    this.rate = {
      get mediaBitrate() {
        return viewer.mediaBitrate;
      },
      get behind() {
        return viewer.behind;
      },
      get link() {
        return {
          bitrate: viewer.mediaBitrate,
          passage: viewer.passage,
          loss: 0,
          roundTripMs: 20,
          queueMs: 0,
          proven: true,
          congestedMs: -Infinity,
        };
      },
      begin: (bitrate) => viewer.begun.push(bitrate),
    };
  }
  frame(frame: SharedFrame): void {
    this.frames.push(frame);
  }
  failed(error: Error): void {
    throw error;
  }
}

async function withViewers(
  options: EncodingOptions,
  rates: readonly number[],
  body: (kit: {
    viewers: RatedViewer[];
    made: FakeEncoder[];
    encodings: () => number;
    run(frames: number): Promise<void>;
  }) => Promise<void>,
): Promise<void> {
  const now = performance.now;
  let nowMs = 10_000, id = 0;
  await withFakeEncoders(async (made) => {
    performance.now = () => nowMs;
    const camera = new Camera(), shared = sharedEncoder(camera, options);
    const viewers = rates.map((rate) => new RatedViewer(rate));
    try {
      for (const viewer of viewers) shared.join(viewer);
      await body({
        viewers,
        made,
        encodings: () => shared.encodings,
        async run(frames) {
          for (let i = 0; i < frames; i++) {
            const data = new Uint8Array(640 * 480).fill(id++);
            const planes = [{ data, stride: 640 }];
            camera.show(
              new VideoFrame({
                width: 640,
                height: 480,
                format: "GRAY",
                planes,
                timestampUs: nowMs * 1_000,
              }),
            );
            await settle();
            nowMs += 33;
          }
        },
      });
    } finally {
      for (const viewer of viewers) shared.leave(viewer);
      await settle();
      performance.now = now;
    }
    assert.ok(made.every(({ closed }) => closed), "every encoder is freed");
    await camera.close();
  });
}

Deno.test("SharedEncoder gives a viewer with a bad network an encoding of its own, from a key frame on", () =>
  withViewers(
    { maxBitrate: 3 * MBIT },
    [3 * MBIT, 0.8 * MBIT],
    async ({ viewers, made, run, encodings }) => {
      const [good, bad] = viewers as [RatedViewer, RatedViewer];
      await run(40);
      assert.equal(encodings(), 2);
      assert.equal(made.length, 2);
      assert.equal(made[1]!.options.bitrate, 0.8 * MBIT);
      assert.equal(
        good.frames.filter(({ keyFrame }) => keyFrame).length,
        1,
        "the good one saw none of it",
      );
      assert.equal(good.frames.length, 40);
      assert.ok(bad.frames.length >= 37, `${bad.frames.length} of 40`);
      assert.equal(bad.frames.filter(({ keyFrame }) => keyFrame).length, 2);
      for (const { frames } of viewers) {
        const times = frames.map(({ timestamp90kHz }) => timestamp90kHz);
        assert.deepEqual(times, [...times].sort((a, b) => a - b));
        // RFC 7741, section 4.2: 15 bits in the third and fourth byte.
        const ids = frames.map(({ payloads }) => (payloads[0]![2]! & 0x7f) << 8 | payloads[0]![3]!);
        frames.forEach(({ keyFrame }, i) => {
          if (i > 0 && !keyFrame) assert.equal(ids[i], ids[i - 1]! + 1);
          if (i > 0) assert.ok(ids[i]! > ids[i - 1]!);
        });
      }
      bad.mediaBitrate = 3 * MBIT;
      await run(200);
      assert.equal(encodings(), 1);
      assert.ok(made[1]!.closed);
    },
  ));

Deno.test("SharedEncoder sends less often, then smaller pictures, when one viewer's network gets bad", () =>
  withViewers({}, [MBIT], async ({ viewers, made, run, encodings }) => {
    const [viewer] = viewers as [RatedViewer];
    await run(30);
    assert.deepEqual(viewer.begun, [1_014_000], "what is usual at this size");
    assert.equal(viewer.frames.length, 30);
    viewer.mediaBitrate = 0.3 * MBIT;
    await run(30);
    assert.ok(Math.abs(viewer.frames.length - 46) <= 3, `${viewer.frames.length}`);
    viewer.mediaBitrate = 0.1 * MBIT;
    await run(30);
    assert.equal(encodings(), 1);
    assert.equal(made.length, 1);
    viewer.mediaBitrate = MBIT;
    await run(400);
    viewer.frames.length = 0;
    await run(30);
    assert.equal(viewer.frames.length, 30);
  }));

Deno.test("SharedEncoder encodes no frame for whom it would only wait", () =>
  withViewers({}, [MBIT, MBIT], async ({ viewers, made, run }) => {
    await run(10);
    const [a, b] = viewers as [RatedViewer, RatedViewer];
    a.behind = true;
    await run(10);
    assert.equal(made[0]!.encoded.length, 20, "the other one keeps up");
    b.behind = true;
    await run(10);
    assert.equal(made[0]!.encoded.length, 20);
    a.behind = false;
    await run(10);
    assert.equal(made[0]!.encoded.length, 30);
  }));
