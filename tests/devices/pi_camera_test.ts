import assert from "node:assert/strict";
import { createVideoDecoder } from "../../lib/codecs/choose.ts";
import { PiCamera } from "../../lib/devices/pi_camera.ts";
import type { PiCameraOptions } from "../../lib/devices/pi_camera_args.ts";
import {
  DeviceBusy,
  DeviceMissing,
  LibraryMissing,
  SubscriptionClosed,
  SystemCallError,
} from "../../lib/errors.ts";
import type { EncodedVideo } from "../../lib/media/encoded.ts";
import type { VideoFrame } from "../../lib/media/video_frame.ts";
import { nalType, readSps, splitNalUnits } from "../../lib/wire/h264_bitstream.ts";
import { alive, ffmpegTest, until } from "./ffmpeg_tools.ts";
import type { PiScenario } from "./pi_command.ts";
import { piStandIn } from "./pi_stand_in.ts";

const GREY = [191, 191, 191] as const;
const BLUE = [0, 0, 191] as const;
const BARS: PiScenario = {};
const MOVING: PiScenario = { picture: "testsrc2" };

/** A camera with a stand-in for its command. */
async function withCamera(
  scenario: PiScenario,
  options: PiCameraOptions,
  fn: (camera: PiCamera, runs: () => string[]) => Promise<void>,
  names?: readonly string[],
): Promise<void> {
  await using standIn = await piStandIn(scenario, names);
  await using camera = new PiCamera({ commands: standIn.commands, ...options });
  await fn(camera, standIn.runs);
}

function colorAt(frame: VideoFrame, x: number, y: number): number[] {
  const at = 3 * (Math.floor(y * frame.height) * frame.width + Math.floor(x * frame.width));
  return [...frame.toRGB().data.subarray(at, at + 3)];
}

function assertColor(frame: VideoFrame, x: number, y: number, want: readonly number[]): void {
  const got = colorAt(frame, x, y);
  assert.ok(got.every((level, i) => Math.abs(level - want[i]!) <= 8), `${got}, not ${want}`);
}

async function take<T>(count: number, from: { get(): Promise<T> }): Promise<T[]> {
  const values: T[] = [];
  while (values.length < count) values.push(await from.get());
  return values;
}

ffmpegTest("PiCamera gives frames of the size that was asked", async () => {
  await withCamera(BARS, {}, async (camera, runs) => {
    const frame = await camera.get();
    assert.deepEqual([frame.width, frame.height, frame.format], [320, 240, "I420"]);
    assert.ok(camera.ready);
    assert.match(camera.command!, /rpicam-vid$/);
    assertColor(frame, 0.05, 0.2, GREY);
    assertColor(frame, 0.95, 0.2, BLUE);
    const later = await camera.get();
    assert.ok(later.timestampUs > frame.timestampUs);
    assert.deepEqual(runs(), [
      "rpicam-vid --timeout 0 --nopreview --verbose --flush --width 320 --height 240 " +
      "--framerate 30 --codec yuv420 --output -",
    ]);
  });
});

for (const [pi, align] of [["a Pi 4", 64], ["a Pi 5", 128]] as const) {
  ffmpegTest(`PiCamera reads rows as wide as ${pi} makes them`, async () => {
    for (const width of [100, 320]) {
      await withCamera({ align }, { width, height: 98 }, async (camera) => {
        const [, frame] = await take(2, camera.subscribe());
        assert.deepEqual([frame!.width, frame!.height], [width, 98]);
        assertColor(frame!, 0.05, 0.3, GREY);
        assertColor(frame!, 0.99, 0.3, BLUE);
      });
    }
  });
}

ffmpegTest("PiCamera assumes the usual rows when the command says nothing of them", async () => {
  await withCamera({ quiet: true }, { width: 100, height: 64 }, async (camera) => {
    assertColor(await camera.get(), 0.99, 0.3, BLUE);
  });
});

ffmpegTest("PiCamera gives the size that the camera took instead", async () => {
  await withCamera({ size: [160, 120] }, { width: 150, height: 110 }, async (camera) => {
    const frame = await camera.get();
    assert.deepEqual([frame.width, frame.height], [160, 120]);
    assertColor(frame, 0.99, 0.3, BLUE);
  });
});

ffmpegTest("PiCamera flips and turns", async () => {
  await withCamera(BARS, { hflip: true }, async (camera) => {
    assertColor(await camera.get(), 0.05, 0.2, BLUE);
  });
  await withCamera(BARS, { vflip: true }, async (camera) => {
    assertColor(await camera.get(), 0.05, 0.8, GREY);
  });
  await withCamera(BARS, { rotation: 180 }, async (camera) => {
    assertColor(await camera.get(), 0.05, 0.8, BLUE);
  });
});

