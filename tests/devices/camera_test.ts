/** `Camera` on a `FakeVideoKernel`: what the contract does not say, and what vivid cannot be made to do. */
import assert from "node:assert/strict";
import { Camera } from "../../lib/devices/camera.ts";
import type { CameraOptions } from "../../lib/devices/camera_options.ts";
import { DeviceBusy, DeviceMissing, SystemCallError } from "../../lib/errors.ts";
import { readTestCard } from "../../lib/media/test_card.ts";
import { ManualClock } from "../../lib/testing/clock.ts";
import { FakeVideoKernel } from "../../lib/testing/fake_video_kernel.ts";

const YUYV_AND_MORE = [
  { fourcc: "YUYV", sizes: [{ width: 640, height: 480, fps: [30] }] },
  { fourcc: "NV12", sizes: [{ width: 640, height: 480, fps: [30] }] },
  { fourcc: "YU12", range: { min: 16, max: 1920, step: 2 } },
  { fourcc: "GREY", sizes: [{ width: 640, height: 480, fps: [60] }] },
];

/** Lets what waits for promises come to its end. */
async function settle(): Promise<void> {
  for (let i = 0; i < 50; i++) await null;
  await new Promise<void>((resolve) => setImmediate(resolve));
}

async function errorOf(options: CameraOptions): Promise<Error> {
  await using camera = new Camera(options);
  return (await camera.onError())!;
}

for (const pixelFormat of ["YUYV", "NV12", "I420", "GRAY"] as const) {
  Deno.test(`Camera gives the picture that came as ${pixelFormat} in padded rows`, async () => {
    const kernel = new FakeVideoKernel({ cameras: [{ formats: YUYV_AND_MORE }] });
    await using camera = new Camera({ kernel, width: 640, height: 480, pixelFormat });
    const frame = await camera.get();
    assert.equal(camera.format!.pixelFormat, pixelFormat);
    assert.equal(frame.format, pixelFormat === "GRAY" ? "GRAY" : "I420");
    const number = readTestCard(frame);
    assert.ok(number !== null, `card ${number}`);
    assert.ok(readTestCard(await camera.get())! > number);
  });
}

Deno.test("Camera opens nothing before a turn has passed, and 320x240 at 30 when nothing is said", async () => {
  const kernel = new FakeVideoKernel();
  await using camera = new Camera({ kernel });
  assert.deepEqual([kernel.held, camera.format, camera.name, camera.ready], [0, null, null, false]);
  await camera.onReady();
  assert.deepEqual(camera.format, { width: 320, height: 240, fps: 30, pixelFormat: "YUYV" });
  assert.deepEqual([camera.name, camera.path], ["Fake Webcam", "/dev/video0"]);
});

Deno.test("Camera stamps frames with the driver's time on our clock, and counts what was lost", async () => {
  const clock = new ManualClock(50_000);
  const kernel = new FakeVideoKernel({ clock });
  await using camera = new Camera({ kernel });
  const times: number[] = [];
  const numbers: (number | null)[] = [];
  camera.subscribe((frame) => {
    times.push(frame.timestampUs);
    numbers.push(readTestCard(frame));
  });
  await camera.onReady();
  const frames = async (advance: () => void) => {
    const before = times.length;
    advance();
    while (times.length === before) await settle();
  };
  const startedUs = performance.now() * 1000;
  await frames(() => clock.advance(34));
  // The manual clock runs ahead of ours here, and a time in the future cannot be right.
  assert.ok(times[0]! >= startedUs - 1e6 && times[0]! <= performance.now() * 1000);
  // Seven pictures at once: the driver has memory for four, and the newest of those is given.
  await frames(() => clock.advance(1000 / 30 * 7));
  assert.deepEqual(numbers, [0, 4]);
  await frames(() => clock.advance(34));
  assert.deepEqual([numbers[2], camera.dropped], [8, 3]);
  assert.ok(times[1]! > times[0]! && times[2]! > times[1]!);
});

Deno.test("Camera converts nothing while nobody is subscribed", async () => {
  const clock = new ManualClock();
  const kernel = new FakeVideoKernel({ clock });
  await using camera = new Camera({ kernel });
  await camera.onReady();
  for (let i = 0; i < 20; i++) {
    clock.advance(34);
    await settle();
  }
  assert.equal(camera.dropped, 0); // and yet the driver always gets its memory back
  const frame = camera.get();
  clock.advance(34);
  assert.equal(readTestCard(await frame), 20);
});

Deno.test("Camera fails when it falls silent", async () => {
  const clock = new ManualClock();
  const kernel = new FakeVideoKernel({ clock });
  await using camera = new Camera({ kernel, stallTimeoutMs: 3000 });
  await camera.onReady();
  kernel.cameras[0].silent = true;
  while (!camera.closed) {
    clock.advance(200);
    await settle();
  }
  assert.ok(camera.error instanceof SystemCallError);
  assert.equal(
    camera.error.message,
    'Cannot read camera "/dev/video0" (Fake Webcam): no picture has come for 3000 ms; ' +
      "check its cable and hub, or raise stallTimeoutMs for long exposures",
  );
  await camera;
  assert.equal(kernel.held, 0);
});

