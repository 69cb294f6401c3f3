/** Which programs are here. */
import { isOnPath } from "./access.ts";
import type { Finding, Mend } from "./finding.ts";

/** A program that does not end by then is not waited for. */
const TIMEOUT_MS = 10_000;

/** What became of a program that was asked for something. */
export interface Said {
  /** `refused`: it may not be run. */
  readonly state: "ran" | "absent" | "refused";
  /** What it printed, also as errors. */
  readonly text: string;
}

/** Runs a program to its end. */
export type Run = (command: string, args: string[]) => Promise<Said>;

/** Runs a program of this machine; one that does not end is ended. */
export const runProgram: Run = async (command, args) => {
  if (Deno.permissions.querySync({ name: "run", command }).state !== "granted") {
    // What was allowed and is not here is, to Deno, not allowed.
    const sought = Deno.build.os !== "windows" &&
      Deno.permissions.querySync({ name: "ffi" }).state === "granted";
    return { state: sought && !isOnPath(command) ? "absent" : "refused", text: "" };
  }
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const { stdout, stderr } = await new Deno.Command(command, {
      ...{ args, signal, stdin: "null", stdout: "piped", stderr: "piped" },
    }).output();
    const text = new TextDecoder();
    return { state: "ran", text: text.decode(stdout) + text.decode(stderr) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { state: "absent", text: "" };
    throw error;
  }
};

interface Program {
  readonly name: string;
  readonly use: string;
  /** Any of these will do. @default {the name} */
  readonly commands?: readonly string[];
  /** @default {"--version"} */
  readonly option?: string;
  readonly mend: Mend;
}

const SETUP: Mend = { setup: "test" };

/** What robots use. */
const FOR_ROBOTS: readonly Program[] = [
  {
    ...{ name: "ffmpeg", use: "files, network cameras, recording", option: "-version" },
    mend: { apt: "ffmpeg", brew: "ffmpeg" },
  },
];

/** What only the tests use. */
const FOR_TESTS: readonly Program[] = [
  {
    ...{ name: "chromium", use: "the page" },
    mend: { ...SETUP, brew: "--cask chromium" },
    commands: ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
  },
  { name: "pulseaudio", use: "sound", mend: SETUP },
  { name: "Xvfb", use: "windows", option: "-help", mend: SETUP },
  { name: "avr-gcc", use: "sketches for the Arduino", mend: SETUP },
  { name: "qemu-system-avr", use: "an Arduino to run them", mend: SETUP },
  // These start as services that listen, so setup.sh installs them in CI only.
  { name: "turnserver", use: "relays", mend: { apt: "coturn", brew: "coturn" } },
  {
    name: "redis-server",
    use: "robots behind several servers",
    mend: { apt: "redis-server", brew: "redis" },
  },
];

/** Programs that robots use. */
export function programs(run: Run = runProgram): Promise<Finding[]> {
  return Promise.all(FOR_ROBOTS.map((program) => examine(program, run)));
}

/** Programs that only the tests use. */
export function testPrograms(run: Run = runProgram): Promise<Finding[]> {
  return Promise.all(FOR_TESTS.map((program) => examine(program, run)));
}

/** Asks the program for its version. */
async function examine(program: Program, run: Run): Promise<Finding> {
  const { name, use, commands = [name], option = "--version", mend } = program;
  let refused: string | undefined;
  for (const command of commands) {
    const { state, text } = await run(command, [option]);
    if (state === "refused") refused ??= command;
    if (state !== "ran") continue;
    const version = /\d+\.\d+(?:\.\d+)*/.exec(text)?.[0] ?? "yes";
    return { name, use, state: "here", detail: version };
  }
  if (refused === undefined) return { name, use, state: "missing", detail: "not found", mend };
  return { name, use, state: "unknown", detail: `not looked: needs --allow-run=${refused}` };
}