ffmpegTest("PiCamera.encoded passes the Pi's H.264 on, whole and in order", async () => {
  await withCamera(MOVING, { intra: 5, bitrate: 400_000 }, async (camera, runs) => {
    const chunks: EncodedVideo[] = await take(12, camera.encoded.subscribe());
    const keys = chunks.flatMap(({ keyFrame }, i) => keyFrame ? [i] : []);
    assert.deepEqual(keys, [0, 5, 10]);
    const [sps, pps, idr] = splitNalUnits(chunks[5]!.data);
    assert.deepEqual([nalType(sps!), nalType(pps!), nalType(idr!)], [7, 8, 5]);
    assert.equal(readSps(sps!).profile, 66); // baseline
    assert.ok(
      chunks.every(({ codec, width, height }) =>
        codec === "H264" && width === 320 && height === 240
      ),
    );
    using decoder = createVideoDecoder({ codec: "H264" });
    for (const chunk of chunks) assert.equal((await decoder.decode(chunk))?.width, 320);
    assert.deepEqual([camera.encoded.codec, camera.ready, camera.encoded.ready], [
      "H264",
      true,
      true,
    ]);
    assert.match(
      runs()[0]!,
      / --codec h264 --inline --profile baseline --intra 5 --bitrate 400000 /,
    );
  });
});

ffmpegTest("PiCamera.encoded does not hold a picture back until the next one comes", async () => {
  await withCamera({ ...MOVING, silentAfter: 4 }, {}, async (camera) => {
    assert.equal((await take(4, camera.encoded.subscribe())).length, 4);
  });
});

ffmpegTest(
  "PiCamera.encoded is whole too when the command's words are broken or missing",
  async () => {
    for (const words of [{ garbled: true }, { quiet: true }]) {
      await withCamera({ ...MOVING, ...words }, { intra: 50 }, async (camera) => {
        const chunks = await take(20, camera.encoded.subscribe());
        using decoder = createVideoDecoder({ codec: "H264" });
        for (const chunk of chunks) assert.equal((await decoder.decode(chunk))?.width, 320);
      });
    }
  },
);

ffmpegTest("PiCamera gives decoded frames to who wants both, and starts anew for it", async () => {
  await withCamera(BARS, { width: 160, height: 128 }, async (camera, runs) => {
    const frames = camera.subscribe();
    assertColor(await frames.get(), 0.05, 0.2, GREY);
    const chunk = await camera.encoded.subscribe().get();
    assert.ok(chunk.keyFrame);
    assert.equal(camera.starts, 2);
    assert.match(runs()[1]!, /--codec h264/);
    const [, , frame] = await take(3, frames);
    assert.deepEqual([frame!.width, frame!.height], [160, 128]);
    assertColor(frame!, 0.95, 0.2, BLUE);
  });
});

ffmpegTest("PiCamera does without options that an older build has not", async () => {
  await withCamera({ old: true }, {}, async (camera, runs) => {
    assert.ok((await camera.encoded.subscribe().get()).keyFrame);
    assert.deepEqual([camera.starts, camera.error], [3, null]);
    assert.doesNotMatch(runs()[2]!, /--libav-format|--low-latency/);
  });
});

ffmpegTest("PiCamera takes libcamera-vid where that is the name", async () => {
  await withCamera(BARS, {}, async (camera) => {
    assertColor(await camera.get(), 0.05, 0.2, GREY);
    assert.match(camera.command!, /libcamera-vid$/);
  }, ["libcamera-vid", "raspivid"]);
});

ffmpegTest("PiCamera takes raspivid in the legacy stack", async () => {
  await withCamera(BARS, { width: 100, height: 50, vflip: true }, async (camera, runs) => {
    assertColor(await camera.get(), 0.99, 0.8, BLUE);
    assert.equal(runs()[0], "raspivid -t 0 -n -fl -w 100 -h 50 -fps 30 -vf -rf yuv -r -");
  }, ["raspivid"]);
  await withCamera(MOVING, { intra: 5 }, async (camera, runs) => {
    const chunks = await take(8, camera.encoded.subscribe());
    assert.deepEqual(chunks.map(({ keyFrame }) => keyFrame).indexOf(true, 1), 5);
    assert.match(runs()[0]!, / -cd H264 -ih -pf baseline -g 5 -b \d+ -o -$/);
  }, ["raspivid"]);
});

ffmpegTest("PiCamera turns by 90 degrees only with raspivid", async () => {
  await withCamera(BARS, { rotation: 90 }, async (camera) => {
    assertColor(await camera.get(), 0.8, 0.05, GREY); // what was on the left is on top
    assert.match(camera.command!, /raspivid$/);
  }, ["rpicam-vid", "raspivid"]);
  await using camera = new PiCamera({ commands: ["rpicam-vid"], rotation: 270 });
  const error = await camera.onError();
  assert.match(
    error!.message,
    /only raspivid turns the picture by 90 degrees, .+; give rotation 0 or/,
  );
});

