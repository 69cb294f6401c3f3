/** What a camera gives, shown to viewers over a real connection. */
import assert from "node:assert/strict";
import { H264Encoder } from "../../lib/codecs/h264_encoder.ts";
import type { EncodingOptions } from "../../lib/connection/encoding_run.ts";
import { compressing } from "../../lib/connection/pass_through.ts";
import { Camera } from "../../lib/devices/camera.ts";
import type { CameraOptions } from "../../lib/devices/camera_options.ts";
import { openCamera } from "../../lib/devices/open_camera.ts";
import { PiCamera } from "../../lib/devices/pi_camera.ts";
import type { CompressingSource, EncodedVideo } from "../../lib/media/encoded.ts";
import { DeviceMissing } from "../../lib/errors.ts";
import { readTestCard, testCard } from "../../lib/media/test_card.ts";
import { FakeVideoKernel } from "../../lib/testing/fake_video_kernel.ts";
import type { FakePicture } from "../../lib/testing/fake_webcam.ts";
import { Queue, RTCConnection, SubscriptionProducer, type VideoFrame } from "../../mod.ts";
import { testX264 } from "../codecs/libraries.ts";
import { withCountedCodecs } from "../connection/fake_codec.ts";
import { join, LOCAL, within } from "../connection/pair.ts";
import { RawPeer, until } from "../connection/raw_peer.ts";
import { ffmpegTest } from "./ffmpeg_tools.ts";
import { piStandIn } from "./pi_stand_in.ts";

const SIZE = { width: 320, height: 240 };
const DEADLINE_MS = 20_000;

/** A webcam that compresses test cards, and makes no key frame unless it is asked. */
async function h264Kernel(): Promise<FakeVideoKernel> {
  using encoder = new H264Encoder({ ...SIZE, fps: 30, bitrate: 500_000 });
  const chunks: Uint8Array[] = [];
  for (let n = 0; n < 60; n++) {
    const chunk = await encoder.encode(testCard(n, SIZE), { keyFrame: n === 0 });
    chunks.push(chunk!.data);
  }
  let at = 1;
  const draw = ({ keyFrame }: FakePicture) => {
    if (keyFrame) at = 0;
    return chunks[at < 60 ? at++ : 59]!;
  };
  const formats = [{ fourcc: "H264", sizes: [{ ...SIZE, fps: [30] }] }];
  return new FakeVideoKernel({ cameras: [{ formats, draw }] });
}

/** Shows a camera to a viewer. @returns the first picture and the encoders that were needed for it */
async function show(
  put: (robot: RTCConnection) => void,
): Promise<{ frame: VideoFrame; encoders: string[] }> {
  const shown: { frame?: VideoFrame; encoders: string[] } = { encoders: [] };
  await withCountedCodecs(async ({ encoders }) => {
    await using robot = new RTCConnection(LOCAL);
    await using viewer = new RTCConnection(LOCAL);
    put(robot);
    const seen = viewer.video.subscribe();
    await join(viewer, robot);
    shown.frame = await within(DEADLINE_MS, seen.get(), "the first picture");
    shown.encoders = encoders;
  });
  return { frame: shown.frame!, encoders: shown.encoders };
}

testX264(
  "Camera.encoded is passed on to a viewer, who starts with a key frame that was asked for",
  async () => {
    await using camera = new Camera({ kernel: await h264Kernel(), pixelFormat: "H264" });
    const { frame } = await show((robot) => robot.video.putSubscription(camera.encoded));
    assert.deepEqual([frame.width, frame.height], [320, 240]);
    assert.ok(readTestCard(frame) !== null);
  },
);

testX264(
  "VideoHandler.putSubscription() passes on what a camera compresses, also when it is not open yet",
  async () => {
    const kernel = await h264Kernel();
    await using camera = new Camera({ kernel, pixelFormat: "H264" });
    const { frame, encoders } = await show((robot) => robot.video.putSubscription(camera));
    assert.ok(readTestCard(frame) !== null);
    assert.deepEqual(encoders, []);
    await camera.close();

    await using found = openCamera({
      pi: { commands: ["/nowhere/rpicam-vid"] },
      webcam: { kernel },
    });
    const other = await show((robot) => robot.video.putSubscription(found));
    assert.ok(readTestCard(other.frame) !== null);
    assert.deepEqual(other.encoders, []);
  },
);

testX264(
  "VideoHandler.putSubscription() encodes a compressing camera's frames for a viewer without H.264",
  () =>
    withCountedCodecs(async ({ encoders }) => {
      await using camera = new Camera({ kernel: await h264Kernel(), pixelFormat: "H264" });
      await using peer = await RawPeer.make("VP8");
      await using robot = new RTCConnection(LOCAL);
      robot.video.putSubscription(camera);
      await peer.connect(robot);
      await peer.frames(3);
      assert.deepEqual(encoders, ["VP8"]);
    }),
);

