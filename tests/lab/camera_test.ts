/** `Camera` on cameras that the kernel has: vivid's, in the virtual hardware lab. */
import assert from "node:assert/strict";
import { Camera } from "../../lib/devices/camera.ts";
import type { CameraPixelFormat } from "../../lib/devices/camera_format.ts";
import { DeviceBusy, DeviceMissing } from "../../lib/errors.ts";
import type { VideoFrame } from "../../lib/media/video_frame.ts";
import { cameraContract } from "../contract/camera_contract.ts";
import { DEADLINE_MS, HINT, inLab, lab } from "./lab.ts";

cameraContract(
  "Camera, on vivid,",
  { number: "contrast", menu: "test_pattern", items: ["100% White", "75% Colorbar"] },
  () => {
    let camera: Camera;
    return {
      open: (options = {}) => {
        const controls = { test_pattern: "75% Colorbar", ...options.controls };
        camera = new Camera({ width: 320, height: 180, fps: 15, ...options, controls });
        return camera;
      },
      // It is back as soon as nobody has it open any more (vivid_fop_release in vivid-core.c).
      unplug: async () => void await camera.setControl("disconnect", 1),
      plugIn: () => {},
    };
  },
  { ignore: !inLab, hint: HINT, deadlineMs: DEADLINE_MS },
);

/** White, yellow, cyan, green, magenta, red, blue, black at 75 %, in BGR. */
const BARS = [7, 6, 5, 4, 3, 2, 1, 0].map((bits) => {
  // green, red, blue are switched by the bits of the bar's number, from the left
  const [green, red, blue] = [bits & 4, bits & 2, bits & 1].map((on) => on ? 191 : 0);
  return [blue!, green!, red!];
});

/** The colours along a row below vivid's text. */
function bars(frame: VideoFrame): number[][] {
  const { data, shape: [height, width] } = frame.toBGR();
  const row = Math.floor(height * 0.9);
  return BARS.map((_, bar) => {
    const at = 3 * (row * width + Math.floor((bar + 0.5) * width / 8));
    return [...data.subarray(at, at + 3)];
  });
}

/** Camera 1 is an HDMI input, whose colours are Rec. 709: a little off in BT.601. */
function assertBars(seen: readonly number[][], grey: boolean): void {
  const message = `the bars are ${seen.map(String).join(" | ")}`;
  for (const [bar, colour] of BARS.entries()) {
    const [darker, here] = [seen[bar + 1]?.[0] ?? -1, seen[bar]![0]!];
    if (grey) assert.ok(here > darker, message);
    for (const [channel, level] of grey ? [] : colour.entries()) {
      assert.ok(Math.abs(seen[bar]![channel]! - level) <= 40, message);
    }
  }
  for (const level of seen[0]!) assert.ok(Math.abs(level - 191) < 8, message);
}

for (const pixelFormat of ["YUYV", "NV12", "I420", "GRAY"] as const satisfies CameraPixelFormat[]) {
  for (const [camera, width, height] of [[0, 640, 360], [1, 644, 358]] as const) {
    lab(
      `Camera.get() shows vivid's colour bars from ${pixelFormat}, camera ${camera}`,
      async () => {
        const controls = { contrast: 128, test_pattern: "75% Colorbar" };
        // vivid of Linux 6.1 may fall asleep on a busy machine ("schedule_timeout: wrong timeout value").
        const options = { camera, width, height, fps: 10, pixelFormat, controls, reconnect: true };
        await using device = new Camera(options);
        const frame = await device.get();
        assert.deepEqual([device.format!.pixelFormat, frame.width, frame.height], [
          ...[pixelFormat, width, height],
        ]);
        assert.equal(frame.format, pixelFormat === "GRAY" ? "GRAY" : "I420");
        assertBars(bars(frame), pixelFormat === "GRAY");
      },
    );
  }
}

lab("Camera.format is the nearest that vivid has, and says so", async () => {
  const formatOf = async (options: ConstructorParameters<typeof Camera>[0]) => {
    await using camera = new Camera(options);
    await camera.onReady();
    const { width, height, fps } = camera.format!;
    return [width, height, fps];
  };
  assert.deepEqual(await formatOf({}), [320, 180, 30]);
  assert.deepEqual(await formatOf({ width: 1200, height: 700, fps: 10 }), [1280, 720, 10]);
  assert.deepEqual(await formatOf({ width: 640, height: 480, fps: 30 }), [640, 480, 25]);
  const [width, height] = await formatOf({ camera: 1, width: 101, height: 99 });
  assert.ok(Math.abs(width! - 101) <= 1 && Math.abs(height! - 99) <= 1, `${width}x${height}`);
});

