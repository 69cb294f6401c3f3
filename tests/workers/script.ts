/** Runs a script with exactly these permissions, to its end. */

const LIB = new URL("../../lib", import.meta.url).href;
const DEADLINE_MS = 60_000;

/** How it went. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `<lib>` in the source stands for the address of lib/. A script that hangs is killed: code 137. */
export async function runScript(source: string, flags: readonly string[]): Promise<Outcome> {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(file, source.replaceAll("<lib>", LIB));
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", "--cached-only", ...flags, file],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
  const killer = setTimeout(() => child.kill("SIGKILL"), DEADLINE_MS);
  try {
    const { code, stdout, stderr } = await child.output();
    const text = new TextDecoder();
    return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
  } finally {
    clearTimeout(killer);
    await Deno.remove(file);
  }
}
