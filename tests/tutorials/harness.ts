/**
 * Runs the tutorials' scripts as a reader would: with the permissions that their heads name and no others.
 */
import assert from "node:assert/strict";

const ROOT = new URL("../../", import.meta.url);
const FOLDER = new URL("tutorials/", ROOT);
/** A cold start transpiles the whole library. */
const START_DEADLINE_MS = 30_000;

/** The text of a file in `tutorials/`. */
export function read(name: string): string {
  return Deno.readTextFileSync(new URL(name, FOLDER));
}

/** Whether the script has a page, and so takes `--port`. */
export function servesPage(script: string): boolean {
  return headOf(script).includes("--port");
}

/** The line of a script's head that says how it is run. */
export function headOf(script: string): string {
  const head = /^\/\/\s+(deno run .*)$/m.exec(read(script))?.[1];
  assert.ok(head, `${script} has no line "//     deno run …" at its head`);
  assert.ok(
    head.includes(`tutorials/${script}`),
    `${script} says how another script is run: ${head}`,
  );
  return head;
}

/** Everything between `deno run` and the script. */
export function permissions(line: string): string {
  return /^deno run (.*?) ?tutorials\//.exec(line)?.[1] ?? "";
}

/** Hides the sound of the machine that the tests run on: its server, and the cards of the kernel. */
export const WITHOUT_SOUND = { PULSE_SERVER: "unix:/nowhere", ALSA_CONFIG_PATH: "/nowhere" };

/** The script with its arguments, under exactly the permissions that its head names. */
export function command(
  script: string,
  args: string[],
  env: Record<string, string> = {},
): Deno.Command {
  const allowed = permissions(headOf(script)).split(" ");
  return new Deno.Command(Deno.execPath(), {
    // Not --quiet, which would keep the address from us.
    args: ["run", "--no-prompt", ...allowed, `tutorials/${script}`, ...args],
    cwd: ROOT,
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

/** A script that runs on a port of its own, ended with the block. */
export interface Running extends AsyncDisposable {
  /** Of the page that it serves; "" when it serves none. */
  readonly address: string;
  /** All that it has said so far. */
  output(): string;
  /** Resolves when it has said so. */
  printed(what: RegExp): Promise<RegExpExecArray>;
}

/** Starts a script, with `--fake` if it has that and `--port 0` if it serves a page, and waits until it does. */
export async function start(script: string, more: string[] = []): Promise<Running> {
  const fake = headOf(script).includes("--fake") ? ["--fake"] : [];
  const serves = servesPage(script);
  const child = command(script, [...fake, ...(serves ? ["--port", "0"] : []), ...more]).spawn();
  let said = "";
  const waiting = new Set<() => void>();
  const hear = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      said += text;
      for (const look of waiting) look();
    }
  };
  const heard = Promise.all([hear(child.stdout), hear(child.stderr)]);
  const printed = async (what: RegExp) => {
    const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
    const fail = (why: string) => reject(new Error(`${script} ${why}; it said:\n${said}`));
    const look = () => {
      const found = what.exec(said);
      if (found) resolve(found);
    };
    const late = setTimeout(() => fail(`did not print ${what}`), START_DEADLINE_MS);
    heard.then(() => fail("ended"));
    waiting.add(look);
    look();
    return await promise.finally(() => {
      clearTimeout(late);
      waiting.delete(look);
    });
  };
  const stop = async () => {
    try {
      child.kill();
    } catch {
      // it has ended by itself
    }
    await heard;
    await child.status;
  };
  try {
    const port = serves ? (await printed(/Listening on http:\/\/\S+:(\d+)\//))[1] : null;
    const address = port === null ? "" : `http://localhost:${port}/`;
    return { address, printed, output: () => said, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
