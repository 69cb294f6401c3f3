import assert from "node:assert/strict";
import { Camera } from "../../lib/devices/camera.ts";
import { openCamera } from "../../lib/devices/open_camera.ts";
import { PiCamera } from "../../lib/devices/pi_camera.ts";
import { DeviceBusy, DeviceMissing } from "../../lib/errors.ts";
import { FakeVideoKernel } from "../../lib/testing/fake_video_kernel.ts";
import { ffmpegTest } from "./ffmpeg_tools.ts";
import { piStandIn } from "./pi_stand_in.ts";

const NO_PI = { commands: ["/nowhere/rpicam-vid"] };

Deno.test("openCamera() takes the webcam when there is no Pi's camera", async () => {
  const kernel = new FakeVideoKernel();
  await using camera = openCamera({ width: 640, height: 480, pi: NO_PI, webcam: { kernel } });
  const frame = await camera.get();
  assert.deepEqual([frame.width, frame.height], [640, 480]);
  assert.ok(camera.source instanceof Camera);
  assert.ok(camera.ready);
});

Deno.test("openCamera() fails with all that was looked for when there is none", async () => {
  const kernel = new FakeVideoKernel({ cameras: [{}] });
  kernel.cameras[0].unplug();
  await using camera = openCamera({ pi: NO_PI, webcam: { kernel } });
  const error = await camera.onError();
  assert.ok(error instanceof DeviceMissing, String(error));
  assert.match(
    error.message,
    /^Cannot open a camera: none was found \(cannot open the Pi's camera: there is no .+; cannot open camera .+\); plug one in/,
  );
});

Deno.test("openCamera() looks only at webcams when a name is given", async () => {
  const kernel = new FakeVideoKernel();
  await using camera = openCamera({ camera: "/dev/video0", webcam: { kernel } });
  await camera.onReady();
  assert.ok(camera.source instanceof Camera);
});

Deno.test("openCamera() fails when its webcam is unplugged", async () => {
  const kernel = new FakeVideoKernel();
  await using camera = openCamera({ pi: NO_PI, webcam: { kernel } });
  await camera.get();
  kernel.cameras[0].unplug();
  const error = await camera.onError();
  assert.ok(error instanceof DeviceMissing, String(error));
  assert.equal(camera.source!.error, error);
});

Deno.test("openCamera() may be closed before anything was found", async () => {
  const camera = openCamera({ pi: NO_PI, webcam: { kernel: new FakeVideoKernel() } });
  await camera.close();
  assert.deepEqual([camera.closed, camera.error, camera.source], [true, null, null]);
});

ffmpegTest("openCamera() takes the Pi's camera, and its H.264 when that is asked for", async () => {
  await using standIn = await piStandIn();
  const kernel = new FakeVideoKernel();
  const options = { pi: { commands: standIn.commands }, webcam: { kernel } };
  await using camera = openCamera(options);
  assert.equal((await camera.get()).width, 320);
  assert.ok(camera.source instanceof PiCamera);
  await camera.close();
  assert.ok(camera.source.closed);

  await using encoded = openCamera(options);
  const chunk = await encoded.encoded.get();
  assert.ok(chunk.keyFrame);
  assert.equal((encoded.source as PiCamera).starts, 1); // H.264 from the start, not raw pictures first
  assert.match(standIn.runs().at(-1)!, /--codec h264/);
});

ffmpegTest(
  "openCamera() goes on to the webcam on a Pi without its camera, but not when it is busy",
  async () => {
    const kernel = new FakeVideoKernel();
    await using without = await piStandIn({ cameras: 0 });
    await using camera = openCamera({ pi: { commands: without.commands }, webcam: { kernel } });
    await camera.get();
    assert.ok(camera.source instanceof Camera);
    await using busy = await piStandIn({ busy: true });
    await using other = openCamera({ pi: { commands: busy.commands }, webcam: { kernel } });
    assert.ok(await other.onError() instanceof DeviceBusy);
  },
);

Deno.test("openCamera() asks nobody for the permission to run", async () => {
  const { href } = new URL("../../", import.meta.url);
  const code = `
    const { openCamera } = await import("${href}lib/devices/open_camera.ts");
    const { FakeVideoKernel } = await import("${href}lib/testing/fake_video_kernel.ts");
    Deno.permissions.requestSync = () => { throw new Error("asked"); };
    const kernel = new FakeVideoKernel();
    const camera = openCamera({ webcam: { kernel } });
    console.log((await camera.get()).width);
    kernel.cameras[0].unplug();
    await camera.close();
    console.log((await openCamera({ webcam: { kernel } }).onError()).message);
  `;
  const program = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(program, code);
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", "--allow-import", "--allow-read", program],
    ...{ env: { NO_COLOR: "1" }, stdin: "null", stdout: "piped", stderr: "piped" },
  }).output();
  await Deno.remove(program);
  assert.match(
    new TextDecoder().decode(stdout),
    /^320\nCannot open a camera: .*the Pi's was not looked for without --allow-run=rpicam-vid/,
    new TextDecoder().decode(stderr),
  );
});
