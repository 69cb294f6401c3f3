import assert from "node:assert/strict";
import { readTestCard, testCard } from "../../lib/media/test_card.ts";
import { VideoFrame } from "../../lib/media/video_frame.ts";

Deno.test("testCard() is a pure function of its number", () => {
  assert.deepEqual(testCard(41), testCard(41));
  assert.notDeepEqual(testCard(41).planes[0]!.data, testCard(42).planes[0]!.data);
  assert.equal(testCard(30).timestampUs, 1_000_000);
  assert.equal(testCard(30, { fps: 15 }).timestampUs, 2_000_000);
});

Deno.test("testCard() can be read at any size, also after scaling and conversion", () => {
  for (const [width, height] of [[640, 480], [1280, 720], [321, 241], [64, 48], [16, 16]]) {
    for (const n of [0, 1, 7, 12345, 65535]) {
      assert.equal(readTestCard(testCard(n, { width: width!, height: height! })), n);
    }
  }
  assert.equal(readTestCard(testCard(4711).resize(320, 240)), 4711);
  assert.equal(readTestCard(VideoFrame.fromBGR(testCard(4711).toBGR(), 0)), 4711);
  assert.equal(readTestCard(testCard(65536 + 3)), 3);
});

Deno.test("readTestCard() returns null for other pictures", () => {
  const data = new Uint8Array(64 * 48).fill(128);
  assert.equal(readTestCard(VideoFrame.fromGray({ data, width: 64, height: 48 }, 0)), null);
});

Deno.test("testCard() has colour bars and draws in tiny sizes", () => {
  const { data } = testCard(0).toRGB();
  const at = (x: number, y: number) => [...data.subarray((y * 640 + x) * 3, (y * 640 + x) * 3 + 3)];
  const near = (found: number[], wanted: number[]) =>
    assert(found.every((v, i) => Math.abs(v - wanted[i]!) < 8), `${found} is not ${wanted}`);
  near(at(120, 310), [191, 191, 0]); // 75 % yellow
  near(at(440, 310), [191, 0, 0]);
  near(at(520, 310), [0, 0, 191]);
  for (const [width, height] of [[1, 1], [2, 3], [15, 1]]) {
    assert.equal(testCard(9, { width: width!, height: height! }).width, width);
  }
});

Deno.test("testCard() refuses negative numbers", () => {
  assert.throws(() => testCard(-1), {
    name: "RangeError",
    message: "Cannot draw test card -1: no such number; give 0, 1, 2 …",
  });
});
