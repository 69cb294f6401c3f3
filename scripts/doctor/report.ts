/** All findings as the reader sees them. */
import type { Finding, Group } from "./finding.ts";

/** Where it is read. */
export interface ReportOptions {
  readonly os: typeof Deno.build.os;
  readonly color?: boolean;
}

const MARKS = {
  here: [32, "✓"],
  none: [2, "–"],
  missing: [31, "✗"],
  denied: [31, "✗"],
  unknown: [33, "?"],
} as const;
/** A name that is longer stands alone in its way. */
const NAME_WIDTH = 16;
/** Sentences of errors can be long. */
const DETAIL_WIDTH = 200;

/** The whole text. */
export function report(groups: readonly Group[], { os, color = false }: ReportOptions): string {
  const paint = (code: number, text: string) => color ? `\x1b[${code}m${text}\x1b[0m` : text;
  const lines: string[] = [];
  for (const { title, findings } of groups) {
    lines.push(paint(1, title));
    const detailWidth = Math.max(...findings.map(({ use, detail }) => use ? detail.length : 0));
    for (const { name, state, detail, use } of findings) {
      const [code, mark] = MARKS[state];
      const quiet = state === "none" || state === "unknown";
      const words = (detail.length > DETAIL_WIDTH ? `${detail.slice(0, DETAIL_WIDTH)}…` : detail)
        .padEnd(use ? detailWidth : 0);
      lines.push(
        `  ${paint(code, mark)} ${name.padEnd(NAME_WIDTH)} ${quiet ? paint(2, words) : words}` +
          (use ? `  ${paint(2, use)}` : ""),
      );
    }
    lines.push("");
  }
  const all = groups.flatMap(({ findings }) => findings);
  const mends = howToMend(all, os);
  if (mends.length > 0) {
    lines.push("To mend it:", ...mends.map((line) => `  ${paint(36, line)}`));
  } else if (all.some(({ state }) => state === "unknown")) {
    lines.push("To look everywhere:", `  ${paint(36, "deno task doctor")}`);
  } else lines.push("All is well: sh scripts/demo.sh shows a robot.");
  return lines.map((line) => line.trimEnd()).join("\n");
}

/** The lines that mend what is missing or denied, the fewest that do it. */
export function howToMend(findings: readonly Finding[], os: typeof Deno.build.os): string[] {
  const wanting = findings.filter(({ state }) => state === "missing" || state === "denied");
  const each = (key: "group" | "setup" | "apt" | "brew") => [
    ...new Set(wanting.flatMap(({ mend }) => mend?.[key] ?? [])),
  ];
  if (os === "linux") {
    const [groups, setup, packages] = [each("group"), each("setup"), each("apt")];
    return [
      ...(setup.includes("test") ? ["sh scripts/setup.sh test"] : []),
      ...(setup.includes("demo") && !setup.includes("test") ? ["sh scripts/setup.sh"] : []),
      ...(packages.length > 0 ? [`sudo apt install ${packages.join(" ")}`] : []),
      ...(groups.length > 0
        ? [`sudo usermod -aG ${groups.join(",")} $USER   # and log in again`]
        : []),
    ];
  }
  if (os === "darwin") return each("brew").map((name) => `brew install ${name}`);
  if (wanting.length === 0) return [];
  return [`install ${wanting.map(({ name }) => name).join(", ")} and put them on the PATH`];
}
