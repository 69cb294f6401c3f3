import assert from "node:assert/strict";
import { FFmpegSource } from "../../lib/devices/ffmpeg_source.ts";
import { Recorder } from "../../lib/devices/recorder.ts";
import { LibraryMissing, SubscriptionClosed, SystemCallError } from "../../lib/errors.ts";
import { AudioFrame } from "../../lib/media/audio_frame.ts";
import type { EncodedVideo } from "../../lib/media/encoded.ts";
import { testCard } from "../../lib/media/test_card.ts";
import { tone } from "../../lib/media/tone.ts";
import { VideoFrame } from "../../lib/media/video_frame.ts";
import { Queue } from "../../lib/subscriptions/queue.ts";
import {
  alive,
  ffmpegTest,
  packed,
  pictures,
  probe,
  psnr,
  sound,
  tonality,
} from "./ffmpeg_tools.ts";

const SIZE = { width: 160, height: 96 };
const BYTES = 160 * 96 * 3 / 2;

async function inFolder(fn: (path: (name: string) => string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await fn((name) => `${folder}/${name}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A smooth picture that differs from its neighbours in brightness. */
function picture(n: number, timestampUs: number, { width, height } = SIZE): VideoFrame {
  const data = new Uint8Array(width * height * 3 / 2).fill(128);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) data[y * width + x] = 40 + x / 2 + (n * 7) % 100;
  }
  return VideoFrame.fromI420({ data, width, height }, timestampUs);
}

/** White for 100 ms at the beginning of each second, else black. */
function flash(n: number, fps: number): VideoFrame {
  const data = new Uint8Array(BYTES).fill(128);
  data.fill(n % fps < fps / 10 ? 235 : 16, 0, SIZE.width * SIZE.height);
  return VideoFrame.fromI420({ data, ...SIZE }, 7e6 + n * 1e6 / fps);
}

for (const [name, video, audio] of [["a.webm", "vp8", "opus"], ["a.mp4", "h264", "aac"]] as const) {
  ffmpegTest(
    `Recorder writes a ${name.slice(2)} file that shows and sounds like what was put`,
    async () => {
      await inFolder(async (path) => {
        const recorder = new Recorder(path(name), { whenSlow: "wait", videoBitrate: 1_000_000 });
        const frames = Array.from({ length: 60 }, (_, n) => picture(n, n * 1e6 / 30));
        for (let n = 0; n < 100; n++) {
          if (n < 60) recorder.video.put_nowait(frames[n]!);
          recorder.audio.put_nowait(tone(n, { frequencyHz: 1000, channels: 2 }));
        }
        await recorder.close();
        assert.equal(recorder.error, null);
        assert.deepEqual([recorder.written, recorder.dropped], [60, 0]);
        const { streams, duration } = await probe(path(name));
        assert.deepEqual(streams.map(({ codec_name }) => codec_name), [video, audio]);
        assert.deepEqual([streams[0]!.width, streams[0]!.height], [160, 96]);
        assert.ok(Math.abs(duration - 2) < 0.06, `${duration} s`);
        const got = await pictures(path(name), BYTES);
        assert.equal(got.length, 60);
        const worst = Math.min(...got.map((bytes, n) => psnr(bytes, packed(frames[n]!))));
        assert.ok(worst > 32, `PSNR ${worst} dB`);
        const heard = (await sound(path(name))).slice(9_600, 86_400);
        assert.ok(tonality(heard, 1000) > 0.2 && tonality(heard, 900) < 0.01);
      });
    },
  );
}

for (const name of ["a.webm", "a.mp4", "a.mkv"]) {
  ffmpegTest(`Recorder keeps flash and beep in step in ${name.slice(2)}`, async () => {
    await inFolder(async (path) => {
      const recorder = new Recorder(path(name), { whenSlow: "wait" });
      for (let n = 0; n < 150; n++) {
        if (n < 90) recorder.video.put_nowait(flash(n, 30));
        const { data, timestampUs } = tone(n, { frequencyHz: 1000 });
        const samples = n % 50 < 5 ? data : new Float32Array(960);
        const timed = { data: samples, sampleRateHz: 48_000, timestampUs: 7e6 + timestampUs };
        recorder.audio.put_nowait(new AudioFrame(timed));
      }
      await recorder.close();
      const { times } = await probe(path(name));
      const shown = times("video");
      const bright = (await pictures(path(name), BYTES)).map((bytes) => bytes[5000]! > 128);
      const flashes = shown.filter((_, n) => bright[n] && !bright[n - 1]);
      const samples = await sound(path(name));
      // Relative to the file's clock: the decoder has left out what lies before the first sound.
      const beeps: number[] = [];
      for (let i = 0, quiet = 48_000; i < samples.length; i++, quiet++) {
        if (Math.abs(samples[i]!) < 0.1) continue;
        if (quiet > 24_000) beeps.push(i / 48_000);
        quiet = 0;
      }
      assert.equal(flashes.length, 3);
      assert.equal(beeps.length, 3);
      flashes.forEach((time, i) =>
        assert.ok(Math.abs(time - beeps[i]!) <= 0.045, `flash ${time}, beep ${beeps[i]}`)
      );
    });
  });
}

ffmpegTest("Recorder keeps pictures at their own times, however uneven", async () => {
  for (const name of ["a.webm", "a.mp4"]) {
    await inFolder(async (path) => {
      const recorder = new Recorder(path(name), { whenSlow: "wait" });
      const wanted = [0, 0.033, 0.05, 0.3, 0.34, 0.341, 1.2, 1.233, 1.9];
      wanted.forEach((time, n) => recorder.video.put_nowait(picture(n, 1e9 + time * 1e6)));
      await recorder.close();
      const { times } = await probe(path(name));
      const got = times("video");
      assert.equal(got.length, wanted.length);
      got.forEach((time, n) => assert.ok(Math.abs(time - wanted[n]!) <= 0.002, `${got}`));
    });
  }
});

ffmpegTest("Recorder scales pictures to the size of the first, and takes arrays", async () => {
  await inFolder(async (path) => {
    const recorder = new Recorder(path("a.mkv"), { whenSlow: "wait" });
    recorder.video.put_nowait(picture(0, 0, { width: 162, height: 98 }).resize(161, 97));
    recorder.video.put_nowait(picture(0, 33_000, { width: 320, height: 240 }));
    recorder.video.put_nowait(testCard(3, { width: 320, height: 240 }));
    await recorder.close();
    assert.equal(recorder.error, null);
    const { streams, times } = await probe(path("a.mkv"));
    assert.deepEqual([streams[0]!.width, streams[0]!.height], [160, 96]);
    assert.equal(times("video").length, 3);
    const arrays = new Recorder(path("b.mkv"), { whenSlow: "wait" });
    arrays.video.put_nowait({ data: new Uint8Array(64 * 48 * 3), shape: [48, 64, 3] });
    await arrays.close();
    assert.equal((await probe(path("b.mkv"))).streams[0]!.width, 64);
  });
});

ffmpegTest(
  "Recorder writes compressed pictures without encoding, from the first key frame on",
  async () => {
    for (
      const [name, codec, encode] of [
        ["a.mp4", "h264", ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency"]],
        ["b.webm", "vp8", ["-c:v", "libvpx", "-deadline", "realtime"]],
      ] as const
    ) {
      await inFolder(async (path) => {
        const source = new FFmpegSource("testsrc=size=160x96:rate=30:duration=1", {
          ...{ format: "lavfi", realtime: false, encode: [...encode, "-g", "10"] },
        });
        const chunks: EncodedVideo[] = [];
        for await (const chunk of source.encoded) chunks.push(chunk);
        const recorder = new Recorder(path(name), { whenSlow: "wait" });
        for (const chunk of chunks.slice(4)) recorder.video.put_nowait(chunk);
        await recorder.close();
        assert.equal(recorder.error, null);
        const { streams, times } = await probe(path(name));
        assert.equal(streams[0]!.codec_name, codec);
        assert.equal(times("video").length, 20); // 4 … 9 had no key frame before them
        assert.equal((await pictures(path(name), BYTES)).length, 20);
      });
    }
  },
);

ffmpegTest("Recorder records camera and microphone as they come", async () => {
  await inFolder(async (path) => {
    await using source = new FFmpegSource(
      "testsrc=size=160x96:rate=30[out0];sine=frequency=1000[out1]",
      {
        format: "lavfi",
      },
    );
    const recorder = new Recorder(path("a.webm"));
    recorder.video.putSubscription(source.video);
    recorder.audio.putSubscription(source.audio);
    await recorder.onReady();
    const blocks = source.audio.subscribe();
    for (let i = 0; i < 50; i++) await blocks.get();
    await recorder.close();
    assert.equal(recorder.error, null);
    const { times, duration } = await probe(path("a.webm"));
    assert.ok(duration > 0.8 && duration < 1.6, `${duration} s`);
    const shown = times("video");
    const rate = shown.length / duration; // a busy machine drops some of the 30
    assert.ok(rate > 15 && rate < 35, `${shown.length} in ${duration} s`);
    const heard = (await sound(path("a.webm"))).slice(4_800, 38_400);
    assert.ok(tonality(heard, 1000) > 0.05);
    assert.ok(!source.closed);
  });
});

ffmpegTest("Recorder drops the newest pictures when it is too slow, and counts them", async () => {
  await inFolder(async (path) => {
    const recorder = new Recorder(path("a.webm"), { maxWaiting: 5 });
    for (let n = 0; n < 100; n++) recorder.video.put_nowait(picture(n, n * 33_333));
    await recorder.close();
    assert.ok(recorder.dropped >= 80 && recorder.dropped < 100, `${recorder.dropped}`);
    assert.equal(recorder.written + recorder.dropped, 100);
    const { times } = await probe(path("a.webm"));
    assert.equal(times("video").length, recorder.written);
    assert.equal(times("video")[1], 0.033); // the oldest are there
  });
});

ffmpegTest("Recorder brings sound of any rate into the file", async () => {
  await inFolder(async (path) => {
    const recorder = new Recorder(path("a.mkv"), { whenSlow: "wait" });
    for (let n = 0; n < 25; n++) recorder.audio.put_nowait(tone(n, { frequencyHz: 1000 }));
    for (let n = 25; n < 50; n++) {
      recorder.audio.put_nowait(
        tone(n, { frequencyHz: 1000, sampleRateHz: 16_000, channels: 2, samples: 320 }),
      );
    }
    await recorder.close();
    const samples = await sound(path("a.mkv"));
    assert.ok(Math.abs(samples.length / 48_000 - 1) < 0.05);
    assert.ok(tonality(samples.slice(28_800, 43_200), 1000) > 0.2);
  });
});

ffmpegTest("Recorder fails with ffmpeg's last words, and does not overwrite a file", async () => {
  await inFolder(async (path) => {
    await Deno.writeTextFile(path("a.webm"), "precious");
    const recorder = new Recorder(path("a.webm"));
    recorder.video.put_nowait(picture(0, 0));
    await recorder;
    assert.ok(recorder.error instanceof SystemCallError);
    assert.match(
      recorder.error.message,
      /^Cannot record to ".*\/a.webm": ffmpeg says "File '.*' already exists. Exiting."; choose another name, or set overwrite: true$/,
    );
    assert.equal(await Deno.readTextFile(path("a.webm")), "precious");
    assert.throws(() => recorder.video.put_nowait(picture(1, 1)), SubscriptionClosed);
    const again = new Recorder(path("a.webm"), { overwrite: true });
    again.video.put_nowait(picture(0, 0));
    await again.close();
    assert.equal(again.error, null);
    const nowhere = new Recorder(path("no/such/folder.webm"));
    nowhere.video.put_nowait(picture(0, 0));
    await nowhere.close();
    assert.match(
      String(nowhere.error),
      /^DeviceMissing: .*No such file or directory.*; check the path/,
    );
  });
});

ffmpegTest("Recorder fails when its ffmpeg is killed", async () => {
  await inFolder(async (path) => {
    const recorder = new Recorder(path("a.webm"));
    recorder.video.put_nowait(picture(0, 0));
    await recorder.onReady();
    const pid = recorder.pid!;
    Deno.kill(pid, "SIGKILL");
    await recorder;
    assert.match(String(recorder.error), /ffmpeg ended with signal SIGKILL/);
    assert.ok(!await alive(pid));
    assert.equal(recorder.pid, null);
  });
});

ffmpegTest("Recorder.close() lets go of sources and leaves them open", async () => {
  await inFolder(async (path) => {
    const queue = new Queue<VideoFrame>();
    const recorder = new Recorder(path("a.webm"));
    recorder.video.putSubscription(queue);
    queue.put_nowait(picture(0, 0));
    await recorder.onReady();
    await recorder.close();
    await recorder.close();
    queue.put_nowait(picture(1, 33_000));
    assert.equal(queue.size, 1);
    assert.throws(() => recorder.video.put_nowait(picture(2, 66_000)), SubscriptionClosed);
    assert.equal((await probe(path("a.webm"))).times("video").length, 1);
  });
});

Deno.test("Recorder that was given nothing makes no file", async () => {
  const recorder = new Recorder("/nowhere/a.webm");
  await recorder.close();
  assert.equal(recorder.error, null);
});

Deno.test("Recorder refuses files that it does not know or that cannot hold the codec", async () => {
  assert.throws(
    () => new Recorder("a.avi"),
    /^TypeError: Cannot record to "a.avi": its name does not tell the kind of file; let it end in .webm, .mp4 or .mkv, or give format$/,
  );
  const recorder = new Recorder("a.webm");
  const data = Uint8Array.of(0, 0, 0, 1, 0x65);
  recorder.video.put_nowait({
    ...{ codec: "H264", data, keyFrame: true, timestampUs: 0, width: 64, height: 48 },
  });
  await recorder;
  assert.match(
    String(recorder.error),
    /^TypeError: Cannot record H264 to "a.webm": webm holds VP8 and VP9 only; name it .mp4 or .mkv$/,
  );
});

Deno.test("Recorder names the package when there is no ffmpeg", async () => {
  const recorder = new Recorder("a.webm", { ffmpeg: "/nowhere/ffmpeg" });
  recorder.video.put_nowait(picture(0, 0));
  await recorder;
  assert.ok(recorder.error instanceof LibraryMissing);
});

Deno.test({
  name: "Recorder passes a refused permission on as it is",
  permissions: { run: false },
  fn: async () => {
    const recorder = new Recorder("a.webm");
    recorder.video.put_nowait(picture(0, 0));
    await recorder.close();
    assert.ok(recorder.error instanceof Deno.errors.NotCapable);
  },
});
