/**
 * Checks who imports whom (`scripts/rooms/rules.ts`), what stands at the top level, and that exact versions
 * are named. Exits 1 when a rule is broken; long files are only mentioned.
 *
 *     deno run --allow-read=. scripts/check_rooms.ts
 */

import { join } from "node:path";
import { checkTree, type Finding, type Tree } from "./rooms/check.ts";

const SOURCE = /\.(?:ts|tsx|js|mjs)$/;
/** Where code is; nothing else is read. */
const FOLDERS = ["lib", "ffi", "tutorials", "tests", "scripts"];

/** Reads what the checker wants to know of the project at `root`. */
export async function readTree(root: string): Promise<Tree> {
  const topLevel: string[] = [];
  const sources = new Map<string, string>();
  const folder = async (path: string) => {
    for await (const entry of Deno.readDir(join(root, path))) {
      const inner = `${path}/${entry.name}`;
      if (entry.isDirectory && entry.name !== "node_modules") await folder(inner);
      else if (SOURCE.test(entry.name)) {
        sources.set(inner, await Deno.readTextFile(join(root, inner)));
      }
    }
  };
  for await (const entry of Deno.readDir(root)) {
    topLevel.push(entry.name);
    if (entry.isDirectory && FOLDERS.includes(entry.name)) await folder(entry.name);
    else if (entry.isFile && SOURCE.test(entry.name)) {
      sources.set(entry.name, await Deno.readTextFile(join(root, entry.name)));
    }
  }
  const config = JSON.parse(await Deno.readTextFile(join(root, "deno.json")));
  return { topLevel, sources, importMap: config.imports ?? {} };
}

/** One finding as a person reads it. */
export function describe({ path, line, what, mend, note }: Finding): string {
  const place = line ? `${path}:${line}` : path;
  return `${note ? "note: " : ""}${place}: ${what};\n    ${mend}`;
}

if (import.meta.main) {
  const tree = await readTree(".");
  const findings = checkTree(tree);
  const broken = findings.filter((finding) => !finding.note);
  for (const finding of findings) console.log(describe(finding));
  console.log(
    broken.length
      ? `\n${broken.length} ${
        broken.length === 1 ? "rule" : "rules"
      } broken; the rules are in scripts/rooms/rules.ts`
      : `${tree.sources.size} files keep to their rooms.`,
  );
  if (broken.length) Deno.exit(1);
}
