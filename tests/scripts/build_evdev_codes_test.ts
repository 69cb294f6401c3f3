import assert from "node:assert/strict";
import {
  EVDEV_CODES,
  EVDEV_EVENT_TYPES,
  EVDEV_HEADER_DIGEST,
} from "../../lib/wire/evdev_codes.generated.ts";
import { parseHeader, problems, render } from "../../scripts/build_evdev_codes.ts";

const HEADER = `
#define EV_KEY			0x01
#define KEY_RESERVED		0
#define KEY_ESC			1   /* a comment */
#define BTN_MISC		0x100
#define BTN_0			0x100
#define BTN_SOUTH		0x130
#define BTN_A			BTN_SOUTH
#define KEY_MAX			0x2ff
#define KEY_CNT			(KEY_MAX+1)
#define INPUT_PROP_POINTER		0x00
`;

Deno.test("parseHeader() takes codes, not ranges, and a number's own name before its others", () => {
  const { types, codes } = parseHeader(HEADER);
  assert.deepEqual(types, { EV_KEY: 1 });
  assert.deepEqual(Object.entries(codes), [
    ...[["KEY_RESERVED", 0], ["KEY_ESC", 1], ["BTN_0", 0x100], ["BTN_SOUTH", 0x130]],
    ["BTN_A", 0x130],
  ]);
});

Deno.test("problems() accepts older and newer headers, and none", () => {
  const pinned = parseHeader(HEADER);
  const text = render(pinned);
  assert.deepEqual(problems(text, pinned, pinned), []);
  assert.deepEqual(problems(text, pinned, null), []);
  const newer = parseHeader(HEADER + "#define KEY_NEW 0x2aa\n");
  assert.deepEqual(problems(text, pinned, newer), []);
  const older = parseHeader(HEADER.replace(/.*BTN_A.*\n/, ""));
  assert.deepEqual(problems(text, pinned, older), []);
});

Deno.test("problems() sees an edited file and a number that contradicts", () => {
  const pinned = parseHeader(HEADER);
  const edited = render(pinned).replace("KEY_ESC: 0x1", "KEY_ESC: 0x2");
  assert.match(problems(edited, pinned, null).join(), /is not what the script makes/);
  const other = parseHeader(HEADER.replace("KEY_ESC			1", "KEY_ESC			7"));
  assert.match(problems(render(pinned), pinned, other).join(), /KEY_ESC is 1 .* and 7 in/);
});

Deno.test("the generated names are what the script makes of themselves", async () => {
  const file = new URL("../../lib/wire/evdev_codes.generated.ts", import.meta.url);
  const pinned = {
    digest: EVDEV_HEADER_DIGEST,
    types: EVDEV_EVENT_TYPES,
    codes: EVDEV_CODES,
  };
  assert.deepEqual(problems(await Deno.readTextFile(file), pinned, null), []);
});
