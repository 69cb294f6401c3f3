/** `deno task doctor`: what it finds with fakes and for real, what it says of it, and that nothing stops it. */
import assert from "node:assert/strict";
import { Asking } from "../../scripts/doctor/asking.ts";
import { isOnPath, mayUse } from "../../scripts/doctor/access.ts";
import { piCameras, webcams } from "../../scripts/doctor/cameras.ts";
import { inputs, screen, serialPorts, sound } from "../../scripts/doctor/devices.ts";
import type { Finding } from "../../scripts/doctor/finding.ts";
import { examineLibrary, libraries, networks } from "../../scripts/doctor/libraries.ts";
import { programs, type Run, runProgram, testPrograms } from "../../scripts/doctor/programs.ts";
import { howToMend, report } from "../../scripts/doctor/report.ts";
import type { InputInfo } from "../../lib/devices/input_port.ts";
import type { SoundDevice } from "../../lib/devices/sound_port.ts";
import { DeviceMissing, LibraryMissing, SystemCallError } from "../../lib/errors.ts";
import { FakeVideoKernel } from "../../lib/testing/fake_video_kernel.ts";
import { within } from "../connection/pair.ts";
import { screenTest } from "../devices/screen.ts";
import { HAS_PULSE, pulseTitle, SINE, SINK, startPulse } from "../devices/sound_server.ts";
import { startXvfb } from "../devices/x11.ts";

const ROOT = new URL("../../", import.meta.url);

const lines = (findings: readonly Finding[]) =>
  findings.map(({ name, state, detail }) => `${state} ${name}: ${detail}`);
const missing = (name: string, mend: Finding["mend"]): Finding => ({
  ...{ name, state: "missing", detail: "not found", ...(mend ? { mend } : {}) },
});

Deno.test("report() shows each group, and the lines that mend it", () => {
  const text = report([
    { title: "Cameras", findings: [{ name: "webcams", state: "none", detail: "none found" }] },
    {
      title: "Libraries",
      findings: [
        { name: "libvpx", state: "here", detail: "1.12.0", use: "video" },
        { ...missing("libopus", { apt: "libopus0" }), use: "sound" },
      ],
    },
  ], { os: "linux" });
  assert.equal(
    text,
    [
      "Cameras",
      "  – webcams          none found",
      "",
      "Libraries",
      "  ✓ libvpx           1.12.0     video",
      "  ✗ libopus          not found  sound",
      "",
      "To mend it:",
      "  sudo apt install libopus0",
    ].join("\n"),
  );
});

Deno.test("report() says what to do next when all is well, or when it could not look", () => {
  const of = (state: Finding["state"]) =>
    report([{ title: "A", findings: [{ name: "b", state, detail: "c" }] }], { os: "linux" });
  assert.match(of("here"), /All is well: sh scripts\/demo\.sh/);
  assert.match(of("none"), /All is well/);
  assert.match(of("unknown"), / {2}\? b +c\n\nTo look everywhere:\n {2}deno task doctor$/);
});