lab("Camera.list() names vivid's cameras with what they can give", async () => {
  const [first, second] = await Camera.list();
  assert.deepEqual([first?.path, first?.name], ["/dev/video0", "vivid"]);
  const yuyv = first!.formats.find(({ pixelFormat }) => pixelFormat === "YUYV")!;
  const size = yuyv.sizes.find(({ width, height }) => width === 1280 && height === 720);
  assert.deepEqual(size?.fps.slice(0, 2), [12.5, 10]);
  const range = second!.formats[0]!.range!;
  assert.deepEqual([range.minWidth, range.stepWidth], [16, 2]);
});

lab("Camera is found by its path, a part of its name, and where it is plugged in", async () => {
  for (
    const [camera, path] of [
      ...[["/dev/video1", "/dev/video1"], ["VIV", "/dev/video0"], ["vivid-001", "/dev/video1"]],
    ] as const
  ) {
    await using device = new Camera({ camera: camera! });
    await device.onReady();
    assert.equal(device.path, path);
  }
});

lab("Camera says what hinders it: absent, no camera, busy, denied", async () => {
  const errorOf = async (camera: string | number) => {
    await using device = new Camera({ camera });
    return (await device.onError())!;
  };
  const absent = await errorOf(9);
  assert.ok(absent instanceof DeviceMissing);
  assert.match(
    absent.message,
    /^Cannot open camera "\/dev\/video9": there is no such device \(ENOENT\)/,
  );
  assert.match(absent.message, /here are \/dev\/video0 "vivid", \/dev\/video1 "vivid"/);
  assert.match(
    (await errorOf("webcam")).message,
    /^Cannot open camera "webcam": no camera has a name/,
  );
  const other = await errorOf("/dev/null");
  assert.ok(other instanceof DeviceMissing);
  assert.match(other.message, /"\/dev\/null": it is not a camera \(ENOTTY\)/);

  await using holder = new Camera();
  await holder.get();
  const busy = await errorOf(0);
  assert.ok(busy instanceof DeviceBusy);
  assert.match(busy.message, /another program is using it \(EBUSY\)/);
  assert.ok((await holder.get()) !== undefined); // it is not disturbed
});

lab(
  "Camera says that it may not be opened, to a user who is not in the group, with --allow-ffi",
  async () => {
    const folder = await Deno.makeTempDir();
    try {
      await Deno.chmod(folder, 0o777);
      const module = import.meta.resolve("../../lib/devices/camera.ts");
      const script = `${folder}/denied.ts`;
      await Deno.writeTextFile(
        script,
        `import { Camera } from ${JSON.stringify(module)};
       const camera = new Camera({ camera: 1 });
       console.log((await camera.onError())?.message);`,
      );
      const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "--no-prompt", "--no-check", "--no-config", "--allow-ffi", script],
        ...{ uid: 65534, gid: 65534, cwd: folder, env: { DENO_DIR: folder, HOME: folder } },
      }).output();
      const [said, complaints] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
      assert.match(
        said!,
        /^Cannot open camera "\/dev\/video1": permission denied \(EACCES\); add yourself to the group/,
        complaints!,
      );
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

lab("Camera passes an error of vivid's driver on, and opens again when told so", async () => {
  await using camera = new Camera({ reconnect: true, fps: 15 });
  const subscription = camera.subscribe();
  await subscription.get();
  await camera.setControl("inject_fatal_streaming_error", 1);
  const failedUs = performance.now() * 1000 + 50_000;
  let frame = await subscription.get();
  while (frame.timestampUs < failedUs) frame = await subscription.get();
  await using strict = new Camera({ camera: 1, fps: 15 });
  await strict.get();
  await strict.setControl("inject_fatal_streaming_error", 1);
  assert.match(
    (await strict.onError())!.message,
    /^Cannot read camera "\/dev\/video1" \(vivid\): the driver/,
  );
});

lab("Camera fails instead of being silent when no picture can be used", async () => {
  // vivid rounds the width of chroma down here, so each picture has too few bytes.
  const size = { width: 642, height: 358, pixelFormat: "I420" } as const;
  await using camera = new Camera({ camera: 1, ...size, stallTimeoutMs: 3000 });
  camera.subscribe();
  assert.match((await camera.onError())!.message, /only broken pictures have come for 3000 ms/);
});

lab("Camera leaves damaged pictures out and counts them", async () => {
  await using camera = new Camera({ fps: 15 });
  await camera.get();
  await camera.setControl("inject_v4l2_buf_flag_error", 1);
  while (camera.damaged === 0) await camera.get();
  assert.equal(camera.error, null);
});
