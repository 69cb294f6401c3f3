import assert from "node:assert/strict";
import { matters, parseComplaints } from "../../scripts/check_docs.ts";

const OUTPUT = `error[missing-jsdoc]: exported symbol is missing JSDoc documentation
  --> /p/lib/errors.ts:2:21
   | 
 2 |   override readonly name: string = "DeviceMissing";
   |                     ^

error[private-type-ref]: public type 'connectRoute' references private type 'Context'
   --> /p/lib/a.ts:40:1
   |

error: Found 2 documentation lint errors.
`;

function complaint(code: string, message = "", line = 1) {
  return { code, message, path: "a.ts", line };
}

Deno.test("parseComplaints() reads what deno doc --lint prints", () => {
  assert.deepEqual(parseComplaints(OUTPUT), [
    {
      code: "missing-jsdoc",
      message: "exported symbol is missing JSDoc documentation",
      path: "/p/lib/errors.ts",
      line: 2,
    },
    {
      code: "private-type-ref",
      message: "public type 'connectRoute' references private type 'Context'",
      path: "/p/lib/a.ts",
      line: 40,
    },
  ]);
});

Deno.test("matters() wants doc comments, but not where one is inherited", () => {
  const source =
    "export class A {\n  override close(): void {}\n  constructor(b: C) {}\n  open(): void {}";
  const lines = [1, 2, 3, 4].map((line) => matters(complaint("missing-jsdoc", "", line), source));
  assert.deepEqual(lines, [true, false, false, true]);
});

Deno.test("matters() wants our own types exported, but not a package's or the house's", () => {
  const source = 'import type { Context } from "@hono/hono";\nimport { Peer } from "./peer.ts";';
  const about = (member: string, type: string) =>
    matters(
      complaint("private-type-ref", `public type '${member}' references private type '${type}'`),
      source,
    );
  assert.equal(about("connectRoute", "Context"), false);
  assert.equal(about("A.prototype.peer", "Peer"), true);
  assert.equal(about("A.prototype._attach", "Peer"), false);
  assert.equal(about("A.prototype.b", "Declared"), true);
});
