/** What a camera gives, shown to viewers over a real connection. */
import assert from "node:assert/strict";
import { H264Encoder } from "../../lib/codecs/h264_encoder.ts";
import { Camera } from "../../lib/devices/camera.ts";
import { readTestCard, testCard } from "../../lib/media/test_card.ts";
import { FakeVideoKernel } from "../../lib/testing/fake_video_kernel.ts";
import type { FakePicture } from "../../lib/testing/fake_webcam.ts";
import { RTCConnection } from "../../mod.ts";
import { testX264 } from "../codecs/libraries.ts";
import { join, LOCAL, within } from "../connection/pair.ts";

const SIZE = { width: 320, height: 240 };

testX264(
  "Camera.encoded is passed on to a viewer, who starts with a key frame that was asked for",
  async () => {
    using encoder = new H264Encoder({ ...SIZE, fps: 30, bitrate: 500_000 });
    const chunks: Uint8Array[] = [];
    for (let n = 0; n < 60; n++) {
      const chunk = await encoder.encode(testCard(n, SIZE), { keyFrame: n === 0 });
      chunks.push(chunk!.data);
    }
    let at = 1;
    const draw = ({ keyFrame }: FakePicture) => {
      if (keyFrame) at = 0;
      return chunks[at < 60 ? at++ : 59]!; // it makes no key frame unless it is asked
    };
    const formats = [{ fourcc: "H264", sizes: [{ ...SIZE, fps: [30] }] }];
    const kernel = new FakeVideoKernel({ cameras: [{ formats, draw }] });
    await using camera = new Camera({ kernel, pixelFormat: "H264" });
    await using robot = new RTCConnection(LOCAL);
    await using viewer = new RTCConnection(LOCAL);
    robot.video.putSubscription(camera.encoded);
    const seen = viewer.video.subscribe();
    await join(viewer, robot);
    const frame = await within(20_000, seen.get(), "the first picture");
    assert.deepEqual([frame.width, frame.height], [320, 240]);
    assert.ok(readTestCard(frame) !== null);
  },
);
