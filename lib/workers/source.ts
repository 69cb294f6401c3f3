/** User code as the text of a module, which is how it gets into a worker without any permission. */

/** Code to be run elsewhere: a function that uses nothing from outside, or a module's default export. */
// deno-lint-ignore no-explicit-any -- any function at all; the classes that take one say which
export type Code = ((...args: any[]) => unknown) | URL;

/** The text of an async function that gives the user's function. */
export function loaderOf(code: Code): string {
  if (code instanceof URL) {
    // By a variable: what stands there as text would be analysed, and checked by `deno test`.
    return `async () => { const url = ${
      JSON.stringify(code.href)
    }; return (await import(url)).default; }`;
  }
  if (typeof code !== "function") {
    throw new TypeError(
      `Cannot run ${String(code)} in a worker: give a function, or the URL object of a module`,
    );
  }
  const text = `(${code})`;
  try {
    new Function(`return ${text}`); // only parses it
  } catch (cause) {
    throw new TypeError(
      `Cannot run ${
        code.name || "the function"
      } in a worker: its text cannot stand alone (it is a ` +
        `method, or native); give an arrow function or a function expression`,
      { cause },
    );
  }
  return `async () => ${text}`;
}

/** The address of a module with this text. */
export function moduleOf(text: string): URL {
  // Brackets too, so that the address ends where it ends in a line of a stack trace.
  const encoded = encodeURIComponent(text).replaceAll("(", "%28").replaceAll(")", "%29");
  return new URL(`data:application/javascript,${encoded}`);
}
