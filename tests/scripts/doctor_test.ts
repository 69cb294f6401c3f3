import assert from "node:assert/strict";
import { type Finding, howToGet, report } from "../../scripts/doctor.ts";

const DENO: Finding = { name: "Deno", use: "x86_64", state: "here", detail: "2.9.6" };
const VPX: Finding = { name: "libvpx", use: "VP8", state: "missing", detail: "not found" };

Deno.test("report() gives the one line that gets what is missing", () => {
  assert.equal(
    report([DENO, VPX], { os: "linux" }),
    [
      "  ✓ Deno    2.9.6      x86_64",
      "  ✗ libvpx  not found  VP8",
      "",
      "To get what is missing:",
      "  sh scripts/setup.sh test",
    ].join("\n"),
  );
});

Deno.test("report() is honest about where it was not allowed to look", () => {
  const text = report([{ ...VPX, state: "unknown", detail: "not looked: needs --allow-ffi" }], {
    os: "linux",
  });
  assert.match(text, /\? libvpx {2}not looked: needs --allow-ffi/);
  assert.match(text, /deno task doctor/);
  assert.doesNotMatch(text, /setup\.sh/);
});

Deno.test("report() says what to do next when all is here", () => {
  assert.match(report([DENO], { os: "linux" }), /All is here: sh scripts\/demo\.sh/);
});

Deno.test("howToGet() names Homebrew on a Mac", () => {
  assert.equal(
    howToGet(["libvpx", "libyuv", "chromium"], "darwin"),
    "brew install libvpx && brew install --cask chromium",
  );
});

Deno.test("doctor.ts runs without any permission and asks for none", async () => {
  const script = new URL("../../scripts/doctor.ts", import.meta.url).pathname;
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", script],
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder().decode(stdout);
  assert.ok(success, text);
  assert.match(text, /\? libvpx +not looked: needs --allow-ffi/);
});
