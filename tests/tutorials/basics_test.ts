/** The scripts of tutorial 1, on a screen of their own. */
import assert from "node:assert/strict";
import { eventually, near } from "../contract/display_contract.ts";
import { screenTest } from "../devices/screen.ts";
import { startXvfb, X11User } from "../devices/x11.ts";
import { headOf, permissions } from "./harness.ts";

const ROOT = new URL("../../", import.meta.url);

interface Expected {
  readonly windows: readonly string[];
  readonly grey?: boolean;
  /** What it prints before its windows are closed. */
  readonly first?: RegExp;
  /** All that it prints. */
  readonly all: RegExp;
}

/** Runs a script with its fake camera, looks at its windows, and closes them. */
function windowTest(script: string, { windows, grey, first, all }: Expected): void {
  screenTest(`tutorials/${script} shows the camera, and ends with its windows`, async () => {
    await using xvfb = await startXvfb();
    const user = new X11User(xvfb.display);
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--no-prompt", ...permissions(headOf(script)).split(" ")],
        ...[`tutorials/${script}`, "--fake"],
      ],
      env: { NO_COLOR: "1", DISPLAY: xvfb.display, WAYLAND_DISPLAY: "", SDL_VIDEODRIVER: "" },
      ...{ cwd: ROOT, stdin: "null", stdout: "piped", stderr: "piped" },
    }).spawn();
    let said = "";
    const heard = (async () => {
      for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) said += text;
    })();
    const problems = new Response(child.stderr).text();
    try {
      if (first !== undefined) {
        await eventually(`${script} prints ${first}`, () => first.test(said));
      }
      for (const title of windows) {
        let window: string | undefined;
        await eventually(`the third bar in "${title}"`, async () => {
          [window] = await user.windows(title);
          if (window === undefined) return false;
          await user.xdotool("windowraise", window);
          const [width, height] = await user.size(window);
          const color = (await user.see(window))(width * 5 / 16, height / 4);
          return near(color, grey ? [134, 134, 134] : [0, 191, 191]); // cyan
        });
        user.close(window!);
      }
    } catch (error) {
      child.kill();
      await child.status;
      throw new Error(await problems, { cause: error });
    } finally {
      await heard;
    }
    const { code } = await child.status;
    assert.equal(code, 0, await problems);
    assert.match(said, all);
  });
}

windowTest("01_video.ts", { windows: ["Camera"], all: /^frame 1: 640x480\n/ });
windowTest("01_subscriptions.ts", {
  windows: ["Fetched"],
  first: /^Sixty frames fetched/, // so that what is seen after that is the display's own fetching
  all: /^Sixty frames fetched.*\n$/,
});
windowTest("01_two_windows.ts", {
  windows: ["Large", "Small"],
  all: /^(A window was closed\n){2}$/,
});
windowTest("01_black_and_white.ts", { windows: ["Black and white"], grey: true, all: /^$/ });
