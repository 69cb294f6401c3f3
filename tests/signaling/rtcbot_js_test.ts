import assert from "node:assert/strict";
import { getRTCBotJS } from "../../lib/signaling/rtcbot_js.ts";

Deno.test({
  name: "getRTCBotJS() needs no permission",
  permissions: "none",
  fn() {
    assert.ok(getRTCBotJS().startsWith("var rtcbot = (() => {"));
    assert.match(getRTCBotJS({ module: true }), /\nexport \{ [^}]*RTCConnection[^}]*\};\n$/);
  },
});

Deno.test("getRTCBotJS() gives scripts that can be parsed, and no path of a machine", () => {
  new Function(getRTCBotJS());
  for (const text of [getRTCBotJS(), getRTCBotJS({ module: true })]) {
    assert.ok(!text.includes("file:") && !text.includes(Deno.cwd()));
  }
});
