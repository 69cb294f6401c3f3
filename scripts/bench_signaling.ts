/**
 * What the signaling service costs: robots that wait, and viewers that join them, on loopback.
 *
 *     deno run -A scripts/bench_signaling.ts [robots=1000] [joins a second=50] [seconds=10]
 *
 * The service runs in a process of its own; robots and viewers share this one, so that what is measured
 * as the relay's time has their part in it too.
 */
import { readFileSync } from "node:fs";
import { SUBPROTOCOL } from "../lib/signaling/protocol.ts";

const [robots = 1000, joinsPerSecond = 50, seconds = 10] = Deno.args.map(Number);
const OFFER = JSON.stringify({ type: "offer", sdp: "v=0\r\n".padEnd(6600, "x") });
/** Deno's client sends a frame of more than 1024 bytes in two parts, the second after up to 40 ms (Nagle). */
const ANSWER = { type: "answer", sdp: "v=0\r\n".padEnd(800, "y") };
/** getconf CLK_TCK, the same on every Linux. */
const TICKS_PER_SECOND = 100;

const service = new Deno.Command(Deno.execPath(), {
  args: [
    "run",
    "--allow-net",
    new URL("./signaling.ts", import.meta.url).pathname,
    ...["--port", "0", "--quiet", "--stun", "none", "--trust-proxy", "1"],
    ...["--robots", String(robots), "--requests", String(10 * (robots + joinsPerSecond))],
  ],
  stdout: "piped",
  stderr: "inherit",
}).spawn();

async function portOf(stdout: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  let text = "";
  for await (const part of stdout.pipeThrough(new TextDecoderStream())) {
    const port = /:(\d+)\/<id>/.exec(text += part)?.[1];
    if (port) return port;
  }
  throw new Error(`The service did not start: ${text}`);
}

/** User and system time of the service so far, in seconds. */
function cpuSeconds(): number {
  const fields = readFileSync(`/proc/${service.pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

function residentMb(): number {
  const kb = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${service.pid}/status`, "utf8"))?.[1];
  return Math.round(Number(kb) / 1024);
}

function waitingRobot(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url, [SUBPROTOCOL]);
  return new Promise((resolve, reject) => {
    socket.onerror = (event) => reject(new Error((event as ErrorEvent).message));
    socket.onopen = () => {
      socket.send(JSON.stringify({ type: "hello", secret: crypto.randomUUID() }));
    };
    socket.onmessage = ({ data }) => {
      const { type, id } = JSON.parse(data);
      if (type === "welcome") resolve(socket);
      if (type === "offer") socket.send(JSON.stringify({ type: "answer", id, answer: ANSWER }));
    };
  });
}

async function join(url: string): Promise<number> {
  const began = performance.now();
  const reply = await fetch(url, { method: "POST", body: OFFER });
  await reply.text();
  if (!reply.ok) throw new Error(`HTTP ${reply.status}`);
  return performance.now() - began;
}

const sockets: WebSocket[] = [];
try {
  const host = `127.0.0.1:${await portOf(service.stdout)}`;
  const emptyMb = residentMb();
  let cpu = cpuSeconds();
  while (sockets.length < robots) {
    const some = Math.min(50, robots - sockets.length);
    const made = Array.from(
      { length: some },
      (_, i) => waitingRobot(`ws://${host}/robot${sockets.length + i}`),
    );
    sockets.push(...await Promise.all(made));
  }
  console.log(
    `${robots} robots wait: ${emptyMb} → ${residentMb()} MB, ` +
      `${((cpuSeconds() - cpu) / robots * 1000).toFixed(2)} ms CPU each to come`,
  );
  const joins: Promise<number>[] = [];
  const began = performance.now();
  cpu = cpuSeconds();
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const due = Math.min(seconds, (performance.now() - began) / 1000) * joinsPerSecond;
      while (joins.length < due) joins.push(join(`http://${host}/robot${joins.length % robots}`));
      if (joins.length < seconds * joinsPerSecond) return;
      clearInterval(timer);
      resolve();
    }, 5);
  });
  const times = (await Promise.all(joins)).sort((a, b) => a - b);
  const took = (performance.now() - began) / 1000;
  const at = (part: number) => times[Math.min(times.length - 1, Math.floor(part * times.length))]!;
  const used = cpuSeconds() - cpu;
  console.log(
    `${times.length} joins in ${took.toFixed(1)} s: p50 ${at(0.5).toFixed(1)} ms, ` +
      `p99 ${at(0.99).toFixed(1)} ms, slowest ${at(1).toFixed(1)} ms; ` +
      `CPU ${(used / took * 100).toFixed(0)} % of a core (${
        (used / times.length * 1000).toFixed(2)
      } ms a join); ${residentMb()} MB`,
  );
} finally {
  for (const socket of sockets) socket.close();
  service.kill("SIGTERM");
  await service.status;
}
