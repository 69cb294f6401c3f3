/**
 * The whole gate, quickest first: what `deno task ok` runs and what CI runs. Every step runs even when an
 * earlier one failed, so that one look shows all there is to mend. A step says nothing when it is well.
 *
 *     deno task ok              everything
 *     deno task ok --no-tests   everything but the tests
 */

import { dirname } from "node:path";

/** One thing that must hold. */
interface Step {
  readonly name: string;
  /** What it does, as a program and its arguments; `deno` is the one that runs this. */
  readonly command: readonly string[];
  /** How to mend the usual failure. */
  readonly mend: string;
  /** Files that must exist, else the step is passed over: the step belongs to a file that may come later. */
  readonly needs?: readonly string[];
  /** Shows its output as it comes: for what takes long. */
  readonly live?: true;
}

const PUBLIC = ["mod.ts", "lib/testing.ts"];

/** lib/browser is left out: its examples are for the page, which has other types and no import map. */
const EXAMPLES = `set -e
  deno check --quiet --doc mod.ts lib/[!b]* ffi
  deno check --quiet --doc-only README.md
  deno test --quiet --doc --no-prompt lib/errors.ts lib/subscriptions lib/media lib/wire`;

/** shellcheck where it is installed; elsewhere at least whether the shells can read the scripts. */
const SHELL = `set -e
  if command -v shellcheck >/dev/null
  then shellcheck -x -P scripts scripts/*.sh .ci/run
  else for f in scripts/*.sh; do sh -n "$f"; done; bash -n .ci/run
  fi`;

const STEPS: readonly Step[] = [
  { name: "format", command: ["deno", "fmt", "--check"], mend: "deno fmt" },
  { name: "lint", command: ["deno", "lint"], mend: "deno lint --fix does some of it" },
  {
    name: "rooms",
    command: ["deno", "run", "--no-prompt", "--allow-read=.", "scripts/check_rooms.ts"],
    mend: "each line above says what to do instead",
  },
  {
    name: "generated files",
    command: ["deno", "run", "-A", "scripts/build_browser.ts", "--check"],
    needs: ["scripts/build_browser.ts"],
    mend: "deno run -A scripts/build_browser.ts, and commit what it made",
  },
  {
    name: "shell scripts",
    command: ["sh", "-c", SHELL],
    mend: "each line above says what to do",
  },
  {
    name: "types",
    command: ["deno", "check", "--quiet"],
    mend: "each line above names a place",
  },
  {
    name: "input codes",
    command: ["deno", "run", "-A", "scripts/build_evdev_codes.ts", "--check"],
    mend: "deno run -A scripts/build_evdev_codes.ts, and commit what it made",
  },
  {
    name: "examples",
    // Those in the pure rooms' doc comments run, without any permission; the others are type-checked.
    command: ["sh", "-c", EXAMPLES],
    needs: PUBLIC,
    mend: "the API has moved on: bring the example in the doc comment or in README.md along",
  },
  {
    name: "docs",
    command: [
      ...["deno", "run", "--quiet", "--no-prompt", "--allow-read=.", "--allow-run=deno"],
      ...["--allow-env=NO_COLOR", "scripts/check_docs.ts"],
    ],
    needs: PUBLIC,
    mend: "give every exported thing a doc comment and explicit types",
  },
  {
    name: "publishing",
    command: ["deno", "publish", "--quiet", "--dry-run", "--allow-dirty", "--no-check"],
    needs: PUBLIC,
    mend:
      "write return types and types of exported constants out, so that readers need not infer them",
  },
  {
    name: "import asks nothing",
    // The bottom promise of the house: importing needs no permission and opens nothing.
    command: ["sh", "-c", "deno run --no-prompt mod.ts && deno run --no-prompt lib/testing.ts"],
    needs: PUBLIC,
    mend: "load libraries, werift and files on first use, not on import",
  },
  {
    name: "tests",
    command: ["sh", "scripts/test.sh"],
    mend: "sh scripts/test.sh --filter NAME runs one",
    live: true,
  },
];

const paint = (code: number, text: string) => Deno.noColor ? text : `\x1b[${code}m${text}\x1b[0m`;
const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

/** Runs one step; true when it held. */
async function run(step: Step): Promise<boolean> {
  const missing = step.needs?.find((path) => !exists(path));
  if (missing) {
    console.log(`${paint(33, "-")} ${step.name.padEnd(20)} ${paint(2, `no ${missing} yet`)}`);
    return true;
  }
  if (step.live) console.log(`\n${step.name}:`);
  const [program, ...args] = step.command;
  const started = performance.now();
  const stdio = step.live ? "inherit" : "piped";
  const child = await new Deno.Command(program === "deno" ? Deno.execPath() : program!, {
    args,
    env: { PATH: `${dirname(Deno.execPath())}:${Deno.env.get("PATH")}` },
    stdin: "null",
    stdout: stdio,
    stderr: stdio,
  }).output();
  const took = paint(2, seconds(performance.now() - started));
  if (child.success) {
    console.log(`${paint(32, "✓")} ${step.name.padEnd(20)} ${took}`);
    return true;
  }
  console.log(`${paint(31, "✗")} ${step.name.padEnd(20)} ${took}`);
  if (!step.live) {
    const decoder = new TextDecoder();
    console.log(`${decoder.decode(child.stdout)}${decoder.decode(child.stderr)}`.trim());
  }
  console.log(paint(33, `  to mend: ${step.mend}`));
  return false;
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

if (import.meta.main) {
  const unknown = Deno.args.find((arg) => arg !== "--no-tests");
  if (unknown !== undefined) {
    console.error(`Cannot run the gate: it has no option "${unknown}"; there is only --no-tests`);
    Deno.exit(2);
  }
  const steps = STEPS.filter(({ name }) => !(Deno.args.includes("--no-tests") && name === "tests"));
  const started = performance.now();
  const failed: string[] = [];
  for (const step of steps) if (!await run(step)) failed.push(step.name);
  const took = seconds(performance.now() - started);
  console.log(
    failed.length
      ? paint(31, `\nNot ok after ${took}: ${failed.join(", ")}.`)
      : paint(32, `\nAll ${steps.length} steps ok in ${took}.`),
  );
  if (failed.length) Deno.exit(1);
}