ffmpegTest(
  "PiCamera fails with a sentence of its own for each way of having no camera",
  async () => {
    const cases: readonly [PiScenario, PiCameraOptions, string, typeof DeviceMissing, RegExp][] = [
      [
        { cameras: 0 },
        {},
        "rpicam-vid",
        DeviceMissing,
        /no cameras available \*\*\*"; check its ribbon/,
      ],
      [{}, { camera: 3 }, "rpicam-vid", DeviceMissing, /selected camera is not available/],
      [
        { busy: true },
        {},
        "libcamera-vid",
        DeviceBusy,
        /failed to acquire .+; close the program that/,
      ],
      [{ cameras: 0 }, {}, "raspivid", DeviceMissing, /Camera is not detected/],
    ];
    for (const [scenario, options, name, kind, sentence] of cases) {
      await withCamera(scenario, options, async (camera) => {
        const error = await camera.onError();
        assert.ok(error instanceof kind, String(error));
        assert.match(error.message, /^Cannot open the Pi's camera: \S+ says "/);
        assert.match(error.message, sentence);
        await assert.rejects(camera.get(), error);
        assert.equal(camera.encoded.error, error);
      }, [name]);
    }
  },
);

ffmpegTest(
  "PiCamera fails with the command's words when it does not know an argument",
  async () => {
    await withCamera(BARS, { args: ["--wings", "2"] }, async (camera) => {
      const error = await camera.onError();
      assert.ok(error instanceof SystemCallError);
      assert.match(error.message, /unrecognised option '--wings' .*; check the option args/);
    });
  },
);

Deno.test("PiCamera fails when there is none of its commands", async () => {
  await using camera = new PiCamera({ commands: ["/nowhere/rpicam-vid", "/nowhere/raspivid"] });
  const error = await camera.onError();
  assert.ok(error instanceof LibraryMissing, String(error));
  assert.match(
    error.message,
    /there is no \S+rpicam-vid or \S+raspivid on this machine; install it with/,
  );
});

Deno.test("PiCamera refuses what makes no sense", () => {
  const refused: readonly PiCameraOptions[] = [
    ...[{ width: 101 }, { height: 0 }, { fps: 0 }, { camera: -1 }, { intra: 1.5 }, { bitrate: 0 }],
    { rotation: 45 as 90 },
  ];
  for (const options of refused) assert.throws(() => new PiCamera(options), RangeError);
});

ffmpegTest("PiCamera.close() leaves no process", async () => {
  await using standIn = await piStandIn();
  const camera = new PiCamera({ commands: standIn.commands });
  await camera.onReady();
  const pid = camera.pid!;
  await camera.close();
  assert.equal(await alive(pid), false);
  assert.throws(() => camera.subscribe(), SubscriptionClosed);
  assert.throws(() => camera.encoded.subscribe(), SubscriptionClosed);
  const brief = new PiCamera({ commands: standIn.commands });
  await brief.close();
  assert.deepEqual([brief.starts, brief.error], [0, null]);
});

ffmpegTest("PiCamera fails when its command ends, and goes on if it shall reconnect", async () => {
  await withCamera({ diesAfter: 3 }, {}, async (camera) => {
    const error = await camera.onError();
    assert.match(
      error!.message,
      /rpicam-vid says "ERROR: \*\*\* failed to start camera \*\*\*"; try /,
    );
  });
  await withCamera(BARS, { reconnect: true }, async (camera) => {
    const frames = camera.subscribe();
    await frames.get();
    Deno.kill(camera.pid!, "SIGKILL");
    await until("a second start", () => camera.starts === 2);
    assertColor(await frames.get(), 0.05, 0.2, GREY);
    assert.equal(camera.error, null);
  });
});

ffmpegTest("PiCamera needs --allow-run=rpicam-vid, and nothing else", async () => {
  await using standIn = await piStandIn();
  const folder = standIn.commands[0]!.replace(/\/[^/]+$/, "");
  const { href } = new URL("../../lib/devices/pi_camera.ts", import.meta.url);
  const program = `${folder}/program.ts`;
  await Deno.writeTextFile(
    program,
    `import { PiCamera } from "${href}";
     const camera = new PiCamera();
     camera.get().then(({ width }) => console.log(width), (error) => console.log(String(error)))
       .finally(() => camera.close());`,
  );
  const run = async (...permissions: string[]) => {
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--no-check", ...permissions, program],
      env: { NO_COLOR: "1", PATH: `${folder}:${Deno.env.get("PATH")}` },
      ...{ stdin: "null", stderr: "null" },
    }).output();
    return new TextDecoder().decode(stdout);
  };
  assert.equal(await run("--allow-run=rpicam-vid"), "320\n");
  assert.match(await run(), /^NotCapable: Requires run access to "rpicam-vid"/);
});