Deno.test("report() is the same text with colours and without", () => {
  const groups = [{ title: "A", findings: [missing("b", { group: "video" })] }];
  const colored = report(groups, { os: "linux", color: true });
  assert.notEqual(colored, report(groups, { os: "linux" }));
  // deno-lint-ignore no-control-regex
  assert.equal(colored.replaceAll(/\x1b\[\d+m/g, ""), report(groups, { os: "linux" }));
});

Deno.test("howToMend() joins all groups and all packages in a line each", () => {
  const findings = [
    missing("a", { group: "video" }),
    missing("b", { group: "input" }),
    missing("c", { group: "video" }),
    missing("d", { apt: "libopus0", brew: "opus" }),
    missing("e", { apt: "ffmpeg", brew: "ffmpeg" }),
    missing("f", { setup: "demo", brew: "libvpx" }),
    { ...missing("g", { apt: "not-wanted" }), state: "here" as const },
  ];
  assert.deepEqual(howToMend(findings, "linux"), [
    "sh scripts/setup.sh",
    "sudo apt install libopus0 ffmpeg",
    "sudo usermod -aG video,input $USER   # and log in again",
  ]);
  assert.deepEqual(
    howToMend([...findings, missing("h", { setup: "test" })], "linux")[0],
    [
      "sh scripts/setup.sh test",
    ][0],
  );
  assert.deepEqual(howToMend(findings, "darwin"), [
    "brew install opus",
    "brew install ffmpeg",
    "brew install libvpx",
  ]);
  assert.match(howToMend(findings, "windows")[0]!, /^install a, b, .+ on the PATH$/);
});

Deno.test("webcams() tells formats and sizes, what is denied, and skips what is no camera", async () => {
  const kernel = new FakeVideoKernel({
    cameras: [{ name: "Front" }, { name: "Back" }, { capture: false }],
  });
  kernel.cameras[1]!.denied = true;
  const found = await webcams(kernel);
  assert.equal(found.length, 2, lines(found).join("\n"));
  assert.match(lines(found)[0]!, /^here \/dev\/video0: Front: YUYV to \d+x\d+ \d+ fps/);
  assert.equal(lines(found)[1], "denied /dev/video1: permission denied");
  assert.deepEqual(howToMend(found, "linux"), [
    "sudo usermod -aG video $USER   # and log in again",
  ]);
});

Deno.test("piCameras() lists what the Pi's command sees", async () => {
  const asked: string[] = [];
  const pi = (text: string): Run => (command, args) => {
    asked.push([command, ...args].join(" "));
    return Promise.resolve(
      command === "rpicam-vid" ? { state: "absent", text: "" } : { state: "ran", text },
    );
  };
  const list = "Available cameras\n-----------------\n" +
    "0 : imx219 [3280x2464 10-bit RGGB] (/base/soc/i2c0mux/i2c@1/imx219@10)\n" +
    "    Modes: 'SRGGB10_CSI2P' : 640x480 [103.33 fps]\n";
  assert.deepEqual(lines(await piCameras(pi(list))), [
    "here Pi's camera 0: imx219: H264 or pictures, sensor 3280x2464",
  ]);
  assert.deepEqual(asked, ["rpicam-vid --list-cameras", "libcamera-vid --list-cameras"]);
  assert.match(lines(await piCameras(pi("No cameras available!")))[0]!, /^none .* sees none/);
  const none: Run = () => Promise.resolve({ state: "absent", text: "" });
  assert.deepEqual(lines(await piCameras(none)), ["none Pi's camera: no rpicam-vid here"]);
});

const USB: SoundDevice = {
  ...{ index: 0, name: "plughw:CARD=USB,DEV=0", description: "USB Audio, Hardware device" },
  ...{ channels: null, default: false, monitor: false, system: "alsa" },
};

Deno.test("sound() names microphones and speakers, and not ALSA's converters and monitors", async () => {
  const found = await sound(
    () =>
      Promise.resolve([
        { ...USB, system: "pulse", description: "Headset", channels: 1, default: true },
        { ...USB, system: "pulse", monitor: true },
      ]),
    () => Promise.resolve([USB, { ...USB, name: "speexrate" }, { ...USB, name: "hw:0" }]),
    () => [],
  );
  assert.deepEqual(lines(found), [
    "here microphone: Headset, mono, the usual one (PulseAudio)",
    "here speaker: USB Audio, plughw:CARD=USB,DEV=0 (ALSA)",
  ]);
});

Deno.test("sound() tells of a card that may not be used, unless a sound server has it", async () => {
  const nothing = () => Promise.reject(new DeviceMissing("Cannot list microphones: none"));
  const denied = await sound(nothing, nothing, () => ["/dev/snd/pcmC0D0p"], () => false);
  assert.deepEqual(lines(denied), [
    "none microphone: no sound server and no sound card",
    "none speaker: no sound server and no sound card",
    "denied sound card: permission denied",
  ]);
  assert.match(howToMend(denied, "linux")[0]!, /usermod -aG audio/);
  const server = () => Promise.resolve<SoundDevice[]>([{ ...USB, system: "pulse" }]);
  assert.equal((await sound(server, server, () => ["/dev/snd/pcmC0D0p"], () => false)).length, 2);
});

Deno.test("sound() goes on to speakers when the list of microphones fails", async () => {
  const found = await sound(
    () => Promise.reject(new SystemCallError("the server hangs", "ETIMEDOUT")),
    () => Promise.resolve([USB]),
    () => [],
  );
  assert.deepEqual(found.map(({ state }) => state), ["unknown", "here"]);
});

const PAD: InputInfo = {
  ...{ path: "/dev/input/event7", name: "Pad", kinds: ["gamepad"], vendor: 1, product: 2 },
  ...{ serial: "", rumble: true },
};

Deno.test("inputs() tells what each is and whether it rumbles, and what is denied", async () => {
  const backend = (denied: string[]) => ({
    scan: () =>
      Promise.resolve({
        found: [
          { ...PAD, name: "Keys", kinds: ["keyboard", "mouse"] as const, rumble: false },
          { ...PAD, name: "Power button", kinds: [] },
          PAD,
        ],
        denied,
      }),
    open: () => assert.fail("opened"),
    changed: () => Promise.resolve(),
  });
  assert.deepEqual(lines(await inputs(backend([]))), [
    "here gamepad: /dev/input/event7  Pad, rumbles",
    "here keyboard and mouse: /dev/input/event7  Keys",
  ]);
  const found = await inputs(backend(["/dev/input/event0", "/dev/input/event1"]));
  assert.equal(
    lines(found).at(-1),
    "denied inputs: permission denied for /dev/input/event0 and 1 more",
  );
  assert.match(howToMend(found, "linux")[0]!, /usermod -aG input/);
});

Deno.test("serialPorts() tells which may be used", async () => {
  const list = () =>
    Promise.resolve([
      { url: "/dev/ttyACM0", id: "/dev/serial/by-id/usb-Uno", name: "Arduino Uno" },
      { url: "/dev/ttyS0", id: null, name: null },
    ]);
  const found = await serialPorts(list, (path) => path === "/dev/ttyACM0");
  assert.deepEqual(lines(found), [
    "here /dev/ttyACM0: Arduino Uno  /dev/serial/by-id/usb-Uno",
    "denied /dev/ttyS0: of the machine itself: permission denied",
  ]);
  assert.match(howToMend(found, "linux")[0]!, /usermod -aG dialout/);
});

Deno.test("screen() says why there can be no windows", () => {
  const failing = (error: Error) => () => {
    throw error;
  };
  const noScreen = new DeviceMissing("Cannot open a window: no screen (no X11); start it on one");
  assert.deepEqual(lines(screen(failing(noScreen))), ["none windows: no screen (no X11)"]);
  assert.deepEqual(lines(screen(failing(new LibraryMissing("no SDL")))), [
    "none windows: SDL 2 is missing",
  ]);
});

Deno.test("examineLibrary() tells a library that is missing, and how it is got", () => {
  const candidates = { linux: ["libnowhere.so.1"], darwin: ["libnowhere"], windows: ["nowhere"] };
  const install = { linux: "get it", darwin: "get it", windows: "get it" };
  const spec = { name: "libnowhere", candidates, install };
  const found = examineLibrary({ spec, use: "none", mend: { apt: "nowhere1" } });
  assert.deepEqual(lines([found]), ["missing libnowhere: not found"]);
  assert.deepEqual(howToMend([found], "linux"), ["sudo apt install nowhere1"]);
});

Deno.test("libraries() and networks() find this machine's", () => {
  assert.equal(libraries().filter(({ required }) => required).length, 1);
  assert.ok(networks().every(({ detail }) => /[.:]/.test(detail)));
  const offline = networks([
    { name: "lo", family: "IPv4", address: "127.0.0.1", loopback: true },
  ]);
  assert.match(offline[0]!.detail, /there is no network/);
});

Deno.test("programs() takes any of a program's names, and tells its version", async () => {
  const run: Run = (command) =>
    Promise.resolve(
      command === "google-chrome"
        ? { state: "ran", text: "Google Chrome 123.0.1\n" }
        : { state: "absent", text: "" },
    );
  assert.deepEqual(lines(await programs(run)), ["missing ffmpeg: not found"]);
  const found = await testPrograms(run);
  assert.ok(lines(found).includes("here chromium: 123.0.1"));
  assert.equal(howToMend(found, "linux")[0], "sh scripts/setup.sh test");
});

Deno.test("runProgram() tells what ran from what is not there", async () => {
  assert.equal((await runProgram("rtcbot-no-such-program", [])).state, "absent");
  const { state, text } = await runProgram(Deno.execPath(), ["--version"]);
  assert.equal(state, "ran");
  assert.match(text, /^deno \d/);
});

const onUnix = { ignore: Deno.build.os === "windows" };
Deno.test("mayUse() and isOnPath() ask the system", onUnix, () => {
  assert.deepEqual([mayUse("/dev/null"), mayUse("/dev/rtcbot")], [true, false]);
  assert.deepEqual([isOnPath("sh"), isOnPath("rtcbot-no-such-program")], [true, false]);
});

/** A thread that answers, throws, hangs or ends as it is asked to. */
const worker = () =>
  new Worker(
    `data:text/javascript,${
      encodeURIComponent(`
        onmessage = ({ data }) => {
          if (data === "hang") for (;;);
          if (data === "throw") throw new Error("out of order");
          postMessage({ findings: [{ name: data, state: "here", detail: "yes" }] });
        };
        postMessage("ready");`)
    }`,
    { type: "module" },
  );

Deno.test("Asking.ask() goes on after a probe that hangs, and one that throws", async () => {
  using asking = new Asking(worker, 5000);
  const named = async (name: string) => {
    const answer = await asking.ask(name);
    return "problem" in answer ? answer.problem : answer.findings[0]!.name;
  };
  assert.equal(await named("first"), "first");
  assert.equal(await named("hang"), "no answer within 5 s");
  assert.equal(await named("second"), "second");
  assert.match(await named("throw"), /out of order/);
  assert.equal(await named("third"), "third");
});

/** Runs the doctor. */
async function doctor(allowed: string[], env: Record<string, string> = {}): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", ...allowed, "scripts/doctor.ts"],
    ...{ cwd: ROOT, stdin: "null", stdout: "piped", stderr: "piped" },
    env: { NO_COLOR: "1", ...env },
  }).spawn();
  try {
    const { success, stdout } = await within(90_000, child.output(), "the doctor's end");
    const text = new TextDecoder().decode(stdout);
    assert.ok(success || / ✗ libvpx/.test(text), text);
    return text;
  } catch (error) {
    child.kill("SIGKILL");
    await child.status;
    throw error;
  }
}

