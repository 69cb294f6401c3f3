import assert from "node:assert/strict";
import { describe, readTree } from "../../scripts/check_rooms.ts";
import { checkTree, roomOf } from "../../scripts/rooms/check.ts";
import { TOP_LEVEL } from "../../scripts/rooms/rules.ts";
import { scan } from "../../scripts/rooms/scan.ts";

const IMPORT_MAP = {
  "rtcbot": "./mod.ts",
  "rtcbot/testing": "./lib/testing.ts",
  "@hono/hono": "npm:hono@4.13.19",
  "werift": "npm:werift@0.25.2",
  "serialport": "npm:serialport@13.0.0",
};

/** What is said about a small tree, without the notes, each as "path:line what". */
function broken(sources: Record<string, string>, topLevel = [...TOP_LEVEL, ".ci"]): string[] {
  return findings(sources, topLevel).filter(({ note }) => !note)
    .map(({ path, line, what }) => `${path}:${line} ${what}`);
}

function findings(sources: Record<string, string>, topLevel = [...TOP_LEVEL]) {
  return checkTree({
    topLevel,
    sources: new Map(Object.entries(sources)),
    importMap: IMPORT_MAP,
  });
}

Deno.test("checkTree() is content with a house in order", () => {
  assert.deepEqual(
    broken({
      "mod.ts": 'export * from "./lib/media/frame.ts";',
      "lib/errors.ts": "export class RtcbotError extends Error {}",
      "lib/media/frame.ts": 'import { RtcbotError } from "../errors.ts";\nimport "./pixels.ts";',
      "lib/media/pixels.ts": 'import type { Sink } from "../subscriptions/types.ts";',
      "lib/subscriptions/types.ts": "export interface Sink {}",
      "lib/connection/peer_werift.ts":
        'const w = await import("werift"); import "../../ffi/libc.ts";',
      "lib/connection/werift_socket.ts": 'import "../../ffi/libc.ts"; import "./peer.ts";',
      "lib/connection/peer.ts": 'export type A = import("./peer_werift.ts").B;',
      "lib/devices/serial.ts": 'import { SerialPort } from "serialport"; import "node:fs";',
      "lib/signaling/service.ts": 'import { cors } from "@hono/hono/cors";',
      "lib/testing.ts": 'export * from "./testing/robot.ts";',
      "lib/testing/robot.ts": 'import "../codecs/codec.ts"; import "../../ffi/fakes/v4l2.ts";',
      "ffi/vpx.ts": 'import "./loader.ts"; import "../lib/errors.ts";',
      "tutorials/04_remote.ts":
        'import { Hono } from "@hono/hono"; import "rtcbot"; import "rtcbot/testing";',
      "tests/any_test.ts":
        'import "werift"; import "../ffi/vpx.ts"; import "npm:tool@1.2.3"; setTimeout(() => {}, Date.now());',
    }),
    [],
  );
});

