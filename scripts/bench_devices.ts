/**
 * What a whole robot costs, and how late its event loop is: a camera (640x480 at 30, YUYV) that a viewer watches as
 * VP8, a microphone that a speaker plays, a serial board that talks at 115200 baud and a gamepad that is moved 100
 * times a second, all at once. A benchmark, never a test: what it prints depends on the machine.
 *
 *     deno run -A scripts/bench_devices.ts [--seconds 20] [--runs 3]
 *
 * Needs Linux, libvpx, and PulseAudio, of which it starts one of its own. The viewer, who decodes, and the board are
 * in a second process (`--others`). The camera's kernel and the pad are fakes in the robot's, and counted with it.
 */
import process from "node:process";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { parseArgs } from "node:util";
import { drawPicture } from "../lib/testing/fake_webcam_pictures.ts";
import { FakeGamepad, FakeVideoKernel } from "../lib/testing.ts";
import { Camera, Microphone, RTCConnection, SerialConnection, Speaker } from "../mod.ts";
import { quantile } from "../tests/connection/simulated_viewer.ts";
import { openPty } from "../tests/devices/pty.ts";
import { SINK, startPulse } from "../tests/devices/sound_server.ts";

const { values: flags } = parseArgs({
  args: Deno.args,
  options: {
    seconds: { type: "string", default: "20" },
    runs: { type: "string", default: "1" },
    others: { type: "boolean" },
  },
});
const SECONDS = Number(flags.seconds);
const LOCAL = { rtcConfiguration: { iceServers: [] } };
const SIZE = { width: 640, height: 480 };
const WARM_UP_MS = 5000;
const TICK_MS = 5;
/** 115200 baud: ten bits a byte. */
const BOARD_BYTES_PER_S = 11_520;
const PAD_HZ = 100;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Calls an action at a steady rate, catching up when it was late. */
function steadily(hz: number, action: () => void): Disposable {
  const begin = performance.now();
  let done = 0;
  const timer = setInterval(() => {
    const due = Math.floor((performance.now() - begin) / 1000 * hz);
    for (; done < due; done++) action();
  }, 1000 / hz);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** How much later timers fire than they were set for, in sorted milliseconds, and the CPU that the process used. */
async function measure(ms: number): Promise<{ late: number[]; corePercent: number }> {
  const late: number[] = [];
  const begin = performance.now(), before = process.cpuUsage();
  while (performance.now() - begin < ms) {
    const due = performance.now() + TICK_MS;
    await pause(TICK_MS);
    late.push(Math.max(0, performance.now() - due));
  }
  const { user, system } = process.cpuUsage(before);
  const corePercent = (user + system) / 10 / (performance.now() - begin);
  return { late: late.sort((a, b) => a - b), corePercent };
}

function inWords({ late, corePercent }: Awaited<ReturnType<typeof measure>>): string {
  const at = (part: number) => quantile(late, part).toFixed(1);
  return `CPU ${corePercent.toFixed(1)} % of a core; the event loop is late by p50 ${at(0.5)}, ` +
    `p95 ${at(0.95)}, p99 ${at(0.99)}, at most ${late.at(-1)!.toFixed(1)} ms`;
}

/** The other process: a line of JSON in, a line of JSON out. */
async function beTheOthers(): Promise<void> {
  const { master, path } = openPty();
  using _board = steadily(100, () => master.write(new Uint8Array(BOARD_BYTES_PER_S / 100)));
  await using viewer = new RTCConnection(LOCAL);
  let seen = 0;
  viewer.video.subscribe(() => seen++);
  console.log(JSON.stringify({ path, offer: await viewer.getLocalDescription() }));
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === "seen") console.log(seen);
    else await viewer.setRemoteDescription(JSON.parse(line));
  }
  Deno.exit();
}

async function run(): Promise<void> {
  const idle = await measure(2000);
  console.log(`idle: ${inWords(idle)}`);

  await using others = startOthers();
  const { path, offer } = JSON.parse(await others.answer());
  await using pulse = await startPulse();
  await pulse.load(...SINK);

  const pictures = Array.from(
    { length: 30 },
    (_, number) => drawPicture({ number, fourcc: "YUYV", ...SIZE, keyFrame: false }),
  );
  const draw = ({ number }: { number: number }) => pictures[number % pictures.length]!;
  await using camera = new Camera({
    ...SIZE,
    kernel: new FakeVideoKernel({ cameras: [{ draw }] }),
  });
  await using robot = new RTCConnection(LOCAL);
  robot.video.putSubscription(camera);
  others.tell(JSON.stringify(await robot.getLocalDescription(offer)));
  await robot.onReady();

  // It hears what the speaker plays, round and round: nothing.
  await using microphone = new Microphone({ server: pulse.address, device: "out.monitor" });
  await using speaker = new Speaker({ server: pulse.address, device: "out" });
  speaker.putSubscription(microphone);
  await using board = new SerialConnection(path, { readFormat: null });
  await using gamepad = new FakeGamepad();
  await Promise.all([microphone, speaker, board, gamepad].map((device) => device.onReady()));

  let x = 0;
  using _hands = steadily(PAD_HZ, () => gamepad.move({ ABS_X: Math.sin(x++ / 10) }));
  const counts = { frames: 0, bytes: 0, blocks: 0, events: 0 };
  camera.subscribe(() => counts.frames++);
  board.subscribe((bytes) => counts.bytes += bytes.length);
  microphone.subscribe(() => counts.blocks++);
  gamepad.subscribe(({ code }) => counts.events += code === "ABS_X" ? 1 : 0);

  await pause(WARM_UP_MS);
  Object.assign(counts, { frames: 0, bytes: 0, blocks: 0, events: 0 });
  const underruns = speaker.underruns;
  const seenBefore = Number(await others.ask("seen")), begin = performance.now();
  const all = await measure(SECONDS * 1000);
  const seen = Number(await others.ask("seen")) - seenBefore;
  const tookS = (performance.now() - begin) / 1000;
  const rate = (count: number) => (count / tookS).toFixed(1);
  console.log(`all at once: ${inWords(all)}`);
  console.log(
    `  camera ${rate(counts.frames)} frames/s, of which the viewer saw ${rate(seen)}; ` +
      `serial ${(counts.bytes / tookS).toFixed(0)} of ${BOARD_BYTES_PER_S} bytes/s; ` +
      `sound ${rate(counts.blocks)} of 46.9 blocks/s, ${
        speaker.underruns - underruns
      } underruns; ` +
      `gamepad ${rate(counts.events)} of ${PAD_HZ} events/s`,
  );
}

/** The other process, as the robot sees it. */
interface Others extends AsyncDisposable {
  tell(line: string): void;
  answer(): Promise<string>;
  ask(line: string): Promise<string>;
}

function startOthers(): Others {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", import.meta.filename!, "--others"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const input = child.stdin.getWriter();
  const lines = createInterface({ input: Readable.fromWeb(child.stdout) })[Symbol.asyncIterator]();
  const tell = (line: string) => void input.write(new TextEncoder().encode(`${line}\n`));
  const answer = async () => String((await lines.next()).value);
  return {
    tell,
    answer,
    ask: (line: string) => (tell(line), answer()),
    async [Symbol.asyncDispose]() {
      await input.close();
      await child.status;
    },
  };
}

if (flags.others) await beTheOthers();
for (let i = 0; i < Number(flags.runs); i++) await run();
Deno.exit();
