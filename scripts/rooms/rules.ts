/**
 * The rooms of the house and who may import whom: bytes at the bottom, hardware and network as two towers
 * that never touch, `mod.ts` on top. This table is the rule; `check_rooms.ts` only applies it.
 */

/** A part of the tree with one set of rules. A file belongs to the first room that has it. */
export interface Room {
  readonly name: string;
  /** Paths from the root; one that ends in `/` is a folder with all in it, `*` stands for any name. */
  readonly files: readonly string[];
  /** Rooms it may import besides itself; `"*"` is any. */
  readonly imports: readonly string[];
  /** npm packages it may import, by their names in deno.json's import map; `"*"` is any. */
  readonly packages?: readonly string[];
  /** Takes bytes and time as arguments: no `Deno`, no clock, no timer, no `node:`. */
  readonly pure?: true;
  /** For a person who broke the rule: why it is so and where the code could go instead. */
  readonly instead: string;
}

const PURE =
  "it is pure: pass what it needs in as an argument, or move the code to the room that has it";

/** All rooms, the special files of a folder before the folder. */
export const ROOMS: readonly Room[] = [
  {
    name: "errors",
    files: ["lib/errors.ts"],
    imports: [],
    pure: true,
    instead: "everybody imports it, so it imports nobody",
  },
  {
    name: "subscriptions",
    files: ["lib/subscriptions/"],
    imports: ["errors", "media", "wire"],
    pure: true,
    instead: PURE,
  },
  {
    name: "media",
    files: ["lib/media/"],
    imports: ["errors", "subscriptions", "wire"],
    pure: true,
    instead: PURE,
  },
  {
    name: "wire",
    files: ["lib/wire/"],
    imports: ["errors", "subscriptions", "media"],
    pure: true,
    instead: PURE,
  },
  {
    name: "ffi",
    files: ["ffi/"],
    imports: ["errors"],
    instead:
      "it only speaks C: give it numbers and bytes, and keep the meaning in codecs or devices",
  },
  {
    name: "workers",
    files: ["lib/workers/"],
    imports: ["errors", "subscriptions"],
    instead: "it moves any user's code off the event loop and so knows none of it",
  },
  {
    name: "codecs",
    files: ["lib/codecs/"],
    imports: ["errors", "media", "ffi"],
    instead: "it turns frames into chunks and back; who sends them is not its business",
  },
  {
    name: "devices",
    files: ["lib/devices/"],
    imports: ["errors", "subscriptions", "media", "wire", "codecs", "ffi", "workers"],
    packages: ["serialport", "node-hid"],
    instead: "hardware and network never touch: let the user join them with putSubscription()",
  },
  {
    name: "engine",
    files: ["lib/connection/peer_werift.ts", "lib/connection/werift_*.ts"],
    imports: ["errors", "connection", "subscriptions", "media", "wire", "codecs", "ffi"],
    packages: ["werift"],
    instead: "hardware and network never touch: it gets frames and bytes through peer.ts",
  },
  {
    name: "connection",
    files: ["lib/connection/"],
    imports: ["errors", "engine", "subscriptions", "media", "wire", "codecs"],
    instead:
      "hardware and network never touch, and werift and ffi stay in peer_werift.ts and werift_*.ts beneath peer.ts",
  },
  {
    name: "browser",
    files: ["lib/browser/"],
    // Both are pure, so they run in the page too, and both ends speak one definition of the wire.
    imports: ["errors", "wire"],
    instead: "it runs in the page, and what comes from elsewhere makes the page's script larger",
  },
  {
    name: "signaling",
    files: ["lib/signaling/"],
    imports: ["errors", "subscriptions", "wire", "browser"],
    packages: ["@hono/hono", "redis"],
    instead: "it passes descriptions on and never opens one: take what it needs as an argument",
  },
  {
    name: "testing",
    files: ["lib/testing.ts", "lib/testing/"],
    imports: [
      ...["errors", "subscriptions", "media", "wire", "workers", "codecs", "devices", "connection"],
      ...["signaling", "ffi"],
    ],
    instead: "it is a product built on the public files, without npm packages of its own",
  },
  {
    name: "mod",
    files: ["mod.ts"],
    imports: [
      ...["errors", "subscriptions", "media", "wire", "workers", "codecs", "devices", "connection"],
      ...["signaling", "browser"],
    ],
    instead: "it re-exports public files of lib/ and has no logic",
  },
  {
    name: "tutorials",
    files: ["tutorials/"],
    imports: ["mod", "testing"],
    // A reader's own robot serves its page with Hono, so the tutorials do.
    packages: ["@hono/hono"],
    instead: 'a reader copies it: import "rtcbot", "rtcbot/testing" and "@hono/hono" as they would',
  },
  { name: "tests", files: ["tests/"], imports: ["*"], packages: ["*"], instead: "" },
  { name: "scripts", files: ["scripts/"], imports: ["*"], packages: ["*"], instead: "" },
];

/** What pure rooms may not say, and why. */
export const IMPURE: readonly { readonly pattern: RegExp; readonly what: string }[] = [
  { pattern: /\bDeno\s*\./g, what: "Deno.*" },
  { pattern: /\bDate\s*\.\s*now\b/g, what: "Date.now" },
  { pattern: /\bnew\s+Date\s*(?:\(\s*\)|(?=[;,)\s]))/g, what: "new Date()" },
  { pattern: /\bperformance\s*\.\s*now\b/g, what: "performance.now" },
  {
    pattern: /(?:(?<![.\w])|\bglobalThis\.)set(?:Timeout|Interval|Immediate)\b(?!\s*[?:])/g,
    what: "a timer",
  },
  { pattern: /\bAbortSignal\s*\.\s*timeout\b/g, what: "AbortSignal.timeout" },
];

/** All that may stand at the top level; names that begin with a dot may as well. */
export const TOP_LEVEL: readonly string[] = [
  ...["mod.ts", "deno.json", "lib", "ffi", "tutorials", "tests", "scripts", "README.md"],
  ...["LICENSE", "CHANGELOG.md", "deno.lock"],
];

/** Longer files are mentioned unless their head says why, in a comment with the words {@linkcode LONG_BECAUSE}. */
export const LONG_FILE_LINES = 300;
/** What the head of a long file says before its reason. */
export const LONG_BECAUSE = "Long because";
