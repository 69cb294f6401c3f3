import assert from "node:assert/strict";
import { JpegDecoder } from "../../lib/codecs/jpeg_decoder.ts";
import { RemoteProtocolError, SubscriptionClosed } from "../../lib/errors.ts";
import { readTestCard, testCard } from "../../lib/media/test_card.ts";
import { jpegCards, jpegTest, withoutTables } from "./jpegs.ts";

for (const library of ["libyuv", "libavcodec"] as const) {
  for (const pixelFormat of ["yuvj420p", "yuvj422p"]) {
    // ffmpeg writes 4:2:2 in a way that libyuv does not take.
    if (pixelFormat === "yuvj422p" && library === "libyuv") continue;
    jpegTest(
      `JpegDecoder gives the colours of ${pixelFormat} in limited range, by ${library}`,
      async () => {
        const [, jpeg] = await jpegCards(2, { width: 320, height: 240 }, pixelFormat);
        using decoder = new JpegDecoder({ library });
        const frame = await decoder.decode(jpeg!, 1234.5);
        assert.deepEqual([frame.format, frame.width, frame.height], ["I420", 320, 240]);
        assert.equal(frame.timestampUs, 1234.5);
        assert.equal(readTestCard(frame), 1);
        const card = testCard(1, { width: 320, height: 240 });
        for (const [plane, { data }] of frame.planes.entries()) {
          const wanted = card.planes[plane]!.data;
          const off = data.reduce((sum, level, i) => sum + Math.abs(level - wanted[i]!), 0);
          assert.ok(off / data.length < 2.5, `plane ${plane} is off by ${off / data.length}`);
          // The middle of the white bar, the red and the black one.
          const width = plane === 0 ? 320 : 160;
          for (const bar of [0, 5, 7]) {
            const at = 20 * width + Math.floor((bar + 0.5) * width / 8);
            assert.ok(Math.abs(data[at]! - wanted[at]!) <= 4, `${data[at]} is not ${wanted[at]}`);
          }
        }
      },
    );
  }

  jpegTest(`JpegDecoder takes pictures without Huffman tables, by ${library}`, async () => {
    const [jpeg] = await jpegCards(1, { width: 320, height: 240 });
    const bare = withoutTables(jpeg!);
    assert.ok(bare.length < jpeg!.length - 400);
    using decoder = new JpegDecoder({ library });
    assert.equal(readTestCard(await decoder.decode(bare, 0)), 0);
  });

  jpegTest(`JpegDecoder refuses any damage without harm, by ${library}`, async () => {
    const [jpeg] = await jpegCards(1, { width: 64, height: 48 });
    using decoder = new JpegDecoder({ library });
    let refused = 0;
    let state = 1;
    for (let i = 0; i < 300; i++) {
      const bytes = i % 2 === 0
        ? jpeg!.slice(0, Math.floor(i * jpeg!.length / 300))
        : jpeg!.slice();
      for (let hit = 0; i % 2 === 1 && hit < 4; hit++) {
        state = Math.imul(state, 1103515245) + 12345 >>> 0;
        bytes[state % bytes.length] = state >>> 24;
      }
      try {
        await decoder.decode(bytes, 0);
      } catch (error) {
        assert.ok(error instanceof RemoteProtocolError, String(error));
        refused++;
      }
    }
    assert.ok(refused > 100, `${refused}`);
    assert.ok((await decoder.decode(jpeg!, 0)).width === 64);
  });
}

jpegTest("JpegDecoder leaves to libavcodec what libyuv does not take", async () => {
  const jpegs = await jpegCards(3, { width: 320, height: 240 }, "yuvj422p");
  using strict = new JpegDecoder({ library: "libyuv" });
  await assert.rejects(strict.decode(jpegs[0]!, 0), RemoteProtocolError);
  using decoder = new JpegDecoder();
  for (const [number, jpeg] of jpegs.entries()) {
    assert.equal(readTestCard(await decoder.decode(jpeg, 0)), number);
  }
  await assert.rejects(decoder.decode(jpegs[0]!.slice(0, 2000), 0), RemoteProtocolError);
  assert.equal(readTestCard(await decoder.decode(jpegs[2]!, 0)), 2);
});

const imagemagick = await new Deno.Command("convert", { args: ["-version"], stdout: "null" })
  .output()
  .then(({ success }) => success, () => false);

Deno.test({
  name: `JpegDecoder takes 4:2:2 as webcams send it${imagemagick ? "" : " (install imagemagick)"}`,
  ignore: !imagemagick,
  async fn() {
    const convert = new Deno.Command("convert", {
      args: ["-size", "320x240", "-depth", "8", "rgb:-", "-sampling-factor", "2x1", "jpg:-"],
      ...{ stdin: "piped", stdout: "piped" },
    }).spawn();
    const writer = convert.stdin.getWriter();
    const feed = writer.write(testCard(5, { width: 320, height: 240 }).toRGB().data)
      .then(() => writer.close());
    const [{ stdout }] = await Promise.all([convert.output(), feed]);
    using decoder = new JpegDecoder();
    assert.equal(readTestCard(await decoder.decode(stdout, 0)), 5);
  },
});

jpegTest("JpegDecoder.decode() rejects after close()", async () => {
  const decoder = new JpegDecoder();
  decoder.close();
  decoder.close();
  await assert.rejects(decoder.decode(new Uint8Array(9), 0), SubscriptionClosed);
});
