import assert from "node:assert/strict";
import { within } from "../connection/pair.ts";

const ROOT = new URL("../../", import.meta.url);

Deno.test("Microphone and Speaker without --allow-ffi fail with Deno's own error, also with reopen", async () => {
  const source = `
    import { Microphone } from "${new URL("lib/devices/microphone.ts", ROOT)}";
    import { Speaker } from "${new URL("lib/devices/speaker.ts", ROOT)}";
    for (const system of ["pulse", "alsa"]) {
      for (const Device of [Microphone, Speaker]) {
        const device = new Device({ system, reopen: true });
        const error = await device.onError();
        console.log(error.name, device.closed);
      }
    }
  `;
  const { code, stdout, stderr } = await within(
    60_000,
    new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--no-prompt", "--no-check"],
        `data:text/typescript,${encodeURIComponent(source)}`,
      ],
      ...{ cwd: ROOT, env: { NO_COLOR: "1" }, stdin: "null" },
    }).output(),
    "the end of the program",
  );
  const text = new TextDecoder();
  assert.deepEqual(
    [code, text.decode(stdout), text.decode(stderr)],
    [0, "NotCapable true\n".repeat(4), ""],
  );
});
