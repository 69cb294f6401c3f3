/**
 * Opens shared libraries. Nothing here runs on import: a library is opened when something first needs
 * it, and what cannot be opened is a {@linkcode LibraryMissing} that names the package to install.
 */

import { LibraryMissing } from "../lib/errors.ts";

/** The systems whose libraries we know how to name; other Unixes are tried as if they were Linux. */
export type LibraryHost = "linux" | "darwin" | "windows";

/** Where a library may be found and how people get it. */
export interface LibrarySpec {
  /** What people call it, such as `libvpx`. */
  readonly name: string;
  /** File names or paths for each system, tried in this order. */
  readonly candidates: Readonly<Record<LibraryHost, readonly string[]>>;
  /** How it is got on each system, as it ends the sentence "...; ". */
  readonly install: Readonly<Record<LibraryHost, string>>;
}

/** The system we run on, in the words of {@linkcode LibrarySpec}. */
export function libraryHost(): LibraryHost {
  const os = Deno.build.os;
  return os === "darwin" || os === "windows" ? os : "linux";
}

/**
 * The C library: glibc, or musl's.
 *
 * @param elsewhere what to say on other systems, and where macOS has one that will do
 */
export function cLibrary(
  elsewhere: {
    readonly darwin: string;
    readonly windows: string;
    readonly darwinPaths?: readonly string[];
    /** What it is called when what it is wanted for says more. */
    readonly name?: string;
  },
): LibrarySpec {
  const { darwin, windows, darwinPaths = [], name = "the C library" } = elsewhere;
  const linux = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1", "libc.so"];
  return {
    name,
    candidates: { linux, darwin: darwinPaths, windows: [] },
    install: {
      linux: "this system's libc is neither glibc nor musl, please report which it is",
      ...{ darwin, windows },
    },
  };
}

/** `name` in the two folders where Homebrew keeps libraries (Apple silicon, Intel), then by itself. */
export function homebrewPaths(...names: string[]): string[] {
  return names.flatMap((name) => [`/opt/homebrew/lib/${name}`, `/usr/local/lib/${name}`, name]);
}

/**
 * Opens the first candidate that loads and has all the symbols.
 *
 * @param spec where to look, and what to say when it is not there
 * @param symbols the functions wanted; one that newer versions added is `optional: true`
 * @param options.host the system to look for, for tests
 * @throws {LibraryMissing} when no candidate can be used
 * @throws {Deno.errors.NotCapable} when `--allow-ffi` was not given, exactly as Deno throws it
 */
export function openLibrary<const S extends Deno.ForeignLibraryInterface>(
  spec: LibrarySpec,
  symbols: S,
  options: { host?: LibraryHost } = {},
): Deno.DynamicLibrary<S> {
  const host = options.host ?? libraryHost();
  // One question for the whole permission instead of one for each file name that is tried.
  if (Deno.permissions.querySync({ name: "ffi" }).state === "prompt") {
    Deno.permissions.requestSync({ name: "ffi" });
  }
  let unusable: { candidate: string; error: Error } | undefined;
  let last: unknown;
  for (const candidate of spec.candidates[host]) {
    try {
      return Deno.dlopen(candidate, symbols);
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable) throw error;
      last = error;
      if (error instanceof Error && !isNotFound(error)) unusable ??= { candidate, error };
    }
  }
  const state = unusable
    ? `"${unusable.candidate}" is here but cannot be used (${unusable.error.message.trim()})`
    : "not found on this machine";
  throw new LibraryMissing(`Cannot load ${spec.name}: ${state}; ${spec.install[host]}`, {
    cause: unusable?.error ?? last,
  });
}

/** dlopen(3) has no error codes, only sentences: glibc's, musl's, dyld's and Windows' for "no file". */
function isNotFound(error: Error): boolean {
  return /No such file|no such file|not found|could not be found|os error 126/i.test(
    error.message,
  ) &&
    !/symbol/i.test(error.message);
}