Deno.test("checkTree() finds each forbidden import with its line", () => {
  const cases: [path: string, source: string, expected: string][] = [
    ["lib/errors.ts", '\nimport "./media/a.ts";', "2 errors may not import media (./media/a.ts)"],
    [
      "lib/media/a.ts",
      '// x\n\nexport * from "../devices/camera.ts";',
      "3 media may not import devices (../devices/camera.ts)",
    ],
    ["lib/wire/a.ts", 'import {\n  readFile,\n} from "node:fs";', "3 wire may not import node:fs"],
    ["ffi/a.ts", 'import "../lib/media/a.ts";', "1 ffi may not import media (../lib/media/a.ts)"],
    [
      "lib/devices/a.ts",
      'import "../connection/a.ts";',
      "1 devices may not import connection (../connection/a.ts)",
    ],
    [
      "lib/connection/a.ts",
      'import "../devices/a.ts";',
      "1 connection may not import devices (../devices/a.ts)",
    ],
    [
      "lib/connection/a.ts",
      'import "../../ffi/libc.ts";',
      "1 connection may not import ffi (../../ffi/libc.ts)",
    ],
    ["lib/connection/a.ts", 'await import("werift");', "1 connection may not import werift"],
    ["lib/codecs/a.ts", 'import "werift";', "1 codecs may not import werift"],
    [
      "lib/signaling/a.ts",
      'import "../connection/a.ts";',
      "1 signaling may not import connection (../connection/a.ts)",
    ],
    [
      "lib/browser/a.ts",
      'import "../media/a.ts";',
      "1 browser may not import media (../media/a.ts)",
    ],
    ["lib/media/a.ts", 'import "rtcbot";', "1 media may not import mod (rtcbot)"],
    [
      "tutorials/01_a.ts",
      'import "../lib/media/a.ts";',
      "1 tutorials may not import media (../lib/media/a.ts)",
    ],
    ["tutorials/01_a.ts", 'import "werift";', "1 tutorials may not import werift"],
    ["mod.ts", 'export * from "./ffi/vpx.ts";', "1 mod may not import ffi (./ffi/vpx.ts)"],
    [
      "lib/workers/a.ts",
      'new Worker(\n  new URL("../devices/a.ts", import.meta.url));',
      "2 workers may not import devices (../devices/a.ts)",
    ],
    [
      "lib/devices/a.ts",
      'import "left-pad";',
      '1 imports "left-pad", which deno.json does not name',
    ],
    [
      "lib/devices/a.ts",
      'import "npm:werift@0.25.2";',
      "1 names a version itself (npm:werift@0.25.2)",
    ],
    [
      "tests/a_test.ts",
      'import "jsr:@std/assert";',
      "1 imports jsr:@std/assert, which cannot be reached from every network",
    ],
    [
      "scripts/a.ts",
      'import "npm:esbuild@^0.28.2";',
      "1 names a version itself (npm:esbuild@^0.28.2)",
    ],
    ["lib/stray.ts", "", "0 belongs to no room"],
  ];
  for (const [path, source, expected] of cases) {
    assert.deepEqual(broken({ [path]: source }), [`${path}:${expected}`]);
  }
});

Deno.test("checkTree() keeps clocks, timers and Deno out of the pure rooms", () => {
  const source = [
    "const a = Date.now();",
    "const b = new Date();",
    "setTimeout(() => {}, 1);",
    "globalThis.setInterval(f, 1);",
    'Deno.readTextFileSync("x");',
    "performance.now();",
    "AbortSignal.timeout(5);",
  ].join("\n");
  for (const room of ["subscriptions", "media", "wire"]) {
    assert.deepEqual(
      findings({ [`lib/${room}/a.ts`]: source }).map(({ line, what }) => `${line} ${what}`),
      [
        `1 ${room} may not use Date.now`,
        `2 ${room} may not use new Date()`,
        `3 ${room} may not use a timer`,
        `4 ${room} may not use a timer`,
        `5 ${room} may not use Deno.*`,
        `6 ${room} may not use performance.now`,
        `7 ${room} may not use AbortSignal.timeout`,
      ],
    );
  }
  assert.deepEqual(findings({ "lib/devices/a.ts": source }), []);
});

Deno.test("checkTree() does not take comments, strings and other names for code", () => {
  assert.deepEqual(
    broken({
      "lib/media/a.ts": [
        "/** Give it `Date.now()`; never Deno.open().",
        ' * import { Camera } from "../devices/camera.ts"; */',
        'const text = "setTimeout(() => {})";',
        'const template = `Deno.exit ${clock.setTimeout} import "werift" ${`Date.now`}`;',
        "const quote = /[\"'`]/; const half = a / 2; // Deno.cwd()",
        "const at = new Date(timestampMs);",
        'const from = { from: "../devices/camera.ts" };',
      ].join("\n"),
    }),
    [],
  );
});

Deno.test("checkTree() names what is too much and too little at the top level", () => {
  const names = TOP_LEVEL.filter((name) => name !== "LICENSE");
  assert.deepEqual(broken({}, [...names, ".github", "DEVIATIONS.md"]), [
    "DEVIATIONS.md:0 does not belong at the top level",
    "LICENSE:0 is missing at the top level",
  ]);
});

