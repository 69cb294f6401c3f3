/** Sources that are compressed already, and viewers with different codecs, over fake encoders. */
import assert from "node:assert/strict";
import {
  sharedEncoder,
  type SharedFrame,
  type Viewer,
} from "../../lib/connection/shared_encoder.ts";
import { codecsOf, nothingInCommon } from "../../lib/connection/sent_codecs.ts";
import { PacedSender } from "../../lib/connection/paced_sender.ts";
import { VideoInbox } from "../../lib/connection/video_inbox.ts";
import type { VideoLike } from "../../lib/media/video_like.ts";
import { NAL, nalType } from "../../lib/wire/h264_bitstream.ts";
import type { EncodedVideo, EncodedVideoSource, VideoCodecName } from "../../mod.ts";
import { SubscriptionProducer } from "../../mod.ts";
import { nals, numbered, withFakeCodecs, withoutEncoder } from "./fake_codec.ts";
import { settle } from "./fake_channel.ts";
import { until } from "./raw_peer.ts";

/** A camera that compresses by itself. */
class Compressing extends SubscriptionProducer<EncodedVideo> implements EncodedVideoSource {
  asked = 0;
  constructor(readonly codec?: VideoCodecName) {
    super();
  }
  requestKeyFrame(): void {
    this.asked++;
  }
  async show(id: number, keyFrame = false, parameterSets = keyFrame): Promise<void> {
    this._put_nowait(chunk(id, keyFrame, parameterSets));
    await settle();
  }
}

function chunk(id: number, keyFrame: boolean, parameterSets = keyFrame): EncodedVideo {
  const data = nals(id, keyFrame, parameterSets);
  return { codec: "H264", data, keyFrame, timestampUs: id * 33_333, width: 640, height: 480 };
}

class FakeViewer implements Viewer {
  readonly maxPayload = 1_000;
  readonly frames: SharedFrame[] = [];
  readonly errors: Error[] = [];
  frame(frame: SharedFrame): void {
    this.frames.push(frame);
  }
  failed(error: Error): void {
    this.errors.push(error);
  }
  /** The numbers of the pictures; K for key frames, P for those with their parameter sets. */
  get seen(): string[] {
    return this.frames.map(({ payloads, keyFrame }) => {
      const sets = nalType(payloads[0]!) === 24; // STAP-A of parameter sets
      return `${payloads.at(-1)!.at(-1)}${keyFrame ? "K" : ""}${sets ? "P" : ""}`;
    });
  }
}

Deno.test("SharedEncoder passes on what is compressed, and encodes nothing", () =>
  withFakeCodecs(async (made) => {
    await using camera = new Compressing("H264");
    const shared = sharedEncoder(camera),
      [first, late] = [new FakeViewer(), new FakeViewer()];
    shared.join(first);
    await camera.show(1);
    await camera.show(2, true);
    await camera.show(3);
    shared.join(late);
    await camera.show(4);
    await camera.show(5, true);
    await camera.show(6);
    assert.deepEqual(first.seen, ["2KP", "3", "4", "5KP", "6"]);
    assert.deepEqual(late.seen, ["5KP", "6"]);
    assert.equal(first.frames[3], late.frames[0]); // cut once
    assert.deepEqual([made.length, shared.encodings], [0, 1]);
    for (const viewer of [first, late]) shared.leave(viewer);
  }));

Deno.test("SharedEncoder repeats parameter sets that the source gives only once", () =>
  withFakeCodecs(async () => {
    await using camera = new Compressing("H264");
    const shared = sharedEncoder(camera), viewer = new FakeViewer();
    shared.join(viewer);
    await camera.show(1, true);
    await camera.show(2, true, false);
    assert.deepEqual(viewer.seen, ["1KP", "2KP"]);
    assert.equal(nalType(viewer.frames[1]!.payloads[0]!.subarray(3)), NAL.sps);
    shared.leave(viewer);
  }));

Deno.test("SharedEncoder asks the source for key frames, at most every 300 ms", async () => {
  const now = performance.now;
  let nowMs = 1_000;
  performance.now = () => nowMs;
  try {
    await withFakeCodecs(async () => {
      await using camera = new Compressing("H264");
      const shared = sharedEncoder(camera), viewer = new FakeViewer();
      shared.join(viewer);
      await settle();
      assert.equal(camera.asked, 1);
      for (let id = 1; id <= 30; id++) { // 50 ms each, and nothing comes of it
        shared.requestKeyFrame(viewer);
        await camera.show(id);
        nowMs += 50;
      }
      assert.equal(camera.asked, 5);
      await camera.show(31, true);
      nowMs += 1_000;
      await camera.show(32);
      assert.equal(camera.asked, 5); // it came
      shared.leave(viewer);
    });
  } finally {
    performance.now = now;
  }
});

Deno.test("SharedEncoder waits for the next key frame of a source that makes none on request", () =>
  withFakeCodecs(async () => {
    await using camera = new Compressing("H264");
    Object.assign(camera, { requestKeyFrame: undefined });
    const shared = sharedEncoder(camera), viewer = new FakeViewer();
    shared.join(viewer);
    shared.requestKeyFrame(viewer);
    await camera.show(1);
    await camera.show(2, true);
    assert.deepEqual(viewer.seen, ["2KP"]);
    shared.leave(viewer);
  }));

