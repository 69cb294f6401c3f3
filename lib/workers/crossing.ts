/** How values and errors cross from one thread or process to another. */

/**
 * An end of a Node `MessageChannel`, used by its web interface. Not by Node's `on`, and not a worker's own
 * `postMessage`: in Deno 2.9 both walk through every element of what they carry, 0.3 s for a picture of 1 MB.
 */
export type Port = MessagePort & { ref(): void; unref(): void };

/** An error as plain data. */
export interface PackedError {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
}

/** Errors that stay of their own class; all others arrive as an `Error` with their name. */
const STANDARD = { EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };

/** The text of {@linkcode packError} goes into the worker, so it uses nothing from outside. */
export function packError(thrown: unknown): PackedError {
  if (!(thrown instanceof Error)) return { name: "Error", message: String(thrown), stack: "" };
  const { name, message, stack } = thrown;
  return { name, message, stack: stack ?? "" };
}

/** The error that was packed: its class where it is a standard one, its name, message and stack. */
export function unpackError({ name, message, stack }: PackedError): Error {
  const Class = STANDARD[name as keyof typeof STANDARD] ?? Error;
  const error = new Class(message);
  if (error.name !== name) Object.defineProperty(error, "name", { value: name });
  // A module made from text has its whole text for an address.
  if (stack !== "") error.stack = stack.replaceAll(/data:[^\s)]+?(?=:\d+:\d+|[\s)])/g, "worker");
  return error;
}

/**
 * Says of a missing variable why it is missing: only the text of a function goes to another thread.
 * Other errors are returned as they are.
 */
export function explainMissingVariable(error: Error): Error {
  const name = error instanceof ReferenceError && /^(\S+) is not defined$/.exec(error.message)?.[1];
  if (!name) return error;
  return new ReferenceError(
    `Cannot run the function in a worker: it uses "${name}", which is outside of it; ` +
      `hand it in with the value, import it inside, or give the URL of a module instead`,
    { cause: error },
  );
}
