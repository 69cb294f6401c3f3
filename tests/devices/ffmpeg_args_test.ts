import assert from "node:assert/strict";
import { sourceArgs } from "../../lib/devices/ffmpeg_source_args.ts";
import { recorderArgs } from "../../lib/devices/recorder_args.ts";

Deno.test("sourceArgs() reads files at their pace, and devices and addresses at once", () => {
  const isPaced = (input: string, format?: string) =>
    sourceArgs(input, format === undefined ? {} : { format }, ["video"]).includes("-re");
  assert.ok(isPaced("a.mp4"));
  assert.ok(isPaced("a.h264", "h264"));
  assert.ok(isPaced("testsrc", "lavfi"));
  for (const address of ["rtsp://host/a", "udp://host:1", "http://host/a.m3u8"]) {
    assert.ok(!isPaced(address), address);
  }
  assert.ok(!isPaced("/dev/video0"));
  assert.ok(!isPaced(":0.0", "x11grab"));
  assert.ok(!sourceArgs("a.mp4", { realtime: false }, ["video"]).includes("-re"));
});

Deno.test("sourceArgs() takes the first packet of a device for all that it says, and of nothing else", () => {
  const looksOnce = (input: string, format?: string) =>
    sourceArgs(input, format === undefined ? {} : { format }, ["video"]).includes("-probesize");
  assert.ok(looksOnce("/dev/video0", "v4l2"));
  assert.ok(!looksOnce("a.ts", "mpegts"));
  assert.ok(!looksOnce("a.mp4"));
});

Deno.test("sourceArgs() numbers the output streams as they are asked for", () => {
  const args = sourceArgs("a.mp4", { size: [320, 240], fps: 15 }, ["video", "audio", "encoded"]);
  assert.equal(
    args[args.indexOf("-filter:0") + 1],
    "fps=15,scale=320:240:out_color_matrix=bt601:out_range=tv,format=yuv420p",
  );
  assert.equal(args[args.indexOf("-c:1") + 1], "pcm_f32le");
  assert.equal(args[args.indexOf("-c:2") + 1], "copy");
});

Deno.test("recorderArgs() takes a file's name for a name, whatever it looks like", () => {
  const nameOf = (path: string) =>
    recorderArgs(path, "webm", {}, { video: "copy", audio: false }).at(-1);
  assert.equal(nameOf("-y.webm"), "file:-y.webm");
  assert.equal(nameOf("a:b.webm"), "file:a:b.webm");
  assert.equal(nameOf("rtmp://host/live"), "rtmp://host/live");
});
