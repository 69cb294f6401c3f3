/**
 * `deno doc --lint` of the public API, less what it cannot know: that an overriding member has the doc comment
 * of what it overrides and a constructor that of its class, that members which begin with `_` are for
 * subclasses and the house, and that a package's types are documented by the package.
 *
 *     deno run --allow-read=. --allow-run=deno --allow-env=NO_COLOR scripts/check_docs.ts
 */

/** One complaint of the linter. */
export interface Complaint {
  /** Such as `missing-jsdoc`. */
  readonly code: string;
  readonly message: string;
  readonly path: string;
  /** From 1. */
  readonly line: number;
}

const PUBLIC = ["mod.ts", "lib/testing.ts"];

/** Reads the linter's output, printed without colours. */
export function parseComplaints(output: string): Complaint[] {
  // error[missing-jsdoc]: exported symbol is missing JSDoc documentation
  //   --> /the/project/lib/errors.ts:16:21
  const shape = /^error\[([\w-]+)\]: (.*)\n\s*--> (.*):(\d+):\d+$/gm;
  return [...output.matchAll(shape)].map(([, code, message, path, line]) => ({
    code: code!,
    message: message!,
    path: path!,
    line: Number(line),
  }));
}

/** Whether a reader of the documentation would miss something. */
export function matters({ code, message, line }: Complaint, source: string): boolean {
  const declaration = source.split("\n")[line - 1] ?? "";
  if (code === "missing-jsdoc") {
    return !/\boverride\b|^\s*(?:protected )?constructor\(/.test(declaration);
  }
  if (code !== "private-type-ref") return true;
  const [, member, type] = /public type '(.*)' references private type '(.*)'/.exec(message) ?? [];
  if (member === undefined || type === undefined) return true;
  const name = member.split(".").at(-1)!;
  return !name.startsWith("_") && !isFromPackage(type, source);
}

function isFromPackage(type: string, source: string): boolean {
  const imports = source.matchAll(/^import\s[^;]*?\{([^}]*)\}\s*from\s*"([^"]*)"/gm);
  return [...imports].some(([, names, specifier]) =>
    !specifier!.startsWith(".") && new RegExp(`\\b${type}\\b`).test(names!)
  );
}

if (import.meta.main) {
  const { success, stdout, stderr } = await new Deno.Command("deno", {
    args: ["doc", "--lint", ...PUBLIC],
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  const output = `${decoder.decode(stdout)}${decoder.decode(stderr)}`;
  const all = parseComplaints(output);
  if (!success && all.length === 0) {
    console.log(output);
    Deno.exit(1);
  }
  const real: Complaint[] = [];
  for (const complaint of all) {
    if (matters(complaint, await Deno.readTextFile(complaint.path))) real.push(complaint);
  }
  const root = `${Deno.cwd()}/`;
  for (const { code, message, path, line } of real) {
    console.log(`${path.replace(root, "")}:${line}: ${message} (${code})`);
  }
  console.log(real.length ? `\n${real.length} to mend` : "The public API is documented.");
  if (real.length) Deno.exit(1);
}