Deno.test("Camera starts anew when it falls silent, with reconnect", async () => {
  const kernel = new FakeVideoKernel();
  await using camera = new Camera({ kernel, stallTimeoutMs: 300, reconnect: true });
  const subscription = camera.subscribe();
  await subscription.get();
  const webcam = kernel.cameras[0];
  webcam.silent = true;
  while (webcam.streaming) await new Promise((resolve) => setTimeout(resolve, 5));
  webcam.silent = false;
  const before = performance.now() * 1000;
  while ((await subscription.get()).timestampUs < before);
  assert.equal(camera.error, null);
});

Deno.test("Camera.getControl() says so while the camera is away", async () => {
  const kernel = new FakeVideoKernel();
  await using camera = new Camera({ kernel, reconnect: true });
  await camera.get();
  kernel.cameras[0].unplug();
  while (kernel.held > 0) await settle();
  await assert.rejects(camera.getControl("brightness"), {
    name: "DeviceMissing",
    message: 'Cannot get a control of "Fake Webcam": it is away; wait until it is back',
  });
});

Deno.test("Camera finds its camera again among others, by name and place", async () => {
  const names = [{ name: "Left", bus: "usb-1" }, { name: "Eye", bus: "usb-2" }, {
    name: "Eye",
    bus: "usb-3",
  }];
  const kernel = new FakeVideoKernel({ cameras: names });
  const [left, eye, other] = kernel.cameras;
  await using camera = new Camera({ kernel, camera: 1, reconnect: true });
  const subscription = camera.subscribe();
  const next = async () => {
    const before = performance.now() * 1000;
    while ((await subscription.get()).timestampUs < before);
  };
  await next();
  for (const webcam of [left, eye, other!]) webcam!.unplug();
  left.plugIn("/dev/video1"); // where it was
  other!.plugIn("/dev/video0"); // the same name comes first
  eye!.plugIn("/dev/video7");
  await next();
  assert.deepEqual([camera.path, eye!.streaming], ["/dev/video7", true]);
  eye!.unplug();
  await next();
  assert.deepEqual([camera.path, other!.streaming, left.streaming], ["/dev/video0", true, false]);
});

Deno.test("Camera says what hinders it: absent, no camera, metadata, denied, busy", async () => {
  const kernel = new FakeVideoKernel({
    cameras: [{}, { path: "/dev/video1", capture: false }],
    otherFiles: ["/dev/null"],
  });
  const absent = await errorOf({ kernel, camera: 5 });
  assert.ok(absent instanceof DeviceMissing);
  assert.equal(
    absent.message,
    'Cannot open camera "/dev/video5": there is no such device (ENOENT); plug it in, or choose another: ' +
      'Camera.list() names them (here are /dev/video0 "Fake Webcam")',
  );
  assert.match(
    (await errorOf({ kernel, camera: "nose" })).message,
    /no camera has a name like it; here/,
  );
  assert.match(
    (await errorOf({ kernel, camera: "/dev/null" })).message,
    /it is not a camera \(ENOTTY\)/,
  );
  assert.match((await errorOf({ kernel, camera: 1 })).message, /it has no pictures to give/);
  const [webcam] = kernel.cameras;
  webcam.denied = true;
  for (const camera of [0, "fake"]) {
    const denied = await errorOf({ kernel, camera });
    assert.ok(denied instanceof SystemCallError && denied.code === "EACCES");
    assert.match(
      denied.message,
      /"\/dev\/video0": permission denied \(EACCES\); add yourself to the group/,
    );
  }
  webcam.denied = false;
  webcam.busy = true;
  const busy = await errorOf({ kernel });
  assert.ok(busy instanceof DeviceBusy);
  assert.match(busy.message, /another program is using it \(EBUSY\); close that one/);
  webcam.unplug();
  assert.match((await errorOf({ kernel })).message, /\(ENOENT\).*\(no camera is here\)$/);
  assert.equal(kernel.held, 0);
});

Deno.test("Camera refuses a second user and leaves the first alone", async () => {
  const kernel = new FakeVideoKernel();
  await using first = new Camera({ kernel });
  await first.get();
  assert.ok(await errorOf({ kernel }) instanceof DeviceBusy);
  await first.get();
  assert.equal(first.error, null);
});

