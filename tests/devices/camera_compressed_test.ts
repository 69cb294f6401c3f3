/** Cameras that compress by themselves: MJPEG and H.264, on a `FakeVideoKernel`. */
import assert from "node:assert/strict";
import { H264Encoder } from "../../lib/codecs/h264_encoder.ts";
import { Camera } from "../../lib/devices/camera.ts";
import { RtcbotError } from "../../lib/errors.ts";
import { readTestCard, testCard } from "../../lib/media/test_card.ts";
import { type Clock, ManualClock, systemClock } from "../../lib/testing/clock.ts";
import type { FakePicture } from "../../lib/testing/fake_webcam.ts";
import { FakeVideoKernel } from "../../lib/testing/fake_video_kernel.ts";
import { NAL, nalType, splitNalUnits } from "../../lib/wire/h264_bitstream.ts";
import { testX264 } from "../codecs/libraries.ts";
import { jpegCards, jpegTest } from "../codecs/jpegs.ts";

const SIZE = { width: 320, height: 240 };
const format = (fourcc: string) => ({ fourcc, sizes: [{ ...SIZE, fps: [30] }] });

jpegTest("Camera decodes MJPEG when somebody wants frames", async () => {
  const jpegs = await jpegCards(8, SIZE);
  let drawn = 0;
  const draw = ({ number }: FakePicture) => {
    drawn = number;
    return jpegs[number % 8]!;
  };
  const kernel = new FakeVideoKernel({ cameras: [{ formats: [format("MJPG")], draw }] });
  await using camera = new Camera({ kernel });
  const seen = new Set<number | null>();
  while (seen.size < 4) {
    const frame = await camera.get();
    assert.deepEqual([frame.format, frame.width, frame.height], ["I420", 320, 240]);
    seen.add(readTestCard(frame));
  }
  assert.ok(drawn >= 3 && !seen.has(null));
  assert.deepEqual([camera.format!.pixelFormat, camera.damaged], ["MJPEG", 0]);
});

jpegTest("Camera counts broken MJPEG pictures and goes on", async () => {
  const jpegs = await jpegCards(2, SIZE);
  const cut = jpegs[1]!.subarray(0, jpegs[1]!.length >> 1);
  const pictures = [new Uint8Array(100).fill(7), cut, new Uint8Array(1), jpegs[0]!];
  const draw = ({ number }: FakePicture) => pictures[number % 4]!;
  const kernel = new FakeVideoKernel({ cameras: [{ formats: [format("MJPG")], draw }] });
  await using camera = new Camera({ kernel });
  while (camera.damaged < 4) assert.equal(readTestCard(await camera.get()), 0);
  assert.equal(camera.error, null);
});

/** 30 pictures of which the first and the 20th are key frames, and a camera that plays them over and over. */
async function h264Camera(clock: Clock = systemClock) {
  using encoder = new H264Encoder({ ...SIZE, fps: 30, bitrate: 500_000 });
  const chunks: Uint8Array[] = [];
  for (let n = 0; n < 30; n++) {
    chunks.push((await encoder.encode(testCard(n, SIZE), { keyFrame: n % 20 === 0 }))!.data);
  }
  let at = 5; // it has been on for a while
  const wishes: number[] = [];
  const draw = ({ number, keyFrame }: FakePicture) => {
    if (keyFrame) {
      wishes.push(number);
      at = 20;
    }
    return chunks[at++ % 30]!;
  };
  const formats = [format("YUYV"), format("H264")];
  const kernel = new FakeVideoKernel({ cameras: [{ formats, draw }], clock });
  return { kernel, wishes };
}

testX264("Camera.encoded passes H.264 on, and a key frame when one is asked for", async () => {
  const { kernel, wishes } = await h264Camera();
  await using camera = new Camera({ kernel, pixelFormat: "H264", bitrate: 750_000 });
  const chunks = camera.encoded.subscribe();
  assert.equal((await chunks.get()).keyFrame, false);
  assert.equal(await camera.getControl("video_bitrate"), 750_000);
  camera.encoded.requestKeyFrame();
  camera.encoded.requestKeyFrame(); // one is enough
  let chunk = await chunks.get();
  for (let i = 0; i < 40 && !chunk.keyFrame; i++) chunk = await chunks.get();
  assert.deepEqual([chunk.codec, chunk.width, chunk.height, chunk.keyFrame], [
    "H264",
    320,
    240,
    true,
  ]);
  const types = splitNalUnits(chunk.data).map(nalType).filter((type) => type !== NAL.sei);
  assert.deepEqual(types.slice(0, 3), [NAL.sps, NAL.pps, NAL.idr]);
  assert.ok(performance.now() - chunk.timestampUs / 1000 < 10_000);
  assert.equal(wishes.length, 1);
});

testX264("Camera decodes H.264 for those who want frames, from a key frame on", async () => {
  const { kernel, wishes } = await h264Camera();
  await using camera = new Camera({ kernel, pixelFormat: "H264" });
  const cards: (number | null)[] = [];
  const enough = Promise.withResolvers<void>();
  camera.subscribe((frame) => {
    if (cards.push(readTestCard(frame)) === 6) enough.resolve();
  });
  await enough.promise;
  assert.equal(cards[0], 20);
  // On a busy machine the decoder may be given up and start anew at a key frame.
  for (let i = 1; i < 6; i++) assert.ok(cards[i] === cards[i - 1]! + 1 || cards[i]! % 20 === 0);
  assert.ok(wishes.length >= 1);
  assert.equal(camera.damaged, 0);
});

testX264(
  "Camera takes YUYV before H.264 unless it is asked for, and then passes none on",
  async () => {
    const { kernel } = await h264Camera();
    await using camera = new Camera({ kernel });
    await camera.onReady();
    assert.equal(camera.format!.pixelFormat, "YUYV");
    assert.ok((await camera.encoded.onError()) instanceof RtcbotError);
  },
);

testX264("Camera asks for a key frame when compressed pictures were lost", async () => {
  const clock = new ManualClock();
  const { kernel, wishes } = await h264Camera(clock);
  await using camera = new Camera({ kernel, pixelFormat: "H264" });
  const chunks = camera.encoded.subscribe();
  await camera.onReady();
  const show = async (frames: number) => {
    clock.advance(1000 / 30 * frames + 0.01);
    for (let i = Math.min(frames, 4); i > 0; i--) await chunks.get(); // it has memory for four
  };
  for (let i = 0; i < 5; i++) await show(1);
  await show(7);
  assert.deepEqual([wishes, camera.dropped], [[], 0]); // nobody can know yet
  await show(1);
  assert.equal(camera.dropped, 3);
  while (wishes.length === 0) await show(1);
});
