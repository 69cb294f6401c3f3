import assert from "node:assert/strict";
import { createVideoDecoder } from "../../lib/codecs/choose.ts";
import { FFmpegSource } from "../../lib/devices/ffmpeg_source.ts";
import {
  DeviceMissing,
  LibraryMissing,
  SubscriptionClosed,
  SystemCallError,
} from "../../lib/errors.ts";
import type { AudioFrame } from "../../lib/media/audio_frame.ts";
import type { EncodedVideo } from "../../lib/media/encoded.ts";
import type { VideoFrame } from "../../lib/media/video_frame.ts";
import { Queue } from "../../lib/subscriptions/queue.ts";
import { splitNalUnits } from "../../lib/wire/h264_bitstream.ts";
import {
  alive,
  ffmpeg,
  ffmpegTest,
  HAS_FFMPEG,
  packed,
  pictures,
  tonality,
  until,
} from "./ffmpeg_tools.ts";

const BARS = "smptebars=size=320x240:rate=30";
const LAVFI = { format: "lavfi" } as const;

async function all<T>(queue: AsyncIterable<T>): Promise<T[]> {
  const values: T[] = [];
  for await (const value of queue) values.push(value);
  return values;
}

async function inFolder(fn: (path: (name: string) => string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await fn((name) => `${folder}/${name}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

ffmpegTest("FFmpegSource.video gives the picture that ffmpeg was asked for", async () => {
  await using source = new FFmpegSource(BARS, LAVFI);
  const frame = await source.video.get();
  assert.deepEqual([frame.width, frame.height, frame.format], [320, 240, "I420"]);
  const { data } = frame.toRGB();
  const at = (x: number, y: number) => [...data.subarray((y * 320 + x) * 3, (y * 320 + x) * 3 + 3)];
  const near = (got: number[], want: number[]) =>
    assert.ok(got.every((level, i) => Math.abs(level - want[i]!) <= 12), `${got}, not ${want}`);
  near(at(20, 60), [191, 191, 191]); // SMPTE: grey, yellow, cyan, green, magenta, red, blue
  near(at(65, 60), [191, 191, 0]);
  near(at(250, 60), [191, 0, 0]);
  near(at(300, 60), [0, 0, 191]);
});

ffmpegTest("FFmpegSource.video has the size and rate that were asked for", async () => {
  await using source = new FFmpegSource(`${BARS}:duration=1`, {
    ...{ ...LAVFI, size: [160, 96], fps: 10, realtime: false },
  });
  const frames = await all(drained(source));
  assert.ok(Math.abs(frames.length - 10) <= 1, `${frames.length} frames`);
  assert.deepEqual([frames[0]!.width, frames[0]!.height], [160, 96]);
  assert.ok(Math.abs(frames[3]!.timestampUs - frames[2]!.timestampUs - 100_000) < 20);
});

/** Every frame, in a queue that ends with the source. */
function drained(source: FFmpegSource): Queue<VideoFrame> {
  const queue = new Queue<VideoFrame>();
  source.video.subscribe(queue);
  source.onClose(() => queue.close());
  return queue;
}

ffmpegTest("FFmpegSource.audio gives blocks of 48 kHz that join without a gap", async () => {
  for (const [channels, blockSamples] of [[2, 960], [1, 1024]] as const) {
    await using source = new FFmpegSource("sine=frequency=1000:duration=1:sample_rate=44100", {
      ...{ ...LAVFI, channels, blockSamples, realtime: false },
    });
    const blocks: AudioFrame[] = await all(source.audio);
    assert.deepEqual(blocks[0]!.shape, [blockSamples, channels]);
    assert.ok(Math.abs(blocks.reduce((sum, block) => sum + block.samples, 0) - 48_000) <= 1);
    blocks.slice(1).forEach((block, i) =>
      assert.ok(Math.abs(block.timestampUs - blocks[i]!.timestampUs - blocks[i]!.durationUs) < 3)
    );
    const left = blocks.flatMap(({ data }) => [...data].filter((_, i) => i % channels === 0));
    const middle = Float32Array.from(left.slice(4800, 43_200));
    const [heard, beside] = [tonality(middle, 1000), tonality(middle, 900)];
    assert.ok(heard > 0.08 && beside < heard / 100, `1000 Hz ${heard}, 900 Hz ${beside}`);
  }
});

ffmpegTest("FFmpegSource gives picture and sound from one process, in step", async () => {
  // Each second begins with a white picture and a beep.
  const graph =
    "color=white:size=64x48:rate=50,drawbox=color=black:t=fill:enable='gte(mod(t,1),0.1)'" +
    "[out0];sine=frequency=1000:sample_rate=48000,volume='if(lt(mod(t,1),0.1),1,0)':eval=frame" +
    "[out1]";
  await using source = new FFmpegSource(graph, LAVFI);
  const sounds = source.audio.subscribe();
  const flashes: number[] = [];
  let dark = true;
  source.video.subscribe((frame: VideoFrame) => {
    const bright = frame.planes[0]!.data[0]! > 128;
    if (bright && dark) flashes.push(frame.timestampUs);
    dark = !bright;
  });
  const beeps: number[] = [];
  let quiet = true;
  for await (const block of sounds) {
    const loud = block.data.some((sample) => Math.abs(sample) > 0.03);
    if (loud && quiet) beeps.push(block.timestampUs);
    quiet = !loud;
    if (beeps.length === 3) break;
  }
  assert.equal(source.starts, 1);
  await until("three flashes", () => flashes.length >= 3);
  flashes.slice(0, 3).forEach((flash, i) =>
    assert.ok(Math.abs(flash - beeps[i]!) < 45_000, `${flash} and ${beeps[i]}`)
  );
});

ffmpegTest("FFmpegSource starts anew for who subscribes to another kind later", async () => {
  await using source = new FFmpegSource(`${BARS}[out0];sine[out1]`, LAVFI);
  assert.equal(source.pid, null);
  const { timestampUs } = await source.video.get();
  await source.audio.get();
  assert.equal(source.starts, 2);
  const later = await source.video.get();
  assert.ok(later.timestampUs > timestampUs);
});

ffmpegTest(
  "FFmpegSource with audio: true serves a late listener without starting anew",
  async () => {
    await using source = new FFmpegSource(`${BARS}[out0];sine[out1]`, { ...LAVFI, audio: true });
    await source.video.get();
    await source.audio.get();
    assert.equal(source.starts, 1);
  },
);

ffmpegTest("FFmpegSource gives a file as fast as it plays", async () => {
  await inFolder(async (path) => {
    await ffmpeg("-f", "lavfi", "-i", `${BARS}:duration=2`, "-c:v", "libx264", path("a.mp4"));
    await using source = new FFmpegSource(path("a.mp4"));
    const arrivals: number[] = [];
    const queue = drained(source);
    for await (const _ of queue) arrivals.push(performance.now());
    assert.equal(arrivals.length, 60);
    const lasted = arrivals.at(-1)! - arrivals[0]!;
    assert.ok(lasted > 1700 && lasted < 2600, `60 frames at 30 a second took ${lasted} ms`);
    assert.ok(source.closed && source.error === null);
  });
});

ffmpegTest("FFmpegSource begins a file again when it shall loop; times go on", async () => {
  await inFolder(async (path) => {
    await ffmpeg("-f", "lavfi", "-i", `${BARS}:duration=0.2`, "-c:v", "libx264", path("a.mp4"));
    await using source = new FFmpegSource(path("a.mp4"), { loop: true, realtime: false });
    const times: number[] = [];
    for await (const frame of drained(source)) if (times.push(frame.timestampUs) === 30) break;
    assert.ok(times.every((time, i) => i === 0 || time > times[i - 1]!), `${times}`);
  });
});

ffmpegTest(
  "FFmpegSource.encoded passes H.264 of a file on, and it decodes to the same",
  async () => {
    await inFolder(async (path) => {
      await ffmpeg(
        ...["-f", "lavfi", "-i", "testsrc=size=320x240:rate=30:duration=1", "-pix_fmt", "yuv420p"],
        ...["-c:v", "libx264", "-bf", "0", "-g", "10", path("a.mp4")],
      );
      await using source = new FFmpegSource(path("a.mp4"), { realtime: false });
      const chunks: EncodedVideo[] = await all(source.encoded);
      assert.equal(chunks.length, 30);
      assert.deepEqual(chunks.map(({ keyFrame }) => keyFrame), chunks.map((_, i) => i % 10 === 0));
      assert.deepEqual([chunks[0]!.codec, chunks[0]!.width, chunks[0]!.height], ["H264", 320, 240]);
      for (const { data, keyFrame } of chunks) {
        const types = splitNalUnits(data).map((nal) => nal[0]! & 31);
        if (keyFrame) assert.deepEqual(types.filter((type) => type > 6), [7, 8]);
      }
      const wanted = await pictures(path("a.mp4"), 320 * 240 * 3 / 2);
      const bytes = new Uint8Array(chunks.reduce((sum, { data }) => sum + data.length, 0));
      chunks.reduce((at, { data }) => (bytes.set(data, at), at + data.length), 0);
      await Deno.writeFile(path("a.h264"), bytes);
      const got = await pictures(path("a.h264"), 320 * 240 * 3 / 2);
      assert.deepEqual(got.length, wanted.length);
      got.forEach((picture, i) => assert.deepEqual(picture, wanted[i]));
    });
  },
);

ffmpegTest("FFmpegSource.encoded passes VP8 and Opus of a WebM on", async () => {
  await inFolder(async (path) => {
    await ffmpeg(
      ...["-f", "lavfi", "-i", `${BARS}:duration=1[out0];sine=duration=1[out1]`, "-c:v", "libvpx"],
      ...["-deadline", "realtime", "-c:a", "libopus", path("a.webm")],
    );
    await using source = new FFmpegSource(path("a.webm"), { realtime: false });
    const [chunks, packets] = await Promise.all([all(source.encoded), all(source.encodedAudio)]);
    assert.equal(chunks.length, 30);
    assert.deepEqual([chunks[0]!.codec, chunks[0]!.keyFrame, chunks[0]!.width], ["VP8", true, 320]);
    assert.ok(packets.length >= 50 && packets.length <= 52, `${packets.length} packets`);
    assert.deepEqual([packets[0]!.codec, packets[0]!.channels], ["Opus", 1]);
    assert.equal(source.starts, 1);
    using decoder = createVideoDecoder({ codec: "VP8" });
    const frame = await decoder.decode(chunks[0]!);
    assert.equal(frame?.width, 320);
  });
});

ffmpegTest("FFmpegSource.encoded has raw pictures encoded by ffmpeg", async () => {
  await using source = new FFmpegSource(BARS, {
    ...LAVFI,
    encode: ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "15"],
  });
  const raw = source.video.get();
  const chunk = await source.encoded.get();
  assert.deepEqual([chunk.codec, chunk.keyFrame, chunk.width], ["H264", true, 320]);
  assert.deepEqual(packed(await raw).length, 320 * 240 * 3 / 2);
  assert.equal(source.starts, 1);
});

ffmpegTest("FFmpegSource.encoded says what else there is when the codec is another", async () => {
  await using source = new FFmpegSource(BARS, { ...LAVFI, encode: ["-c:v", "mjpeg"] });
  await assert.rejects(
    source.encoded.get(),
    /^RtcbotError: Cannot read "smptebars=[^"]*": its video is "MJPG", not H.264, VP8 or VP9; read .video, or have it encoded with encode: \["-c:v", "libx264"\]$/,
  );
});

ffmpegTest("FFmpegSource fails with ffmpeg's last words", async () => {
  await using missing = new FFmpegSource("/nowhere/a.mp4");
  const waiting = missing.video.get();
  await assert.rejects(
    waiting,
    /^DeviceMissing: Cannot read "\/nowhere\/a.mp4": ffmpeg says ".*No such file or directory.*"; check the path or the address$/,
  );
  assert.ok(missing.error instanceof DeviceMissing && missing.closed);
  assert.equal(missing.video.error, missing.error);
  assert.equal(missing.audio.error, missing.error);
  await using mute = new FFmpegSource(BARS, LAVFI);
  await assert.rejects(mute.audio.get(), (error: Error) => {
    assert.ok(error instanceof SystemCallError);
    assert.match(error.message, /matches no streams.*subscribe only to what the input has$/);
    return true;
  });
});

ffmpegTest("FFmpegSource shows no password when it fails", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close(); // nobody listens there now
  await using source = new FFmpegSource(`rtsp://bob:s3cr3t@127.0.0.1:${port}/x?token=abcd`);
  await assert.rejects(source.video.get(), (error: Error) => {
    assert.match(error.message, /^Cannot read "rtsp:\/\/\*\*\*@127\.0\.0\.1:\d+\/x\?token=\*\*\*"/);
    assert.match(error.message, /Connection refused.*; check the address$/);
    assert.doesNotMatch(error.message, /bob|s3cr3t|abcd/);
    return true;
  });
});

Deno.test("FFmpegSource names the package when there is no ffmpeg", async () => {
  await using source = new FFmpegSource("a.mp4", { ffmpeg: "/nowhere/ffmpeg", restart: "on-exit" });
  await assert.rejects(source.video.get(), (error: Error) => {
    assert.ok(error instanceof LibraryMissing);
    assert.match(
      error.message,
      /^Cannot read "a.mp4": there is no ffmpeg at "\/nowhere\/ffmpeg"; /,
    );
    return true;
  });
  assert.equal(source.starts, 0);
});

Deno.test({
  name: "FFmpegSource passes a refused permission on as it is",
  permissions: { run: false },
  fn: async () => {
    await using source = new FFmpegSource("a.mp4", { restart: "on-exit" });
    await assert.rejects(source.video.get(), Deno.errors.NotCapable);
  },
});

Deno.test({
  name: "FFmpegSource needs no permission but to run ffmpeg",
  ignore: !HAS_FFMPEG,
  permissions: { run: ["ffmpeg"] },
  fn: async () => {
    await using source = new FFmpegSource(BARS, LAVFI);
    assert.equal((await source.video.get()).width, 320);
  },
});

Deno.test("FFmpegSource refuses sizes and rates of no use", () => {
  assert.throws(
    () => new FFmpegSource(""),
    /^TypeError: Cannot read from ffmpeg: the input is empty/,
  );
  assert.throws(
    () => new FFmpegSource("a.mp4", { size: [641, 480] }),
    /^RangeError: Cannot read from ffmpeg: the size is 641x480; give even numbers from 2 to 16382$/,
  );
  assert.throws(() => new FFmpegSource("a.mp4", { fps: 0 }), RangeError);
});

ffmpegTest("FFmpegSource fails when its ffmpeg is killed", async () => {
  await using source = new FFmpegSource(BARS, LAVFI);
  await source.video.get();
  Deno.kill(source.pid!, "SIGKILL");
  await source;
  assert.match(
    source.error!.message,
    /^Cannot read "smptebars=[^"]*": ffmpeg ended with signal SIGKILL and said nothing; start it again$/,
  );
});