testX264(
  "VideoHandler encodes a compressing camera's frames when preprocess alters them",
  async () => {
    const options: CameraOptions = { kernel: await h264Kernel(), pixelFormat: "H264" };
    const grey = ({ shape: [height, width] }: { shape: readonly [number, number, number] }) => ({
      data: new Uint8Array(width * height).fill(128),
      shape: [height, width, 1] as [number, number, number],
    });
    await using camera = new Camera({ ...options, preprocess: grey });
    const { frame, encoders } = await show((robot) => robot.video.putSubscription(camera));
    assert.equal(readTestCard(frame), null); // nobody sees more than was to be seen
    assert.deepEqual(encoders, ["VP8"]);
  },
);

testX264(
  "VideoHandler.addTrack() encodes a compressing camera's frames at a bit rate",
  async () => {
    await using camera = new Camera({ kernel: await h264Kernel(), pixelFormat: "H264" });
    const { encoders } = await show((robot) =>
      void robot.video.addTrack(camera, { bitrate: 300_000 })
    );
    assert.deepEqual(encoders, ["VP8"]);
  },
);

class Compressed extends SubscriptionProducer<EncodedVideo> {
  readonly codec = "H264";
  get watched(): boolean {
    return this._hasSubscribers;
  }
}

/** Frames, and beside them what a device compresses, until that ends. */
class Cards extends SubscriptionProducer<VideoFrame> implements CompressingSource {
  readonly encoded = new Compressed();
  readonly #timer = setInterval(() => this._put_nowait(testCard(1, SIZE)), 30);
  get passThrough() {
    return this.encoded.closed ? null : this.encoded;
  }
  protected override async _close(): Promise<void> {
    clearInterval(this.#timer);
    await this.encoded.close();
  }
}

testX264("VideoHandler goes on with the frames when a device compresses no more", async () => {
  await using camera = new Cards();
  const { frame, encoders } = await show((robot) => {
    robot.video.putSubscription(camera);
    until(() => camera.encoded.watched, "the first choice").then(() => camera.encoded.close());
  });
  assert.equal(readTestCard(frame), 1);
  assert.deepEqual(encoders, ["VP8"]);
});

testX264(
  "VideoHandler.onError() tells why a camera failed, passed on or not yet open",
  async () => {
    for (const what of ["unplugged", "absent"]) {
      const kernel = await h264Kernel();
      await using camera = new Camera({ kernel, pixelFormat: "H264" });
      await using robot = new RTCConnection(LOCAL);
      await using viewer = new RTCConnection(LOCAL);
      robot.video.putSubscription(camera);
      const seen = viewer.video.subscribe();
      await join(viewer, robot);
      await within(DEADLINE_MS, seen.get(), "the first picture");
      const failed = within(DEADLINE_MS, robot.video.onError(), "the error");
      if (what === "unplugged") kernel.cameras[0].unplug();
      else robot.video.putSubscription(new Camera({ kernel, camera: "/dev/video7" }));
      assert.ok(await failed instanceof DeviceMissing, `${what}: ${await failed}`);
    }
  },
);

Deno.test("compressing() is the camera itself, unless an encoder of ours is asked for", async () => {
  await using camera = new Cards();
  for (const options of [{}, { codec: "H264" }, { canSkip: false }] satisfies EncodingOptions[]) {
    assert.equal(compressing(camera, options) as unknown, camera);
  }
  for (const options of [{ codec: "VP8" }, { fps: 5 }, { maxBitrate: 9 }] as EncodingOptions[]) {
    assert.equal(compressing(camera, options), null);
  }
  // Who asks for a subscription has the frames made, and may put others into one of his own.
  assert.equal(compressing(camera.subscribe(), {}), null);
  assert.equal(compressing(camera.subscribe(new Queue<VideoFrame>()), {}), null);
  assert.equal(compressing(camera.encoded, {}), null);
  assert.equal(compressing(null, {}), null);
});

for (const kind of ["PiCamera", "openCamera()"] as const) {
  ffmpegTest(`${kind} shows the Pi's own H.264 to a viewer`, async () => {
    await using standIn = await piStandIn();
    const pi = { commands: standIn.commands };
    await using camera = kind === "PiCamera" ? new PiCamera(pi) : openCamera({ pi });
    await within(60_000, camera.onReady(), "the camera");
    const { frame, encoders } = await show((robot) => robot.video.putSubscription(camera));
    assert.deepEqual([frame.width, frame.height], [320, 240]);
    assert.deepEqual(encoders, []);
    assert.match(standIn.runs().at(-1)!, /--codec h264/);
  });
}
