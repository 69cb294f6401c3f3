/**
 * What a further viewer costs the robot: its CPU and memory with 0, 1, 4, 10 and 20 viewers that receive and
 * do not decode.
 *
 *     deno run -A scripts/bench_viewers.ts [--seconds 10] [--viewers 0,1,4,10,20]
 *
 * Needs Linux (/proc). The viewers run in this process, the robot is scripts/bench_target.ts in its own.
 */
import { parseArgs } from "node:util";
import { RTCConnection } from "../mod.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    seconds: { type: "string", default: "10" },
    viewers: { type: "string", default: "0,1,4,10,20" },
  },
});
const PORT = 18_200;
const SETTLE_MS = 4_000;

const robot = new Deno.Command(Deno.execPath(), {
  args: [
    "run",
    "--no-prompt",
    "--allow-net",
    "--allow-ffi",
    "--allow-env",
    "scripts/bench_target.ts",
  ],
  env: { BENCH_PORT: String(PORT), BENCH_VIDEO: "1" },
  stdout: "null",
  stderr: "inherit",
}).spawn();

/** CPU seconds and resident MiB of the robot (proc_pid_stat(5), proc_pid_status(5)). */
function usage(): { cpuS: number; rssMiB: number } {
  const stat = Deno.readTextFileSync(`/proc/${robot.pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const status = Deno.readTextFileSync(`/proc/${robot.pid}/status`);
  return {
    cpuS: (Number(fields[11]) + Number(fields[12])) / 100,
    rssMiB: Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024,
  };
}

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

/** A viewer to whom video is sent, and who does not look. */
async function watch(): Promise<{ conn: RTCConnection }> {
  const conn = new RTCConnection({ rtcConfiguration: { iceServers: [] } });
  conn.video.offerToReceive(1);
  const offer = await conn.getLocalDescription();
  const response = await fetch(`http://127.0.0.1:${PORT}/connect`, {
    method: "POST",
    body: JSON.stringify(offer),
  });
  await conn.setRemoteDescription(await response.json());
  await conn.onReady();
  return { conn };
}

async function measure(seconds: number): Promise<{ corePercent: number; rssMiB: number }> {
  const before = usage(), startMs = performance.now();
  await pause(seconds * 1000);
  const after = usage(), tookS = (performance.now() - startMs) / 1000;
  return { corePercent: 100 * (after.cpuS - before.cpuS) / tookS, rssMiB: after.rssMiB };
}

try {
  for (let i = 0; i < 100; i++) {
    await pause(100);
    if ((await fetch(`http://127.0.0.1:${PORT}/`).catch(() => null)) !== null) break;
  }
  const viewers: Awaited<ReturnType<typeof watch>>[] = [];
  let alone = 0, none = 0;
  for (const count of values.viewers.split(",").map(Number)) {
    while (viewers.length < count) viewers.push(await watch());
    await pause(SETTLE_MS);
    const { corePercent, rssMiB } = await measure(Number(values.seconds));
    if (count === 0) none = corePercent;
    if (count === 1) alone = corePercent;
    const further = count > 1 ? (corePercent - alone) / (count - 1) / 30 * 10 : NaN;
    console.log(
      `${String(count).padStart(3)} viewers: ${corePercent.toFixed(1)} % of a core` +
        ` (${(corePercent - none).toFixed(1)} for viewers), ${rssMiB.toFixed(0)} MiB` +
        (count > 1 ? `, ${further.toFixed(2)} ms CPU a frame for each further one` : ""),
    );
  }
  await Promise.all(viewers.map(({ conn }) => conn.close()));
} finally {
  robot.kill();
  await robot.status;
}
Deno.exit();