Deno.test("sharedEncoder() makes one encoding for each codec that viewers have", () =>
  withFakeCodecs(async (made) => {
    await using camera = new SubscriptionProducer<VideoLike>();
    const viewers = { VP8: [new FakeViewer(), new FakeViewer()], H264: [new FakeViewer()] };
    for (const codec of ["VP8", "H264"] as const) {
      for (const viewer of viewers[codec]) sharedEncoder(camera, { codec }).join(viewer);
    }
    assert.equal(sharedEncoder(camera), sharedEncoder(camera, { codec: "VP8" }));
    for (let id = 1; id <= 3; id++) {
      (camera as unknown as { _put_nowait(frame: VideoLike): void })._put_nowait(numbered(id));
      await settle();
    }
    assert.deepEqual(made.map(({ codec }) => codec).sort(), ["H264", "VP8"]);
    for (const codec of ["VP8", "H264"] as const) {
      for (const viewer of viewers[codec]) {
        assert.deepEqual(viewer.frames.map((frame) => frame.codec), [codec, codec, codec]);
        sharedEncoder(camera, { codec }).leave(viewer);
      }
    }
    assert.deepEqual(viewers.H264[0]!.seen, ["1KP", "2", "3"]);
    await settle();
    assert.ok(made.every(({ closed }) => closed));
  }));

Deno.test("VideoInbox keeps the newest frame, but every compressed one; says when it had to drop", async () => {
  let gaps = 0;
  const inbox = new VideoInbox(true, () => gaps++);
  for (let id = 1; id <= 3; id++) inbox.put_nowait(numbered(id));
  assert.equal((await inbox.get() as { timestampUs: number }).timestampUs, 99_999);
  for (let id = 1; id <= 3; id++) inbox.put_nowait(chunk(id, false));
  assert.deepEqual([inbox.size, gaps], [3, 0]);
  for (let id = 4; id <= 61; id++) inbox.put_nowait(chunk(id, false));
  assert.deepEqual([inbox.size, gaps], [60, 1]);
  inbox.close();
});

Deno.test("codecsOf() names VP8 first, what is preferred before it, and only its own for a compressed source", () =>
  withFakeCodecs(async () => {
    assert.deepEqual(codecsOf(null), ["VP8", "H264"]);
    assert.deepEqual(codecsOf(null, "H264"), ["H264", "VP8"]);
    await using camera = new Compressing("H264");
    assert.deepEqual(codecsOf(camera), ["H264"]);
    assert.deepEqual(codecsOf(camera.subscribe()), ["H264"]);
    await using silent = new Compressing();
    assert.deepEqual(codecsOf(silent), ["VP8", "H264"]);
    await withoutEncoder("H264", () => {
      assert.deepEqual(codecsOf(null, "H264"), ["VP8"]);
      return Promise.resolve();
    });
  }));

Deno.test("nothingInCommon() names what could be installed or changed", () => {
  assert.equal(
    nothingInCommon(["VP8"], ["H264", "H264", "AV1"]),
    "it takes no video codec that we send (only H264, AV1); VP8 is one; " +
      "install ffmpeg with x264 to send H264 (apt ffmpeg, brew ffmpeg)",
  );
  assert.equal(
    nothingInCommon(["VP8", "H264"], ["AV1"]),
    "it takes no video codec that we send (only AV1); VP8 and H264 are some",
  );
  assert.equal(
    nothingInCommon(["H264"], ["VP8"]),
    "it takes no video codec that we send (only VP8); H264 is what the source gives, which is not " +
      "decoded and encoded anew for it; let the viewer take that, or give a source of frames",
  );
});

Deno.test("SharedEncoder leaves whole frames out for who cannot keep up, until the next key frame", () =>
  withFakeCodecs(async () => {
    await using camera = new Compressing("H264");
    const shared = sharedEncoder(camera), quick = new FakeViewer(), left: number[] = [];
    const paced = new PacedSender({
      transmit: (packets) => {
        for (const { payload, marker } of packets) if (marker) left.push(payload.at(-1)!);
      },
      repeat: () => true,
    }, () => shared.requestKeyFrame(slow));
    const slow: Viewer = {
      maxPayload: 1_000,
      frame: ({ payloads, timestamp90kHz, keyFrame }) =>
        // As large as no link takes at once.
        paced.send(Array(60).fill(payloads).flat(), timestamp90kHz, keyFrame),
      failed: () => {},
    };
    shared.join(quick);
    shared.join(slow);
    await settle();
    const before = camera.asked;
    await camera.show(1, true);
    const now = performance.now;
    const start = now.call(performance);
    performance.now = () => start + 400; // the request for the first one is over
    try {
      for (let id = 2; id <= 9; id++) await camera.show(id);
      assert.equal(camera.asked, before + 1);
      await camera.show(10, true);
    } finally {
      performance.now = now;
    }
    await until(() => left.includes(10), "the key frame");
    const dropped = [2, 3, 4, 5, 6, 7, 8, 9].filter((id) => !left.includes(id));
    assert.ok(dropped.includes(9) && left[0] === 1, `${left}`);
    assert.deepEqual(quick.seen.length, 10);
    assert.equal(shared.encodings, 1);
    paced.drop();
    for (const viewer of [quick, slow]) shared.leave(viewer);
  }));
