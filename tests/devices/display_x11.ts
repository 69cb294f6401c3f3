/** The tests of Display that need a screen; display_test.ts runs them on one of its own. */

import assert from "node:assert/strict";
import { Display } from "../../lib/devices/display.ts";
import { FakeDisplay } from "../../lib/testing/fake_display.ts";
import { displayContract, eventually, near, plain } from "../contract/display_contract.ts";
import { X11User } from "./x11.ts";

const user = new X11User(Deno.env.get("DISPLAY")!);

async function windowOf(title: string): Promise<string> {
  let found: string[] = [];
  await eventually(`one window "${title}"`, async () => {
    found = await user.windows(title);
    return found.length === 1;
  });
  return found[0]!;
}

displayContract("Display", {
  make: (options) => new Display(options),
  makeWithoutScreen: () => new FakeDisplay({ screen: false }), // display_test.ts tries it for real
  look: async (_, title) => {
    const window = await windowOf(title);
    await user.xdotool("windowraise", window);
    const [width, height] = await user.size(window);
    return (await user.see(window))(width / 2, height / 2);
  },
  closeByUser: async (_, title) => user.close(await windowOf(title)),
  press: async (_, title, key) => {
    const window = await windowOf(title);
    await user.xdotool("windowfocus", "--sync", window);
    await user.xdotool("key", { ArrowUp: "Up" }[key] ?? key);
  },
});

Deno.test("Display keeps the picture's proportions when the window gets another size", async () => {
  await using display = new Display({ name: "proportions" });
  display.put_nowait(plain([0, 250, 0], 200, 100));
  const window = await windowOf("proportions");
  assert.deepEqual(await user.size(window), [200, 100]);
  await user.xdotool("windowsize", window, "300", "400");
  // 300 wide and so 150 high, in the middle; nothing new was put.
  await eventually("the picture in the middle, and black above and below", async () => {
    const at = await user.see(window);
    return near(at(150, 200), [0, 250, 0]) && near(at(2, 130), [0, 250, 0]) &&
      near(at(297, 270), [0, 250, 0]) && near(at(150, 118), [0, 0, 0]) &&
      near(at(150, 282), [0, 0, 0]);
  });
});

Deno.test("Display is no larger than the screen", async () => {
  await using display = new Display({ name: "large" });
  display.put_nowait(plain([0, 0, 250], 1600, 800));
  assert.deepEqual(await user.size(await windowOf("large")), [720, 360]); // 0.9 of 800
});

Deno.test("Display shows the picture again after another window covered it", async () => {
  await using below = new Display({ name: "below" });
  below.put_nowait(plain([250, 250, 250], 120, 120));
  const window = await windowOf("below");
  await using above = new Display({ name: "above" });
  above.put_nowait(plain([250, 0, 0], 300, 300));
  await windowOf("above");
  await eventually(
    "the red window covers the white one",
    async () => near((await user.see(window))(60, 60), [250, 0, 0]),
  );
  await above.close();
  await eventually(
    "the white window is white again",
    async () => near((await user.see(window))(60, 60), [250, 250, 250]),
  );
  assert.equal(below.shown, 1);
});
