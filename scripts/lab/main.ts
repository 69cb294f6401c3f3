/**
 * Runs tests/lab/ in a virtual machine that has the devices most machines lack: two webcams, input devices to be
 * made by uinput, a sound card that loops back, and serial ports joined in pairs: ttyS1 and ttyS2 (UART), ttyUSB0
 * and ttyUSB1 (FTDI), ttyACM0 and ttyGS0 (CDC-ACM). It sees this machine's files, but what it changes is forgotten.
 *
 *     deno task lab                                         all of tests/lab
 *     deno task lab tests/lab/camera_test.ts                these files
 *     deno task lab --filter=unplug --limit=600             `deno test` gets the options; 600 seconds for all
 *
 * The kernel and QEMU come from Debian by apt; the image is kept in ~/.cache/rtcbot-lab. The machine is emulated: it
 * boots in some 10 seconds and runs JavaScript 20 to 35 times slower. With --kvm it runs at full speed, where there is
 * a KVM that works (inside another virtual machine it often does not). Ends with the exit code of `deno test`; 124
 * when the time is over, 125 when there can be no lab.
 */
import { LabError, prepareHost } from "./host.ts";
import { prepareImage } from "./image.ts";
import { runInMachine, script } from "./machine.ts";

const ROOT = new URL("../../", import.meta.url).pathname.replace(/\/$/, "");
const DEFAULT_LIMIT_S = 900;

/** What was asked for. */
export interface Request {
  readonly limitMs: number;
  /** Whether this machine's processor runs the other's code itself. */
  readonly kvm: boolean;
  /** For `deno test`: files and options. */
  readonly args: readonly string[];
}

/** Reads the command line. */
export function parseRequest(args: readonly string[]): Request {
  const limit = args.find((arg) => arg.startsWith("--limit="));
  const limitMs = 1000 * Number(limit?.slice("--limit=".length) ?? DEFAULT_LIMIT_S);
  if (!(limitMs > 0)) {
    throw new LabError(`Cannot run the lab: ${limit} is no number of seconds; write --limit=600`);
  }
  const others = args.filter((arg) => arg !== limit && arg !== "--kvm");
  const files = others.some((arg) => !arg.startsWith("-")) ? [] : ["tests/lab/"];
  return { limitMs, kvm: args.includes("--kvm"), args: [...others, ...files] };
}

async function lab(args: readonly string[]): Promise<number> {
  const say = (line: string) => console.error(`lab: ${line}`);
  const request = parseRequest(args);
  await prepareHost(say);
  const image = await prepareImage(cacheFolder(), say);

  const test = [Deno.execPath(), "test", "--no-prompt", "--no-check", "--allow-all"];
  // Here it takes a second to compile them, there a minute.
  const { success } = await new Deno.Command(test[0]!, {
    args: [...test.slice(1), "--no-run", ...request.args],
    cwd: ROOT,
    stdin: "null",
    stdout: "null",
  }).output();
  if (!success) return 1;

  const env = { ...environment(["PATH", "HOME", "DENO_DIR", "CI"]), LABVM: "1", NO_COLOR: "1" };
  const command = script([...test, "--cached-only", ...request.args], ROOT, env);
  say("Booting ...");
  const { exitCode, timedOut, console: kernel } = await runInMachine(
    image,
    command,
    request,
  );
  if (exitCode !== null) return exitCode;
  say(
    timedOut
      ? `not done after ${request.limitMs / 1000} seconds; give it more with --limit=SECONDS`
      : `the machine ended without a result`,
  );
  say(`the kernel said last:\n${kernel}`);
  return timedOut ? 124 : 125;
}

function environment(names: readonly string[]): Record<string, string> {
  const set = names.map((name) => [name, Deno.env.get(name)] as const);
  return Object.fromEntries(
    set.filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

function cacheFolder(): string {
  const home = Deno.env.get("XDG_CACHE_HOME") || `${Deno.env.get("HOME") ?? "/var/tmp"}/.cache`;
  return `${home}/rtcbot-lab`;
}

if (import.meta.main) {
  try {
    Deno.exit(await lab(Deno.args));
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    console.error(error.message);
    Deno.exit(125);
  }
}