Deno.test("doctor.ts runs without any permission, asks for none, and says where it did not look", async () => {
  const text = await doctor([]);
  assert.match(text, /\n {2}\? libraries +not looked: needs --allow-ffi\n/);
  assert.match(text, /\nTo look everywhere:\n {2}deno task doctor\n$/);
});

Deno.test("doctor.ts looks everywhere with the permissions of its task", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const allowed = (tasks.doctor.command as string).split(" ").filter((word) =>
    word.startsWith("--allow-")
  );
  assert.ok(!allowed.includes("--allow-all"));
  const text = await doctor(allowed);
  assert.match(text, /\n {2}✓ Deno +\d/);
  assert.doesNotMatch(text, /not looked/);
});

Deno.test({
  name: pulseTitle("doctor.ts names the microphones and speakers of a sound server"),
  ignore: !HAS_PULSE,
  async fn() {
    await using server = await startPulse();
    await server.load(...SINK);
    await server.load(...SINE);
    const text = await doctor(["--allow-ffi", "--allow-read=."], { PULSE_SERVER: server.address });
    assert.match(text, /\n {2}✓ microphone +\S.+ mono, .+\(PulseAudio\)\n/);
    assert.match(text, /\n {2}✓ speaker +Null Output, 2 channels, the usual one \(PulseAudio\)\n/);
  },
});

screenTest("doctor.ts finds a screen", async () => {
  await using xvfb = await startXvfb();
  const env = { DISPLAY: xvfb.display, WAYLAND_DISPLAY: "", SDL_VIDEODRIVER: "" };
  const text = await doctor(["--allow-ffi", "--allow-read=."], env);
  assert.match(text, /\n {2}✓ windows +800x600\n/);
});
