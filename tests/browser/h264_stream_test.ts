/** Whether a browser decodes what our H.264 encoder makes, at once and in the right colours. */

import assert from "node:assert/strict";
import { videoCodecs } from "../../lib/codecs/choose.ts";
import { H264Encoder } from "../../lib/codecs/h264_encoder.ts";
import { testCard } from "../../lib/media/test_card.ts";
import { chromium } from "./harness.ts";

const browser = chromium();

/** Decodes the chunks; the number in each test card, the colours' matrix, and how many came late. */
const PAGE = `<link rel="icon" href="data:,"><script>
  async function decode(chunks) {
    const config = { codec: "avc1.42e01f", optimizeForLatency: true };
    if (!(await VideoDecoder.isConfigSupported(config)).supported) return null;
    const shown = [];
    const matrices = new Set();
    const decoder = new VideoDecoder({
      output: async (frame) => {
        const { width, height } = frame.codedRect;
        const bytes = new Uint8Array(frame.allocationSize());
        matrices.add(frame.colorSpace.matrix + " " + frame.colorSpace.fullRange);
        const [luma] = await frame.copyTo(bytes);
        frame.close();
        let n = 0;
        for (let cell = 0; cell < 16; cell++) {
          const x = Math.floor((cell + 0.5) * width / 16);
          n = n << 1 | (bytes[luma.offset + Math.floor(height * 15 / 16) * luma.stride + x] > 125);
        }
        shown.push(n);
        arrived?.();
      },
      error: (error) => failed?.(error),
    });
    decoder.configure(config);
    let arrived, failed;
    for (const [n, { keyFrame, data }] of chunks.entries()) {
      // Each has to come out before the next one goes in.
      const next = new Promise((resolve, reject) => ([arrived, failed] = [resolve, reject]));
      decoder.decode(new EncodedVideoChunk({
        type: keyFrame ? "key" : "delta",
        timestamp: n * 33333,
        data: Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0)),
      }));
      await next;
    }
    decoder.close();
    return { shown, matrices: [...matrices] };
  }
</script>`;

if (videoCodecs("encode").includes("H264")) {
  browser.test("Chromium shows each frame of H264Encoder before it gets the next", async (kit) => {
    const site = kit.serve({ "/": PAGE });
    const page = await kit.open(site.origin);
    using encoder = new H264Encoder({ width: 640, height: 480, fps: 30 });
    const chunks = [];
    for (let n = 0; n < 30; n++) {
      const { keyFrame, data } = (await encoder.encode(testCard(n), { keyFrame: n === 20 }))!;
      chunks.push({ keyFrame, data: btoa(String.fromCharCode(...data)) });
    }
    const found = await page.evaluate(
      (chunks) => (globalThis as unknown as { decode(chunks: unknown): unknown }).decode(chunks),
      chunks,
    );
    if (found === null) return; // built without proprietary codecs
    assert.deepEqual(found, { shown: [...chunks.keys()], matrices: ["smpte170m false"] });
  });
} else {
  Deno.test({ name: "Chromium shows H.264 (install ffmpeg with x264)", ignore: true, fn() {} });
}
