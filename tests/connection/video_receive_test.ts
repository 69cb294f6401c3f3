/** Video from one end of this library to the other, through the real engine. */
import assert from "node:assert/strict";
import { Queue, readTestCard, RTCConnection, testCard, VideoFrame } from "../../mod.ts";
import { loadWerift } from "../../lib/connection/werift_engine.ts";
import { testVpx as test } from "../codecs/libraries.ts";
import { join, LOCAL, within } from "./pair.ts";

/** Shows test cards until stopped; the number is in the picture. */
function showCards(
  conn: RTCConnection,
  size: { width: number; height: number },
  first = 0,
): Disposable {
  let n = first;
  const show = () => {
    const { width, height, planes, format } = testCard(n++, size);
    const timestampUs = performance.now() * 1000;
    conn.video.put_nowait(new VideoFrame({ width, height, planes, format, timestampUs }));
  };
  show(); // so that an offer made next has a place for it
  const timer = setInterval(show, 33);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** The next frames from a connection, and their numbers. */
async function watch(
  conn: RTCConnection,
  count: number,
): Promise<{ n: number; frame: VideoFrame }[]> {
  const queue = conn.video.subscribe(new Queue<VideoFrame>());
  const seen: { n: number; frame: VideoFrame }[] = [];
  while (seen.length < count) {
    const frame = await within(10_000, queue.get(), `frame ${seen.length}`);
    const n = readTestCard(frame);
    assert.ok(n !== null, "a frame is no test card");
    seen.push({ n, frame });
  }
  conn.video.unsubscribe(queue);
  return seen;
}

function psnr(a: VideoFrame, b: VideoFrame): number {
  const [left, right] = [a.toI420().planes[0]!, b.toI420().planes[0]!];
  let sum = 0;
  for (let y = 0; y < a.height; y++) {
    for (let x = 0; x < a.width; x++) {
      sum += (left.data[y * left.stride + x]! - right.data[y * right.stride + x]!) ** 2;
    }
  }
  return 10 * Math.log10(255 ** 2 / (sum / (a.width * a.height)));
}

/** Loses received RTP packets of this process while it is not disposed, the same ones at each run. */
async function lossy(share: number): Promise<Disposable & { lost: number }> {
  const { RtpPacket } = await loadWerift();
  const read = RtpPacket.deSerialize;
  let state = 1;
  const tap = { lost: 0, [Symbol.dispose]: () => void (RtpPacket.deSerialize = read) };
  RtpPacket.deSerialize = (bytes) => {
    state = Math.imul(state, 1103515245) + 12345 >>> 0;
    if (state / 2 ** 32 < share) {
      tap.lost++;
      throw new Error("lost on purpose");
    }
    return read(bytes);
  };
  return tap;
}

const SIZE = { width: 320, height: 240 };
test("VideoHandler.subscribe() gives what an offering end shows, in order and sharp", async () => {
  await using robot = new RTCConnection(LOCAL);
  await using desk = new RTCConnection(LOCAL);
  using _cards = showCards(robot, SIZE);
  const frames = watch(desk, 40);
  await join(robot, desk);
  const seen = await frames;
  for (const [i, { n, frame }] of seen.entries()) {
    assert.deepEqual([frame.width, frame.height, frame.format], [320, 240, "I420"]);
    if (i === 0) continue;
    assert.ok(n > seen[i - 1]!.n, "a frame came twice, or before an earlier one");
    const stepMs = (frame.timestampUs - seen[i - 1]!.frame.timestampUs) / 1000;
    assert.ok(stepMs > 0 && stepMs < 500, `a step of ${stepMs} ms`);
  }
  const { n, frame } = seen.at(-1)!;
  const quality = psnr(frame, testCard(n, SIZE));
  assert.ok(quality > 28, `${quality} dB`);
  assert.ok(Math.abs(frame.timestampUs / 1000 - performance.now()) < 1_000);
});

test("VideoHandler.subscribe() before an offer asks the answering end for video", async () => {
  await using desk = new RTCConnection(LOCAL);
  await using robot = new RTCConnection(LOCAL);
  using _cards = showCards(robot, SIZE);
  const frames = watch(desk, 5);
  await join(desk, robot);
  await frames;
});

test("VideoHandler shows and sees at once, in one section", async () => {
  await using a = new RTCConnection(LOCAL);
  await using b = new RTCConnection(LOCAL);
  using _fromA = showCards(a, SIZE, 1_000);
  using _fromB = showCards(b, { width: 160, height: 120 }, 30_000);
  const [atA, atB] = [watch(a, 10), watch(b, 10)];
  const offer = await a.getLocalDescription();
  assert.equal(offer.sdp.match(/^m=video/mg)?.length, 1);
  const answer = await b.getLocalDescription(offer);
  assert.match(answer.sdp, /m=video[^]*a=sendrecv/);
  await a.setRemoteDescription(answer);
  assert.ok((await atA).every(({ n, frame }) => n >= 30_000 && frame.width === 160));
  assert.ok((await atB).every(({ n, frame }) => n >= 1_000 && n < 30_000 && frame.width === 320));
});

test("VideoHandler.onTrack() gives each of several videos, and decodes only what is read", async () => {
  await using robot = new RTCConnection(LOCAL);
  await using desk = new RTCConnection(LOCAL);
  const second = new Queue<VideoFrame>({ maxSize: 2 });
  using _cards = showCards(robot, SIZE);
  robot.video.addTrack(second);
  const timer = setInterval(
    () => second.put_nowait(testCard(40_000, { width: 160, height: 120 })),
    50,
  );
  try {
    const widths: Promise<number>[] = [];
    desk.video.onTrack((video) => {
      widths.push(video.get().then((frame) => frame.width));
    });
    await join(robot, desk);
    assert.equal(widths.length, 2);
    assert.deepEqual(await within(10_000, Promise.all(widths), "both videos"), [320, 160]);
  } finally {
    clearInterval(timer);
  }
});

test("VideoHandler begins to decode with the first subscriber and ends with the last", async () => {
  await using robot = new RTCConnection(LOCAL);
  await using desk = new RTCConnection(LOCAL);
  using _cards = showCards(robot, SIZE);
  let decoded = () => 0;
  desk.video.onTrack((video) => {
    decoded = () => video.stats.framesDecoded;
  });
  const arrived = Promise.withResolvers<void>();
  await join(robot, desk);
  setTimeout(arrived.resolve, 500);
  await arrived.promise;
  assert.equal(decoded(), 0);
  await watch(desk, 5);
  const before = decoded();
  assert.ok(before >= 5);
  await watch(desk, 5); // a key frame is asked for
  assert.ok(decoded() > before);
});

for (const percent of [5, 10]) {
  test(`VideoHandler keeps showing when ${percent} % of the packets are lost`, async () => {
    await using robot = new RTCConnection(LOCAL);
    await using desk = new RTCConnection(LOCAL);
    using _cards = showCards(robot, { width: 640, height: 480 });
    using loss = await lossy(percent / 100);
    const frames = watch(desk, 100);
    await join(robot, desk);
    const seen = await frames;
    assert.ok(loss.lost > 3, `${loss.lost} packets were lost`);
    for (const [i, { n }] of seen.entries()) assert.ok(i === 0 || n > seen[i - 1]!.n);
    const skipped = seen.at(-1)!.n - seen[0]!.n + 1 - seen.length;
    assert.ok(skipped < 30, `${skipped} frames are missing among ${seen.length}`);
  });
}