ffmpegTest("FFmpegSource goes on after ffmpeg was killed when it shall restart", async () => {
  await using source = new FFmpegSource(BARS, { ...LAVFI, restart: "on-exit", restartPauseMs: 20 });
  const frames = source.video.subscribe();
  let last = (await frames.get()).timestampUs;
  for (let run = 1; run <= 2; run++) {
    const pid = source.pid!;
    Deno.kill(pid, "SIGKILL");
    await until("a new process", () => source.pid !== null && source.pid !== pid);
    for (let i = 0; i < 5; i++) {
      const { timestampUs } = await frames.get();
      assert.ok(timestampUs > last);
      last = timestampUs;
    }
    assert.equal(source.starts, 1 + run);
  }
});

ffmpegTest("FFmpegSource.close() leaves no process, whenever it is called", async () => {
  const started = new FFmpegSource(BARS, LAVFI);
  await started.video.get();
  const pid = started.pid!;
  const waiting = started.audio.get().catch((error) => error);
  await started.close();
  assert.ok(await waiting instanceof SubscriptionClosed);
  assert.ok(!await alive(pid));

  const never = new FFmpegSource(BARS, LAVFI);
  await never.close();
  assert.equal(never.starts, 0);

  const starting = new FFmpegSource(BARS, { ...LAVFI, restart: "on-exit" });
  const first = starting.video.get().catch((error) => error);
  await until("a start", () => starting.starts === 1);
  const young = starting.pid!;
  await starting.close();
  assert.ok(await first instanceof SubscriptionClosed);
  assert.ok(!await alive(young));

  const pausing = new FFmpegSource("/nowhere", { restart: "on-exit", restartPauseMs: 60_000 });
  pausing.video.subscribe();
  await until("a failed start", () => pausing.starts === 1 && pausing.pid === null);
  await pausing.close();
});

ffmpegTest("FFmpegSource takes an address that stays silent for dead", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connected = listener.accept(); // and never says a word
  await using source = new FFmpegSource(`tcp://127.0.0.1:${listener.addr.port}`, {
    stallTimeoutMs: 300,
  });
  await assert.rejects(
    source.video.get(),
    /^SystemCallError: Cannot read "tcp:\/\/127.0.0.1:\d+": nothing has come for 300 ms; check the cable or the address$/,
  );
  (await connected).close();
  listener.close();
});

ffmpegTest(
  "FFmpegSource keeps memory flat and others served while one subscriber sleeps",
  async () => {
    await using source = new FFmpegSource("testsrc=size=640x480:rate=60", {
      ...{ ...LAVFI, realtime: false },
    });
    const asleep = source.video.subscribe();
    let served = 0;
    let early = 0;
    for await (const _ of source.video) {
      if (++served === 60) early = Deno.memoryUsage().rss;
      if (served === 360) break;
    }
    assert.ok(asleep.size <= 1);
    const grown = (Deno.memoryUsage().rss - early) / 1e6;
    assert.ok(grown < 80, `300 frames of 0.46 MB left ${grown.toFixed(0)} MB`);
  },
);