Deno.test("new Camera() refuses options that make no sense at once", () => {
  const kernel = new FakeVideoKernel();
  const refused = (options: object, error: object) =>
    assert.throws(() => new Camera({ kernel, ...options }), error);
  refused({ width: 0 }, { name: "RangeError", message: /whole numbers of pixels from 1 to 16383/ });
  refused({ fps: NaN }, { name: "RangeError", message: /give 1 to 1000/ });
  refused({ pixelFormat: "RGB3" }, { name: "RangeError", message: /give one of I420/ });
  refused({ camera: -1 }, RangeError);
  refused({ camera: "" }, TypeError);
  assert.equal(kernel.held, 0);
});

Deno.test("Camera fails with a control in its options that it does not have", async () => {
  const kernel = new FakeVideoKernel();
  const error = await errorOf({ kernel, controls: { flavour: 1 } });
  assert.match(
    error.message,
    /^Cannot find control "flavour" of camera "\/dev\/video0": it has brightness/,
  );
  assert.equal(kernel.held, 0);
});

Deno.test("Camera.setControl() knows short names, buttons and what can only be read", async () => {
  const kernel = new FakeVideoKernel();
  await using camera = new Camera({ kernel });
  assert.equal(await camera.setControl("exposure", 500), 500);
  assert.equal(await camera.getControl("Exposure Time, Absolute"), 500);
  assert.equal(await camera.setControl("focus", 10), 10);
  assert.equal(await camera.setControl("white_balance_automatic", false), false);
  assert.equal(await camera.setControl("power_line_frequency", 3), "Auto");
  await assert.rejects(camera.setControl("power_line_frequency", 2), /no item 2/); // a hole in the menu
  await assert.rejects(camera.setControl("gain_measured", 1), /it can only be read/);
  await assert.rejects(camera.getControl("force_key_frame"), /it can only be set/);
  await camera.setControl("force_key_frame", 1);
});

Deno.test("Camera.list() leaves out what gives no pictures", async () => {
  const kernel = new FakeVideoKernel({ cameras: [{ formats: YUYV_AND_MORE }, { capture: false }] });
  const cameras = await Camera.list({ kernel });
  assert.equal(cameras.length, 1);
  const [{ name, path, bus, formats }] = cameras as [typeof cameras[0] & object];
  assert.deepEqual([name, path, bus], ["Fake Webcam", "/dev/video0", "usb-fake-1"]);
  assert.deepEqual(formats.map(({ pixelFormat }) => pixelFormat), ["I420", "NV12", "YUYV", "GRAY"]);
  assert.deepEqual(formats[2]!.sizes, [{ width: 640, height: 480, fps: [30] }]);
  assert.deepEqual(formats[0]!.range, {
    ...{
      minWidth: 16,
      maxWidth: 1920,
      stepWidth: 2,
      minHeight: 16,
      maxHeight: 1920,
      stepHeight: 2,
    },
  });
  assert.equal(kernel.held, 0);
});

Deno.test("Camera leaves damaged pictures out, counts them, and fails when there are no others", async () => {
  const kernel = new FakeVideoKernel();
  const [webcam] = kernel.cameras;
  webcam.damage = 3;
  await using camera = new Camera({ kernel, stallTimeoutMs: 600 });
  assert.ok(readTestCard(await camera.get())! >= 3);
  assert.equal(camera.damaged, 3);
  webcam.damage = Infinity;
  assert.match((await camera.onError())!.message, /no picture has come for 600 ms/);
});

Deno.test("Camera gives the newest picture to a slow preprocess, and builds no backlog", async () => {
  const clock = new ManualClock();
  const kernel = new FakeVideoKernel({ clock });
  const channel = new BroadcastChannel("camera_test: slow preprocess");
  const begun: (() => void)[] = [];
  channel.onmessage = () => begun.shift()?.();
  const begins = () => new Promise<void>((resolve) => begun.push(resolve));
  try {
    await using camera = new Camera({
      kernel,
      preprocess: async (pixels) => {
        const channel = new BroadcastChannel("camera_test: slow preprocess");
        channel.postMessage("begun");
        await new Promise((go) => channel.onmessage = go);
        channel.close();
        return pixels;
      },
    });
    const frames = camera.subscribe();
    await camera.onReady();
    const first = begins();
    clock.advance(34);
    await first;
    for (let i = 1; i < 10; i++) {
      clock.advance(1000 / 30);
      await settle();
    }
    const second = begins();
    channel.postMessage("go");
    assert.equal(readTestCard(await frames.get()), 0);
    await second;
    channel.postMessage("go");
    assert.equal(readTestCard(await frames.get()), 9);
    assert.equal(camera.dropped, 0);
  } finally {
    channel.close();
  }
});

Deno.test("Camera.encoded says why it has nothing when the camera does not compress", async () => {
  const kernel = new FakeVideoKernel();
  await using camera = new Camera({ kernel, pixelFormat: "H264" });
  await assert.rejects(camera.encoded.get(), {
    message: 'Cannot pass on what camera "/dev/video0" compresses: it gives YUYV; ' +
      'make it with pixelFormat: "H264" if it can, or take its frames',
  });
  assert.equal((await camera.get()).format, "I420");
});
