/**
 * Says which libraries and programs are here, what each is for, and the one line that gets the rest. Looks
 * only where it was allowed to, and says where it was not.
 *
 *     deno task doctor
 */

import { LibraryMissing } from "../lib/errors.ts";
import { type LibrarySpec, openLibrary } from "../ffi/loader.ts";
import { LIBAVCODEC } from "../ffi/avcodec.ts";
import { LIBOPUS } from "../ffi/opus.ts";
import { LIBVPX } from "../ffi/vpx.ts";
import { LIBYUV } from "../ffi/yuv.ts";

/** What was found out about one thing. */
export interface Finding {
  readonly name: string;
  /** What it is for, in a few words. */
  readonly use: string;
  /** `unknown`: nobody was allowed to look. */
  readonly state: "here" | "missing" | "unknown";
  /** Its version, or what stands in the way. */
  readonly detail: string;
  /** Without it there is no video at all. */
  readonly required?: boolean;
}

interface Library {
  readonly spec: LibrarySpec;
  readonly use: string;
  readonly required?: boolean;
  /** A function without arguments that tells the version as three bytes of an int, if it has one. */
  readonly versionSymbol?: string;
}

const LIBRARIES: readonly Library[] = [
  {
    spec: LIBVPX,
    use: "VP8 video, in the demo and every robot with a camera",
    required: true,
    versionSymbol: "vpx_codec_version",
  },
  {
    spec: LIBYUV,
    use: "quick pixels; without it TypeScript does the same, slower",
  },
  { spec: LIBOPUS, use: "sound on connections" },
  { spec: LIBAVCODEC, use: "H.264 video; VP8 does without" },
];

interface Program {
  readonly name: string;
  readonly use: string;
  /** Any of these will do. */
  readonly commands: readonly string[];
  readonly versionOption: string;
}

const PROGRAMS: readonly Program[] = [
  {
    name: "ffmpeg",
    use: "files, network cameras, recording",
    commands: ["ffmpeg"],
    versionOption: "-version",
  },
  {
    name: "chromium",
    use: "tests in a browser",
    commands: ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
    versionOption: "--version",
  },
];

/** Opens the library, as the project does when it needs it, and closes it again. */
function examineLibrary({ spec, use, required, versionSymbol }: Library): Finding {
  const finding = { name: spec.name, use, required: required ?? false };
  if (Deno.permissions.querySync({ name: "ffi" }).state !== "granted") {
    return { ...finding, state: "unknown", detail: "not looked: needs --allow-ffi" };
  }
  try {
    const symbols: Deno.ForeignLibraryInterface = versionSymbol
      ? { [versionSymbol]: { parameters: [], result: "i32" } }
      : {};
    const library = openLibrary(spec, symbols);
    const calls = library.symbols as Record<string, () => number>;
    const version = versionSymbol ? calls[versionSymbol]!() : undefined;
    library.close();
    const detail = version === undefined
      ? "yes"
      : [version >> 16, version >> 8 & 0xff, version & 0xff].join(".");
    return { ...finding, state: "here", detail };
  } catch (error) {
    if (!(error instanceof LibraryMissing)) throw error;
    const unusable = /cannot be used \((.*)\)/.exec(error.message)?.[1];
    return { ...finding, state: "missing", detail: unusable ?? "not found" };
  }
}

/** Asks the program for its version. */
async function examineProgram({ name, use, commands, versionOption }: Program): Promise<Finding> {
  let refused: string | undefined;
  for (const command of commands) {
    // Before running: for a program that is not allowed *and* not there Deno says the one or the other.
    if (Deno.permissions.querySync({ name: "run", command }).state !== "granted") {
      refused ??= command;
      continue;
    }
    try {
      const { stdout } = await new Deno.Command(command, {
        args: [versionOption],
        stderr: "null",
        stdin: "null",
      }).output();
      const version = /\d+\.\d+(?:\.\d+)*/.exec(new TextDecoder().decode(stdout))?.[0] ?? "yes";
      return { name, use, state: "here", detail: version };
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return refused === undefined
    ? { name, use, state: "missing", detail: "not found" }
    : { name, use, state: "unknown", detail: `not looked: needs --allow-run=${refused}` };
}

/** How the reader gets what is missing, in one line; empty when it is not to be had. */
export function howToGet(missing: readonly string[], os: typeof Deno.build.os): string {
  if (os === "linux") return "sh scripts/setup.sh test";
  if (os === "darwin") {
    // Homebrew has no libyuv, and it can be done without.
    return missing.filter((name) => name !== "libyuv").map((name) =>
      `brew install ${name === "chromium" ? "--cask " : ""}${name}`
    )
      .join(" && ");
  }
  return `install ${missing.join(", ")} and put them on the PATH`;
}

/** All findings as the reader sees them. */
export function report(
  findings: readonly Finding[],
  options: { os: typeof Deno.build.os; color?: boolean },
): string {
  const paint = (code: number, text: string) =>
    options.color ? `\x1b[${code}m${text}\x1b[0m` : text;
  const marks = { here: paint(32, "✓"), missing: paint(31, "✗"), unknown: paint(33, "?") };
  const nameWidth = Math.max(...findings.map(({ name }) => name.length));
  const detailWidth = Math.max(...findings.map(({ detail }) => detail.length));
  const lines = findings.map(({ name, use, state, detail }) =>
    `  ${marks[state]} ${paint(1, name.padEnd(nameWidth))}  ${detail.padEnd(detailWidth)}  ${
      paint(2, use)
    }`.trimEnd()
  );
  const missing = findings.filter(({ state }) => state === "missing").map(({ name }) => name);
  const unknown = findings.some(({ state }) => state === "unknown");
  const line = missing.length ? howToGet(missing, options.os) : "";
  if (line) lines.push("", "To get what is missing:", `  ${paint(36, line)}`);
  if (unknown) {
    lines.push("", `To look everywhere:`, `  ${paint(36, "deno task doctor")}`);
  }
  if (!missing.length && !unknown) lines.push("", "All is here: sh scripts/demo.sh shows a robot.");
  return lines.join("\n");
}

if (import.meta.main) {
  const findings: Finding[] = [
    { name: "Deno", use: Deno.build.target, state: "here", detail: Deno.version.deno },
    ...LIBRARIES.map(examineLibrary),
    ...await Promise.all(PROGRAMS.map(examineProgram)),
  ];
  console.log(report(findings, { os: Deno.build.os, color: !Deno.noColor }));
  if (findings.some(({ state, required }) => required && state === "missing")) Deno.exit(1);
}
