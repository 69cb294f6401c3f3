/** Puts `pi_command.ts` where the Pi's commands would be. */

import type { PiScenario } from "./pi_command.ts";

/** A folder with commands, gone at the end of the block. */
export interface PiStandIn extends AsyncDisposable {
  /** Their paths, in the order in which `PiCamera` shall try them. */
  readonly commands: readonly string[];
  /** The arguments of each run so far. */
  runs(): string[];
}

const SCRIPT = new URL("./pi_command.ts", import.meta.url).pathname;

/** Makes the commands. @param names those that are on this Pi */
export async function piStandIn(
  scenario: PiScenario = {},
  names: readonly string[] = ["rpicam-vid"],
): Promise<PiStandIn> {
  const folder = await Deno.makeTempDir();
  const log = `${folder}/runs.txt`;
  await Deno.writeTextFile(log, "");
  for (const name of names) {
    const path = `${folder}/${name}`;
    await Deno.writeTextFile(
      path,
      `#!/bin/sh\necho "${name} $*" >> "${log}"\n` +
        `exec "${Deno.execPath()}" run -A --no-check --quiet "${SCRIPT}" ` +
        `'${JSON.stringify(scenario)}' ${name} "$@"\n`,
    );
    await Deno.chmod(path, 0o755);
  }
  return {
    commands: ["rpicam-vid", "libcamera-vid", "raspivid"].map((name) => `${folder}/${name}`),
    runs: () => Deno.readTextFileSync(log).split("\n").filter((line) => line !== ""),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}