Deno.test("checkTree() wants exact versions in the import map", () => {
  const importMap = {
    "a": "npm:a@^1.2.3",
    "b": "npm:b@1",
    "c": "npm:@s/c@1.2.3/sub",
    "d": "./d.ts",
  };
  assert.deepEqual(
    checkTree({ topLevel: TOP_LEVEL, sources: new Map(), importMap }).map(({ what }) => what),
    [
      'does not say the exact version of "a" (npm:a@^1.2.3)',
      'does not say the exact version of "b" (npm:b@1)',
    ],
  );
});

Deno.test("checkTree() only mentions a long file, unless its head says why", () => {
  const long = "let a;\n".repeat(301);
  const [note] = findings({ "lib/media/a.ts": long });
  assert.equal(note?.what, "has 301 lines");
  assert.equal(note?.note, true);
  assert.deepEqual(findings({ "lib/media/a.ts": `/** Long because a table is. */\n${long}` }), []);
  assert.deepEqual(findings({ "tests/a_test.ts": long }), []);
});

Deno.test("checkTree() leaves generated files to what generates them", () => {
  const source = 'import "../devices/a.ts"; Date.now();';
  assert.deepEqual(broken({ "lib/media/a.ts": `// Generated by scripts/b.ts.\n${source}` }), []);
  assert.deepEqual(broken({ "lib/media/a_generated.ts": source }), []);
});

Deno.test("roomOf() gives the engine's files to the engine, and only those", () => {
  assert.equal(roomOf("lib/connection/peer_werift.ts")?.name, "engine");
  assert.equal(roomOf("lib/connection/werift_ice.ts")?.name, "engine");
  assert.equal(roomOf("lib/connection/peer.ts")?.name, "connection");
  assert.equal(roomOf("lib/connection/deep/werift_ice.ts")?.name, "connection");
});

Deno.test("scan() keeps code at its place", () => {
  const source = 'a /* b */ + "c" + `d${e + `${f}`}g` // h\n/i/.test(j)';
  const { code } = scan(source);
  assert.equal(code.length, source.length);
  assert.equal(code.replaceAll(/\s+/g, ""), "a++e+f.test(j)");
  assert.equal(code.indexOf("e +"), source.indexOf("e +"));
});

Deno.test("scan() survives source that is cut off anywhere", () => {
  const source = 'import a from "./a.ts"; const b = `x${/[/`]/.test("\\"")}y`; /* c */ export {};';
  for (let end = 0; end <= source.length; end++) {
    assert.equal(scan(source.slice(0, end)).code.length, end);
  }
});

Deno.test("describe() says where, what and how to mend it", () => {
  const [finding] = findings({ "lib/browser/a.ts": '\nimport "../media/a.ts";' });
  assert.equal(
    describe(finding!),
    "lib/browser/a.ts:2: browser may not import media (../media/a.ts);\n" +
      "    it runs in the page, and what comes from elsewhere makes the page's script larger",
  );
});

Deno.test("readTree() finds the sources and the import map of a project on disk", async () => {
  const root = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${root}/lib/media`, { recursive: true });
    await Deno.mkdir(`${root}/lib/node_modules`);
    await Deno.writeTextFile(`${root}/deno.json`, '{ "imports": { "a": "npm:a@1.2.3" } }');
    await Deno.writeTextFile(`${root}/lib/media/a.ts`, "x");
    await Deno.writeTextFile(`${root}/lib/node_modules/b.ts`, "x");
    await Deno.writeTextFile(`${root}/mod.ts`, "y");
    const tree = await readTree(root);
    assert.deepEqual([...tree.topLevel].sort(), ["deno.json", "lib", "mod.ts"]);
    assert.deepEqual([...tree.sources].sort(), [["lib/media/a.ts", "x"], ["mod.ts", "y"]]);
    assert.deepEqual(tree.importMap, { a: "npm:a@1.2.3" });
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
