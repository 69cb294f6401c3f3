/**
 * Reads as much of a TypeScript source as the import rules need: what it imports and where, and its code
 * with comments, strings and regular expressions blanked out. Pure, and forgiving: half-written code gives
 * what can be seen of it. Not a parser on purpose: the rules must work offline and on files that do not
 * compile yet, where `deno info` gives up.
 */

/** One `import`, `export … from`, `import()` or `new URL(…, import.meta.url)`. */
export interface ImportFound {
  /** As written: `./frame.ts`, `werift`, `node:path`. */
  readonly specifier: string;
  /** From 1. */
  readonly line: number;
}

/** What {@linkcode scan} saw. */
export interface Scanned {
  readonly imports: readonly ImportFound[];
  /** The source, character for character at its place, with all that is not code as spaces. */
  readonly code: string;
}

/**
 * After one of these a `/` begins a regular expression, after anything else it divides. At the beginning of a
 * line it begins one here: the formatter puts a division at the end.
 */
const BEFORE_REGEXP =
  /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|do|else|in|of|void|delete|throw|await|yield))\s*$|\n[ \t]*$/;

/** The shapes in which a module names another, looked for where `"` stands in the blanked code. */
const NAMES_A_MODULE = /(?:\bfrom|\bimport|\bimport\s*\(|\bnew\s+URL\s*\(|\bimport\s+type)\s*$/;

/** Splits a source into code and the rest. */
export function scan(source: string): Scanned {
  const out = source.split("");
  const imports: ImportFound[] = [];
  /** Depth of braces at which each open template's `${` began. */
  const templates: number[] = [];
  let depth = 0;
  let i = 0;

  const blank = (from: number, to: number) => {
    for (let k = from; k < Math.min(to, source.length); k++) if (out[k] !== "\n") out[k] = " ";
  };
  const codeBefore = (at: number) => out.slice(Math.max(0, at - 200), at).join("");
  /** Blanks template text from `i` to its end or to the next `${`. */
  const templateText = (from: number) => {
    let k = from;
    while (k < source.length && source[k] !== "`" && !source.startsWith("${", k)) {
      k += source[k] === "\\" ? 2 : 1;
    }
    if (source.startsWith("${", k)) {
      templates.push(depth++);
      blank(from, k + 2);
      return k + 2;
    }
    blank(from, k + 1);
    return k + 1;
  };

  while (i < source.length) {
    const c = source[i];
    const start = i;
    if (source.startsWith("//", i) || (i === 0 && source.startsWith("#!"))) {
      const end = source.indexOf("\n", i);
      i = end < 0 ? source.length : end;
      blank(start, i);
    } else if (source.startsWith("/*", i)) {
      const end = source.indexOf("*/", i + 2);
      i = end < 0 ? source.length : end + 2;
      blank(start, i);
    } else if (c === '"' || c === "'") {
      i++;
      while (i < source.length && source[i] !== c && source[i] !== "\n") {
        i += source[i] === "\\" ? 2 : 1;
      }
      i++;
      const before = codeBefore(start);
      const shape = NAMES_A_MODULE.exec(before);
      const asUrl = /new\s+URL/.test(shape?.[0] ?? "");
      if (shape && (!asUrl || isModuleUrl(source, start, i))) {
        const line = source.slice(0, start).split("\n").length;
        imports.push({ specifier: source.slice(start + 1, i - 1), line });
      }
      blank(start, i);
    } else if (c === "`") {
      blank(i, i + 1);
      i = templateText(i + 1);
    } else if (c === "}" && templates.at(-1) === depth - 1) {
      depth = templates.pop()!;
      blank(i, i + 1);
      i = templateText(i + 1);
    } else if (c === "/" && BEFORE_REGEXP.test(codeBefore(i))) {
      i = endOfRegexp(source, i);
      blank(start, i);
    } else {
      if (c === "{") depth++;
      if (c === "}") depth--;
      i++;
    }
  }
  return { imports, code: out.join("") };
}

/** `new URL("./x.ts", import.meta.url)` names a module, `new URL("..", import.meta.url)` only a place. */
function isModuleUrl(source: string, from: number, to: number): boolean {
  return /\.[mc]?[jt]sx?.$/.test(source.slice(from, to)) &&
    /^\s*,\s*import\.meta\.url/.test(source.slice(to));
}

function endOfRegexp(source: string, from: number): number {
  let inClass = false;
  let i = from + 1;
  for (; i < source.length && source[i] !== "\n"; i++) {
    const c = source[i];
    if (c === "\\") i++;
    else if (c === "[") inClass = true;
    else if (c === "]") inClass = false;
    else if (c === "/" && !inClass) return i + 1;
  }
  return i;
}
