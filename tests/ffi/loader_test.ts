import assert from "node:assert/strict";
import { libraryHost, type LibrarySpec, openLibrary } from "../../ffi/loader.ts";
import { LibraryMissing } from "../../lib/errors.ts";

const names = (...list: string[]) => ({ linux: list, darwin: list, windows: list });
const said = (text: string) => ({ linux: text, darwin: text, windows: text });
const INSTALL = 'install it with "sudo apt install libnosuch1"';
const libc = { linux: "libc.so.6", darwin: "/usr/lib/libSystem.B.dylib", windows: "msvcrt.dll" };

Deno.test("openLibrary() names the package when no candidate is here", () => {
  const spec: LibrarySpec = {
    name: "libnosuch",
    candidates: names("libnosuch.so.2", "libnosuch.so.1"),
    install: said(INSTALL),
  };
  assert.throws(() => openLibrary(spec, {}), (error) => {
    assert(error instanceof LibraryMissing);
    assert.equal(
      error.message,
      `Cannot load libnosuch: not found on this machine; ${INSTALL}`,
    );
    assert(error.cause instanceof Error);
    return true;
  });
});

Deno.test("openLibrary() tells a library that cannot be used from one that is not here", () => {
  const file = libc[libraryHost()];
  const spec: LibrarySpec = {
    name: "libnosuch",
    candidates: names("libnosuch.so.2", file),
    install: said(INSTALL),
  };
  assert.throws(
    () => openLibrary(spec, { no_such_symbol_at_all: { parameters: [], result: "i32" } }),
    (error) =>
      error instanceof LibraryMissing &&
      error.message.startsWith(`Cannot load libnosuch: "${file}" is here but cannot be used (`) &&
      error.message.includes("no_such_symbol_at_all"),
  );
});

Deno.test("openLibrary() goes on to the next candidate", () => {
  const spec: LibrarySpec = {
    name: "the C library",
    candidates: names("libnosuch.so.2", libc[libraryHost()]),
    install: said(INSTALL),
  };
  const library = openLibrary(spec, { abs: { parameters: ["i32"], result: "i32" } });
  assert.equal(library.symbols.abs(-7), 7);
  library.close();
});

Deno.test({
  name: "openLibrary() rethrows a refused permission as it is",
  permissions: { ffi: false },
  fn() {
    const spec: LibrarySpec = { name: "x", candidates: names("libx.so"), install: said(INSTALL) };
    assert.throws(() => openLibrary(spec, {}), Deno.errors.NotCapable);
  },
});
