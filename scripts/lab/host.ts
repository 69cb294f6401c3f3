/** What the lab wants of the machine that it runs on. */

/** A reason why the lab cannot run, in a sentence for people. */
export class LabError extends Error {
  override readonly name = "LabError";
}

/** Runs a program to its end and gives what it printed. */
export async function run(
  program: string,
  args: readonly string[],
  options: { cwd?: string } = {},
): Promise<string> {
  const text = new TextDecoder();
  try {
    const { success, stdout, stderr } = await new Deno.Command(program, {
      args: [...args],
      ...options,
      env: { DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).output();
    if (success) return text.decode(stdout);
    const lines = text.decode(stderr).trim().split("\n").slice(-5).join("\n");
    throw new LabError(`Cannot make the lab: "${program} ${args.join(" ")}" failed:\n${lines}`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new LabError(
      `Cannot make the lab: there is no ${program} here; it needs Debian or Ubuntu`,
    );
  }
}

/** Runs apt-get as root. */
export async function apt(...args: string[]): Promise<void> {
  const all = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120", ...args];
  if (Deno.uid() === 0) return void await run(all[0]!, all.slice(1));
  await run("sudo", ["-n", ...all]).catch((cause) => {
    throw new LabError(
      `Cannot make the lab: you are not root, and sudo asks for a password; run: sudo ${
        ["apt-get", ...args].join(" ")
      }`,
      { cause },
    );
  });
}

/** Whether a program is on PATH. */
export function has(program: string): boolean {
  return (Deno.env.get("PATH") ?? "").split(":").some((folder) => {
    try {
      return Deno.statSync(`${folder}/${program}`).isFile;
    } catch {
      return false;
    }
  });
}

/** Refuses machines whose programs the lab's processor could not run, and gets QEMU where it is missing. */
export async function prepareHost(say: (line: string) => void): Promise<void> {
  const { os, arch } = Deno.build;
  if (os !== "linux" || arch !== "x86_64") {
    throw new LabError(`Cannot run the lab on ${os} ${arch}: it needs Linux on x86_64`);
  }
  if (has("qemu-system-x86_64")) return;
  if (!has("apt-get")) {
    throw new LabError(
      "Cannot run the lab: there is no qemu-system-x86_64 and no apt-get to get it with; install QEMU",
    );
  }
  say("Installing qemu-system-x86 ...");
  const install = ["install", "-y", "--no-install-recommends", "qemu-system-x86"];
  try {
    await apt(...install);
  } catch {
    await apt("update");
    await apt(...install);
  }
}
